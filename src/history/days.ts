/** The energy of each day: from the ECU's table if it has the day, else from the power curve. */
import type { DayPower } from "../protocol/replies.ts";
import {
  addDays,
  type Day,
  dayBounds,
  daysInMonth,
  formatDate,
  listDates,
  toMonth,
} from "../time/calendar.ts";
import { buildCurve, cumulate, type EnergyPoint, integrate, type PowerPoint } from "./curve.ts";
import { canWrapInDay, type TableEnergy, TOLERANCE, unwrapEnergy } from "./table.ts";

/** Everything that an ECU reported about its history. */
export interface EcuHistory {
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
  /** 0003, by yyyymmdd; empty where the ECU has no data. */
  readonly curves: ReadonlyMap<string, DayPower>;
}

/** A day and its energy. */
export interface LedgerDay extends Day {
  readonly points: readonly PowerPoint[];
  /** Its cumulative energy by the curve; at most one point without a curve. */
  readonly cumulative: readonly EnergyPoint[];
  /** `undefined` where the ECU has no data for the day. */
  readonly joules: number | undefined;
  readonly isByCurve: boolean;
}

export interface Ledger {
  readonly days: readonly LedgerDay[];
  /** Notes for the user. */
  readonly notes: readonly string[];
}

/** The days from one date to the ECU's today. */
export const buildLedger = (past: EcuHistory, from: string): Ledger => {
  const notes: string[] = [];
  const mostWatts = [...past.curves.values()]
    .flat()
    .reduce((most, { powerWatts }) => Math.max(most, powerWatts), 0);
  const canWrap = canWrapInDay(mostWatts);
  const days = listDates(from, past.today).map((date) => ledgerDay(past, date, canWrap, notes));
  return { days: scaledToMonths(days, past, notes), notes };
};

const ledgerDay = (
  past: EcuHistory,
  date: string,
  canWrap: boolean,
  notes: string[],
): LedgerDay => {
  const { zone, reading } = past;
  const fullDay = dayBounds(date, zone);
  const isToday = date === past.today;
  const day = isToday ? { ...fullDay, end: Math.min(fullDay.end, reading.at) } : fullDay;
  const { points: all, dropped } = buildCurve(past.curves.get(date) ?? [], fullDay, zone);
  const points = all.filter(({ at }) => at <= reading.at);
  if (dropped > 0)
    notes.push(
      `${formatDate(date)}: ${dropped} power values without a distinct time were left out`,
    );
  const curve = points.length === 0 ? undefined : integrate(points, day);
  const record = past.days.get(date);
  const unwrapped = record && unwrapEnergy(record, { estimate: curve, canWrap });
  if (record !== undefined && unwrapped === undefined)
    notes.push(
      `${formatDate(date)}: its energy does not fit the ECU's table${curve === undefined ? ", and there is no other source" : ""}`,
    );
  // A counter that is stuck, or has not counted the day yet, is not better than the curve (docs/protocol.md#energy-of-today).
  const tableJoules = unwrapped !== undefined && unwrapped > 0 ? unwrapped : undefined;
  const counterJoules = isToday ? reportedToday(past, curve) : undefined;
  const hasStarted = record !== undefined || curve !== undefined;
  const todayJoules = isToday
    ? hasStarted
      ? (counterJoules ?? tableJoules ?? curve ?? 0)
      : 0
    : undefined;
  return {
    ...day,
    points,
    cumulative: curve === undefined || curve === 0 ? [] : cumulate(points, day),
    joules: todayJoules ?? tableJoules ?? curve ?? unwrapped,
    isByCurve: todayJoules === undefined && tableJoules === undefined && curve !== undefined,
  };
};

/**
 * The counter of today, if it can be of today: an ECU-R reports yesterday's energy until the first power of the day is
 * recorded, and some ECUs report 0 at times (docs/protocol.md#energy-of-today).
 */
const reportedToday = ({ days, today, reading }: EcuHistory, curve = 0): number | undefined => {
  const { todayJoules } = reading;
  const isYesterdays = days.get(addDays(today, -1))?.joules === todayJoules;
  if (isYesterdays && curve < todayJoules / 2) return undefined;
  return todayJoules > 0 ? todayJoules : undefined;
};

/** Corrects the days known by their curves so that each month has the sum of the table of months. */
const scaledToMonths = (
  days: readonly LedgerDay[],
  { months, today }: EcuHistory,
  notes: string[],
): readonly LedgerDay[] => {
  const factors = new Map<string, number>();
  for (const [month, record] of months) {
    const own = days.filter((day) => toMonth(day.date) === month);
    const count = month === toMonth(today) ? Number(today.slice(6)) : daysInMonth(month);
    if (own.length !== count || own.some(({ joules }) => joules === undefined)) continue;
    const byCurve = sumEnergy(own.filter(({ isByCurve }) => isByCurve));
    if (byCurve === 0) continue;
    const sum = sumEnergy(own);
    const unwrapped = unwrapEnergy(record, { estimate: sum, canWrap: true });
    const factor = unwrapped === undefined ? 0 : (unwrapped - (sum - byCurve)) / byCurve;
    if (Math.abs(factor - 1) <= TOLERANCE) factors.set(month, factor);
    else
      notes.push(
        `${formatDate(month)}: the sum of its days and its total differ too much for a correction`,
      );
  }
  return days.map((day) => {
    const factor = factors.get(toMonth(day.date));
    if (!day.isByCurve || factor === undefined || day.joules === undefined) return day;
    return { ...day, joules: Math.round(day.joules * factor) };
  });
};

/** Sum of the energy of days in joules; an unknown day counts 0. */
export const sumEnergy = (days: readonly Pick<LedgerDay, "joules">[]): number =>
  days.reduce((sum, { joules = 0 }) => sum + joules, 0);
