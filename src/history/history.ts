/** What an ECU remembers → samples of its past. */
import { dateAt, formatDate } from "../time/calendar.ts";
import { baseOf, counterOf, roundingOf, type Seam } from "./counter.ts";
import { type Ledger, type LedgerDay, ledgerOf, type Past, sumOf } from "./days.ts";
import { monthsBefore } from "./months.ts";
import type { PastMetric, Sample } from "./openmetrics.ts";

/** What is asked for. */
export interface Wanted {
  /** First and last day, yyyymmdd. */
  readonly from: string;
  readonly to: string;
  /** Without one, the history ends with the reading of now. */
  readonly seam?: Seam | undefined;
}

export interface History {
  readonly samples: Readonly<Record<PastMetric, readonly Sample[]>>;
  /** What is missing or was decided, a line each. */
  readonly notes: readonly string[];
}

/** Nothing can be said soundly; the message says why. */
export class HistoryError extends Error {
  override readonly name = "HistoryError";
}

/** The date at which a history ends. */
export const lastDateOf = ({ to, seam }: Wanted, zone: string): string => {
  const end = seam === undefined ? to : dateAt(seam.at * 1000 - 1, zone);
  return end < to ? end : to;
};

/**
 * Samples in the order of time, no two of a metric at one moment: power in watts, energy in whole joules.
 * @throws HistoryError where the ECU knows nothing, or has forgotten its counter for the moment, or not what lies between
 *   the seam and now
 */
export const historyOf = (past: Past, wanted: Wanted): History => {
  const { from, seam } = wanted;
  const to = lastDateOf(wanted, past.zone);
  const ledger = ledgerOf(past, from);
  const known = ledger.days.filter(({ joules }) => joules !== undefined);
  const [first] = known;
  const isKnown = ledger.days.some((day) => day.date <= to && isTold(day, past));
  if (first === undefined || !isKnown)
    throw new HistoryError(`the ECU knows nothing of ${formatDate(from)} to ${formatDate(to)}`);
  // A day that counts nothing would leave the counter of the days before it too high: it would fall at the seam.
  const gap = ledger.days.find(
    (day) => seam !== undefined && day.end > seam.at && day.joules === undefined,
  );
  if (gap !== undefined && seam?.joules === undefined)
    throw new HistoryError(
      `the ECU does not know the energy of ${formatDate(gap.date)}, so that of now does not tell what the counter was at --end; give --end-joules as well`,
    );
  const isAnchored = seam?.joules !== undefined || past.reading.lifetimeJoules > 0;
  if (!isAnchored && sumOf(ledger.days) > roundingOf(ledger, seam))
    throw new HistoryError(
      "the ECU says 0 for its lifetime energy, which cannot be; this passes: run the same again later",
    );
  // The reading itself is the last sample; a seam is the first sample that exists already.
  const before = seam === undefined ? past.reading.at + 1 : Math.ceil(seam.at);
  const base = baseOf(ledger, past, seam);
  const least = base < 0 && base >= -roundingOf(ledger, seam) ? base : 0;
  const counter = counterOf(ledger, { base, least, to, before });
  const months = monthsBefore(past, { known, joules: base, from });
  const lifetime = [
    ...months.samples.filter(({ at }) => at < Math.min(before, counter.samples[0]?.at ?? before)),
    ...counter.samples,
  ];
  const samples = {
    ecu_power_watts: powerOf(ledger, to, before),
    ecu_lifetime_energy_joules_total: ended(lifetime, past, to, seam),
  };
  if (Object.values(samples).every(({ length }) => length === 0))
    throw new HistoryError(
      `of ${formatDate(from)} to ${formatDate(to)} there is nothing to write: ${[...ledger.notes, ...counter.notes].join("; ")}`,
    );
  return {
    samples,
    notes: [...missing(ledger, past, to), ...ledger.notes, ...months.notes, ...counter.notes],
  };
};

/** Whether the ECU has anything of a day; its counter of now is no news of one. */
const isTold = ({ date, joules, points }: LedgerDay, past: Past): boolean =>
  date === past.today ? points.length > 0 || past.days.has(date) : joules !== undefined;

const powerOf = ({ days }: Ledger, to: string, before: number): readonly Sample[] =>
  days
    .filter(({ date }) => date <= to)
    .flatMap(({ points }) => points)
    .filter(({ at }) => at < before)
    .map(({ at, watts }) => ({ at, value: watts }));

/** A history up to now ends with the reading itself. */
const ended = (
  samples: readonly Sample[],
  { reading, today }: Past,
  to: string,
  seam: Seam | undefined,
): readonly Sample[] => {
  if (seam !== undefined || to !== today) return samples;
  const last = { at: reading.at, value: reading.lifetimeJoules };
  return [...samples.filter(({ at }) => at < last.at), last];
};

/** Days of which there is nothing, or no curve; those that follow on each other in one line. */
const missing = ({ days }: Ledger, { curves }: Past, to: string): readonly string[] => {
  const asked = days.filter(({ date }) => date <= to);
  const nothing = runsOf(asked, ({ joules }) => joules === undefined);
  const noCurve = runsOf(
    asked,
    ({ date, joules, points }) =>
      joules !== undefined && joules > 0 && points.length === 0 && curves.has(date),
  );
  return [
    ...nothing.map((run) => `${run}: the ECU knows nothing of it`),
    ...noCurve.map((run) => `${run}: the ECU knows the energy and no power`),
  ];
};

const runsOf = (
  days: readonly LedgerDay[],
  isMeant: (day: LedgerDay) => boolean,
): readonly string[] => {
  const runs: LedgerDay[][] = [[]];
  for (const day of days) {
    if (isMeant(day)) runs.at(-1)?.push(day);
    else runs.push([]);
  }
  return runs
    .filter(({ length }) => length > 0)
    .map((found) => {
      const [first, last] = [found[0]?.date ?? "", found.at(-1)?.date ?? ""];
      return first === last ? formatDate(first) : `${formatDate(first)} to ${formatDate(last)}`;
    });
};
