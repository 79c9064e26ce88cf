/** Local times of a simulated ECU. */
import { Temporal } from "temporal-polyfill";

const zoned = (at: number, zone: string): Temporal.ZonedDateTime =>
  Temporal.Instant.fromEpochMilliseconds(Math.floor(at)).toZonedDateTimeISO(zone);

/** yyyymmddhhmmss of a moment (milliseconds since 1970), as clocks in the zone show it. */
export const formatLocalDigits = (at: number, zone: string): string =>
  zoned(at, zone).toPlainDateTime().toString({ smallestUnit: "second" }).replace(/\D/g, "");

/** The local midnight before a moment, or that of some days earlier, in milliseconds since 1970. */
export const localMidnight = (at: number, zone: string, daysEarlier = 0): number =>
  zoned(at, zone).subtract({ days: daysEarlier }).startOfDay().epochMilliseconds;
