import { describe, expect, it } from "vitest";
import { decodeReply, encodeReply, encodeStatus } from "../../src/protocol/replies.ts";
import { type Command, commands } from "../../src/protocol/requests.ts";
import {
  decodedRecords,
  energyAgainstVersion,
  info,
  records,
  reply,
  signal,
  table,
  vectors,
  wire,
  clock as wireClock,
} from "../fixtures/frames.ts";

const refusal = (reason: string, field: string, offset: number) =>
  expect.objectContaining({ reason, position: { field, offset } });

/** What `info.version11` says: 1234.6 kWh, 360 W, 12.34 kWh. */
const baseInfo = {
  ecuId: "216000000001",
  layout: "01",
  lifetimeEnergyJoules: 4_444_560_000,
  powerWatts: 360,
  todayEnergyJoules: 44_424_000,
  lastCloudContact: "d0d0d0d0d0d0d0",
  inverters: 3,
  invertersOnline: 2,
  zigbeeChannel: "10",
  firmware: "ECU_R_1.3.6C",
  timezone: "Etc/GMT-8",
  ethernetMac: "80971b000001",
  wirelessMac: "000000000000",
  extension: "",
};

const hardTable = {
  kind: "01",
  count: 5,
  takenAt: "20250621131500",
  records: [
    {
      uid: "705000000001",
      online: true,
      typeCode: "05",
      layout: "two",
      guessed: false,
      frequencyHertz: 50,
      temperatureCelsius: 40,
      powerWatts: [310, 305],
      gridVolts: [231, 231],
    },
    {
      uid: "806000000002",
      online: false,
      typeCode: "00",
      layout: "none",
      guessed: false,
      powerWatts: [],
      gridVolts: [],
    },
    {
      uid: "901000000003",
      online: true,
      typeCode: "05",
      layout: "fourThreePhase",
      guessed: false,
      frequencyHertz: 49.9,
      temperatureCelsius: 33,
      powerWatts: [100, 101, 102, 103],
      gridVolts: [395, 396, 397],
    },
    {
      uid: "704000000004",
      online: true,
      typeCode: "04",
      layout: "two",
      guessed: false,
      frequencyHertz: 50,
      temperatureCelsius: 41,
      powerWatts: [200, 0],
      gridVolts: [230, 230],
    },
    {
      uid: "801000000005",
      online: true,
      typeCode: "03",
      layout: "four",
      guessed: false,
      frequencyHertz: 50,
      temperatureCelsius: 25,
      powerWatts: [10, 11, 12, 13],
      gridVolts: [229],
    },
  ],
  lost: 0,
  surplus: 0,
  ambiguous: false,
};

const device = {
  uid: "601000000001",
  equipmentClass: 1,
  state: 3,
  heartbeats: 12_345,
  timeouts: 7,
  restartsToday: 1,
  pv1Voltage: 365,
  pv2Voltage: 371,
  pv1Current: 81,
  pv2Current: 79,
  pv1Power: 295,
  pv2Power: 293,
  outputVoltage: 730,
  outputCurrent: 80,
  outputPower: 588,
  rssi: 200,
  pv1Energy: 1000,
  pv2Energy: 1001,
  outputEnergy: 1990,
  closings: 3,
  softwareVersion: 258,
  deviceModel: 1,
  temperature: 45,
  reserved: "0000000000000000",
};

type Row = readonly [string, Command, "11" | "12", Buffer, unknown];

/** Replies that read as these values, and that these values are written as. */
const bothWays: readonly Row[] = [
  [
    "S1, power of a day",
    "dayPower",
    "11",
    vectors.S1,
    [
      { time: "0615", powerWatts: 10 },
      { time: "0620", powerWatts: 20 },
      { time: "1200", powerWatts: 291 },
    ],
  ],
  ["S2, a day without data", "dayPower", "11", vectors.S2, []],
  [
    "S3, a week: 12.34 kWh and the ceiling of 655.35 kWh",
    "energy",
    "11",
    vectors.S3,
    {
      period: "00",
      records: [
        { date: "20240101", energyJoules: 44_424_000 },
        { date: "20240102", energyJoules: 2_359_260_000 },
      ],
    },
  ],
  [
    "S4, a month of version 12: 5.73, 6.34 and 9.33 kWh",
    "energy",
    "12",
    vectors.S4,
    {
      period: "01",
      records: [
        { date: "20230902", energyJoules: 20_628_000 },
        { date: "20230903", energyJoules: 22_824_000 },
        { date: "20230904", energyJoules: 33_588_000 },
      ],
    },
  ],
  [
    "S6, an ECU-RS",
    "info",
    "11",
    vectors.S6,
    {
      ecuId: "213000000004",
      layout: "02",
      lifetimeEnergyJoules: 0,
      powerWatts: 0,
      todayEnergyJoules: 0,
      inverters: 3,
      invertersOnline: 2,
      signalLevel: 128,
      zigbeeChannel: "10",
      deviceClass: "2",
      firmware: "ECU_RS_1.0",
      extension: "",
    },
  ],
  [
    "S7, a device of an ECU-RS",
    "realtime",
    "11",
    vectors.S7,
    { kind: "02", count: 1, takenAt: "20240101120000", records: [device] },
  ],
  ["S9, types 05, 00, 05, 04, 03", "realtime", "11", vectors.S9, hardTable],
  [
    "S15, no inverters",
    "realtime",
    "11",
    vectors.S15,
    {
      kind: "01",
      count: 0,
      takenAt: "20240101120000",
      records: [],
      lost: 0,
      surplus: 0,
      ambiguous: false,
    },
  ],
  [
    "one record of each layout",
    "realtime",
    "11",
    table(4, records.two, records.none, records.fourThreePhase, records.four),
    {
      kind: "01",
      count: 4,
      takenAt: "20250621131500",
      records: [
        decodedRecords.two,
        decodedRecords.none,
        decodedRecords.fourThreePhase,
        decodedRecords.four,
      ],
      lost: 0,
      surplus: 0,
      ambiguous: false,
    },
  ],
  ["status 02", "realtime", "11", wire("'APS110015000202' 0a"), { kind: "none" }],
  ["base information, version 11", "info", "11", info.version11, baseInfo],
  [
    "base information, version 12, with 12 bytes more",
    "info",
    "12",
    info.version12,
    { ...baseInfo, extension: "303000000000000000000000" },
  ],
  [
    "base information without MACs",
    "info",
    "11",
    info.withoutMacs,
    { ...baseInfo, ethernetMac: undefined, wirelessMac: undefined },
  ],
  [
    "base information with one MAC",
    "info",
    "11",
    info.withoutWirelessMac,
    { ...baseInfo, wirelessMac: undefined },
  ],
  [
    "signal of three inverters",
    "signal",
    "11",
    signal,
    [
      { uid: "801000000001", level: 255 },
      { uid: "703000000002", level: 1 },
      { uid: "806000000003", level: 0 },
    ],
  ],
  ["signal of no inverters", "signal", "11", wire("'APS110018003000END' 0a"), []],
  ["the clock", "clock", "11", wireClock, { now: "20230801173037" }],
];

describe("base information with unprintable bytes in texts for display", () => {
  const head = "'216000000001' '01' 0000303a 00000168 000004d2 d0d0d0d0d0d0d0 0003 0002";
  const macs = "80971b000001 000000000000";

  it.each([
    [
      "NUL after the firmware",
      "'10' '014' 'ECU_R_1.3.6C' 0000 '009' 'Etc/GMT-8'",
      { cleaned: ["firmware"] },
    ],
    [
      "CR after firmware and time zone",
      "'10' '013' 'ECU_R_1.3.6C' 0d '010' 'Etc/GMT-8' 0d",
      { cleaned: ["firmware", "timezone"] },
    ],
    [
      "FF and a letter that is not ASCII",
      "'10' '014' 'ECU_R_' ff '1.3.6C' e9 '010' ff 'Etc/GMT-8'",
      { cleaned: ["firmware", "timezone"] },
    ],
    [
      "no ZigBee channel",
      "0000 '012' 'ECU_R_1.3.6C' '009' 'Etc/GMT-8'",
      { zigbeeChannel: "", cleaned: ["zigbeeChannel"] },
    ],
    [
      "NUL and nothing else",
      "'10' '003' 000000 '001' 00",
      { firmware: "", timezone: "", cleaned: ["firmware", "timezone"] },
    ],
  ])("has all its values: %s", (_, texts, changes) => {
    const bytes = reply("0001", wire(`${head} ${texts} ${macs}`));
    expect(decodeReply("info", bytes)).toEqual({ ...baseInfo, ...changes });
  });

  it("of an ECU-RS has its counters without a signal level and a device class", () => {
    const bytes = Buffer.from(vectors.S6);
    bytes.fill(0, 43, 49); // signal level, ZigBee channel, device class
    expect(decodeReply("info", bytes)).toMatchObject({
      ecuId: "213000000004",
      inverters: 3,
      firmware: "ECU_RS_1.0",
      signalLevel: undefined,
      cleaned: ["zigbeeChannel", "deviceClass"],
    });
  });

  it.each([
    ["the id", 13 + 3, "ecuId"],
    ["the length of the firmware", 52, "firmware"],
    ["the layout", 25, "layout"],
  ])("is rejected if %s has one", (_, at, field) => {
    const bytes = Buffer.from(info.version11);
    bytes.writeUInt8(0, at);
    expect(() => decodeReply("info", bytes)).toThrow(refusal("malformed", field, at));
  });
});

describe("a reply", () => {
  it.each(bothWays)(
    "%s: decodes to the values written by hand",
    (_, command, _version, bytes, value) => {
      expect(decodeReply(command, bytes)).toEqual(value);
    },
  );

  it.each(bothWays)("%s: encodes to the same bytes", (_, command, version, bytes, value) => {
    expect(encodeReply(command, value as never, version).toString("hex")).toBe(
      bytes.toString("hex"),
    );
  });

  it.each([
    [
      "8-byte records under version 11",
      energyAgainstVersion.longUnder11,
      {
        period: "02",
        records: [
          { date: "20240601", energyJoules: 2_359_260_000 },
          { date: "20240701", energyJoules: 2_359_296_000 },
        ],
      },
    ],
    [
      "6-byte records under version 12",
      energyAgainstVersion.shortUnder12,
      {
        period: "00",
        records: [
          { date: "20240101", energyJoules: 44_424_000 },
          { date: "20240102", energyJoules: 2_359_260_000 },
        ],
      },
    ],
    [
      "a year with day 00 in its dates",
      wire("'APS1100260004' '00' '02' 20231200 0064 'END' 0a"),
      { period: "02", records: [{ date: "20231200", energyJoules: 3_600_000 }] },
    ],
    ["no records", wire("'APS1100200004' '00' '01' 'END' 0a"), { period: "01", records: [] }],
  ])("of energies is decoded by its dates: %s", (_, bytes, value) => {
    expect(decodeReply("energy", bytes)).toEqual(value);
  });

  it("with any flag except 0 is from an online inverter", () => {
    const online = records.four.replace(" 01 ", " 02 ");
    expect(decodeReply("realtime", table(2, online, records.two))).toMatchObject({
      records: [{ uid: "801000000002", online: true }, { online: true }],
    });
  });

  it("of an offline inverter is decoded unchanged, including -100 °C", () => {
    const offline = "801000000002 00 '03' 0000 0000 0000 0000 0000 0000 0000";
    expect(decodeReply("realtime", table(1, offline))).toMatchObject({
      records: [{ online: false, frequencyHertz: 0, temperatureCelsius: -100, gridVolts: [0] }],
    });
  });

  it("with ids and dates without digits is decoded nevertheless", () => {
    const odd = wire("'APS1100250030' '00' d0d0d0d0d0ff 07 'END' 0a");
    expect(decodeReply("signal", odd)).toEqual([{ uid: "d0d0d0d0d0ff", level: 7 }]);
  });
});

describe("an invalid reply", () => {
  it.each<[string, Command, Buffer, string, string, number]>([
    ["S5: another id", "signal", vectors.S5, "id_mismatch", "status", 13],
    ["S12: another id", "realtime", vectors.S12, "id_mismatch", "status", 13],
    ["status 02 for signals", "signal", wire("'APS110015003002' 0a"), "status", "status", 13],
    ["an unknown status", "realtime", wire("'APS110015000207' 0a"), "status", "status", 13],
    [
      "an unknown status with END",
      "energy",
      wire("'APS110018000499END' 0a"),
      "status",
      "status",
      13,
    ],
    ["status 00 and no data", "clock", wire("'APS110015001200' 0a"), "malformed", "status", 13],
    ["a status of no text", "signal", wire("'APS1100150030' 0001 0a"), "malformed", "status", 13],
    ["an unknown layout", "info", info.layout03, "malformed", "layout", 25],
    [
      "the obsolete two-digit variant",
      "info",
      wire("'APS1100420100000000000010109909005RS1.0END' 0a"),
      "wrong_command",
      "command",
      9,
    ],
    [
      "a status for the base information",
      "info",
      wire("'APS110015000101' 0a"),
      "malformed",
      "ecuId",
      13,
    ],
    [
      "an unknown kind of table",
      "realtime",
      wire("'APS1100290002' '00' '03' 0000 20250621131500 'END' 0a"),
      "malformed",
      "kind",
      15,
    ],
    [
      "a table without its time",
      "realtime",
      wire("'APS1100220002' '00' '01' 0000 'END' 0a"),
      "malformed",
      "takenAt",
      19,
    ],
    [
      "a device with its last byte missing",
      "realtime",
      reply("0002", vectors.S7.subarray(13, 82)),
      "malformed",
      "records.0.reserved",
      75,
    ],
    [
      "half a record of signals",
      "signal",
      wire("'APS1100280030' '00' 801000000002 ff 703000 'END' 0a"),
      "malformed",
      "1.uid",
      22,
    ],
    [
      "half a record of power",
      "dayPower",
      wire("'APS1100210003' '00' 0615 00 'END' 0a"),
      "malformed",
      "0.powerWatts",
      17,
    ],
    [
      "energies of impossible dates",
      "energy",
      wire("'APS1100260004' '00' '00' 20241301 0001 'END' 0a"),
      "malformed",
      "records",
      17,
    ],
    [
      "a clock that is not in text",
      "clock",
      wire("'APS1100250012' '00' 20230801173037 'END' 0a"),
      "malformed",
      "now",
      15,
    ],
    [
      "a firmware that is longer than the reply",
      "info",
      reply(
        "0001",
        wire(
          "'216000000001' '01' 000000000000000000000000 00000000000000 00000000 '10' '999' 'ECU'",
        ),
      ),
      "malformed",
      "firmware",
      55,
    ],
    [
      "half a MAC",
      "info",
      reply("0001", info.version11.subarray(13, 82)),
      "malformed",
      "ethernetMac",
      79,
    ],
  ])("with %s is rejected, with field and offset", (_, command, bytes, reason, field, offset) => {
    expect(() => decodeReply(command, bytes)).toThrow(refusal(reason, field, offset));
  });

  const everyCommand = Object.keys(commands) as Command[];
  const foreign = Object.entries({
    S10: vectors.S10,
    S11: vectors.S11,
    S13: vectors.S13,
    S14: vectors.S14,
  });

  it.each(foreign)("to another query is rejected: %s to any command", (_, bytes) => {
    for (const command of everyCommand) {
      expect(() => decodeReply(command, bytes)).toThrow(refusal("wrong_command", "command", 9));
    }
  });

  it.each<[string, Command, Buffer]>([
    ["0002 to 0001", "info", vectors.S9],
    ["0001 to 0002", "realtime", info.version11],
    ["0030 to 0002", "realtime", signal],
    ["0003 to 0004", "energy", vectors.S1],
    ["the status of 0030 to 0002", "realtime", vectors.S5],
  ])("to another query is rejected: %s", (_, command, bytes) => {
    expect(() => decodeReply(command, bytes)).toThrow(refusal("wrong_command", "command", 9));
  });
});

describe("encoding a reply", () => {
  it.each<[Command, string, string]>([
    ["signal", "01", "APS110015003001\n"],
    ["realtime", "02", "APS110015000202\n"],
  ])("of a status to %s gives only %s", (command, status, text) => {
    expect(encodeStatus(command, status).toString("latin1")).toBe(text);
  });

  it.each<[string, () => Buffer]>([
    [
      "a month of more than 655.35 kWh under version 11",
      () =>
        encodeReply("energy", {
          period: "02",
          records: [{ date: "20240601", energyJoules: 2_359_296_000 }],
        }),
    ],
    [
      "an ECU id of 11 digits",
      () => encodeReply("info", { ...baseInfo, ecuId: "21600000000" } as never),
    ],
    ["a signal level of 256", () => encodeReply("signal", [{ uid: "801000000001", level: 256 }])],
    [
      "a record with more channels than its layout",
      () =>
        encodeReply("realtime", {
          kind: "01",
          count: 1,
          takenAt: "20250621131500",
          records: [{ ...decodedRecords.two, powerWatts: [1, 2, 3], gridVolts: [230, 230] }],
          lost: 0,
          surplus: 0,
          ambiguous: false,
        }),
    ],
    [
      "more than fits a reply",
      () => encodeReply("signal", Array(1_427).fill({ uid: "801000000001", level: 1 })),
    ],
  ])("rejects %s", (_, write) => {
    expect(write).toThrow(RangeError);
  });
});
