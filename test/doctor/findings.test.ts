import { describe, expect, it } from "vitest";
import { clockFindings } from "../../src/doctor/clock-checks.ts";
import { counterFindings, inverterFindings } from "../../src/doctor/reply-checks.ts";
import type { Info, Realtime } from "../../src/protocol/replies.ts";

const NOW = Date.UTC(2026, 5, 21, 10);
const MINUTE = 60;

describe("the last report of an ECU that reports its zone but not its time", () => {
  const verdictAt = (minutesOld: number) =>
    clockFindings({
      lastReportAt: NOW / 1000 - minutesOld * MINUTE,
      zone: "Europe/Stockholm",
      isZoneReported: true,
      isProducing: true,
      now: NOW,
    }).flatMap(({ verdict }) => verdict ?? []);

  it.each([31, 35, 45, 61, 75, 91, 100, 300])("is old after %i minutes", (age) => {
    expect(verdictAt(age)).toEqual(["old report"]);
  });

  it("is recent for half an hour, and means a wrong clock if it is from the future", () => {
    expect([verdictAt(4), verdictAt(29), verdictAt(-60)]).toEqual([[], [], ["clock wrong"]]);
  });
});

describe("the energy of today", () => {
  const info = (todayEnergyJoules: number): Info => ({
    ecuId: "216200000001",
    layout: "01",
    lifetimeEnergyJoules: 3_600_000_000,
    powerWatts: 600,
    todayEnergyJoules,
    lastCloudContact: "20260621120000",
    inverters: 1,
    invertersOnline: 1,
    zigbeeChannel: "10",
    firmware: "ECU_R_PRO_2.1.27",
    timezone: "Europe/Stockholm",
    ethernetMac: "80971b000001",
    wirelessMac: "000000000000",
    extension: "",
  });
  const table = (takenAt: string): Realtime => ({
    kind: "01",
    count: 0,
    takenAt,
    records: [],
    lost: 0,
    surplus: 0,
    ambiguous: false,
  });
  const verdicts = (now: number, before: number, takenAt: string) =>
    counterFindings(info(now), table(takenAt), info(before)).flatMap(
      ({ verdict }) => verdict ?? [],
    );

  it.each([
    [
      "of 0 in the second of two replies is a glitch",
      0,
      3_600_000,
      "20260621120000",
      ["counters zero"],
    ],
    [
      "of 0 in the first of two replies is a glitch",
      3_600_000,
      0,
      "20260621120000",
      ["counters zero"],
    ],
    [
      "of 0 in both replies at noon is a counter that is stuck",
      0,
      0,
      "20260621120000",
      ["counters stuck"],
    ],
    ["of 0 in the first round of the day is valid", 0, 0, "20260621060300", []],
    ["above 0 in both replies is valid", 3_600_000, 3_600_000, "20260621120000", []],
  ])("%s", (_, now, before, takenAt, expected) => {
    expect(verdicts(now, before, takenAt)).toEqual(expected);
  });
});

it("inverters that were never in contact do not count as off by day", () => {
  const never = { uid: "703000000001", model: "DS3", typeCode: "00", online: false } as const;
  const reading = {
    inverters: [{ ...never, channelWatts: [], gridVolts: [] }],
    notes: [],
    registered: 1,
    lastReportLocal: "20260621120000",
  };
  const realtime: Realtime = {
    kind: "01",
    count: 1,
    takenAt: "20260621120000",
    records: [
      {
        uid: never.uid,
        online: false,
        typeCode: "00",
        layout: "none",
        guessed: false,
        powerWatts: [],
        gridVolts: [],
      },
    ],
    lost: 0,
    surplus: 0,
    ambiguous: false,
  };
  const findings = inverterFindings({ reading, rejected: [] }, realtime);
  expect(findings.flatMap(({ verdict }) => verdict ?? [])).toEqual(["never reached"]);
});

it("an empty list of registered inverters is a fault of the firmware; without registered ones, none is registered", () => {
  const realtime: Realtime = {
    kind: "01",
    count: 0,
    takenAt: "20260426152000",
    records: [],
    lost: 0,
    surplus: 0,
    ambiguous: false,
  };
  const find = (registered: number) =>
    inverterFindings(
      { reading: { inverters: [], notes: [], registered }, rejected: [] },
      realtime,
    ).map(({ verdict }) => verdict);
  expect(find(3)).toEqual(["empty list"]);
  expect(find(0)).toEqual(["no inverters"]);
});
