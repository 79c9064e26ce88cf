/** The counter before the first known day, for which the ECU has only the energy of months. */
import { dayBounds, formatDate, monthBefore, monthOf } from "../time/calendar.ts";
import { type EcuHistory, type LedgerDay, sumEnergy } from "./days.ts";
import type { TimedSample } from "./openmetrics.ts";
import { TOLERANCE, WRAP_JOULES } from "./table.ts";

/** Samples at local midnight of the first of each month, and why they end. */
export interface MonthSamples {
  /** In order of time. */
  readonly samples: readonly TimedSample[];
  readonly notes: readonly string[];
}

interface MonthsStart {
  /** Days from the first known one. */
  readonly known: readonly LedgerDay[];
  /** The counter at the start of that day. */
  readonly joules: number;
  /** Earliest requested date, yyyymmdd. */
  readonly from: string;
}

/** Goes back from the first known day, month by month, as long as the energy of the month is certain. */
export const monthsBefore = (
  past: EcuHistory,
  { known, joules, from }: MonthsStart,
): MonthSamples => {
  const samples: TimedSample[] = [];
  let value = joules;
  let first = known[0]?.date ?? from;
  for (;;) {
    const month = first.endsWith("01") ? monthBefore(monthOf(first)) : monthOf(first);
    if (`${month}01` < from) return { samples, notes: [] };
    const told = sumEnergy(known.filter(({ date }) => monthOf(date) === month));
    const rest = computeRest(past.months.get(month), told, value);
    if (typeof rest === "string")
      return { samples, notes: [`${formatDate(month)}: ${rest}; the counter starts after it`] };
    value -= rest;
    if (value < 0)
      return { samples, notes: [`${formatDate(month)}: its energy exceeds the counter`] };
    first = `${month}01`;
    samples.unshift({ at: dayBounds(first, past.zone).begin, value });
  }
};

/**
 * Energy of a month before its known days. A two-byte value does not show how often it wrapped, unless one more wrap would
 * exceed the counter.
 */
const computeRest = (
  record: { readonly joules: number; readonly isShort: boolean } | undefined,
  told: number,
  value: number,
): number | string => {
  if (record === undefined) return "the ECU has no energy for it";
  const rest = record.joules - told;
  // The known days may exceed the month's record by the rounding of both.
  if (rest < 0 && -rest <= TOLERANCE * told && !record.isShort) return 0;
  if (!record.isShort) return rest >= 0 ? rest : "its days exceed its total";
  const least = ((rest % WRAP_JOULES) + WRAP_JOULES) % WRAP_JOULES;
  return value < least + WRAP_JOULES ? least : "its energy may be 655.36 kWh higher than reported";
};
