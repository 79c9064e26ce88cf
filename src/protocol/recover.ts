/**
 * Locates the records of 0002. A record does not state its size, so an unknown type code or a damaged record hides where
 * the next one begins. The sizes are those with which all records fit exactly (docs/protocol.md#unknown-type-codes).
 */
import type { Cursor } from "./codec.ts";
import { RECORD_HEAD_BYTES, type RecordLayout, recordFormats } from "./layouts.ts";
import {
  countFaults,
  findDisputedLayoutAt,
  findKnownLayout,
  findKnownSize,
  hasLiveGrid,
  isPlausible,
  LAYOUT_OF_SIZE,
  LAYOUT_SIZES,
  MIN_TAIL_RECORD_BYTES,
} from "./record-evidence.ts";

/** The bytes of one record, and their layout. */
export interface RecordSpan {
  readonly begin: number;
  readonly size: number;
  /** `undefined`: only the head can be decoded, and frequency and temperature if present. */
  readonly layout: RecordLayout | undefined;
  /** Whether `layout` follows from size and values, because the type code is unknown or the record damaged. */
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

const MAX_CANDIDATE_BYTES = 41;
const listNumbers = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);
/** Sizes to try for a record of unknown type, the likeliest first. */
const CANDIDATES: readonly number[] = [
  ...new Set([...LAYOUT_SIZES, ...listNumbers(MIN_TAIL_RECORD_BYTES, MAX_CANDIDATE_BYTES)]),
];
/** Sizes to try for a damaged record, which may have lost its end. */
const DAMAGED_CANDIDATES: readonly number[] = [
  ...new Set([...CANDIDATES, ...listNumbers(RECORD_HEAD_BYTES, MIN_TAIL_RECORD_BYTES)]),
];
/**
 * Number of positions after which a search is given up, without and with a damaged record. Real tables need a few hundred;
 * this limits hostile ones.
 */
const SEARCH_LIMIT = 3_000;
const DAMAGED_SEARCH_LIMIT = 1_000;

/**
 * Locates `count` records between the cursor and its end. Records of known type before and after a damaged one are found:
 * a damaged record costs itself, and if sizes are ambiguous, what is between it and the next certain record.
 */
export const locateRecords = (body: Cursor, count: number): LocatedRecords =>
  locateKnownTypes(body, count) ??
  searchSizes(body, count, { check: isPlausible, damaged: 0 }) ??
  searchSizes(body, count, { check: () => true, damaged: 0 }) ??
  searchSizes(body, count, { check: isPlausible, damaged: 1 }) ??
  searchSizes(body, count, { check: () => true, damaged: 1 }) ??
  locateCertain(body, count);

/** The usual case: every head is valid, every type known, and the last record ends at the end of the body. */
const locateKnownTypes = (body: Cursor, count: number): LocatedRecords | undefined => {
  const spans: RecordSpan[] = [];
  let begin = body.offset;
  for (let i = 0; i < count; i++) {
    const size = findKnownSize(body, begin);
    if (size === undefined) return undefined;
    spans.push({ begin, size, layout: findKnownLayout(body, begin), guessed: false });
    begin += size;
  }
  return begin === body.end ? { spans, lost: 0, surplus: 0, ambiguous: false } : undefined;
};

/** What a search may assume. */
interface Assumptions {
  /** Whether a record of unknown type may have this size. */
  readonly check: (body: Cursor, begin: number, size: number) => boolean;
  /** Maximum number of damaged records. */
  readonly damaged: number;
}

/**
 * The ways in which the records from a position fit: the least cost, the number of ways that have it, at most 2, and the
 * size of the first record in the first of these ways.
 */
interface Fit {
  cost: number;
  ways: number;
  size: number;
}
const NO_FIT: Readonly<Fit> = { cost: Number.POSITIVE_INFINITY, ways: 0, size: 0 };
const COMPLETE: Readonly<Fit> = { cost: 0, ways: 1, size: 0 };

/** Tries sizes until all records fit exactly. A division with a damaged record is used only if no other is as likely. */
const searchSizes = (
  body: Cursor,
  count: number,
  { check, damaged: maxDamaged }: Assumptions,
): LocatedRecords | undefined => {
  const fits = new Map<number, Fit>();
  const limit = maxDamaged > 0 ? DAMAGED_SEARCH_LIMIT : SEARCH_LIMIT;

  const findFit = (begin: number, records: number, damaged: number): Readonly<Fit> => {
    if (records === 0) return begin === body.end ? COMPLETE : NO_FIT;
    const bytes = body.end - begin;
    if (bytes < records * RECORD_HEAD_BYTES) return NO_FIT;
    if (damaged === 0 && countFaults(body, begin) > 0) return NO_FIT;
    const key = (begin * 65536 + records) * 2 + damaged;
    const earlier = fits.get(key);
    if (earlier !== undefined) return earlier;
    if (fits.size >= limit) return NO_FIT;
    const fit: Fit = { ...NO_FIT };
    fits.set(key, fit);
    for (const option of listOptions(body, begin, damaged, records === 1 ? bytes : undefined)) {
      const { size, cost, isDamaged } = option;
      if (option.isUnknown && !check(body, begin, size)) continue;
      const next = findFit(begin + size, records - 1, damaged - Number(isDamaged));
      if (next.ways === 0 || next.cost + cost > fit.cost) continue;
      const isBetter = next.cost + cost < fit.cost;
      if (isBetter) Object.assign(fit, { cost: next.cost + cost, size });
      fit.ways = isBetter ? next.ways : Math.min(2, fit.ways + next.ways);
      if (fit.cost === 0 && fit.ways === 2) break;
    }
    return fit;
  };

  if (count === 0 || count * RECORD_HEAD_BYTES > body.remaining) return undefined;
  const { ways } = findFit(body.offset, count, maxDamaged);
  if (ways === 0 || (maxDamaged > 0 && ways > 1)) return undefined;
  const spans: RecordSpan[] = [];
  let damaged = maxDamaged;
  for (let begin = body.offset, records = count; records > 0; records--) {
    const { size } = findFit(begin, records, damaged);
    const span = createSpan(body, begin, size);
    if (isDamagedAs(body, span)) damaged--;
    spans.push(span);
    begin += size;
  }
  return { spans, lost: 0, surplus: 0, ambiguous: ways > 1 };
};

/** A size that the record at a position may have. */
interface Option {
  readonly size: number;
  /** How unlikely that is. */
  readonly cost: number;
  /** Whether its type is unknown. */
  readonly isUnknown: boolean;
  readonly isDamaged: boolean;
}

/** Cost of a known type with impossible values. */
const IMPLAUSIBLE_COST = 1;
/** Cost of a known type that must be wrong. */
const WRONG_TYPE_COST = 3;

/** @param lastBytes size of the record if it is the last one */
const listOptions = (
  body: Cursor,
  begin: number,
  damaged: number,
  lastBytes: number | undefined,
): Option[] => {
  const layout = findKnownLayout(body, begin);
  const knownSize = layout && recordFormats[layout].bytes;
  const faults = countFaults(body, begin);
  const options: Option[] = [];
  if (faults === 0) {
    const sizes = knownSize === undefined ? listCandidates(body, begin, lastBytes) : [knownSize];
    const isUnknown = knownSize === undefined;
    for (const size of sizes) {
      const cost = isUnknown || isPlausible(body, begin, size) ? 0 : IMPLAUSIBLE_COST;
      options.push({ size, cost, isUnknown, isDamaged: false });
    }
  }
  if (damaged > 0 && (faults > 0 || knownSize !== undefined)) {
    for (const size of DAMAGED_CANDIDATES) {
      const cost = faults > 0 ? 2 * faults + Number(size !== knownSize) : WRONG_TYPE_COST;
      if (faults === 0 && size === knownSize) continue;
      // Behind a last record that is longer than its type, there are bytes of unknown meaning.
      if (faults === 0 && lastBytes !== undefined && size > (knownSize ?? 0)) continue;
      options.push({ size, cost, isUnknown: false, isDamaged: true });
    }
  }
  const inner = findInnerRecord(body, begin);
  return options.filter(
    ({ size }) => (lastBytes === undefined || size === lastBytes) && begin + size <= inner,
  );
};

/** The position of the first certain record after the head of another one, which cannot contain it. */
const findInnerRecord = (body: Cursor, begin: number): number => {
  const first = begin + RECORD_HEAD_BYTES;
  return findCertain(body, first, begin + MAX_CANDIDATE_BYTES) ?? Number.POSITIVE_INFINITY;
};

/** Whether a record is damaged: its head is invalid, or it has another size than its type. */
const isDamagedAs = (body: Cursor, { begin, size }: RecordSpan): boolean => {
  const layout = findKnownLayout(body, begin);
  return (
    countFaults(body, begin) > 0 || (layout !== undefined && recordFormats[layout].bytes !== size)
  );
};

/**
 * No sizes fit: keeps every certain record, and the head of a record of unknown type before bytes that cannot be divided.
 * What is between a record and the next certain one is one damaged record if it has a known size, else it is lost.
 */
const locateCertain = (body: Cursor, count: number): LocatedRecords => {
  const spans: RecordSpan[] = [];
  let begin = body.offset;
  while (spans.length < count && begin < body.end) {
    const size = findKnownSize(body, begin);
    const end = begin + (size ?? 0);
    const isLast = spans.length === count - 1 || end === body.end;
    if (size !== undefined && (isLast || countFaults(body, end) === 0)) {
      spans.push(createSpan(body, begin, size));
      begin = end;
      continue;
    }
    const next = findCertain(body, begin + 1);
    const uncertain = locateUncertain(body, begin, next ?? body.end);
    spans.push(...uncertain.slice(0, count - spans.length));
    if (next === undefined) break;
    begin = next;
  }
  const lost = count - spans.length;
  return { spans, lost, surplus: lost === 0 ? body.end - begin : 0, ambiguous: false };
};

/** The records that can be told from the bytes before the next certain record. */
const locateUncertain = (body: Cursor, begin: number, end: number): RecordSpan[] => {
  const size = findKnownSize(body, begin);
  if (size !== undefined && isPlausible(body, begin, size)) {
    const rest = begin + size;
    const others = end - rest < RECORD_HEAD_BYTES ? [] : locateUncertain(body, rest, end);
    return [createSpan(body, begin, size), ...others];
  }
  const isValid = countFaults(body, begin) === 0;
  const layout = findKnownLayout(body, begin);
  const ownSize = layout && recordFormats[layout].bytes;
  if (isValid ? LAYOUT_SIZES.includes(end - begin) : ownSize === end - begin)
    return [createSpan(body, begin, end - begin)];
  return isValid && layout === undefined
    ? [{ begin, size: RECORD_HEAD_BYTES, layout: undefined, guessed: true }]
    : [];
};

/**
 * The next position at which certainly a record begins: it has a known type, and is followed by another record or by the
 * end, or has the values of a live grid.
 */
const findCertain = (body: Cursor, from: number, to = body.end): number | undefined => {
  for (let begin = from; begin < to && begin < body.end; begin++) {
    const size = findKnownSize(body, begin);
    if (size === undefined) continue;
    const end = begin + size;
    const isFollowed = end === body.end || countFaults(body, end) === 0;
    if (isFollowed || hasLiveGrid(body, begin, size)) return begin;
  }
  return undefined;
};

const createSpan = (body: Cursor, begin: number, size: number): RecordSpan => {
  const known = findKnownLayout(body, begin) ?? findDisputedLayoutAt(body, begin);
  const isOfSize = known !== undefined && recordFormats[known].bytes === size;
  if (isOfSize && countFaults(body, begin) === 0)
    return { begin, size, layout: known, guessed: false };
  const layout = isOfSize ? known : LAYOUT_OF_SIZE.get(size);
  const isCredible = layout === "none" || hasLiveGrid(body, begin, size);
  return { begin, size, layout: isCredible ? layout : undefined, guessed: true };
};

/** The sizes of a record of unknown type, the likeliest first. @param lastBytes its size if it is the last one */
const listCandidates = (
  body: Cursor,
  begin: number,
  lastBytes: number | undefined,
): readonly number[] => {
  if (lastBytes !== undefined) {
    const isPossible = lastBytes === RECORD_HEAD_BYTES || lastBytes >= MIN_TAIL_RECORD_BYTES;
    return isPossible ? [lastBytes] : [];
  }
  const disputed = findDisputedLayoutAt(body, begin);
  return disputed === undefined
    ? CANDIDATES
    : [...new Set([recordFormats[disputed].bytes, ...CANDIDATES])];
};
