import * as Instant from "temporal-polyfill/fns/Instant";
import * as PlainDateTime from "temporal-polyfill/fns/PlainDateTime";
import * as ZonedDateTime from "temporal-polyfill/fns/ZonedDateTime";

const DIGITS = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/;
/** How far the clock of an ECU may be fast without an effect in the repeated hour. */
const CLOCK_TOLERANCE_MS = 5 * 60 * 1000;

/** A moment in a zone. @param at milliseconds since 1970 @param zone IANA name */
export const zonedAt = (at: number, zone: string): ZonedDateTime.Record =>
  Instant.toZonedDateTimeISO(Instant.fromEpochMilliseconds(Math.floor(at)), zone);

/**
 * Unix time in seconds of an ECU's local wall-clock time, which comes without zone and without a mark for summer time
 * (docs/protocol.md#time-and-time-zones). In the hour that is repeated in autumn the second pass is meant, unless it would be more
 * than five minutes ahead of `now`: a report is never from the future, but the clock of an ECU can be a little fast. A time in the
 * hour that is skipped in spring is read as if the clock had not been set forward yet.
 * @param digits yyyymmddhhmmss
 * @param zone IANA name
 * @param now milliseconds since 1970
 * @returns `undefined` where the digits are no date: the ECU's mark for "unknown"
 */
export const parseLocalTime = (digits: string, zone: string, now: number): number | undefined => {
  const [, year, month, day, hour, minute, second] = DIGITS.exec(digits)?.map(Number) ?? [];
  if (year === undefined || month === undefined || day === undefined) return undefined;
  let local: PlainDateTime.Record;
  try {
    local = PlainDateTime.create(year, month, day, hour, minute, second);
  } catch {
    return undefined;
  }
  const at = (disambiguation: "earlier" | "later"): number =>
    PlainDateTime.toZonedDateTime(local, zone, { disambiguation }).epochMilliseconds;
  const [earlier, later] = [at("earlier"), at("later")];
  const shown = ZonedDateTime.toPlainDateTime(zonedAt(earlier, zone));
  const isGap = !PlainDateTime.equals(local, shown);
  const chosen = isGap || later <= now + CLOCK_TOLERANCE_MS ? later : earlier;
  return chosen / 1000;
};
