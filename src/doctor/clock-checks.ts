/** Checks of an ECU's clock, its time zone and the age of its last report. */
import { parseLocalTime } from "../time/zone.ts";
import { type Finding, fail, ok, warn } from "./findings.ts";

export interface Times {
  /** yyyymmddhhmmss of the ECU's clock; absent where the ECU does not report it. */
  readonly clock?: string | undefined;
  /** Unix time in seconds of the last report, computed with `zone`. */
  readonly lastReportAt?: number | undefined;
  /** Time zone that is used for the ECU's times. */
  readonly zone: string;
  /** Whether the ECU reports that zone itself. */
  readonly isZoneReported: boolean;
  /** Whether an inverter is in contact, so that there is a report every few minutes. */
  readonly isProducing: boolean;
  /** This machine's time: milliseconds since 1970. */
  readonly now: number;
}

// All times below are in seconds.
const MINUTE = 60;
const HOUR = 60 * MINUTE;
/** Difference of two clocks that is not a problem. */
const TOLERANCE = 5 * MINUTE;
/** An ECU whose inverters produce power reports at least every 20 minutes (docs/protocol.md#time-limits). */
const MAX_AGE = 30 * MINUTE;
/** At night an ECU may report less often. */
const MAX_AGE_AT_NIGHT = 24 * HOUR;
/** Time zones differ by a multiple of a quarter of an hour, and by 26 hours at most. */
const QUARTER = 15 * MINUTE;
const MAX_ZONE_DIFFERENCE = 26 * HOUR;
/** Maximum age of a report in operation: two rounds of 5 minutes, and a little. */
const TWO_ROUNDS = 12 * MINUTE;

/** The findings on clock and report. */
export const clockFindings = (times: Times): readonly Finding[] => {
  const { clock, lastReportAt, zone } = times;
  const now = times.now / 1000;
  const ecuNow = clock === undefined ? undefined : parseLocalTime(clock, zone, times.now);
  if (ecuNow !== undefined) {
    const offset = ecuNow - now;
    if (Math.abs(offset) > TOLERANCE) {
      const suffix = ", by the ECU's clock";
      return [offsetFinding(offset, times), ...reportFindings(lastReportAt, ecuNow, times, suffix)];
    }
    const seconds = Math.max(1, Math.ceil(Math.abs(offset)));
    const finding = ok("clock", `agrees with this machine's within ${seconds} s`);
    return [finding, ...reportFindings(lastReportAt, ecuNow, times)];
  }
  const notReported = ok(
    "clock",
    "the ECU does not report its time; its last report is used instead",
  );
  const age = lastReportAt === undefined ? undefined : now - lastReportAt;
  // If the ECU reports its zone, an old report is more likely than a clock that is wrong by whole half hours.
  if (age === undefined || !impliesOffset(age, times) || (times.isZoneReported && age > 0)) {
    return [notReported, ...reportFindings(lastReportAt, now, times)];
  }
  return [offsetFinding(estimateOffset(age), times)];
};

/** Whether the clock must be off: the report is from the future, or its age is a difference of zones and up to two rounds. */
const impliesOffset = (age: number, { isProducing }: Times): boolean => {
  if (age < -TOLERANCE) return true;
  if (age < MAX_AGE || age > MAX_ZONE_DIFFERENCE || !isProducing) return false;
  return age % (2 * QUARTER) <= TWO_ROUNDS;
};

/** The offset of the clock by the age of a report; an offset into the past is in whole half hours. */
const estimateOffset = (age: number): number =>
  age < 0 ? -age : -Math.floor(age / (2 * QUARTER)) * 2 * QUARTER;

const offsetFinding = (offset: number, { zone, isZoneReported }: Times): Finding => {
  const side = offset > 0 ? "ahead of" : "behind";
  const text = `${formatTime(Math.abs(offset))} ${side} this machine's`;
  const rest = Math.abs(offset) % QUARTER;
  const isZoneDifference =
    Math.abs(offset) <= MAX_ZONE_DIFFERENCE && Math.min(rest, QUARTER - rest) <= TOLERANCE;
  return isZoneDifference && !isZoneReported
    ? fail("clock", `${text}, if its time zone is ${zone}`, "zone not set")
    : fail("clock", `${text}; its time zone is ${zone}`, "clock wrong");
};

/** @param suffix says whose clock `now` is, where it matters */
const reportFindings = (
  lastReportAt: number | undefined,
  now: number,
  { isProducing }: Times,
  suffix = "",
): readonly Finding[] => {
  if (lastReportAt === undefined) return [];
  const age = now - lastReportAt;
  const text = `its last report is ${formatTime(Math.max(0, age))} old${suffix}`;
  if (age > (isProducing ? MAX_AGE : MAX_AGE_AT_NIGHT)) return [fail("report", text, "old report")];
  if (age < -TOLERANCE) {
    return [warn("report", `its last report is ${formatTime(-age)} ahead of the ECU's clock`)];
  }
  return [ok("report", text)];
};

/** A time in at most two units: 5 min, 3 h, 5 h 30 min, 12 days. */
const formatTime = (seconds: number): string => {
  const minutes = Math.round(seconds / MINUTE);
  if (minutes < 1) return "less than a minute";
  if (minutes < 60) return `${minutes} min`;
  if (seconds > 2 * 24 * HOUR) return `${Math.round(seconds / (24 * HOUR))} days`;
  const rest = minutes % 60;
  return `${Math.floor(minutes / 60)} h${rest === 0 ? "" : ` ${rest} min`}`;
};
