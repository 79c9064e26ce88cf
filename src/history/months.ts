/** The counter before the first known day: the ECU knows no more than the energy of months. */
import { dayOf, formatDate, monthBefore, monthOf } from "../time/calendar.ts";
import { type LedgerDay, type Past, sumOf } from "./days.ts";
import type { Sample } from "./openmetrics.ts";
import { TOLERANCE, TURN_JOULES } from "./table.ts";

/** Samples at the local midnight of the first of each month, and what ended them. */
export interface Beginnings {
  /** In the order of time. */
  readonly samples: readonly Sample[];
  readonly notes: readonly string[];
}

interface Start {
  /** Days from the first known one on. */
  readonly known: readonly LedgerDay[];
  /** Of the counter as that day begins. */
  readonly joules: number;
  /** Earliest date that is asked for, yyyymmdd. */
  readonly from: string;
}

/** Goes back from the first known day, month by month, as far as the energies of the months are certain. */
export const monthsBefore = (past: Past, { known, joules, from }: Start): Beginnings => {
  const samples: Sample[] = [];
  let value = joules;
  let first = known[0]?.date ?? from;
  for (;;) {
    const month = first.endsWith("01") ? monthBefore(monthOf(first)) : monthOf(first);
    if (`${month}01` < from) return { samples, notes: [] };
    const told = sumOf(known.filter(({ date }) => monthOf(date) === month));
    const rest = restOf(past.months.get(month), told, value);
    if (typeof rest === "string")
      return { samples, notes: [`${formatDate(month)}: ${rest}; the counter begins after it`] };
    value -= rest;
    if (value < 0)
      return { samples, notes: [`${formatDate(month)}: its energy is more than the counter has`] };
    first = `${month}01`;
    samples.unshift({ at: dayOf(first, past.zone).begin, value });
  }
};

/**
 * Energy of a month before the days of it that are known. Two bytes do not tell how often they turned over, unless one
 * turn more would be more than the counter has.
 */
const restOf = (
  record: { readonly joules: number; readonly isShort: boolean } | undefined,
  told: number,
  value: number,
): number | string => {
  if (record === undefined) return "the ECU does not know its energy";
  const rest = record.joules - told;
  // What is known of the month may be more than its record by no more than the rounding of both.
  if (rest < 0 && -rest <= TOLERANCE * told && !record.isShort) return 0;
  if (!record.isShort) return rest >= 0 ? rest : "its days are more than its sum";
  const least = ((rest % TURN_JOULES) + TURN_JOULES) % TURN_JOULES;
  return value < least + TURN_JOULES
    ? least
    : "its energy may be 655.36 kWh more than the ECU says";
};
