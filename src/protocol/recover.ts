/**
 * Locates the records of 0002. A record does not state its size, so an unknown type code hides where the next record
 * begins. The sizes are those with which all records fit exactly (docs/protocol.md#unknown-type-codes).
 */
import type { Cursor } from "./codec.ts";
import {
  findDisputedLayout,
  findLayout,
  RECORD_HEAD_BYTES,
  type RecordLayout,
  recordFormats,
} from "./layouts.ts";

/** The bytes of one record, and their layout. */
export interface RecordSpan {
  readonly begin: number;
  readonly size: number;
  /** `undefined`: only the head can be decoded, and frequency and temperature if present. */
  readonly layout: RecordLayout | undefined;
  /** Whether `layout` follows from size and values, because that of the type code is unknown. */
  readonly guessed: boolean;
}

/** The records of a reply. */
export interface LocatedRecords {
  readonly spans: readonly RecordSpan[];
  /** Number of registered inverters whose records could not be found. */
  readonly lost: number;
  /** Number of bytes between the last record and `END`, of unknown meaning. */
  readonly surplus: number;
  /** Whether the records fit in more than one way; the likeliest is used. */
  readonly ambiguous: boolean;
}

const layouts = Object.keys(recordFormats) as readonly RecordLayout[];

/** Size of head, frequency and temperature: the smallest record with a tail. */
const MIN_TAIL_RECORD_BYTES = 13;
const MAX_CANDIDATE_BYTES = 41;
const LAYOUT_SIZES: readonly number[] = layouts.map((layout) => recordFormats[layout].bytes);
/** Sizes to try for a record of unknown type, the likeliest first. */
const CANDIDATES: readonly number[] = [
  ...new Set([...LAYOUT_SIZES, ...listNumbers(MIN_TAIL_RECORD_BYTES, MAX_CANDIDATE_BYTES)]),
];
/** The likeliest layout of each size: a later entry replaces an earlier one. */
const LAYOUT_OF_SIZE: ReadonlyMap<number, RecordLayout> = new Map(
  layouts.toReversed().map((layout) => [recordFormats[layout].bytes, layout]),
);
/** Number of positions after which a search is given up. Real tables need a few hundred; this limits hostile ones. */
const SEARCH_LIMIT = 5_000;

/** Locates `count` records between the cursor and its end. Valid records before an invalid one are always found. */
export const locateRecords = (body: Cursor, count: number): LocatedRecords =>
  locateKnownTypes(body, count) ??
  searchSizes(body, count, isPlausible) ??
  searchSizes(body, count, () => true) ??
  locateFirstRecords(body, count);

/** The usual case: every type is known, and the last record ends at the end of the body. */
const locateKnownTypes = (body: Cursor, count: number): LocatedRecords | undefined => {
  const spans: RecordSpan[] = [];
  let begin = body.offset;
  for (let i = 0; i < count; i++) {
    const layout = begin + RECORD_HEAD_BYTES <= body.end ? findKnownLayout(body, begin) : undefined;
    if (layout === undefined) return undefined;
    const size = recordFormats[layout].bytes;
    spans.push({ begin, size, layout, guessed: false });
    begin += size;
  }
  return begin === body.end ? { spans, lost: 0, surplus: 0, ambiguous: false } : undefined;
};

type SizeCheck = (body: Cursor, begin: number, size: number) => boolean;

/** The ways in which the records from a position fit: their number, at most 2, and the size of the first record. */
interface Fit {
  ways: number;
  size: number;
}

/** Tries sizes until all records fit exactly. */
const searchSizes = (body: Cursor, count: number, check: SizeCheck): LocatedRecords | undefined => {
  const fits = new Map<number, Fit>();
  const impossible: Fit = { ways: 0, size: 0 };

  const findFit = (begin: number, records: number): Fit => {
    const bytes = body.end - begin;
    if (bytes < records * RECORD_HEAD_BYTES || !isPlausibleHead(body, begin)) return impossible;
    const key = begin * 65536 + records;
    const earlier = fits.get(key);
    if (earlier !== undefined) return earlier;
    if (fits.size >= SEARCH_LIMIT) return impossible;
    const fit: Fit = { ways: 0, size: 0 };
    fits.set(key, fit);
    const isKnown = findKnownLayout(body, begin) !== undefined;
    for (const size of listCandidates(body, begin, records === 1 ? bytes : undefined)) {
      if (!isKnown && !check(body, begin, size)) continue;
      const ways = records === 1 ? Number(size === bytes) : findFit(begin + size, records - 1).ways;
      if (ways > 0 && fit.ways === 0) fit.size = size;
      fit.ways = Math.min(2, fit.ways + ways);
      if (fit.ways === 2) break;
    }
    return fit;
  };

  if (count === 0 || count * RECORD_HEAD_BYTES > body.remaining) return undefined;
  const { ways } = findFit(body.offset, count);
  if (ways === 0) return undefined;
  const spans: RecordSpan[] = [];
  for (let begin = body.offset, records = count; records > 0; records--) {
    const { size } = findFit(begin, records);
    spans.push(createSpan(body, begin, size));
    begin += size;
  }
  return { spans, lost: 0, surplus: 0, ambiguous: ways > 1 };
};

/** No sizes fit: keeps the records of known type up to the first with an invalid end. */
const locateFirstRecords = (body: Cursor, count: number): LocatedRecords => {
  const spans: RecordSpan[] = [];
  let begin = body.offset;
  while (spans.length < count && isPlausibleHead(body, begin)) {
    const layout = findKnownLayout(body, begin);
    if (layout === undefined) {
      spans.push({ begin, size: RECORD_HEAD_BYTES, layout: undefined, guessed: true });
      return { spans, lost: count - spans.length, surplus: 0, ambiguous: false };
    }
    const end = begin + recordFormats[layout].bytes;
    const isLast = spans.length === count - 1 || end === body.end;
    // If no record follows, this one has another size than its type code says, and so another layout.
    if (end > body.end || !(isLast || isPlausibleHead(body, end))) break;
    spans.push({ begin, size: end - begin, layout, guessed: false });
    begin = end;
  }
  const lost = count - spans.length;
  return { spans, lost, surplus: lost === 0 ? body.end - begin : 0, ambiguous: false };
};

const createSpan = (body: Cursor, begin: number, size: number): RecordSpan => {
  const certain = findKnownLayout(body, begin) ?? findDisputedLayoutOfSize(body, begin, size);
  if (certain !== undefined) return { begin, size, layout: certain, guessed: false };
  const layout = LAYOUT_OF_SIZE.get(size);
  const isCredible = layout === "none" || hasLiveGrid(body, begin, size);
  return { begin, size, layout: isCredible ? layout : undefined, guessed: true };
};

/** @param lastRecordBytes size of the record if it is the last one */
const listCandidates = (
  body: Cursor,
  begin: number,
  lastRecordBytes: number | undefined,
): readonly number[] => {
  const layout = findKnownLayout(body, begin);
  if (layout !== undefined) return [recordFormats[layout].bytes];
  if (lastRecordBytes !== undefined) {
    const isPossible =
      lastRecordBytes === RECORD_HEAD_BYTES || lastRecordBytes >= MIN_TAIL_RECORD_BYTES;
    return isPossible ? [lastRecordBytes] : [];
  }
  const disputed = findDisputedLayout(readTypeCode(body, begin), readUid(body, begin));
  return disputed === undefined
    ? CANDIDATES
    : [...new Set([recordFormats[disputed].bytes, ...CANDIDATES])];
};

/** The layout of a disputed type code, if the record has its size. */
const findDisputedLayoutOfSize = (
  body: Cursor,
  begin: number,
  size: number,
): RecordLayout | undefined => {
  const layout = findDisputedLayout(readTypeCode(body, begin), readUid(body, begin));
  return layout !== undefined && recordFormats[layout].bytes === size ? layout : undefined;
};

const readUid = (body: Cursor, begin: number): string =>
  Buffer.from(body.bytes.subarray(begin, begin + 6)).toString("hex");

const readTypeCode = (body: Cursor, begin: number): string =>
  String.fromCharCode(body.at(begin + 7), body.at(begin + 8));

const findKnownLayout = (body: Cursor, begin: number): RecordLayout | undefined =>
  findLayout(readTypeCode(body, begin));

/** Whether there are six bytes of decimal digits, a flag of 0 or 1, and a type code of two ASCII digits. */
const isPlausibleHead = (body: Cursor, begin: number): boolean => {
  if (begin + RECORD_HEAD_BYTES > body.end) return false;
  for (let i = begin; i < begin + 6; i++) {
    if ((body.at(i) & 0x0f) > 9 || body.at(i) >> 4 > 9) return false;
  }
  return body.at(begin + 6) <= 1 && isDigit(body.at(begin + 7)) && isDigit(body.at(begin + 8));
};

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;

/** Offsets of the voltages in a record of a size, if that is the size of a layout. */
const listVoltageOffsets = (size: number): readonly number[] => {
  const layout = LAYOUT_OF_SIZE.get(size);
  return layout === undefined ? [] : recordFormats[layout].voltageOffsets;
};

const readU16 = (body: Cursor, at: number): number => body.at(at) * 256 + body.at(at + 1);
const isGridFrequency = (tenths: number): boolean => tenths >= 450 && tenths <= 650;
const isGridVoltage = (volts: number): boolean => volts >= 50 && volts <= 500;

/** Whether a record of this size would have a frequency and voltages that are 0 or possible. */
const isPlausible: SizeCheck = (body, begin, size) => {
  if (size < MIN_TAIL_RECORD_BYTES) return true;
  const frequency = readU16(body, begin + RECORD_HEAD_BYTES);
  if (frequency !== 0 && !isGridFrequency(frequency)) return false;
  return listVoltageOffsets(size).every((offset) => {
    const volts = readU16(body, begin + offset);
    return volts === 0 || isGridVoltage(volts);
  });
};

/** Whether a record of this size would have the frequency and voltages of a live grid: strong evidence for its layout. */
const hasLiveGrid: SizeCheck = (body, begin, size) =>
  isGridFrequency(readU16(body, begin + RECORD_HEAD_BYTES)) &&
  listVoltageOffsets(size).every((offset) => isGridVoltage(readU16(body, begin + offset)));

function listNumbers(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}
