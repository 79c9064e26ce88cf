/** Whether an ECU's clock, its time zone and the age of its report are right. */
import { parseLocalTime } from "../time/zone.ts";
import { type Finding, odd, ok, wrong } from "./findings.ts";

export interface Times {
  /** yyyymmddhhmmss of the ECU's clock; an ECU of family L does not tell it. */
  readonly clock?: string | undefined;
  /** Unix time in seconds of the last report, read in `zone`. */
  readonly lastReportAt?: number | undefined;
  /** The zone in which the ECU's times are read, and whether the ECU told it. */
  readonly zone: string;
  readonly isZoneReported: boolean;
  /** Some inverter is at work, and so there is a report every few minutes. */
  readonly isProducing: boolean;
  /** This machine's time: milliseconds since 1970. */
  readonly now: number;
}

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const PATIENCE = 5 * MINUTE;
/** By night an ECU may be slow; at work it reports at least every 20 minutes (docs/protocol.md#time-limits). */
const OLD = 30 * MINUTE;
const OLD_BY_NIGHT = 24 * HOUR;
/** Zones differ by whole quarters of an hour, and by no more than this. */
const QUARTER = 15 * MINUTE;
const MOST_BETWEEN_ZONES = 26 * HOUR;
/** A report is up to two rounds old. */
const ROUNDS = 12 * MINUTE;
const OWN_CLOCK = ", by the ECU's clock";

/** The findings on clock and report. */
export const clockFindings = (times: Times): readonly Finding[] => {
  const { clock, lastReportAt, now, zone } = times;
  const here = now / 1000;
  const ecuNow = clock === undefined ? undefined : parseLocalTime(clock, zone, now);
  if (ecuNow !== undefined) {
    const offset = ecuNow - here;
    const isRight = Math.abs(offset) <= PATIENCE;
    const finding = isRight
      ? ok(
          "clock",
          `agrees with this machine's within ${Math.max(1, Math.ceil(Math.abs(offset)))} s`,
        )
      : offsetFinding(offset, times);
    return [finding, ...reportFindings(lastReportAt, ecuNow, times, isRight ? "" : OWN_CLOCK)];
  }
  const untold = ok("clock", "the ECU does not report its time; its last report is used instead");
  const age = lastReportAt === undefined ? undefined : here - lastReportAt;
  // Where the ECU tells its zone, an old report is more likely than a clock that is wrong by whole half hours.
  if (age === undefined || !isOfOffset(age, times) || (times.isZoneReported && age > 0)) {
    return [untold, ...reportFindings(lastReportAt, here, times)];
  }
  return [offsetFinding(offsetOf(age), times)];
};

/** A report from the future, or one whose age is a whole difference between zones and a little. */
const isOfOffset = (age: number, { isProducing }: Times): boolean => {
  if (age < -PATIENCE) return true;
  if (age < OLD || age > MOST_BETWEEN_ZONES || !isProducing) return false;
  return age % (2 * QUARTER) <= ROUNDS;
};

/** Of the clock, from the age of a report: in whole half hours where it can be a zone's. */
const offsetOf = (age: number): number =>
  age < 0 ? -age : -Math.floor(age / (2 * QUARTER)) * 2 * QUARTER;

const offsetFinding = (offset: number, { zone, isZoneReported }: Times): Finding => {
  const side = offset > 0 ? "ahead of" : "behind";
  const text = `${hoursInWords(Math.abs(offset))} ${side} this machine's`;
  const rest = Math.abs(offset) % QUARTER;
  const isOfZones =
    Math.abs(offset) <= MOST_BETWEEN_ZONES && Math.min(rest, QUARTER - rest) <= PATIENCE;
  return isOfZones && !isZoneReported
    ? wrong("clock", `${text}, if its time zone is ${zone}`, "zone not set")
    : wrong("clock", `${text}; its time zone is ${zone}`, "clock wrong");
};

const reportFindings = (
  lastReportAt: number | undefined,
  now: number,
  { isProducing }: Times,
  by = "",
): readonly Finding[] => {
  if (lastReportAt === undefined) return [];
  const age = now - lastReportAt;
  const text = `its last report is ${hoursInWords(Math.max(0, age))} old${by}`;
  if (age > (isProducing ? OLD : OLD_BY_NIGHT)) return [wrong("report", text, "old report")];
  if (age < -PATIENCE) {
    return [odd("report", `its last report is ${hoursInWords(-age)} ahead of the ECU's clock`)];
  }
  return [ok("report", text)];
};

/** Two units at most: 5 min, 3 h, 5 h 30 min, 12 days. */
const hoursInWords = (seconds: number): string => {
  const minutes = Math.round(seconds / MINUTE);
  if (minutes < 1) return "less than a minute";
  if (minutes < 60) return `${minutes} min`;
  if (seconds > 2 * 24 * HOUR) return `${Math.round(seconds / (24 * HOUR))} days`;
  const rest = minutes % 60;
  return `${Math.floor(minutes / 60)} h${rest === 0 ? "" : ` ${rest} min`}`;
};
