/** The counter before the first known day, for which the ECU has only the energy of months. */
import { dayBounds, formatDate, monthBefore, toMonth } from "../time/calendar.ts";
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
  /** Days with energy, oldest first. */
  readonly daysWithEnergy: readonly LedgerDay[];
  /** The counter at the start of the first of these days. */
  readonly joules: number;
  /** Earliest requested date, yyyymmdd. */
  readonly from: string;
}

/** Goes back from the first known day, month by month, as long as the energy of the month is certain. */
export const monthsBefore = (
  past: EcuHistory,
  { daysWithEnergy, joules, from }: MonthsStart,
): MonthSamples => {
  const samples: TimedSample[] = [];
  let value = joules;
  let first = daysWithEnergy[0]?.date ?? from;
  for (;;) {
    const month = first.endsWith("01") ? monthBefore(toMonth(first)) : toMonth(first);
    if (`${month}01` < from) return { samples, notes: [] };
    const summed = sumEnergy(daysWithEnergy.filter(({ date }) => toMonth(date) === month));
    const rest = computeRest(past.months.get(month), summed, value);
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
  summed: number,
  value: number,
): number | string => {
  if (record === undefined) return "the ECU has no energy for it";
  const rest = record.joules - summed;
  // The known days may exceed the month's record by the rounding of both.
  if (rest < 0 && -rest <= TOLERANCE * summed && !record.isShort) return 0;
  if (!record.isShort) return rest >= 0 ? rest : "its days exceed its total";
  const least = ((rest % WRAP_JOULES) + WRAP_JOULES) % WRAP_JOULES;
  return value < least + WRAP_JOULES ? least : "its energy may be 655.36 kWh higher than reported";
};
