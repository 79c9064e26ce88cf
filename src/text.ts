/** Text for people: no control characters, counts with their noun, time spans, lines that fit. */

const UNPRINTABLE = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

/** Text from elsewhere in which nothing can move the cursor, colour the screen or reverse the line. */
export const printable = (text: string): string => text.replace(UNPRINTABLE, "\u{fffd}");

/** The same with each such character as its code, `\u001b`, so that it can be told which one it was. */
export const escapeUnprintable = (text: string): string =>
  text.replace(UNPRINTABLE, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);

/** A number with its noun: 1 day, 2 days. */
export const formatCount = (count: number, noun: string, plural = "s"): string =>
  `${count} ${noun}${count === 1 ? "" : plural}`;

/** Shown where a value was not measured. Zero is a measurement. */
export const NOT_MEASURED = "–";

/** Breaks text into lines between words; lines after the first start with the indent. */
export const wrapText = (text: string, columns: number, indent = ""): string => {
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

/** A time span in one unit: 45 s, 12 min, 3 h, 5 days. Negative spans are 0 s. */
export const formatSpan = (seconds: number): string => {
  if (seconds < 120) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 2 * 3600) return `${Math.round(seconds / 60)} min`;
  if (seconds < 2 * 86_400) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
};

/** A local time of an ECU for people: `20260621130000` as `2026-06-21 13:00:00`; any other text unchanged. */
export const formatLocalTime = (digits: string): string =>
  digits.replace(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/, "$1-$2-$3 $4:$5:$6");
