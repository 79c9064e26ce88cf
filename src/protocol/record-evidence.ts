/** What the bytes at a position say about the record that may begin there (docs/protocol.md#inverter-records). */
import type { Cursor } from "./codec.ts";
import {
  findDisputedLayout,
  findLayout,
  RECORD_HEAD_BYTES,
  type RecordLayout,
  recordFormats,
} from "./layouts.ts";

/** Size of head, frequency and temperature: the smallest record with a tail. */
export const MIN_TAIL_RECORD_BYTES = 13;

const layouts = Object.keys(recordFormats) as readonly RecordLayout[];
/** The sizes of the layouts, the likeliest first. */
export const LAYOUT_SIZES: readonly number[] = layouts.map((layout) => recordFormats[layout].bytes);
/** The likeliest layout of each size: a later entry replaces an earlier one. */
export const LAYOUT_OF_SIZE: ReadonlyMap<number, RecordLayout> = new Map(
  layouts.toReversed().map((layout) => [recordFormats[layout].bytes, layout]),
);

/** The likeliest layout of the record's type code, if it is a disputed one. */
export const findDisputedLayoutAt = (body: Cursor, begin: number): RecordLayout | undefined =>
  findDisputedLayout(readTypeCode(body, begin), readUid(body, begin));

const readUid = (body: Cursor, begin: number): string =>
  Buffer.from(body.bytes.subarray(begin, begin + 6)).toString("hex");

const readTypeCode = (body: Cursor, begin: number): string =>
  String.fromCharCode(body.at(begin + 7), body.at(begin + 8));

/** The layout of the record's type code, if it is certain. The head may be invalid. */
export const findKnownLayout = (body: Cursor, begin: number): RecordLayout | undefined =>
  findLayout(readTypeCode(body, begin));

/** The size of a record with a valid head and a known type that ends within the body. */
export const findKnownSize = (body: Cursor, begin: number): number | undefined => {
  const layout = countFaults(body, begin) === 0 ? findKnownLayout(body, begin) : undefined;
  if (layout === undefined) return undefined;
  const { bytes } = recordFormats[layout];
  return begin + bytes <= body.end ? bytes : undefined;
};

/**
 * The number of faults of a head, 0 to 3: a serial number of zeros or of other than decimal digits, a flag that is neither
 * 0 nor 1, a type code that is not two digits. Bytes too few for a head have 3.
 */
export const countFaults = (body: Cursor, begin: number): number => {
  if (begin + RECORD_HEAD_BYTES > body.end) return 3;
  const isType = isDigit(body.at(begin + 7)) && isDigit(body.at(begin + 8));
  return Number(!isType) + Number(body.at(begin + 6) > 1) + Number(!isSerialNumber(body, begin));
};

const isSerialNumber = (body: Cursor, begin: number): boolean => {
  let isZero = true;
  for (let i = begin; i < begin + 6; i++) {
    const byte = body.at(i);
    if ((byte & 0x0f) > 9 || byte >> 4 > 9) return false;
    if (byte !== 0) isZero = false;
  }
  return !isZero;
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
export const isPlausible = (body: Cursor, begin: number, size: number): boolean => {
  if (size < MIN_TAIL_RECORD_BYTES) return true;
  const frequency = readU16(body, begin + RECORD_HEAD_BYTES);
  if (frequency !== 0 && !isGridFrequency(frequency)) return false;
  return listVoltageOffsets(size).every((offset) => {
    const volts = readU16(body, begin + offset);
    return volts === 0 || isGridVoltage(volts);
  });
};

/** Whether a record of this size would have the frequency and voltages of a live grid: strong evidence for its layout. */
export const hasLiveGrid = (body: Cursor, begin: number, size: number): boolean =>
  isGridFrequency(readU16(body, begin + RECORD_HEAD_BYTES)) &&
  listVoltageOffsets(size).every((offset) => isGridVoltage(readU16(body, begin + offset)));
