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

/** Why the replies must not be published. The message is for the user. */
export class AnonymiseError extends Error {
  override readonly name = "AnonymiseError";
}

/** Draws a replacement for each serial. @throws AnonymiseError if no unused number was found */
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
  throw new AnonymiseError(
    `no unused serial number was found for ${serial.kind} ${serial.text.slice(0, kept)}…`,
  );
};

/** Offsets of replaced bytes; `end` is exclusive. */
export interface ReplacedRange {
  readonly begin: number;
  readonly end: number;
}

/** Replaces every occurrence of every serial: as binary digits of four bits each, and as text in any spelling. */
export const replaceAll = (
  { bytes }: RecordedReply,
  replacements: readonly Replacement[],
): { readonly bytes: Buffer; readonly ranges: readonly ReplacedRange[] } => {
  const original = Buffer.from(bytes);
  const text = original.toString("latin1");
  const result = Buffer.from(bytes);
  const ranges: ReplacedRange[] = [];
  const replaceAt = (begin: number, to: Uint8Array): void => {
    const end = begin + to.length;
    if (ranges.some((range) => range.begin < end && begin < range.end)) return;
    result.set(to, begin);
    ranges.push({ begin, end });
  };
  for (const replacement of replacements) {
    const { serial, newText } = replacement;
    if (serial.truncatedTo !== undefined) {
      const [from, to] = spellTruncated(serial, newText);
      const begin = original.length - from.length; // a truncated serial can only be at the end
      if (original.subarray(begin).equals(from)) replaceAt(begin, to);
      continue;
    }
    const from = packSerial(serial);
    for (let at = original.indexOf(from); at >= 0; at = original.indexOf(from, at + 1))
      replaceAt(at, Buffer.from(newText, "hex"));
    for (const { index, 0: match } of text.matchAll(createPattern(serial.text)))
      replaceAt(index, Buffer.from(spellLike(match, newText), "latin1"));
  }
  return { bytes: result, ranges: ranges.toSorted((a, b) => a.begin - b.begin) };
};

/** Replaces every serial in a text, such as the firmware of an ECU. */
export const replaceInText = (text: string, replacements: readonly Replacement[]): string =>
  replacements.reduce(
    (all, { serial, newText }) =>
      serial.truncatedTo === undefined
        ? all.replace(createPattern(serial.text), (match) => spellLike(match, newText))
        : all,
    text,
  );

/** The digits of a serial, four bits each. */
export const packSerial = ({ text }: Serial): Buffer => Buffer.from(text, "hex");

/** Matches a serial in text: upper or lower case, with up to two separators after each pair of characters. */
const createPattern = (text: string): RegExp =>
  new RegExp(text.match(/../g)?.join("[^0-9a-z]{0,2}") ?? text, "gi");

/** A text of 12 characters with the separators and the case of the match. */
const spellLike = (match: string, newText: string): string => {
  const characters = [...(/[A-F]/.test(match) ? newText.toUpperCase() : newText)];
  return match.replace(/[0-9a-f]/gi, () => characters.shift() ?? "");
};

/** The received part of a serial that the end of the reply truncated, and its replacement. */
const spellTruncated = ({ kind, text, truncatedTo }: Serial, newText: string) => {
  const encoding = kind === "ecu" ? "latin1" : "hex";
  const spell = (all: string): Buffer => Buffer.from(all.slice(0, truncatedTo), encoding);
  return [spell(text), spell(newText)] as const;
};
