/** Which days a history has: the request, checked and completed. */

import { UsageError } from "../config/usage-error.ts";
import { addDays, dayBounds, daysBetween, formatDate, listDates } from "../time/calendar.ts";
import { findLastDate, type HistoryRange } from "./history.ts";

/** What the user asked for; what is absent has a default. */
export interface RequestedRange {
  /** First and last day, yyyymmdd. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  /** Moment at which the history ends, in milliseconds since 1970. */
  readonly end?: number | undefined;
  /** Lifetime energy at that moment, in joules. */
  readonly endJoules?: number | undefined;
}

/** Days for which an ECU keeps the power, about (docs/protocol.md#power-of-a-day). */
const USUAL_DAYS = 61;
const MAX_DAYS = 400;
/** The power of earlier days is requested only if the user asks for these days. */
const REMEMBERED_DAYS = 75;
const MS = 1000;

export interface Today {
  /** yyyymmdd */
  readonly date: string;
  readonly zone: string;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/**
 * The range with its defaults filled in.
 * @throws UsageError with every problem
 */
export const resolveRange = (
  { from, to, end, endJoules }: RequestedRange,
  today: Today,
): HistoryRange => {
  const { zone, now, date } = today;
  const cutover = end === undefined ? undefined : { at: end / MS, joules: endJoules };
  const last = to ?? date;
  const first = from ?? addDays(findLastDate({ from: last, to: last, cutover }, zone), -USUAL_DAYS);
  const isEndEarly = end !== undefined && end <= dayBounds(first, zone).begin * MS;
  const problems = [
    first > last && `--from: ${formatDate(first)} is after the last day, ${formatDate(last)}`,
    last > date &&
      `--to: ${formatDate(last)} has not started; the last possible day is ${formatDate(date)}`,
    daysBetween(first, date) > MAX_DAYS &&
      `--from: ${formatDate(first)} is more than ${MAX_DAYS} days ago, and no ECU keeps that`,
    end !== undefined && end > now && `--end: ${new Date(end).toISOString()} is in the future`,
    isEndEarly && `--end: ${new Date(end).toISOString()} is before the first day`,
    endJoules !== undefined &&
      end === undefined &&
      "--end-joules: set the time of this value as well, with --end",
  ].filter((problem) => problem !== false);
  if (problems.length > 0) throw new UsageError(problems);
  return { from: first, to: last, cutover };
};

/**
 * Days whose curves are needed, newest first: those of the range, and later ones whose energy is in no table.
 * @param hasEnergy whether the table of days has a date
 */
export const listQueryDates = (
  wanted: HistoryRange,
  { date, zone }: Today,
  hasEnergy: (date: string) => boolean,
): readonly string[] => {
  const last = findLastDate(wanted, zone);
  const earliest = addDays(date, -REMEMBERED_DAYS);
  return listDates(wanted.from, date)
    .filter((one) => one <= last || (one >= earliest && !hasEnergy(one)))
    .toReversed();
};
