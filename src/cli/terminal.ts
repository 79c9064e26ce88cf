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

/** Text from elsewhere, in which nothing can move the cursor, colour the screen or turn the line round. */
export const printable = (text: string): string =>
  text.replace(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, "\u{fffd}");

/** A number of things: 1 day, 2 days. */
export const counted = (count: number, what: string, plural = "s"): string =>
  `${count} ${what}${count === 1 ? "" : plural}`;

/** What was not measured. Zero is a measurement. */
export const NOTHING = "–";

/** Breaks text into lines between words; those after the first begin with the indent. */
export const wrapped = (text: string, columns: number, indent = ""): string => {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const next = line === "" ? word : `${line} ${word}`;
    if (line !== "" && next.length + indent.length > columns) {
      lines.push(line);
      line = word;
    } else line = next;
  }
  return [...lines, line].join(`\n${indent}`);
};

/** A time span in words: 45 s, 12 min, 3 h, 5 days. */
export const spanInWords = (seconds: number): string => {
  if (seconds < 120) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 2 * 3600) return `${Math.round(seconds / 60)} min`;
  if (seconds < 2 * 86_400) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
};
