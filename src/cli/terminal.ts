/** The terminal that a command prints its result to. */
import { styleText } from "node:util";

/** Where a command prints its result. */
export interface Terminal {
  write(text: string): void;
  /** Whether it is an interactive terminal, which can be cleared. */
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

/** What a text means to its reader. */
export type Style = keyof typeof styles;

/** The text in the colour of its style, where the terminal has colours. */
export const styled = (style: Style, text: string, { hasColours }: Terminal): string =>
  hasColours ? styleText(styles[style], text, { validateStream: false }) : text;
