import { describe, expect, it } from "vitest";
import type { Replies } from "../../src/ecu/read.ts";
import { joinReplies } from "../../src/ecu/reading.ts";
import type { Info, InverterRecord, Messages } from "../../src/protocol/replies.ts";
import {
  createInfo,
  createRecord,
  createSignals,
  createTable,
  ECU_ID,
  failedOutcome,
  KWH,
  validOutcome,
} from "./messages.ts";

const now = Date.UTC(2025, 5, 21, 10); // noon in Amsterdam
const options = { zone: "America/New_York", now };

/** Joins replies to these queries; the others were not sent. */
const join = (
  messages: { info?: Info; realtime?: Messages["realtime"]; signal?: Messages["signal"] },
  more: { knownZone?: string; isZoneSet?: boolean } = {},
) => {
  const replies = Object.fromEntries(
    Object.entries(messages).map(([query, message]) => [query, validOutcome(message)]),
  ) as Replies;
  return joinReplies(replies, { ...options, ...more });
};
const readInverter = (record: InverterRecord) =>
  join({ realtime: createTable([record]) }).inverters[0];

describe("a reading", () => {
  it("has every value of three good replies, in base units", () => {
    const records = [
      createRecord("702000000001"),
      createRecord("702000000002", { online: false, powerWatts: [0, 0] }),
    ];
    const info = createInfo({ invertersOnline: 1 });
    expect(join({ info, realtime: createTable(records), signal: createSignals() })).toEqual({
      identity: {
        ecuId: ECU_ID,
        model: "ECU-R-Pro",
        firmware: "ECU_R_PRO_2.1.13",
        timezone: "Europe/Amsterdam",
      },
      lifetimeEnergyJoules: 1000 * KWH,
      todayEnergyJoules: 5 * KWH,
      powerWatts: 420,
      registered: 2,
      registeredByInfo: 2,
      invertersOnline: 1,
      listed: 2,
      lastReportLocal: "20250621115800",
      lastReportAt: 1_750_499_880, // 09:58 UTC
      lastCloudContactAt: 1_750_499_700, // 09:55 UTC
      unknownRecords: 0,
      inverters: [
        {
          uid: "702000000001",
          model: "DS3-S",
          typeCode: "01",
          online: true,
          channelWatts: [100, 110],
          temperatureCelsius: 31,
          frequencyHertz: 50,
          gridVolts: [{ phase: "L1", volts: 231 }],
          signalRatio: 1,
        },
        {
          uid: "702000000002",
          model: "DS3-S",
          typeCode: "01",
          online: false,
          channelWatts: [],
          gridVolts: [],
        },
      ],
      notes: [],
    });
  });

  it("is empty without replies", () => {
    expect(join({})).toEqual({ inverters: [], notes: [] });
    const replies = {
      info: failedOutcome("timeout"),
      realtime: failedOutcome("closed"),
      signal: failedOutcome("status"),
    };
    expect(joinReplies(replies, options)).toEqual({ inverters: [], notes: [] });
  });

  it.each([
    [
      1,
      "the base information counts 1 inverter, the table lists none; restart the ECU, or wait for an update of its firmware",
    ],
    [
      3,
      "the base information counts 3 inverters, the table lists none; restart the ECU, or wait for an update of its firmware",
    ],
  ])("has a note if the table is empty although %i inverters are counted", (inverters, note) => {
    const info = createInfo({ inverters });
    const { notes, listed } = join({ info, realtime: createTable([]) });
    expect({ notes, listed }).toEqual({ notes: [note], listed: 0 });
    const without = createInfo({ inverters: 0, invertersOnline: 0 });
    expect(join({ info: without, realtime: createTable([]) }).notes).toEqual([]);
  });

  it("has the values of the other queries if one failed", () => {
    const without = (query: keyof Replies) =>
      joinReplies(
        {
          info: validOutcome(createInfo()),
          realtime: validOutcome(createTable()),
          signal: validOutcome(createSignals()),
          [query]: failedOutcome("timeout"),
        },
        options,
      );
    expect(without("info")).toMatchObject({ registered: 2, inverters: [{ signalRatio: 1 }, {}] });
    expect(without("info")).not.toHaveProperty("lifetimeEnergyJoules");
    expect(without("realtime")).toMatchObject({
      lifetimeEnergyJoules: 1000 * KWH,
      inverters: [
        { uid: "702000000001", signalRatio: 1, channelWatts: [] },
        { uid: "702000000002", signalRatio: 0.2, channelWatts: [] },
      ],
    });
    expect(without("realtime").inverters[0]).not.toHaveProperty("online");
    expect(without("realtime")).not.toHaveProperty("unknownRecords");
    expect(without("signal").inverters[0]).toMatchObject({ channelWatts: [100, 110] });
    expect(without("signal").inverters[0]).not.toHaveProperty("signalRatio");
  });

  it("has the values of 0001 and no inverters while the ECU has no data yet", () => {
    const reading = join({ info: createInfo({ powerWatts: 0 }), realtime: { kind: "none" } });
    expect(reading).toMatchObject({
      powerWatts: 0,
      registered: 2,
      inverters: [],
      unknownRecords: 0,
    });
    expect(reading).not.toHaveProperty("lastReportAt");
  });

  it.each([
    ["from 0001", 3, 2, 3],
    ["from 0002 if 0001 wrongly reports 0", 0, 2, 2],
    ["0 if both report 0", 0, 0, 0],
  ])("has the number of registered inverters: %s", (_, byInfo, count, registered) => {
    const reading = join({
      info: createInfo({ inverters: byInfo }),
      realtime: createTable([], { count }),
    });
    expect(reading).toMatchObject({ registered, registeredByInfo: byInfo });
  });

  it("has no number of registered inverters if 0001 wrongly reports 0 and 0002 failed", () => {
    const reading = join({ info: createInfo({ inverters: 0, invertersOnline: 6 }) });
    expect(reading).not.toHaveProperty("registered");
    expect(join({ info: createInfo({ inverters: 0, invertersOnline: 0 }) }).registered).toBe(0);
  });
});

describe("base information with unprintable bytes", () => {
  it("gives a note that names the texts", () => {
    const info = createInfo({ cleaned: ["zigbeeChannel", "firmware", "timezone"] });
    expect(join({ info }).notes).toEqual([
      "the base information has unprintable bytes, which are left out: ZigBee channel, firmware, time zone",
    ]);
  });
});

describe("the zone of an ECU's times", () => {
  it.each([
    ["216200000001", "Europe/Amsterdam", "Europe/Amsterdam"],
    ["215000000001", "US/Pacific", "US/Pacific"],
    ["216000000001", "Etc/GMT-8", "America/New_York"],
    ["216300000001", "Europe/Amsterdam", "America/New_York"],
    ["216200000001", "Mars/Olympus", "America/New_York"],
    ["216200000001", "PST", "America/New_York"],
    ["216200000001", "", "America/New_York"],
    ["219900000001", "Europe/Amsterdam", "Europe/Amsterdam"],
    ["219900000001", "Etc/GMT-8", "America/New_York"],
  ])("%s reports %j: %s is used", (ecuId, timezone, zone) => {
    const { identity } = join({ info: createInfo({ ecuId, timezone }), realtime: createTable() });
    expect(identity?.timezone).toBe(zone);
  });

  const ASIA_BEIJING =
    "the ECU reports the time zone Asia/Beijing, which this machine does not know; its times are taken as those of America/New_York: set the ECU's zone, such as --ecu.timezone=Europe/Amsterdam";
  const NONE =
    "the ECU reports no time zone; its times are taken as those of America/New_York: set the ECU's zone, such as --ecu.timezone=Europe/Amsterdam";

  it.each([
    ["that this machine does not know", "216200000001", "Asia/Beijing", {}, [ASIA_BEIJING]],
    ["that is empty", "215000000001", "", {}, [NONE]],
    ["that is set in the configuration", "216200000001", "Asia/Beijing", { isZoneSet: true }, []],
    ["that this machine knows", "216200000001", "Asia/Shanghai", {}, []],
    ["of an ECU-R, which is always the same", "216000000001", "Etc/GMT-8", {}, []],
  ])("is noted with what to do if the ECU reports one %s", (_, ecuId, timezone, more, notes) => {
    expect(join({ info: createInfo({ ecuId, timezone }) }, more).notes).toEqual(notes);
  });

  it("is the zone of the previous read if 0001 fails, else the configured zone", () => {
    const noonInAmsterdam = 1_750_499_880;
    const at = (knownZone?: string) =>
      join({ realtime: createTable() }, { ...(knownZone && { knownZone }) }).lastReportAt;
    expect(at("Europe/Amsterdam")).toBe(noonInAmsterdam);
    expect(at()).toBe(noonInAmsterdam + 6 * 3600);
  });

  it.each(["d0d0d0d0d0d0d0", "00000000000000"])(
    "does not matter for the cloud contact %s, which means unknown",
    (lastCloudContact) => {
      const reading = join({ info: createInfo({ lastCloudContact }) });
      expect(reading).not.toHaveProperty("lastCloudContactAt");
    },
  );
});

describe("an inverter", () => {
  // docs/protocol.md#offline-records
  it.each([
    [
      "stale power and voltages (ECU-R)",
      { temperatureCelsius: 0, frequencyHertz: 0, powerWatts: [0, 0, 2, 3] },
    ],
    [
      "zeros, which are -100 °C (Linux)",
      { temperatureCelsius: -100, frequencyHertz: 0, powerWatts: [0, 0] },
    ],
    ["values that look real", {}],
  ])("has no values while it is offline, although its record has %s", (_, changes) => {
    expect(readInverter(createRecord("702000000001", { online: false, ...changes }))).toEqual({
      uid: "702000000001",
      model: "DS3-S",
      typeCode: "01",
      online: false,
      channelWatts: [],
      gridVolts: [],
    });
  });

  it.each([
    ["YC1000", "502000000001", ["L1", "L2", "L3"]],
    ["QT2", "901000000001", ["L12", "L23", "L31"]],
  ])("has named voltages for three phases: %s", (_, uid, phases) => {
    const gridVolts = [231, 232, 233];
    const record = createRecord(uid, {
      layout: "fourThreePhase",
      powerWatts: [1, 2, 3, 4],
      gridVolts,
    });
    expect(readInverter(record)).toMatchObject({
      channelWatts: [1, 2, 3, 4],
      gridVolts: phases.map((phase, i) => ({ phase, volts: gridVolts[i] })),
    });
  });

  it("with an unknown layout is listed, noted and counted, and does not affect others", () => {
    const record = createRecord("999000000001", {
      typeCode: "07",
      layout: undefined,
      guessed: true,
      powerWatts: [],
      gridVolts: [],
    });
    const reading = join({
      realtime: createTable([record, createRecord("702000000001")], { lost: 1, count: 3 }),
    });
    expect(reading.inverters).toMatchObject([
      { uid: "999000000001", model: "unknown", channelWatts: [], temperatureCelsius: 31 },
      { uid: "702000000001", channelWatts: [100, 110] },
    ]);
    expect(reading.unknownRecords).toBe(2);
    expect(reading.notes).toEqual([
      "inverter 999000000001 has the unknown record type 07; please send a capture",
      "1 of 3 records could not be found",
    ]);
  });

  it.each([
    ["0A", "703000000001", "the record of inverter 703000000001 is damaged: its type code is 0A"],
    [
      "\0\0",
      "703000000001",
      "the record of inverter 703000000001 is damaged: its type code is 0x0000",
    ],
    ["01", "703000000001", "the record of inverter 703000000001 is damaged"],
  ])("with the damaged type code %j is listed, noted and counted", (typeCode, uid, note) => {
    const record = createRecord(uid, { typeCode, guessed: true });
    const reading = join({ realtime: createTable([record, createRecord("702000000001")]) });
    expect(reading.inverters).toMatchObject([{ uid, online: true }, { uid: "702000000001" }]);
    expect(reading.inverters[0]?.typeCode).toBe(typeCode === "\0\0" ? undefined : typeCode);
    expect(reading).toMatchObject({ unknownRecords: 1, notes: [note] });
  });

  it.each(["f03000000001", "000000000000"])(
    "with the damaged serial number %s is noted and counted, and not listed",
    (uid) => {
      const records = [createRecord(uid, { guessed: true }), createRecord("702000000001")];
      const reading = join({ realtime: createTable(records), signal: [{ uid, level: 200 }] });
      expect(reading.inverters.map((inverter) => inverter.uid)).toEqual(["702000000001"]);
      expect(reading).toMatchObject({
        unknownRecords: 1,
        notes: [`a record is damaged: its serial number is ${uid}`],
      });
    },
  );

  it("that is listed twice has the values of its first record if both are in contact, and a note", () => {
    const twice = [
      createRecord("702000000001"),
      createRecord("702000000001", { temperatureCelsius: 99 }),
    ];
    const reading = join({ realtime: createTable(twice) });
    expect(reading.inverters).toMatchObject([{ temperatureCelsius: 31 }]);
    expect(reading.notes).toEqual(["inverter 702000000001 is listed twice"]);
  });

  const records = {
    "in contact": createRecord("702000000001"),
    offline: createRecord("702000000001", { online: false }),
    "never in contact": createRecord("702000000001", {
      typeCode: "00",
      layout: "none",
      online: false,
      powerWatts: [],
      gridVolts: [],
    }),
  };

  it.each([
    ["in contact", "never in contact"],
    ["in contact", "offline"],
    ["offline", "never in contact"],
  ] as const)("that is listed twice, %s and %s, has the values of the former", (live, other) => {
    const neighbour = createRecord("702000000002");
    const wanted = join({ realtime: createTable([records[live]]) }).inverters[0];
    for (const order of [
      [records[live], neighbour, records[other]],
      [records[other], neighbour, records[live]],
    ]) {
      const { inverters, notes } = join({ realtime: createTable(order) });
      expect(inverters).toHaveLength(2);
      expect(inverters[0]).toEqual(wanted);
      expect(notes).toEqual(["inverter 702000000001 is listed twice"]);
    }
  });

  it.each([ECU_ID, "216000123456", "215000000001"])(
    "is not listed if its uid is the ECU id %s",
    (uid) => {
      const record = createRecord(uid, {
        typeCode: "00",
        layout: "none",
        powerWatts: [],
        gridVolts: [],
      });
      const signal = [{ uid, level: 100 }];
      expect(
        join({ info: createInfo(), realtime: createTable([record]), signal }).inverters,
      ).toEqual([]);
    },
  );

  it("of an ECU-RS has its contact only, because the units of its values are uncertain", () => {
    const devices = [
      { uid: "110000000001", state: 1, pv1Power: 100 },
      { uid: "110000000002", state: 2, pv1Power: 100 },
    ];
    const realtime = { kind: "02", count: 2, takenAt: "20250621115800", records: devices } as never;
    expect(join({ realtime }).inverters).toEqual([
      {
        uid: "110000000001",
        model: "unknown",
        typeCode: "rsd",
        online: true,
        channelWatts: [],
        gridVolts: [],
      },
      {
        uid: "110000000002",
        model: "unknown",
        typeCode: "rsd",
        online: false,
        channelWatts: [],
        gridVolts: [],
      },
    ]);
  });
});

describe("a signal", () => {
  const ratios = (signal: Messages["signal"], records = createTable().records) =>
    join({ info: createInfo(), realtime: createTable(records), signal }).inverters.map(
      (inverter) => inverter.signalRatio,
    );

  it("is joined by uid, in any order of the two lists", () => {
    expect(ratios(createSignals())).toEqual([1, 0.2]);
    expect(ratios(createSignals().toReversed())).toEqual([1, 0.2]);
  });

  it("is not measured if it is missing or 0", () => {
    expect(ratios(createSignals().slice(0, 1))).toEqual([1, undefined]);
    expect(ratios([{ uid: "702000000001", level: 0 }])).toEqual([undefined, undefined]);
    expect(ratios([])).toEqual([undefined, undefined]);
  });

  it("of an offline inverter is old, and left out", () => {
    const records = [createRecord("702000000001", { online: false }), createRecord("702000000002")];
    expect(ratios(createSignals(), records)).toEqual([undefined, 0.2]);
  });
});
