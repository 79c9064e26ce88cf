/** The lifetime counter of the past, rebuilt backwards from a value that is known. */
import { formatDate } from "../time/calendar.ts";
import { levelAt } from "./curve.ts";
import { type Ledger, type LedgerDay, type Past, sumOf } from "./days.ts";
import type { Sample } from "./openmetrics.ts";

/** Between two samples of the counter, in seconds: what a Prometheus looks back for. */
const STEP = 300;
const LIFETIME_STEP_JOULES = 360_000;
const DAY_STEP_JOULES = 36_000;
/** How far a day's curve may be from what the counter rose by, as a part of it. */
const CURVE_ERROR = 0.1;
/** A clock that is wrong by so much, or a round that is booked so late, does not make the counter fall at the seam. */
const SEAM_SECONDS = 600;

/** Where the history ends, if not at the reading of now. */
export interface Seam {
  /** Unix time in seconds of the first sample that exists. */
  readonly at: number;
  /** Its value, where it is known. */
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

/** A day without a curve gives nothing before it ends: when it did is not known. */
const energyInDay = ({ begin, end, rise, joules = 0 }: LedgerDay, at: number): number => {
  const whole = rise.at(-1)?.joules ?? 0;
  if (at >= end) return joules;
  return at <= begin || whole === 0 ? 0 : (joules * levelAt(rise, at)) / whole;
};

/** What the counter is, at the lowest, as the ledger's first day begins: in joules, maybe below 0. */
export const baseOf = (ledger: Ledger, past: Past, seam: Seam | undefined): number => {
  const { lifetimeJoules } = past.reading;
  const now = lifetimeJoules - sumOf(ledger.days);
  if (seam === undefined) return now;
  if (seam.joules !== undefined) return Math.floor(seam.joules - energyAt(ledger, seam.at));
  return Math.floor(now - uncertaintyAt(ledger, seam.at));
};

/** By how much the ECU's counter may have been lower at a moment than is worked out from that of now. */
const uncertaintyAt = (ledger: Ledger, at: number): number => {
  const since = ledger.days.filter(({ end }) => end > at);
  const byCurve = since.filter(({ isByCurve }) => isByCurve);
  return (
    LIFETIME_STEP_JOULES +
    DAY_STEP_JOULES * Math.max(1, since.length) +
    CURVE_ERROR * sumOf(byCurve) +
    (energyAt(ledger, at) - energyAt(ledger, at - SEAM_SECONDS))
  );
};

/** What rounding alone may take from a counter that began at 0. */
export const roundingOf = (ledger: Ledger, seam: Seam | undefined): number =>
  LIFETIME_STEP_JOULES +
  DAY_STEP_JOULES * ledger.days.length +
  (seam === undefined ? 0 : uncertaintyAt(ledger, seam.at));

export interface CounterOptions {
  readonly base: number;
  /** Below this, in joules, a value is no rounding any more. */
  readonly least: number;
  /** Last day that is asked for, yyyymmdd. */
  readonly to: string;
  /** Unix time in seconds that no sample reaches. */
  readonly before: number;
}

/**
 * Samples every 300 s through each known day from its midnight on, by night too; of a day whose curve is not known, at
 * its begin and its end.
 */
export const counterOf = (
  { days }: Ledger,
  { base, least, to, before }: CounterOptions,
): { readonly samples: readonly Sample[]; readonly notes: readonly string[] } => {
  const samples: Sample[] = [];
  let total = base;
  let lost: string | undefined;
  for (const day of days) {
    if (day.date > to) break;
    for (const at of day.joules === undefined ? [] : momentsOf(day, before)) {
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
          `${formatDate(lost)} and before: the counter would be below 0, so the ECU was replaced or reset: no counter there`,
        ];
  return { samples, notes };
};

const momentsOf = ({ begin, end, rise }: LedgerDay, before: number): number[] => {
  const steps = rise.length > 0 ? Math.ceil((end - begin) / STEP) : 1;
  const moments = Array.from({ length: Math.max(0, steps) }, (_, i) => begin + STEP * i);
  const last = before - 1;
  // The last moment before the seam, so that no gap is seen there.
  if (last > begin && last < end && rise.length > 0) moments.push(last);
  return [...moments, end].filter((at) => at < before).toSorted((a, b) => a - b);
};
