import { isBare } from "../cli/parse.ts";
import { commands } from "../cli/registry.ts";
import { type CommandName, type Config, type Setting, settings, shells } from "../cli/settings.ts";

const NAME = "apsystems-ecu-exporter";
const names = Object.keys(settings) as CommandName[];
const flagsOf = (name: CommandName): Setting<unknown>[] =>
  Object.values<Setting<unknown>>(settings[name]).filter(({ isOperand }) => !isOperand);
/** Operands that are one of a few words. */
const words: Partial<Record<CommandName, string>> = { completion: shells.join(" ") };

/** Prints the script by which a shell completes the program's commands and flags. */
export const completion = ({ shell }: Config<"completion">): void => {
  process.stdout.write(scripts[shell]());
};

/** Flags with a value end in `=`, and the shell is to set no space behind them; files complete everything else. */
const bash = (): string => `# ${NAME}: completion for bash, from: ${NAME} completion bash
_apsystems_ecu_exporter() {
  local word=\${COMP_WORDS[COMP_CWORD]} command=serve one i
  for ((i = 1; i < COMP_CWORD; i++)); do
    one=\${COMP_WORDS[i]}
    case $one in ${names.join(" | ")}) command=$one; break ;; esac
  done
  COMPREPLY=()
  case $word in
    -*)
      case $command in
${names.map((name) => `        ${name}) one='${flagsOf(name).map(spelled).join(" ")}' ;;`).join("\n")}
      esac
      COMPREPLY=($(compgen -W "$one --help" -- "$word"))
      ;;
    *)
      if [ "$COMP_CWORD" -eq 1 ]; then COMPREPLY=($(compgen -W '${[...names, "help"].join(" ")}' -- "$word"))
      else
        case $command in
${Object.entries(words)
  .map(([name, list]) => `          ${name}) COMPREPLY=($(compgen -W '${list}' -- "$word")) ;;`)
  .join("\n")}
        esac
      fi
      ;;
  esac
  case \${COMPREPLY[0]-} in *=) type compopt >/dev/null 2>&1 && compopt -o nospace 2>/dev/null ;; esac
  return 0
}
complete -o default -F _apsystems_ecu_exporter ${NAME}
`;

const spelled = (row: Setting<unknown>): string =>
  row.isSwitch ? `--${row.flag}` : `--${row.flag}=`;

const zsh = (): string => `#compdef ${NAME}
autoload -U +X compinit bashcompinit
(( $+functions[compdef] )) || compinit -u
bashcompinit
${bash()}`;

const quoted = (text: string): string =>
  `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;

const fish = (): string => {
  const first = `not __fish_seen_subcommand_from ${names.join(" ")}`;
  const help = `complete -c ${NAME} -s h -l help -d 'Print this help.'`;
  const lines = names.flatMap((name) => {
    const here =
      name === "serve"
        ? `${first}; or __fish_seen_subcommand_from serve`
        : `__fish_seen_subcommand_from ${name}`;
    const list = words[name];
    return [
      `complete -c ${NAME} -n ${quoted(first)} -f -a ${name} -d ${quoted(commands[name].about)}`,
      ...flagsOf(name).map(
        (row) =>
          `complete -c ${NAME} -n ${quoted(here)} -l ${row.flag}${isBare(row) ? "" : " -r"} -d ${quoted(row.help)}`,
      ),
      ...(list === undefined
        ? []
        : [`complete -c ${NAME} -n ${quoted(here)} -f -a ${quoted(list)}`]),
    ];
  });
  return [`# ${NAME}: completion for fish, from: ${NAME} completion fish`, help, ...lines, ""].join(
    "\n",
  );
};

const scripts: Readonly<Record<(typeof shells)[number], () => string>> = { bash, zsh, fish };
