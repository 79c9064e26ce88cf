import { Temporal } from "temporal-polyfill";

const DIGITS = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/;
/** How far the clock of an ECU may be fast without an effect in the repeated hour. */
const CLOCK_TOLERANCE_MS = 5 * 60 * 1000;

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
  let local: Temporal.PlainDateTime;
  try {
    local = Temporal.PlainDateTime.from(
      { year, month, day, hour: hour ?? 0, minute: minute ?? 0, second: second ?? 0 },
      { overflow: "reject" },
    );
  } catch {
    return undefined;
  }
  const earlier = local.toZonedDateTime(zone, { disambiguation: "earlier" }).epochMilliseconds;
  const later = local.toZonedDateTime(zone, { disambiguation: "later" }).epochMilliseconds;
  const isGap = !local.equals(
    Temporal.Instant.fromEpochMilliseconds(earlier).toZonedDateTimeISO(zone).toPlainDateTime(),
  );
  const chosen = isGap || later <= now + CLOCK_TOLERANCE_MS ? later : earlier;
  return chosen / 1000;
};
