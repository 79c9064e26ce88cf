/** Other serial numbers in the place of the real ones: the same for the same, and none for two. */
import { countKeptCharacters, type RecordedReply, type Serial } from "./serials.ts";

/** A number from 0 up to and without the limit, by chance. */
export type RandomInteger = (limit: number) => number;

/** Real serial → the one to show. */
export interface Replacement {
  readonly serial: Serial;
  readonly newText: string;
}

/** So often is a serial drawn anew that another one has, or that is a real one. */
const MOST_DRAWS = 1_000;

/** Draws a replacement for each serial. @throws Error where there are more of them than can be told apart */
export const drawReplacements = (
  serials: readonly Serial[],
  chance: RandomInteger,
): readonly Replacement[] => {
  const taken = new Set(serials.map(({ text }) => text));
  const whole = serials.filter(({ truncatedTo }) => truncatedTo === undefined);
  const drawn: Replacement[] = [];
  for (const serial of whole) {
    const newText = drawReplacement(serial, chance, taken);
    taken.add(newText);
    drawn.push({ serial, newText });
  }
  for (const serial of serials) {
    if (serial.truncatedTo === undefined) continue;
    const start = serial.text.slice(0, serial.truncatedTo);
    const known = drawn.find(
      ({ serial: { text, truncatedTo } }) => !truncatedTo && text.startsWith(start),
    );
    drawn.push({ serial, newText: known?.newText ?? drawReplacement(serial, chance, taken) });
  }
  return drawn;
};

const drawReplacement = (
  serial: Serial,
  chance: RandomInteger,
  taken: ReadonlySet<string>,
): string => {
  const kept = countKeptCharacters(serial);
  const characters = serial.kind === "mac" ? "0123456789abcdef" : "0123456789";
  for (let i = 0; i < MOST_DRAWS; i++) {
    const tail = [...serial.text.slice(kept)].map((old) =>
      characters.includes(old) ? (characters[chance(characters.length)] ?? old) : old,
    );
    const newText = serial.text.slice(0, kept) + tail.join("");
    if (!taken.has(newText)) return newText;
  }
  throw new Error(
    `no other serial number is left for ${serial.kind} ${serial.text.slice(0, kept)}…`,
  );
};

/** Bytes that were replaced: from one offset to another. */
export interface ReplacedRange {
  readonly begin: number;
  readonly end: number;
}

/** Replaces every occurrence of every serial: as digits of four bits each, and as text in any of its spellings. */
export const replaceAll = (
  { bytes }: RecordedReply,
  replacements: readonly Replacement[],
): { readonly bytes: Buffer; readonly ranges: readonly ReplacedRange[] } => {
  const original = Buffer.from(bytes);
  const result = Buffer.from(bytes);
  const ranges: ReplacedRange[] = [];
  for (const { serial, newText } of replacements) {
    for (const [from, to] of listSpellings(serial, newText)) {
      // What was cut off stands at the end, and nowhere else.
      const first = serial.truncatedTo === undefined ? 0 : original.length - from.length;
      for (let at = original.indexOf(from, first); at >= 0; at = original.indexOf(from, at + 1)) {
        const end = at + from.length;
        if (ranges.some((place) => place.begin < end && at < place.end)) continue;
        to.copy(result, at);
        ranges.push({ begin: at, end });
      }
    }
  }
  return { bytes: result, ranges: ranges.toSorted((a, b) => a.begin - b.begin) };
};

/** How a serial may be written, and its replacement in the same way. */
export const listSpellings = (
  { kind, text, truncatedTo }: Serial,
  newText: string,
): readonly (readonly [Buffer, Buffer])[] => {
  const cut = (all: string): string => all.slice(0, truncatedTo);
  const packed = (all: string): Buffer => Buffer.from(cut(all), "hex");
  const written = (spell: (all: string) => string): readonly [Buffer, Buffer] => [
    Buffer.from(spell(cut(text)), "latin1"),
    Buffer.from(spell(cut(newText)), "latin1"),
  ];
  const pair = [packed(text), packed(newText)] as const;
  if (truncatedTo !== undefined) return [kind === "ecu" ? written((all) => all) : pair];
  if (kind !== "mac") return [pair, written((all) => all)];
  const parted = (all: string): string => all.match(/../g)?.join(":") ?? all;
  return [
    pair,
    written((all) => all),
    written((all) => all.toUpperCase()),
    written(parted),
    written((all) => parted(all).toUpperCase()),
  ];
};
