/** What each day gave: by the ECU's table where it has the day, else by the curve of its power. */
import type { DayPower } from "../protocol/replies.ts";
import {
  addDays,
  type Day,
  dayOf,
  daysInMonth,
  formatDate,
  listDates,
  monthOf,
} from "../time/calendar.ts";
import { curveOf, joulesUnder, type Knot, type Point, riseOf } from "./curve.ts";
import { mayTurnInDay, meantBy, type TableEnergy, TOLERANCE } from "./table.ts";

/** Everything that an ECU said of its past. */
export interface Past {
  /** IANA name of the zone of its clock. */
  readonly zone: string;
  /** Its own date, yyyymmdd, when it was read. */
  readonly today: string;
  /** Its counters at that moment. */
  readonly reading: {
    /** Unix time in whole seconds. */
    readonly at: number;
    readonly lifetimeJoules: number;
    readonly todayJoules: number;
  };
  /** 0004 by day, by yyyymmdd. */
  readonly days: ReadonlyMap<string, TableEnergy>;
  /** 0004 by month, by yyyymm. */
  readonly months: ReadonlyMap<string, TableEnergy>;
  /** 0003, by yyyymmdd; empty where the ECU has nothing. */
  readonly curves: ReadonlyMap<string, DayPower>;
}

/** A day and its energy. */
export interface LedgerDay extends Day {
  readonly points: readonly Point[];
  /** How its energy rose, in the curve's own measure; no more than one knot where no curve tells. */
  readonly rise: readonly Knot[];
  /** `undefined`: the ECU knows nothing of it. */
  readonly joules: number | undefined;
  readonly isByCurve: boolean;
}

export interface Ledger {
  readonly days: readonly LedgerDay[];
  /** What people should be told. */
  readonly notes: readonly string[];
}

/** The days from one date to the ECU's today. */
export const ledgerOf = (past: Past, from: string): Ledger => {
  const notes: string[] = [];
  const mostWatts = [...past.curves.values()]
    .flat()
    .reduce((most, { powerWatts }) => Math.max(most, powerWatts), 0);
  const mayTurn = mayTurnInDay(mostWatts);
  const days = listDates(from, past.today).map((date) => ledgerDay(past, date, mayTurn, notes));
  return { days: scaledToMonths(days, past, notes), notes };
};

const ledgerDay = (past: Past, date: string, mayTurn: boolean, notes: string[]): LedgerDay => {
  const { zone, reading } = past;
  const whole = dayOf(date, zone);
  const isToday = date === past.today;
  const day = isToday ? { ...whole, end: Math.min(whole.end, reading.at) } : whole;
  const { points: all, dropped } = curveOf(past.curves.get(date) ?? [], whole, zone);
  const points = all.filter(({ at }) => at <= reading.at);
  if (dropped > 0)
    notes.push(
      `${formatDate(date)}: ${dropped} of its powers have no moment of their own: left out`,
    );
  const curve = points.length === 0 ? undefined : joulesUnder(points, day);
  const record = past.days.get(date);
  const meant = record && meantBy(record, { estimate: curve, mayTurn });
  if (record !== undefined && meant === undefined)
    notes.push(
      `${formatDate(date)}: its energy is too great for the ECU's table${curve === undefined ? ", and nothing else tells it" : ""}`,
    );
  // A counter that stands still, or has none of the day yet, is no better than the curve (docs/protocol.md#energy-of-today).
  const booked = meant !== undefined && meant > 0 ? meant : undefined;
  const said = isToday ? saidOfToday(past, curve) : undefined;
  const isBegun = record !== undefined || curve !== undefined;
  const known = isToday ? (isBegun ? (said ?? booked ?? curve ?? 0) : 0) : undefined;
  return {
    ...day,
    points,
    rise: curve === undefined || curve === 0 ? [] : riseOf(points, day),
    joules: known ?? booked ?? curve ?? meant,
    isByCurve: known === undefined && booked === undefined && curve !== undefined,
  };
};

/**
 * What the counter of today says, where it can be of today: an ECU-R goes on saying yesterday's energy until the first
 * power of the day is booked, and some say 0 at times (docs/protocol.md#energy-of-today).
 */
const saidOfToday = ({ days, today, reading }: Past, curve = 0): number | undefined => {
  const { todayJoules } = reading;
  const isYesterdays = days.get(addDays(today, -1))?.joules === todayJoules;
  if (isYesterdays && curve < todayJoules / 2) return undefined;
  return todayJoules > 0 ? todayJoules : undefined;
};

/** Days known by their curves, corrected so that the month gives what the table of months has. */
const scaledToMonths = (
  days: readonly LedgerDay[],
  { months, today }: Past,
  notes: string[],
): readonly LedgerDay[] => {
  const factors = new Map<string, number>();
  for (const [month, record] of months) {
    const own = days.filter((day) => monthOf(day.date) === month);
    const count = month === monthOf(today) ? Number(today.slice(6)) : daysInMonth(month);
    if (own.length !== count || own.some(({ joules }) => joules === undefined)) continue;
    const byCurve = sumOf(own.filter(({ isByCurve }) => isByCurve));
    if (byCurve === 0) continue;
    const sum = sumOf(own);
    const meant = meantBy(record, { estimate: sum, mayTurn: true });
    const factor = meant === undefined ? 0 : (meant - (sum - byCurve)) / byCurve;
    if (Math.abs(factor - 1) <= TOLERANCE) factors.set(month, factor);
    else
      notes.push(`${formatDate(month)}: its days and its sum differ too much to correct the days`);
  }
  return days.map((day) => {
    const factor = factors.get(monthOf(day.date));
    if (!day.isByCurve || factor === undefined || day.joules === undefined) return day;
    return { ...day, joules: Math.round(day.joules * factor) };
  });
};

/** Energy of days in joules; one that is not known counts 0. */
export const sumOf = (days: readonly Pick<LedgerDay, "joules">[]): number =>
  days.reduce((sum, { joules = 0 }) => sum + joules, 0);
