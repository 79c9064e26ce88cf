/** Local times of a simulated ECU. */
import * as PlainDateTime from "temporal-polyfill/fns/PlainDateTime";
import * as ZonedDateTime from "temporal-polyfill/fns/ZonedDateTime";
import { zonedAt } from "../time/zone.ts";

/** yyyymmddhhmmss of a moment (milliseconds since 1970), as clocks in the zone show it. */
export const formatLocalDigits = (at: number, zone: string): string =>
  PlainDateTime.toString(ZonedDateTime.toPlainDateTime(zonedAt(at, zone)), {
    smallestUnit: "second",
  }).replace(/\D/g, "");

/** The local midnight before a moment, or that of some days earlier, in milliseconds since 1970. */
export const localMidnight = (at: number, zone: string, daysEarlier = 0): number =>
  ZonedDateTime.startOfDay(ZonedDateTime.subtractDays(zonedAt(at, zone), daysEarlier))
    .epochMilliseconds;
