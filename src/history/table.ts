/** Energies of the tables of 0004, some of which have too few bytes (docs/protocol.md#energy-history). */
import type { Energy } from "../protocol/replies.ts";
import { isDate, monthOf } from "../time/calendar.ts";

/** An energy as a table has it. */
export interface TableEnergy {
  readonly joules: number;
  /** It has two bytes: it is the rest after whole turns of 655.36 kWh, or stands at the ceiling. */
  readonly isShort: boolean;
}

const STEP = 36_000;
/** What two bytes cannot say any more: 655.36 kWh. */
export const TURN_JOULES = 65_536 * STEP;
/** "655.35 kWh or more". */
const CEILING_JOULES = 65_535 * STEP;
/** An estimate and the truth differ by less than this part of it (docs/protocol.md#energy-of-today). */
export const TOLERANCE = 0.2;

/** Bytes of a reply to 0004 that are no record (docs/protocol.md#energy-history). */
const FRAME_BYTES = 21;
const LONG_RECORD_BYTES = 8;

/**
 * The records of a reply by date. @param bytes of the whole reply, which tell how long its records are
 */
export const tableOf = ({ records }: Energy, bytes: number): Map<string, TableEnergy> => {
  const isShort = bytes - FRAME_BYTES < LONG_RECORD_BYTES * records.length;
  return new Map(
    records
      .filter(({ date }) => isDate(date))
      .map(({ date, energyJoules }) => [date, { joules: energyJoules, isShort }]),
  );
};

/** A year's table by month, yyyymm: its days mean nothing. */
export const monthsOf = ({ records, ...head }: Energy, bytes: number): Map<string, TableEnergy> => {
  const firsts = records.map((record) => ({ ...record, date: `${monthOf(record.date)}01` }));
  const table = tableOf({ ...head, records: firsts }, bytes);
  return new Map([...table].map(([date, energy]) => [monthOf(date), energy]));
};

/**
 * What a table's energy means.
 * @param estimate the same energy by another source, where there is one
 * @param mayTurn whether the plant can make 655.36 kWh in that time
 * @returns `undefined` where nothing tells how often two bytes have turned over
 */
export const meantBy = (
  { joules, isShort }: TableEnergy,
  { estimate, mayTurn }: { readonly estimate?: number | undefined; readonly mayTurn: boolean },
): number | undefined => {
  if (!isShort) return joules;
  if (joules === CEILING_JOULES) {
    if (estimate === undefined || estimate < CEILING_JOULES * (1 - TOLERANCE)) return undefined;
    return Math.max(estimate, CEILING_JOULES);
  }
  if (estimate === undefined) return mayTurn ? undefined : joules;
  return joules + TURN_JOULES * Math.max(0, Math.round((estimate - joules) / TURN_JOULES));
};

/** Whether a plant that has been seen to make so much power may make 655.36 kWh in a day. */
export const mayTurnInDay = (mostWatts: number): boolean => mostWatts * 86_400 >= TURN_JOULES;
