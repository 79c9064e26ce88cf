/** Other serial numbers in the place of the real ones: the same for the same, and none for two. */
import { type Answer, keptOf, type Serial } from "./serials.ts";

/** A number from 0 up to and without the limit, by chance. */
export type Chance = (limit: number) => number;

/** Real serial → the one to show. */
export interface Replacement {
  readonly serial: Serial;
  readonly by: string;
}

/** So often is a serial drawn anew that another one has, or that is a real one. */
const MOST_DRAWS = 1_000;

/** Draws a replacement for each serial. @throws Error where there are more of them than can be told apart */
export const drawReplacements = (
  serials: readonly Serial[],
  chance: Chance,
): readonly Replacement[] => {
  const taken = new Set(serials.map(({ text }) => text));
  const whole = serials.filter(({ cutTo }) => cutTo === undefined);
  const drawn: Replacement[] = [];
  for (const serial of whole) {
    const by = draw(serial, chance, taken);
    taken.add(by);
    drawn.push({ serial, by });
  }
  for (const serial of serials) {
    if (serial.cutTo === undefined) continue;
    const start = serial.text.slice(0, serial.cutTo);
    const known = drawn.find(({ serial: { text, cutTo } }) => !cutTo && text.startsWith(start));
    drawn.push({ serial, by: known?.by ?? draw(serial, chance, taken) });
  }
  return drawn;
};

const draw = (serial: Serial, chance: Chance, taken: ReadonlySet<string>): string => {
  const kept = keptOf(serial);
  const characters = serial.kind === "mac" ? "0123456789abcdef" : "0123456789";
  for (let i = 0; i < MOST_DRAWS; i++) {
    const tail = [...serial.text.slice(kept)].map((old) =>
      characters.includes(old) ? (characters[chance(characters.length)] ?? old) : old,
    );
    const by = serial.text.slice(0, kept) + tail.join("");
    if (!taken.has(by)) return by;
  }
  throw new Error(
    `no other serial number is left for ${serial.kind} ${serial.text.slice(0, kept)}…`,
  );
};

/** Bytes that were replaced: from one offset to another. */
export interface Replaced {
  readonly begin: number;
  readonly end: number;
}

/** Replaces every occurrence of every serial: as digits of four bits each, and as text in any of its spellings. */
export const replaceAll = (
  { bytes }: Answer,
  replacements: readonly Replacement[],
): { readonly bytes: Buffer; readonly places: readonly Replaced[] } => {
  const original = Buffer.from(bytes);
  const result = Buffer.from(bytes);
  const places: Replaced[] = [];
  for (const { serial, by } of replacements) {
    for (const [from, to] of spellings(serial, by)) {
      // What was cut off stands at the end, and nowhere else.
      const first = serial.cutTo === undefined ? 0 : original.length - from.length;
      for (let at = original.indexOf(from, first); at >= 0; at = original.indexOf(from, at + 1)) {
        const end = at + from.length;
        if (places.some((place) => place.begin < end && at < place.end)) continue;
        to.copy(result, at);
        places.push({ begin: at, end });
      }
    }
  }
  return { bytes: result, places: places.toSorted((a, b) => a.begin - b.begin) };
};

/** How a serial may be written, and its replacement in the same way. */
export const spellings = (
  { kind, text, cutTo }: Serial,
  by: string,
): readonly (readonly [Buffer, Buffer])[] => {
  const cut = (all: string): string => all.slice(0, cutTo);
  const packed = (all: string): Buffer => Buffer.from(cut(all), "hex");
  const written = (spell: (all: string) => string): readonly [Buffer, Buffer] => [
    Buffer.from(spell(cut(text)), "latin1"),
    Buffer.from(spell(cut(by)), "latin1"),
  ];
  const pair = [packed(text), packed(by)] as const;
  if (cutTo !== undefined) return [kind === "ecu" ? written((all) => all) : pair];
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
