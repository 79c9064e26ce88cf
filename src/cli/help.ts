/** The layout of the help, and its text below the list of flags. */
import { type Command, Help } from "commander";
import { envName, hasEnv, type Setting } from "../config/setting.ts";
import { wrapText } from "../text.ts";
import type { AnyCommand } from "./command.ts";

/** Width of the text below the list of flags. */
const WIDTH = 80;

/** Width of the column of flags; the meaning of a longer flag starts on the next line. */
const MAX_PAD_WIDTH = 34;

/** The width of the column of flags. */
export const limitedPadWidth = (command: Command, help: Help): number =>
  Math.min(Help.prototype.padWidth.call(help, command, help), MAX_PAD_WIDTH);

/** Formats a flag and its meaning. */
export const formatHelpItem = (
  term: string,
  width: number,
  description: string,
  help: Help,
): string => {
  const format = (shown: string): string =>
    Help.prototype.formatItem.call(help, shown, width, description, help);
  return term.length > width ? `  ${term}\n${format("")}` : format(term);
};

/** Exit codes of every command that does not describe its own. */
export const commonExitCodes = {
  "0": "success",
  "2": "the command line, the environment or a file that it names is invalid",
};

/** Formats examples that can be pasted. @param note text below the examples */
export const formatExamples = (
  program: string,
  examples: readonly string[],
  note: string,
): string => {
  const lines = examples.map((example) => `  ${program} ${example}\n`).join("");
  return `\nExamples:\n${lines}${note === "" ? "" : `\n${note}\n`}`;
};

/** Describes the exit codes and the environment variables of a command. */
export const commandNotes = ({ settings, exitCodes }: AnyCommand): string => {
  const codes = Object.entries({ ...commonExitCodes, ...exitCodes }).map(
    ([code, meaning]) => `  ${wrapText(`${code}  ${meaning}`, WIDTH - 2, "     ")}`,
  );
  const sections = [
    `Exit codes:\n${codes.join("\n")}`,
    wrapText(describeEnv(Object.values(settings)), WIDTH),
  ];
  return sections.filter((section) => section !== "").join("\n\n");
};

const describeEnv = (rows: readonly Setting<unknown>[]): string => {
  const withEnv = rows.filter(hasEnv);
  const example = withEnv.find(({ flag }) => /[.-]/.test(flag)) ?? withEnv[0]; // a flag that illustrates the rule
  if (example === undefined) return "";
  return withEnv.length === rows.length
    ? `Each flag is also an environment variable: --${example.flag} is ${envName(example.flag)}.`
    : `Some flags are also environment variables: ${withEnv.map(({ flag }) => envName(flag)).join(", ")}.`;
};
