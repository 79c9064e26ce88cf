/** Energy in the tables of 0004, some of which have too few bytes (docs/protocol.md#energy-history). */
import { DAY_STEP_JOULES } from "../protocol/layouts.ts";
import type { Energy } from "../protocol/replies.ts";
import { isDate, toMonth } from "../time/calendar.ts";

/** An energy as it is in a table. */
export interface TableEnergy {
  readonly joules: number;
  /** It has two bytes: it wraps at 655.36 kWh, or stays at the ceiling. */
  readonly isShort: boolean;
}

/** Where two bytes wrap: 655.36 kWh. */
export const WRAP_JOULES = 65_536 * DAY_STEP_JOULES;
/** "655.35 kWh or more". */
const CEILING_JOULES = 65_535 * DAY_STEP_JOULES;
/** Relative error of an estimate (docs/protocol.md#energy-of-today). */
export const TOLERANCE = 0.2;

/** Bytes of a reply to 0004 outside the records (docs/protocol.md#energy-history). */
const FRAME_BYTES = 21;
const LONG_RECORD_BYTES = 8;

/**
 * The records of a reply by date. @param bytes size of the reply, which shows the size of its records
 */
export const readTable = ({ records }: Energy, bytes: number): Map<string, TableEnergy> => {
  const isShort = bytes - FRAME_BYTES < LONG_RECORD_BYTES * records.length;
  return new Map(
    records
      .filter(({ date }) => isDate(date))
      .map(({ date, energyJoules }) => [date, { joules: energyJoules, isShort }]),
  );
};

/** A year's table by month, yyyymm; the days in it have no meaning. */
export const readMonths = (
  { records, ...head }: Energy,
  bytes: number,
): Map<string, TableEnergy> => {
  const firsts = records.map((record) => ({ ...record, date: `${toMonth(record.date)}01` }));
  const table = readTable({ ...head, records: firsts }, bytes);
  return new Map([...table].map(([date, energy]) => [toMonth(date), energy]));
};

/**
 * The energy that a table entry stands for.
 * @param estimate the same energy from another source, if there is one
 * @param canWrap whether the plant can produce 655.36 kWh in that time
 * @returns `undefined` where the number of wraps is unknown
 */
export const unwrapEnergy = (
  { joules, isShort }: TableEnergy,
  { estimate, canWrap }: { readonly estimate?: number | undefined; readonly canWrap: boolean },
): number | undefined => {
  if (!isShort) return joules;
  if (joules === CEILING_JOULES) {
    if (estimate === undefined || estimate < CEILING_JOULES * (1 - TOLERANCE)) return undefined;
    return Math.max(estimate, CEILING_JOULES);
  }
  if (estimate === undefined) return canWrap ? undefined : joules;
  return joules + WRAP_JOULES * Math.max(0, Math.round((estimate - joules) / WRAP_JOULES));
};

/** Whether a plant with this maximum power can produce 655.36 kWh in a day. */
export const canWrapInDay = (mostWatts: number): boolean => mostWatts * 86_400 >= WRAP_JOULES;
