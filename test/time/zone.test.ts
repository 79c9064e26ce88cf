import { describe, expect, it } from "vitest";
import { isTimeZone, parseLocalTime } from "../../src/time/zone.ts";

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

  it.each([
    ["just before the summer hour of it", 1_761_438_000, 1_761_438_600],
    ["just after the summer hour of it", 1_761_439_000, 1_761_438_600],
    ["midway, which counts as summer", 1_761_440_400, 1_761_438_600],
    ["a little later than midway", 1_761_440_401, 1_761_442_200],
    ["just after the winter hour of it", 1_761_442_300, 1_761_442_200],
  ])("02:30 in the night with two of them is the nearer one: now is %s", (_, now, seconds) => {
    expect(parseLocalTime("20251026023000", AMSTERDAM, now * 1000)).toBe(seconds);
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

  it.each(["", "Mars/Olympus", "Europe", "\0\0\0", "Etc/Unknown", "PST", "2025-06-21[UTC]"])(
    "named %j is rejected",
    (zone) => {
      expect(isTimeZone(zone)).toBe(false);
    },
  );
});
