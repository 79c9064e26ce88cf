import { describe, expect, it } from "vitest";
import { parseLocalTime } from "../../src/time/zone.ts";
import { isTimeZone } from "../../src/time/zone-name.ts";

const AMSTERDAM = "Europe/Amsterdam";
const PACIFIC = "US/Pacific";

describe("an ECU's local time", () => {
  // Unix seconds by hand: 2025-01-01 is day 20 089 of the epoch.
  it.each([
    ["20250621120000", AMSTERDAM, 1_750_500_000], // 10:00 UTC
    ["20250115120000", AMSTERDAM, 1_736_938_800], // 11:00 UTC
    ["20250115120000", "America/New_York", 1_736_960_400], // 17:00 UTC
    ["20250621120000", PACIFIC, 1_750_532_400], // 19:00 UTC
    ["20250621120000", "Etc/GMT-8", 1_750_478_400], // POSIX sign: 04:00 UTC
    ["20240229000000", "UTC", 1_709_164_800],
    ["20251231235959", "UTC", 1_767_225_599],
  ])("%s in %s is %d", (digits, zone, seconds) => {
    expect(parseLocalTime(digits, zone, seconds * 1000)).toBe(seconds);
  });

  // 02:30 in summer time is 1 761 438 600, and an hour later, in winter time, 1 761 442 200.
  it.each([
    ["just before the first pass", 1_761_438_000, 1_761_438_600],
    ["just after the first pass", 1_761_439_000, 1_761_438_600],
    ["35 minutes after the first pass", 1_761_440_700, 1_761_438_600],
    ["5 minutes and a second before the second pass", 1_761_441_899, 1_761_438_600],
    ["5 minutes before the second pass", 1_761_441_900, 1_761_442_200],
    ["just after the second pass", 1_761_442_300, 1_761_442_200],
    ["two days later", 1_761_613_200, 1_761_442_200],
  ])("02:30 in the night that has it twice, read %s (%d), is %d", (_, now, seconds) => {
    expect(parseLocalTime("20251026023000", AMSTERDAM, now * 1000)).toBe(seconds);
  });

  it("of a report is never more than five minutes ahead, in any minute of that night", () => {
    const begin = 1_761_436_800; // 00:00 UTC, 02:00 in summer time
    for (let minute = 0; minute < 180; minute++) {
      const now = begin + 60 * minute;
      for (const age of [0, 5, 20, 35, 55, 90]) {
        const local = new Date((now - 60 * age + 7_200 - (minute - age >= 60 ? 3_600 : 0)) * 1000);
        const digits = local.toISOString().replace(/\D/g, "").slice(0, 14);
        expect(parseLocalTime(digits, AMSTERDAM, now * 1000)).toBeLessThanOrEqual(now + 300);
      }
    }
  });

  it.each([
    [1_762_072_300, 1_762_072_200], // 08:30 UTC, daylight time
    [1_762_075_900, 1_762_075_800], // 09:30 UTC, standard time
  ])("01:30 of the American autumn night, read at %d, is %d", (now, seconds) => {
    expect(parseLocalTime("20251102013000", PACIFIC, now * 1000)).toBe(seconds);
  });

  it.each([
    ["20250330023000", AMSTERDAM, 1_743_298_200], // 01:30 UTC
    ["20250309023000", PACIFIC, 1_741_516_200], // 10:30 UTC
  ])(
    "%s, skipped by %s in spring, is the time of a clock not yet set forward",
    (digits, zone, seconds) => {
      for (const aside of [-7200, 0, 7200]) {
        expect(parseLocalTime(digits, zone, (seconds + aside) * 1000)).toBe(seconds);
      }
    },
  );

  it.each([
    ["d0d0d0d0d0d0d0", "an ECU-R's mark for unknown"],
    ["00000000000000", "nothing but zeros"],
    ["20250229120000", "no leap year"],
    ["20251301120000", "a thirteenth month"],
    ["20250100120000", "a day 0"],
    ["20250431120000", "an April of 31 days"],
    ["20250621240000", "an hour 24"],
    ["20250621126000", "a minute 60"],
    ["2025062112000a", "a nibble that is not a digit"],
    ["20250621", "too short"],
    ["", "nothing"],
  ])("is unknown for %s: %s", (digits) => {
    expect(parseLocalTime(digits, AMSTERDAM, 0)).toBeUndefined();
  });
});

describe("a zone", () => {
  it.each(["Europe/Amsterdam", "US/Pacific", "Etc/GMT-8", "Asia/Calcutta", "UTC"])(
    "named %s is accepted",
    (zone) => {
      expect(isTimeZone(zone)).toBe(true);
      expect(parseLocalTime("20250621120000", zone, 0)).toBeTypeOf("number");
    },
  );

  it.each([
    "",
    "Mars/Olympus",
    "Europe",
    "\0\0\0",
    "Etc/Unknown",
    "PST",
    "ist",
    "AET",
    "2025-06-21[UTC]",
  ])("named %j is rejected", (zone) => {
    expect(isTimeZone(zone)).toBe(false);
  });
});
