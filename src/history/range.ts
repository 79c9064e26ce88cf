/** Which days a history is of: what was asked for, judged. */

import { UsageError } from "../config/usage-error.ts";
import { addDays, dayOf, daysBetween, formatDate, listDates } from "../time/calendar.ts";
import { lastDateOf, type Wanted } from "./history.ts";

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

/** Days that an ECU remembers the power of, about (docs/protocol.md#power-of-a-day). */
const USUAL_DAYS = 61;
const MOST_DAYS = 400;
/** No ECU is asked for the power of an earlier day, unless somebody wants that day. */
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
 * What is wanted, with what was left out filled in.
 * @throws UsageError with every problem
 */
export const wantedOf = ({ from, to, end, endJoules }: RequestedRange, today: Today): Wanted => {
  const { zone, now, date } = today;
  const seam = end === undefined ? undefined : { at: end / MS, joules: endJoules };
  const last = to ?? date;
  const first = from ?? addDays(lastDateOf({ from: last, to: last, seam }, zone), -USUAL_DAYS);
  const isEndEarly = end !== undefined && end <= dayOf(first, zone).begin * MS;
  const problems = [
    first > last && `--from: ${formatDate(first)} is after the last day, ${formatDate(last)}`,
    last > date &&
      `--to: ${formatDate(last)} has not begun; the last day can be ${formatDate(date)}`,
    daysBetween(first, date) > MOST_DAYS &&
      `--from: ${formatDate(first)} is more than ${MOST_DAYS} days ago, which no ECU remembers`,
    end !== undefined && end > now && `--end: ${new Date(end).toISOString()} is in the future`,
    isEndEarly && `--end: ${new Date(end).toISOString()} is before the first day`,
    endJoules !== undefined &&
      end === undefined &&
      "--end-joules: give the moment of this value as well, with --end",
  ].filter((problem) => problem !== false);
  if (problems.length > 0) throw new UsageError(problems);
  return { from: first, to: last, seam };
};

/**
 * Days whose curves are needed, newest first: those that are wanted, and later ones whose energy no table has.
 * @param hasEnergy whether the table of days has a date
 */
export const datesToAsk = (
  wanted: Wanted,
  { date, zone }: Today,
  hasEnergy: (date: string) => boolean,
): readonly string[] => {
  const last = lastDateOf(wanted, zone);
  const earliest = addDays(date, -REMEMBERED_DAYS);
  return listDates(wanted.from, date)
    .filter((one) => one <= last || (one >= earliest && !hasEnergy(one)))
    .toReversed();
};
