/** Days as an ECU counts them: by the clock on its wall. */
import * as PlainDate from "temporal-polyfill/fns/PlainDate";
import * as ZonedDateTime from "temporal-polyfill/fns/ZonedDateTime";
import { zonedAt } from "./zone.ts";

/** A day of the ECU's clock. One on which the clock is set has 23 or 25 hours. */
export interface Day {
  /** yyyymmdd */
  readonly date: string;
  /** Unix time in seconds of its first moment. */
  readonly begin: number;
  /** The same of the next day. */
  readonly end: number;
}

/** @param date yyyymmdd @throws RangeError if there is no such day */
const plain = (date: string): PlainDate.Record =>
  PlainDate.create(Number(date.slice(0, 4)), Number(date.slice(4, 6)), Number(date.slice(6)));

const compact = (date: PlainDate.Record): string => PlainDate.toString(date).replaceAll("-", "");

/** A date as people write it: 2026-10-03. */
export const formatDate = (date: string): string =>
  date.replace(/^(\d{4})(\d\d)(\d\d)$/, "$1-$2-$3").replace(/^(\d{4})(\d\d)$/, "$1-$2");

/** Whether there is such a day: the wire can say 31 February. */
export const isDate = (date: string): boolean => {
  try {
    return /^\d{8}$/.test(date) && plain(date) !== undefined;
  } catch {
    return false;
  }
};

/** The day of a date. @param zone IANA name */
export const dayBounds = (date: string, zone: string): Day => {
  const first = plain(date);
  const secondsAt = (day: PlainDate.Record): number =>
    PlainDate.toZonedDateTime(day, zone).epochMilliseconds / 1000;
  return { date, begin: secondsAt(first), end: secondsAt(PlainDate.addDays(first, 1)) };
};

/** The date that clocks show at a moment. @param at milliseconds since 1970 */
export const localDate = (at: number, zone: string): string =>
  compact(ZonedDateTime.toPlainDate(zonedAt(at, zone)));

/** The date some days later, or earlier where negative. */
export const addDays = (date: string, days: number): string =>
  compact(PlainDate.addDays(plain(date), days));

/** Days from one date to another. */
export const daysBetween = (first: string, last: string): number =>
  PlainDate.diffDays(plain(first), plain(last));

/** Every date from the first to the last, both included. */
export const listDates = (first: string, last: string): string[] =>
  Array.from({ length: Math.max(0, daysBetween(first, last) + 1) }, (_, i) => addDays(first, i));

/** yyyymm */
export const toMonth = (date: string): string => date.slice(0, 6);

/** The month before. @param month yyyymm */
export const monthBefore = (month: string): string => toMonth(addDays(`${month}01`, -1));

/** Days of a month. @param month yyyymm */
export const daysInMonth = (month: string): number => PlainDate.daysInMonth(plain(`${month}01`));
