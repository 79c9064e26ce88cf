/** The power curve of a day: stamps without a zone become moments, and powers become energy (docs/protocol.md#power-of-a-day, #time-and-time-zones). */

import type { DayPower } from "../protocol/replies.ts";
import type { Day } from "../time/calendar.ts";
import { parseLocalTime } from "../time/zone.ts";

/** Power at a moment. */
export interface Point {
  /** Unix time in seconds. */
  readonly at: number;
  readonly watts: number;
}

export interface Curve {
  /** In the order of time, no two at one moment. */
  readonly points: readonly Point[];
  /** Records of no use: no time of day, or a moment that another record has. */
  readonly dropped: number;
}

const STAMP = /^([01]\d|2[0-3])[0-5]\d$/;
const ORDINARY_DAY = 86_400;
/** A round of the ECU; what the first record of a day stands for. */
const ROUND = 300;
/** The longest time between two rounds that an ECU makes by itself (docs/protocol.md#time-limits). */
const LONGEST_ROUND = 1_200;
const [EARLY, LATE] = [0, Number.MAX_SAFE_INTEGER];

/**
 * The moments of a day's records. On a day on which the clock is set, they are taken in the order in which they were
 * recorded, each at its first moment after the one before: so a stamp of the hour that comes twice is of the first pass
 * until the stamps go back, and of the second from there on. A stamp of the hour that is left out is read as if the clock
 * had not been set yet. On all other days a stamp has one moment, and the order does not matter.
 */
export const curveOf = (records: DayPower, day: Day, zone: string): Curve => {
  const good = records.filter(({ time }) => STAMP.test(time));
  const isOrdinary = day.end - day.begin === ORDINARY_DAY;
  const inOrder = isOrdinary ? good.toSorted((a, b) => Number(a.time) - Number(b.time)) : good;
  const momentsOf = (time: string): readonly number[] =>
    isOrdinary
      ? [day.begin + 3_600 * Number(time.slice(0, 2)) + 60 * Number(time.slice(2))]
      : [EARLY, LATE].map((near) => parseLocalTime(`${day.date}${time}00`, zone, near) ?? 0);
  const points: Point[] = [];
  for (const { time, powerWatts } of inOrder) {
    const last = points.at(-1)?.at ?? day.begin - 1;
    const at = momentsOf(time).find((moment) => moment > last);
    if (at !== undefined && at < day.end) points.push({ at, watts: powerWatts });
  }
  return { points, dropped: records.length - points.length };
};

/** Energy up to a moment. */
export interface Knot {
  readonly at: number;
  readonly joules: number;
}

/**
 * The energy that a curve gives, as a line that rises from the beginning of its day. Each power stands for the time since
 * the record before it, as the ECU counts; after a longer gap than the ECU makes by itself, for no more than that.
 */
export const riseOf = (points: readonly Point[], day: Day): readonly Knot[] => {
  const knots: Knot[] = [{ at: day.begin, joules: 0 }];
  let joules = 0;
  let before: number | undefined;
  for (const { at, watts } of points) {
    const lasted = before === undefined ? ROUND : Math.min(LONGEST_ROUND, at - before);
    const begun = at - lasted;
    // A day begins at 0: what was made before its midnight is told at its first second.
    if (begun > (knots.at(-1)?.at ?? 0)) knots.push({ at: begun, joules });
    joules += watts * lasted;
    knots.push({ at: Math.max(at, day.begin + 1), joules });
    before = at;
  }
  return knots;
};

/** Energy under a curve, in joules. */
export const joulesUnder = (points: readonly Point[], day: Day): number =>
  riseOf(points, day).at(-1)?.joules ?? 0;

/** What a rising line has reached at a moment. */
export const levelAt = (knots: readonly Knot[], at: number): number => {
  const next = knots.findIndex((knot) => knot.at > at);
  if (next === -1) return knots.at(-1)?.joules ?? 0;
  const [from, to] = [knots[next - 1], knots[next]];
  if (from === undefined || to === undefined) return 0;
  return from.joules + ((to.joules - from.joules) * (at - from.at)) / (to.at - from.at);
};
