/** docs/cli.md, made from the tables of commands and settings. */

import { isBare, isTakenFromVariable } from "../src/cli/parse.ts";
import { commands } from "../src/cli/registry.ts";
import { type CommandName, type Setting, settings, variableOf } from "../src/cli/settings.ts";
import { code, table } from "./markdown.ts";

const NAME = "apsystems-ecu-exporter";
const INTRODUCTION = `# The command line

Every command, flag and exit code. In a clone of the repository, after \`npm ci && npm run build\`, the program is
\`node dist/main.js\`; where the package is installed, it is \`${NAME}\`. \`${NAME} COMMAND --help\` tells of a command in short.

A value that cannot be used is told in one sentence, with exit code 2, before anything is done. A flag that is given on the command
line counts more than its variable. What a command was asked for goes to standard output; everything else, progress and log, to
standard error.

To have a shell complete the name \`${NAME}\`, write one of these lines into the file that it reads at its start
(\`~/.bashrc\`, \`~/.zshrc\`, \`~/.config/fish/config.fish\`). In a clone, \`npm link\` makes the program known by this name.

    source <(${NAME} completion bash)
    source <(${NAME} completion zsh)
    ${NAME} completion fish | source`;

const exits = {
  "0": "success",
  "2": "the command line, the environment or a file that it names is wrong",
};

const section = (name: CommandName): string => {
  const { about, examples, exits: own = {} } = commands[name];
  const rows = Object.values<Setting<unknown>>(settings[name]);
  const operand = rows.find(({ isOperand }) => isOperand);
  const flags = rows.filter(({ isOperand }) => !isOperand);
  const usage = [NAME, name, operand?.value, flags.length > 0 ? "[FLAGS]" : undefined];
  return [
    `## ${name}`,
    about,
    `    ${usage.filter((word) => word !== undefined).join(" ")}`,
    ...(operand ? [`${code(operand.value)}: ${operand.help}`] : []),
    ...(flags.length > 0
      ? [
          table(
            ["Flag", "Variable", "Default", "Meaning"],
            flags.map((row) => [
              code(isBare(row) ? `--${row.flag}` : `--${row.flag}=${row.value}`),
              isTakenFromVariable(row) ? code(variableOf(row.flag)) : "",
              standing(row),
              row.help,
            ]),
          ),
        ]
      : []),
    "Examples:",
    examples.map((line) => `    ${NAME} ${line}`).join("\n"),
    table(
      ["Exit code", "Meaning"],
      Object.entries({ ...exits, ...own }).map(([number, meaning]) => [number, meaning]),
    ),
  ].join("\n\n");
};

const standing = (row: Setting<unknown>): string => {
  if (isBare(row)) return "off";
  if (row.missing !== undefined) return "required";
  return row.fallback === undefined ? (row.otherwise ?? "") : code(row.fallback);
};

/** The whole page. */
export const cliPage = (): string =>
  `${[INTRODUCTION, ...(Object.keys(settings) as CommandName[]).map(section)].join("\n\n")}\n`;
