/** Replaces serial numbers by random ones. The same number is always replaced by the same one; no two share one. */
import { countKeptCharacters, type RecordedReply, type Serial } from "./serials.ts";

/** Returns a random integer from 0 to the limit, excluding the limit. */
export type RandomInteger = (limit: number) => number;

/** A real serial number and the text that replaces it. */
export interface Replacement {
  readonly serial: Serial;
  readonly newText: string;
}

/** Attempts to draw a number that is not in use. */
const MAX_DRAWS = 1_000;

/** Draws a replacement for each serial. @throws Error if no unused number was found */
export const drawReplacements = (
  serials: readonly Serial[],
  randomInteger: RandomInteger,
): readonly Replacement[] => {
  const taken = new Set(serials.map(({ text }) => text));
  const untruncated = serials.filter(({ truncatedTo }) => truncatedTo === undefined);
  const drawn: Replacement[] = [];
  for (const serial of untruncated) {
    const newText = drawReplacement(serial, randomInteger, taken);
    taken.add(newText);
    drawn.push({ serial, newText });
  }
  for (const serial of serials) {
    if (serial.truncatedTo === undefined) continue;
    const start = serial.text.slice(0, serial.truncatedTo);
    const original = drawn.find(
      ({ serial: { text, truncatedTo } }) => !truncatedTo && text.startsWith(start),
    );
    drawn.push({
      serial,
      newText: original?.newText ?? drawReplacement(serial, randomInteger, taken),
    });
  }
  return drawn;
};

const drawReplacement = (
  serial: Serial,
  randomInteger: RandomInteger,
  taken: ReadonlySet<string>,
): string => {
  const kept = countKeptCharacters(serial);
  const characters = serial.kind === "mac" ? "0123456789abcdef" : "0123456789";
  for (let i = 0; i < MAX_DRAWS; i++) {
    const tail = [...serial.text.slice(kept)].map((old) =>
      characters.includes(old) ? (characters[randomInteger(characters.length)] ?? old) : old,
    );
    const newText = serial.text.slice(0, kept) + tail.join("");
    if (!taken.has(newText)) return newText;
  }
  throw new Error(
    `no unused serial number found for ${serial.kind} ${serial.text.slice(0, kept)}…`,
  );
};

/** Offsets of replaced bytes; `end` is exclusive. */
export interface ReplacedRange {
  readonly begin: number;
  readonly end: number;
}

/** Replaces every occurrence of every serial: as binary digits of four bits each, and as text in each spelling. */
export const replaceAll = (
  { bytes }: RecordedReply,
  replacements: readonly Replacement[],
): { readonly bytes: Buffer; readonly ranges: readonly ReplacedRange[] } => {
  const original = Buffer.from(bytes);
  const result = Buffer.from(bytes);
  const ranges: ReplacedRange[] = [];
  for (const { serial, newText } of replacements) {
    for (const [from, to] of listSpellings(serial, newText)) {
      // A truncated serial can only be at the end.
      const first = serial.truncatedTo === undefined ? 0 : original.length - from.length;
      for (let at = original.indexOf(from, first); at >= 0; at = original.indexOf(from, at + 1)) {
        const end = at + from.length;
        if (ranges.some((range) => range.begin < end && at < range.end)) continue;
        to.copy(result, at);
        ranges.push({ begin: at, end });
      }
    }
  }
  return { bytes: result, ranges: ranges.toSorted((a, b) => a.begin - b.begin) };
};

/** Lists each spelling of a serial, with its replacement in the same spelling. */
export const listSpellings = (
  { kind, text, truncatedTo }: Serial,
  newText: string,
): readonly (readonly [Buffer, Buffer])[] => {
  const cut = (all: string): string => all.slice(0, truncatedTo);
  const packed = (all: string): Buffer => Buffer.from(cut(all), "hex");
  const ascii = (spell: (all: string) => string): readonly [Buffer, Buffer] => [
    Buffer.from(spell(cut(text)), "latin1"),
    Buffer.from(spell(cut(newText)), "latin1"),
  ];
  const pair = [packed(text), packed(newText)] as const;
  if (truncatedTo !== undefined) return [kind === "ecu" ? ascii((all) => all) : pair];
  if (kind !== "mac") return [pair, ascii((all) => all)];
  const withColons = (all: string): string => all.match(/../g)?.join(":") ?? all;
  return [
    pair,
    ascii((all) => all),
    ascii((all) => all.toUpperCase()),
    ascii(withColons),
    ascii((all) => withColons(all).toUpperCase()),
  ];
};
