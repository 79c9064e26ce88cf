/** Text for people at a terminal: colours where there is one, no control characters, lines that fit. */
import { styleText } from "node:util";

/** Where a command prints what it was asked for. */
export interface Screen {
  write(text: string): void;
  /** A person sees it, and it can be cleared. */
  readonly isTerminal: boolean;
  readonly hasColours: boolean;
  /** Characters in a line. */
  readonly columns: number;
}

const COLUMNS = 80;
const MOST_COLUMNS = 100; // longer lines are hard to read

/** Standard output. Colours only on a terminal, and not where NO_COLOR is set (https://no-color.org). */
export const standardOutput = (): Screen => {
  const { stdout } = process;
  return {
    write: (text) => void stdout.write(text),
    isTerminal: stdout.isTTY === true,
    hasColours: stdout.isTTY === true && !process.env["NO_COLOR"],
    columns: Math.min(stdout.columns || COLUMNS, MOST_COLUMNS), // some terminals say 0
  };
};

/** Colours of moods. */
const colours = {
  good: "green",
  fair: "yellow",
  bad: "red",
  faint: "gray",
  strong: "bold",
} as const;
export type Mood = keyof typeof colours;

/** The text in the colour of its mood. */
export const painted = (mood: Mood, text: string, { hasColours }: Screen): string =>
  hasColours ? styleText(colours[mood], text, { validateStream: false }) : text;
