/** The history that an ECU keeps → samples. */
import { formatDate, localDate } from "../time/calendar.ts";
import { buildCounter, type Cutover, computeBase, computeRounding } from "./counter.ts";
import { buildLedger, type EcuHistory, type Ledger, type LedgerDay, sumEnergy } from "./days.ts";
import { monthsBefore } from "./months.ts";
import type { HistoryMetric, TimedSample } from "./openmetrics.ts";

/** The requested range. */
export interface HistoryRange {
  /** First and last day, yyyymmdd. */
  readonly from: string;
  readonly to: string;
  /** Without it, the history ends with the current reading. */
  readonly cutover?: Cutover | undefined;
}

export interface HistorySamples {
  readonly samples: Readonly<Record<HistoryMetric, readonly TimedSample[]>>;
  /** What is missing or was decided, one line each. */
  readonly notes: readonly string[];
}

/** There is no reliable history; the message says why. */
export class HistoryError extends Error {
  override readonly name = "HistoryError";
}

/** The date at which a history ends. */
export const findLastDate = ({ to, cutover }: HistoryRange, zone: string): string => {
  const end = cutover === undefined ? to : localDate(cutover.at * 1000 - 1, zone);
  return end < to ? end : to;
};

/**
 * Samples in order of time, at most one per metric and time: power in watts, energy in whole joules.
 * @throws HistoryError where the ECU has no data, reports a counter of 0 by mistake, or has no data for a day between the
 *   cutover and now
 */
export const buildHistory = (past: EcuHistory, range: HistoryRange): HistorySamples => {
  const { from, cutover } = range;
  const to = findLastDate(range, past.zone);
  const ledger = buildLedger(past, from);
  const withEnergy = ledger.days.filter(({ joules }) => joules !== undefined);
  const [first] = withEnergy;
  const isAnyReported = ledger.days.some((day) => day.date <= to && hasData(day, past));
  if (first === undefined || !isAnyReported)
    throw new HistoryError(`the ECU has no data for ${formatDate(from)} to ${formatDate(to)}`);
  // A day without energy would leave the counter of the days before it too high: it would fall at the cutover.
  const gap = ledger.days.find(
    (day) => cutover !== undefined && day.end > cutover.at && day.joules === undefined,
  );
  if (gap !== undefined && cutover?.joules === undefined)
    throw new HistoryError(
      `the ECU has no energy for ${formatDate(gap.date)}, so the counter at --end cannot be computed; set --end-joules as well`,
    );
  const isAnchored = cutover?.joules !== undefined || past.reading.lifetimeJoules > 0;
  if (!isAnchored && sumEnergy(ledger.days) > computeRounding(ledger, cutover))
    throw new HistoryError(
      "the ECU reports a lifetime energy of 0, which is wrong; this passes: run the command again later",
    );
  // The current reading is the last sample; a cutover is the first sample that exists already.
  const before = cutover === undefined ? past.reading.at + 1 : Math.ceil(cutover.at);
  const base = computeBase(ledger, past, cutover);
  const least = base < 0 && base >= -computeRounding(ledger, cutover) ? base : 0;
  const counter = buildCounter(ledger, { base, least, to, before });
  const months = monthsBefore(past, { daysWithEnergy: withEnergy, joules: base, from });
  const lifetime = [
    ...months.samples.filter(({ at }) => at < Math.min(before, counter.samples[0]?.at ?? before)),
    ...counter.samples,
  ];
  const samples = {
    ecu_power_watts: listPower(ledger, to, before),
    ecu_lifetime_energy_joules_total: endAtReading(lifetime, past, to, cutover),
  };
  if (Object.values(samples).every(({ length }) => length === 0))
    throw new HistoryError(
      `nothing to write for ${formatDate(from)} to ${formatDate(to)}: ${[...ledger.notes, ...counter.notes].join("; ")}`,
    );
  return {
    samples,
    notes: [...describeGaps(ledger, past, to), ...ledger.notes, ...months.notes, ...counter.notes],
  };
};

/** Whether the ECU has data for a day; its current counter alone does not count. */
const hasData = ({ date, joules, points }: LedgerDay, past: EcuHistory): boolean =>
  date === past.today ? points.length > 0 || past.days.has(date) : joules !== undefined;

const listPower = ({ days }: Ledger, to: string, before: number): readonly TimedSample[] =>
  days
    .filter(({ date }) => date <= to)
    .flatMap(({ points }) => points)
    .filter(({ at }) => at < before)
    .map(({ at, watts }) => ({ at, value: watts }));

/** A history up to now ends with the current reading. */
const endAtReading = (
  samples: readonly TimedSample[],
  { reading, today }: EcuHistory,
  to: string,
  cutover: Cutover | undefined,
): readonly TimedSample[] => {
  if (cutover !== undefined || to !== today) return samples;
  const last = { at: reading.at, value: reading.lifetimeJoules };
  return [...samples.filter(({ at }) => at < last.at), last];
};

/** Days without data or without a curve; consecutive days share a line. */
const describeGaps = ({ days }: Ledger, { curves }: EcuHistory, to: string): readonly string[] => {
  const covered = days.filter(({ date }) => date <= to);
  const nothing = formatRuns(covered, ({ joules }) => joules === undefined);
  const noCurve = formatRuns(
    covered,
    ({ date, joules, points }) =>
      joules !== undefined && joules > 0 && points.length === 0 && curves.has(date),
  );
  return [
    ...nothing.map((run) => `${run}: the ECU has no data`),
    ...noCurve.map((run) => `${run}: the ECU has the energy but no power`),
  ];
};

const formatRuns = (
  days: readonly LedgerDay[],
  isIncluded: (day: LedgerDay) => boolean,
): readonly string[] => {
  const runs: LedgerDay[][] = [[]];
  for (const day of days) {
    if (isIncluded(day)) runs.at(-1)?.push(day);
    else runs.push([]);
  }
  return runs
    .filter(({ length }) => length > 0)
    .map((run) => {
      const [first, last] = [run[0]?.date ?? "", run.at(-1)?.date ?? ""];
      return first === last ? formatDate(first) : `${formatDate(first)} to ${formatDate(last)}`;
    });
};
