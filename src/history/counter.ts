/** The lifetime counter of earlier days, computed backwards from a known value. */
import { DAY_STEP_JOULES, LIFETIME_STEP_JOULES } from "../protocol/layouts.ts";
import { formatDate } from "../time/calendar.ts";
import { interpolate } from "./curve.ts";
import { type EcuHistory, type Ledger, type LedgerDay, sumEnergy } from "./days.ts";
import type { TimedSample } from "./openmetrics.ts";

/** Between two samples of the counter, in seconds: the time that Prometheus looks back. */
const STEP = 300;
/** Relative error of the energy under a day's curve. */
const CURVE_ERROR = 0.1;
/** The counter does not fall at the cutover if the clock is wrong by this much, or a round is booked this late. */
const CUTOVER_SECONDS = 600;

/** Where the history ends, if not with the current reading. */
export interface Cutover {
  /** Unix time in seconds of the first sample that exists. */
  readonly at: number;
  /** Its value, if known. */
  readonly joules?: number | undefined;
}

/** Energy since the ledger's first day began, up to a moment. */
const energyAt = ({ days }: Ledger, at: number): number => {
  let before = 0;
  for (const day of days) {
    if (at < day.end) return before + energyInDay(day, at);
    before += day.joules ?? 0;
  }
  return before;
};

/** The energy of a day without a curve counts at its end: when it was produced is unknown. */
const energyInDay = (
  { begin, end, cumulative: rise, joules = 0 }: LedgerDay,
  at: number,
): number => {
  const curveJoules = rise.at(-1)?.joules ?? 0;
  if (at >= end) return joules;
  return at <= begin || curveJoules === 0 ? 0 : (joules * interpolate(rise, at)) / curveJoules;
};

/** The lowest possible counter at the start of the ledger's first day, in joules; it may be negative. */
export const computeBase = (
  ledger: Ledger,
  past: EcuHistory,
  cutover: Cutover | undefined,
): number => {
  const { lifetimeJoules } = past.reading;
  const now = lifetimeJoules - sumEnergy(ledger.days);
  if (cutover === undefined) return now;
  if (cutover.joules !== undefined)
    return Math.floor(cutover.joules - energyAt(ledger, cutover.at));
  return Math.floor(now - uncertaintyAt(ledger, cutover.at));
};

/** How much lower the ECU's counter may have been at a time than the value computed from the current one. */
const uncertaintyAt = (ledger: Ledger, at: number): number => {
  const since = ledger.days.filter(({ end }) => end > at);
  const byCurve = since.filter(({ isByCurve }) => isByCurve);
  return (
    LIFETIME_STEP_JOULES +
    DAY_STEP_JOULES * Math.max(1, since.length) +
    CURVE_ERROR * sumEnergy(byCurve) +
    (energyAt(ledger, at) - energyAt(ledger, at - CUTOVER_SECONDS))
  );
};

/** The rounding error of a counter that started at 0. */
export const computeRounding = (ledger: Ledger, cutover: Cutover | undefined): number =>
  LIFETIME_STEP_JOULES +
  DAY_STEP_JOULES * ledger.days.length +
  (cutover === undefined ? 0 : uncertaintyAt(ledger, cutover.at));

export interface CounterOptions {
  readonly base: number;
  /** Lowest value in joules that rounding can explain. */
  readonly least: number;
  /** Last requested day, yyyymmdd. */
  readonly to: string;
  /** Unix time in seconds; all samples are earlier. */
  readonly before: number;
}

/**
 * Samples every 300 s through each known day from its midnight, also at night. A day without a curve has a sample at its
 * start and at its end.
 */
export const buildCounter = (
  { days }: Ledger,
  { base, least, to, before }: CounterOptions,
): { readonly samples: readonly TimedSample[]; readonly notes: readonly string[] } => {
  const samples: TimedSample[] = [];
  let total = base;
  let lost: string | undefined;
  for (const day of days) {
    if (day.date > to) break;
    for (const at of day.joules === undefined ? [] : sampleTimes(day, before)) {
      const value = total + Math.round(energyInDay(day, at));
      if (value < least) lost = day.date;
      else if (at > (samples.at(-1)?.at ?? 0)) samples.push({ at, value: Math.max(0, value) });
    }
    total += day.joules ?? 0;
  }
  const notes =
    lost === undefined
      ? []
      : [
          `${formatDate(lost)} and before: the counter would be negative, so the ECU was replaced or reset; no counter before this day`,
        ];
  return { samples, notes };
};

const sampleTimes = ({ begin, end, cumulative: rise }: LedgerDay, before: number): number[] => {
  const steps = rise.length > 0 ? Math.ceil((end - begin) / STEP) : 1;
  const moments = Array.from({ length: Math.max(0, steps) }, (_, i) => begin + STEP * i);
  const last = before - 1;
  // The last second before the cutover, so that there is no gap.
  if (last > begin && last < end && rise.length > 0) moments.push(last);
  return [...moments, end].filter((at) => at < before).toSorted((a, b) => a - b);
};
