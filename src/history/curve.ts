/** The power curve of a day: times without a zone become Unix times, and power becomes energy (docs/protocol.md#power-of-a-day, #time-and-time-zones). */

import type { DayPower } from "../protocol/replies.ts";
import type { Day } from "../time/calendar.ts";
import { parseLocalTime } from "../time/zone.ts";

/** Power at a time. */
export interface PowerPoint {
  /** Unix time in seconds. */
  readonly at: number;
  readonly watts: number;
}

export interface Curve {
  /** In order of time; no two have the same time. */
  readonly points: readonly PowerPoint[];
  /** Number of unusable records: without a valid time, or with the time of another record. */
  readonly dropped: number;
}

const STAMP = /^([01]\d|2[0-3])[0-5]\d$/;
const ORDINARY_DAY = 86_400;
/** A round of the ECU: the time that the first record of a day covers. */
const ROUND = 300;
/** The longest usual interval between two rounds (docs/protocol.md#time-limits). */
const LONGEST_ROUND = 1_200;
const [EARLY, LATE] = [0, Number.MAX_SAFE_INTEGER];

/**
 * The times of a day's records. On a day on which the clock changes, the records are in the order in which they were made,
 * and each is at its first possible time after the one before. So a time in the repeated hour belongs to the first pass until
 * the times go back, and to the second pass from there. A time in the skipped hour is read as if the clock had not changed
 * yet. On all other days each record has one possible time, and the order does not matter.
 */
export const buildCurve = (records: DayPower, day: Day, zone: string): Curve => {
  const good = records.filter(({ time }) => STAMP.test(time));
  const isOrdinary = day.end - day.begin === ORDINARY_DAY;
  const inOrder = isOrdinary ? good.toSorted((a, b) => Number(a.time) - Number(b.time)) : good;
  const listMoments = (time: string): readonly number[] =>
    isOrdinary
      ? [day.begin + 3_600 * Number(time.slice(0, 2)) + 60 * Number(time.slice(2))]
      : [EARLY, LATE].map((now) => parseLocalTime(`${day.date}${time}00`, zone, now) ?? 0);
  const points: PowerPoint[] = [];
  for (const { time, powerWatts } of inOrder) {
    const last = points.at(-1)?.at ?? day.begin - 1;
    const at = listMoments(time).find((moment) => moment > last);
    if (at !== undefined && at < day.end) points.push({ at, watts: powerWatts });
  }
  return { points, dropped: records.length - points.length };
};

/** Energy up to a time. */
export interface EnergyPoint {
  readonly at: number;
  readonly joules: number;
}

/**
 * The cumulative energy of a curve from the start of its day. Each power counts for the time since the record before it, as
 * the ECU counts, but not for longer than the longest usual interval.
 */
export const cumulate = (points: readonly PowerPoint[], day: Day): readonly EnergyPoint[] => {
  const knots: EnergyPoint[] = [{ at: day.begin, joules: 0 }];
  let joules = 0;
  let before: number | undefined;
  for (const { at, watts } of points) {
    const lasted = before === undefined ? ROUND : Math.min(LONGEST_ROUND, at - before);
    const begun = at - lasted;
    // A day starts at 0: energy from before its midnight counts in its first second.
    if (begun > (knots.at(-1)?.at ?? 0)) knots.push({ at: begun, joules });
    joules += watts * lasted;
    knots.push({ at: Math.max(at, day.begin + 1), joules });
    before = at;
  }
  return knots;
};

/** Energy under a curve, in joules. */
export const integrate = (points: readonly PowerPoint[], day: Day): number =>
  cumulate(points, day).at(-1)?.joules ?? 0;

/** The cumulative energy at a time. */
export const interpolate = (knots: readonly EnergyPoint[], at: number): number => {
  const next = knots.findIndex((knot) => knot.at > at);
  if (next === -1) return knots.at(-1)?.joules ?? 0;
  const [from, to] = [knots[next - 1], knots[next]];
  if (from === undefined || to === undefined) return 0;
  return from.joules + ((to.joules - from.joules) * (at - from.at)) / (to.at - from.at);
};
