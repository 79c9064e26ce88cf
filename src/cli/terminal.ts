/** The terminal on which a command prints its result. */
import { styleText } from "node:util";

/** Output of a command. */
export interface Terminal {
  write(text: string): void;
  /** Whether the output is an interactive terminal, which can be cleared. */
  readonly isTerminal: boolean;
  readonly hasColours: boolean;
  /** Characters per line. */
  readonly columns: number;
}

const DEFAULT_COLUMNS = 80;
const MAX_COLUMNS = 100; // longer lines are hard to read

/** Standard output. It has colours if it is a terminal and NO_COLOR is not set (https://no-color.org). */
export const standardOutput = (): Terminal => {
  const { stdout } = process;
  return {
    write: (text) => void stdout.write(text),
    isTerminal: stdout.isTTY === true,
    hasColours: stdout.isTTY === true && !process.env["NO_COLOR"],
    columns: Math.min(stdout.columns || DEFAULT_COLUMNS, MAX_COLUMNS), // some terminals report 0
  };
};

const styles = {
  good: "green",
  fair: "yellow",
  bad: "red",
  faint: "gray",
  strong: "bold",
} as const;

/** The style of a text. */
export type Style = keyof typeof styles;

/** Formats a text in its style if the terminal has colours. */
export const styled = (style: Style, text: string, { hasColours }: Terminal): string =>
  hasColours ? styleText(styles[style], text, { validateStream: false }) : text;

/** Shows a line on a terminal while a command waits. @returns a function that removes it */
export const showStatus = (text: string): (() => void) => {
  const { stderr } = process;
  if (stderr.isTTY !== true) return () => {};
  stderr.write(`${text} …`);
  return () => void stderr.write("\r\u001b[K");
};
