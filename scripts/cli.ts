/** docs/cli.md, generated from the commands and their settings. */

import type { AnyCommand } from "../src/cli/command.ts";
import { commonExitCodes } from "../src/cli/help.ts";
import { commands } from "../src/cli/registry.ts";
import { envName, hasEnv, isBareSwitch, type Setting } from "../src/config/setting.ts";
import { code, table } from "./markdown.ts";

const NAME = "apsystems-ecu-exporter";
const INTRODUCTION = `# The command line

Every command, flag and exit code. In a clone of the repository, after \`npm ci && npm run build\`, start the program with
\`node dist/main.js\`; where the package is installed, with \`${NAME}\`. \`${NAME} COMMAND --help\` prints the help of a command.

An invalid value is reported in one sentence, with exit code 2, before anything is done. A flag takes precedence over its environment
variable. The result of a command goes to standard output; progress and log go to standard error.

For completion in a shell, add one of these lines to the file that the shell reads at startup (\`~/.bashrc\`, \`~/.zshrc\`,
\`~/.config/fish/config.fish\`). In a clone, \`npm link\` installs the program under the name \`${NAME}\`.

    source <(${NAME} completion bash)
    source <(${NAME} completion zsh)
    ${NAME} completion fish | source`;

const section = ({ name, summary, examples, exitCodes, settings }: AnyCommand): string => {
  const rows = Object.values(settings);
  const argument = rows.find(({ positional }) => positional);
  const flags = rows.filter(({ positional }) => !positional);
  const usage = [NAME, name, argument?.value, flags.length > 0 ? "[FLAGS]" : undefined];
  return [
    `## ${name}`,
    summary,
    `    ${usage.filter((word) => word !== undefined).join(" ")}`,
    ...(argument ? [`${code(argument.value)}: ${argument.help}`] : []),
    ...(flags.length > 0
      ? [
          table(
            ["Flag", "Variable", "Default", "Meaning"],
            flags.map((row) => [
              code(isBareSwitch(row) ? `--${row.flag}` : `--${row.flag}=${row.value}`),
              hasEnv(row) ? code(envName(row.flag)) : "",
              formatDefault(row),
              row.help,
            ]),
          ),
        ]
      : []),
    "Examples:",
    examples.map((line) => `    ${NAME} ${line}`).join("\n"),
    table(
      ["Exit code", "Meaning"],
      Object.entries({ ...commonExitCodes, ...exitCodes }).map(([number, meaning]) => [
        number,
        meaning,
      ]),
    ),
  ].join("\n\n");
};

const formatDefault = (row: Setting<unknown>): string => {
  if (isBareSwitch(row)) return "off";
  if (row.requiredMessage !== undefined) return "required";
  return row.fallback === undefined ? (row.defaultText ?? "") : code(row.fallback);
};

/** The whole page. */
export const cliPage = (): string => `${[INTRODUCTION, ...commands.map(section)].join("\n\n")}\n`;
