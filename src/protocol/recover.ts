/**
 * Finding the records of 0002. A record does not tell its own size, so one of unknown type hides where the next begins;
 * the walk that makes all of them fit tells (docs/protocol.md#unknown-type-codes).
 */
import type { Cursor } from "./codec.ts";
import {
  layoutOfType,
  RECORD_HEAD_BYTES,
  type RecordLayout,
  recordBytes,
  recordLayouts,
  voltageOffsets,
} from "./layouts.ts";

const layouts = Object.keys(recordLayouts) as readonly RecordLayout[];

/** Where one record lies, and how it is to be read. */
export interface Span {
  readonly begin: number;
  readonly size: number;
  /** `undefined`: only the head, and frequency and temperature where there are any, can be told. */
  readonly layout: RecordLayout | undefined;
  /** The type code's layout is not known; `layout` is what its size and its values suggest. */
  readonly guessed: boolean;
}

/** What a walk over the records found. */
export interface Walk {
  readonly spans: readonly Span[];
  /** Registered inverters whose records could not be found. */
  readonly lost: number;
  /** Bytes after the last record and before `END`, of no known meaning. */
  readonly surplus: number;
  /** More than one walk fits; the likeliest was taken. */
  readonly ambiguous: boolean;
}

/** Sizes to try for a record of unknown type, likeliest first; the last record may be of any size from 13 up. */
const KNOWN_SIZES: readonly number[] = layouts.map(recordBytes);
const SMALLEST_WITH_TAIL = 13; // head, frequency, temperature
const LARGEST_TRIED = 41;
const CANDIDATES: readonly number[] = [
  ...KNOWN_SIZES,
  ...range(SMALLEST_WITH_TAIL, LARGEST_TRIED).filter((size) => !KNOWN_SIZES.includes(size)),
];
const LAYOUT_OF_SIZE = new Map<number, RecordLayout>(
  layouts.map((layout) => [recordBytes(layout), layout]),
);
/** Type 05 is disputed: DS3-H (uid 70…) in 21 bytes, or QT2 (uid 90…) in 27 (docs/protocol.md#disagreements). */
const DISPUTED_TYPE = "05";
/** Places looked at before a search is given up; real tables need a few hundred. Keeps hostile frames cheap. */
const SEARCH_LIMIT = 5_000;

/**
 * Finds `count` records between the cursor and its end. Good records before a bad one are always kept.
 * Never throws for what the bytes say.
 */
export const walkRecords = (body: Cursor, count: number): Walk =>
  straightWalk(body, count) ??
  searchedWalk(body, count, physicallyPlausible) ??
  searchedWalk(body, count, () => true) ??
  partialWalk(body, count);

/** The plain case: every type is known, and the records end where the frame does. */
const straightWalk = (body: Cursor, count: number): Walk | undefined => {
  const spans: Span[] = [];
  let begin = body.offset;
  for (let i = 0; i < count; i++) {
    const layout = begin + RECORD_HEAD_BYTES <= body.end ? knownLayout(body, begin) : undefined;
    if (layout === undefined) return undefined;
    const size = recordBytes(layout);
    spans.push({ begin, size, layout, guessed: false });
    begin += size;
  }
  return begin === body.end ? { spans, lost: 0, surplus: 0, ambiguous: false } : undefined;
};

type Check = (body: Cursor, begin: number, size: number) => boolean;

/** Tries sizes until all records fit exactly; `ways` counts complete walks, up to 2. Memoised on place and records left. */
const searchedWalk = (body: Cursor, count: number, check: Check): Walk | undefined => {
  const known = new Map<number, { ways: number; size: number }>();
  const dead = { ways: 0, size: 0 };

  const from = (begin: number, left: number): { ways: number; size: number } => {
    const bytes = body.end - begin;
    if (bytes < left * RECORD_HEAD_BYTES || !plausibleHead(body, begin)) return dead;
    const key = begin * 65536 + left;
    const before = known.get(key);
    if (before !== undefined) return before;
    if (known.size >= SEARCH_LIMIT) return dead;
    const found = { ways: 0, size: 0 };
    known.set(key, found);
    const isKnown = knownLayout(body, begin) !== undefined;
    for (const size of sizesToTry(body, begin, left === 1 ? bytes : undefined)) {
      if (!isKnown && !check(body, begin, size)) continue;
      const ways = left === 1 ? Number(size === bytes) : from(begin + size, left - 1).ways;
      if (ways > 0 && found.ways === 0) found.size = size;
      found.ways = Math.min(2, found.ways + ways);
      if (found.ways === 2) break;
    }
    return found;
  };

  if (count === 0 || count * RECORD_HEAD_BYTES > body.left) return undefined;
  const { ways } = from(body.offset, count);
  if (ways === 0) return undefined;
  const spans: Span[] = [];
  for (let begin = body.offset, left = count; left > 0; left--) {
    const { size } = from(begin, left);
    spans.push(spanOf(body, begin, size));
    begin += size;
  }
  return { spans, lost: 0, surplus: 0, ambiguous: ways > 1 };
};

/** No walk fits: keeps each record of known type whose end is believable, up to the first that is not. */
const partialWalk = (body: Cursor, count: number): Walk => {
  const spans: Span[] = [];
  let begin = body.offset;
  while (spans.length < count && plausibleHead(body, begin)) {
    const layout = knownLayout(body, begin);
    if (layout === undefined) {
      spans.push({ begin, size: RECORD_HEAD_BYTES, layout: undefined, guessed: true });
      return { spans, lost: count - spans.length, surplus: 0, ambiguous: false };
    }
    const end = begin + recordBytes(layout);
    const last = spans.length === count - 1 || end === body.end;
    // A record that is followed by no record had another size than its type says, and so another layout.
    if (end > body.end || !(last || plausibleHead(body, end))) break;
    spans.push({ begin, size: end - begin, layout, guessed: false });
    begin = end;
  }
  const lost = count - spans.length;
  return { spans, lost, surplus: lost === 0 ? body.end - begin : 0, ambiguous: false };
};

const spanOf = (body: Cursor, begin: number, size: number): Span => {
  const known = knownLayout(body, begin);
  if (known !== undefined) return { begin, size, layout: known, guessed: false };
  const fitting = LAYOUT_OF_SIZE.get(size);
  if (typeOf(body, begin) === DISPUTED_TYPE && size === disputedSize(body, begin)) {
    return { begin, size, layout: fitting, guessed: false };
  }
  const believable = fitting === "none" || measuresGrid(body, begin, size);
  return { begin, size, layout: believable ? fitting : undefined, guessed: true };
};

const sizesToTry = (body: Cursor, begin: number, whole: number | undefined): readonly number[] => {
  const layout = knownLayout(body, begin);
  if (layout !== undefined) return [recordBytes(layout)];
  if (whole !== undefined)
    return whole === RECORD_HEAD_BYTES || whole >= SMALLEST_WITH_TAIL ? [whole] : [];
  const likeliest = disputedSize(body, begin);
  return likeliest === undefined
    ? CANDIDATES
    : [likeliest, ...CANDIDATES.filter((size) => size !== likeliest)];
};

const disputedSize = (body: Cursor, begin: number): number | undefined => {
  if (typeOf(body, begin) !== DISPUTED_TYPE) return undefined;
  if (body.at(begin) === 0x70) return recordBytes("two");
  return body.at(begin) === 0x90 ? recordBytes("fourThreePhase") : undefined;
};

const typeOf = (body: Cursor, begin: number): string =>
  String.fromCharCode(body.at(begin + 7), body.at(begin + 8));

const knownLayout = (body: Cursor, begin: number): RecordLayout | undefined => {
  const type = typeOf(body, begin);
  return Object.hasOwn(layoutOfType, type) ? layoutOfType[type] : undefined;
};

/** Six bytes of decimal digits, a flag that is 0 or 1, a type of two ASCII digits. */
const plausibleHead = (body: Cursor, begin: number): boolean => {
  if (begin + RECORD_HEAD_BYTES > body.end) return false;
  for (let i = begin; i < begin + 6; i++) {
    if ((body.at(i) & 0x0f) > 9 || body.at(i) >> 4 > 9) return false;
  }
  return body.at(begin + 6) <= 1 && isDigit(body.at(begin + 7)) && isDigit(body.at(begin + 8));
};

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;

/** Offsets of the voltages in a record, by its size (docs/protocol.md#records-with-two-channels, #records-with-four-channels). */
const VOLTAGE_OFFSETS = new Map<number, readonly number[]>(
  layouts.map((layout) => [recordBytes(layout), voltageOffsets(layout)]),
);

const word = (body: Cursor, at: number): number => body.at(at) * 256 + body.at(at + 1);
const FREQUENCY_OFFSET = 9;
const isFrequency = (tenths: number): boolean => tenths >= 450 && tenths <= 650;
const isVoltage = (volts: number): boolean => volts >= 50 && volts <= 500;

/** What a record of this size would make of its bytes could be: frequency and voltages are zero or in range. */
const physicallyPlausible: Check = (body, begin, size) => {
  if (size < SMALLEST_WITH_TAIL) return true;
  const frequency = word(body, begin + FREQUENCY_OFFSET);
  if (frequency !== 0 && !isFrequency(frequency)) return false;
  return (VOLTAGE_OFFSETS.get(size) ?? []).every((offset) => {
    const volts = word(body, begin + offset);
    return volts === 0 || isVoltage(volts);
  });
};

/** Frequency and every voltage are those of a live grid: strong evidence that the layout is the one of this size. */
const measuresGrid: Check = (body, begin, size) =>
  isFrequency(word(body, begin + FREQUENCY_OFFSET)) &&
  (VOLTAGE_OFFSETS.get(size) ?? []).every((offset) => isVoltage(word(body, begin + offset)));

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}
