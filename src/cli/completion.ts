/** Generates scripts that let shells complete commands and flags. */
import { isBareSwitch, type Setting } from "../config/setting.ts";
import { type AnyCommand, DEFAULT_COMMAND } from "./command.ts";

const NAME = "apsystems-ecu-exporter";

/** Supported shells. */
export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

/** The completion script of a shell. */
export const completionScript = (shell: Shell, commands: readonly AnyCommand[]): string =>
  generators[shell](commands);

const listFlags = ({ settings }: AnyCommand): Setting<unknown>[] =>
  Object.values(settings).filter(({ positional }) => !positional);

/** Possible values of a command's positional argument. */
const listWords = ({ settings }: AnyCommand): string | undefined =>
  Object.values(settings)
    .find(({ words }) => words !== undefined)
    ?.words?.join(" ");

/** Flags with a value end in `=`, and the shell adds no space after them. Other words are completed to file names. */
const bash = (commands: readonly AnyCommand[]): string => {
  const names = commands.map(({ name }) => name);
  const flagCases = commands.map(
    (command) =>
      `        ${command.name}) flags='${listFlags(command).map(formatFlag).join(" ")}' ;;`,
  );
  const wordCases = commands.flatMap((command) => {
    const words = listWords(command);
    return words === undefined
      ? []
      : [`          ${command.name}) COMPREPLY=($(compgen -W '${words}' -- "$word")) ;;`];
  });
  return `# ${NAME}: completion for bash, from: ${NAME} completion bash
_apsystems_ecu_exporter() {
  local word=\${COMP_WORDS[COMP_CWORD]} command=${DEFAULT_COMMAND} flags i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in ${names.join(" | ")}) command=\${COMP_WORDS[i]}; break ;; esac
  done
  COMPREPLY=()
  case $word in
    -*)
      case $command in
${flagCases.join("\n")}
      esac
      COMPREPLY=($(compgen -W "$flags --help" -- "$word"))
      ;;
    *)
      if [ "$COMP_CWORD" -eq 1 ]; then COMPREPLY=($(compgen -W '${[...names, "help"].join(" ")}' -- "$word"))
      else
        case $command in
${wordCases.join("\n")}
        esac
      fi
      ;;
  esac
  case \${COMPREPLY[0]-} in *=) type compopt >/dev/null 2>&1 && compopt -o nospace 2>/dev/null ;; esac
  return 0
}
complete -o default -F _apsystems_ecu_exporter ${NAME}
`;
};

const formatFlag = (row: Setting<unknown>): string =>
  row.isSwitch ? `--${row.flag}` : `--${row.flag}=`;

const zsh = (commands: readonly AnyCommand[]): string => `#compdef ${NAME}
autoload -U +X compinit bashcompinit
(( $+functions[compdef] )) || compinit -u
bashcompinit
${bash(commands)}`;

const quote = (text: string): string => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;

const fish = (commands: readonly AnyCommand[]): string => {
  const names = commands.map(({ name }) => name);
  const noCommandYet = `not __fish_seen_subcommand_from ${names.join(" ")}`;
  const lines = commands.flatMap((command) => {
    const seen = `__fish_seen_subcommand_from ${command.name}`;
    const condition = command.name === DEFAULT_COMMAND ? `${noCommandYet}; or ${seen}` : seen;
    const words = listWords(command);
    return [
      `complete -c ${NAME} -n ${quote(noCommandYet)} -f -a ${command.name} -d ${quote(command.summary)}`,
      ...listFlags(command).map(
        (row) =>
          `complete -c ${NAME} -n ${quote(condition)} -l ${row.flag}${isBareSwitch(row) ? "" : " -r"} -d ${quote(row.help)}`,
      ),
      ...(words === undefined
        ? []
        : [`complete -c ${NAME} -n ${quote(condition)} -f -a ${quote(words)}`]),
    ];
  });
  return [
    `# ${NAME}: completion for fish, from: ${NAME} completion fish`,
    `complete -c ${NAME} -s h -l help -d 'Print this help.'`,
    ...lines,
    "",
  ].join("\n");
};

const generators: Readonly<Record<Shell, (commands: readonly AnyCommand[]) => string>> = {
  bash,
  zsh,
  fish,
};
