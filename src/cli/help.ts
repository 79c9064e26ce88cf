/** The text below the list of flags in the help of a command. */
import { envName, hasEnv, type Setting } from "../config/setting.ts";
import type { AnyCommand } from "./command.ts";

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
export const commandNotes = ({ settings, exitCodes = {} }: AnyCommand): string => {
  const codes = Object.entries(exitCodes).map(([code, meaning]) => `  ${code}  ${meaning}`);
  const sections = [
    codes.length === 0 ? "" : `Exit codes:\n${codes.join("\n")}`,
    describeEnv(Object.values(settings)),
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
