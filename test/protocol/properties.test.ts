import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ProtocolError } from "../../src/protocol/errors.ts";
import { decodeReply, encodeReply, type InverterRecord } from "../../src/protocol/replies.ts";
import { type Command, commands } from "../../src/protocol/requests.ts";
import { goodReplies, reply } from "../fixtures/frames.ts";

const everyCommand = Object.keys(commands) as Command[];
const reasons = ["truncated", "malformed", "wrong_command", "id_mismatch", "status"];

/** Every number in a value, however deep. */
const numbersIn = (value: unknown): number[] => {
  if (typeof value === "number") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(numbersIn) : [];
};

/** The promise for any input: a value of finite numbers, or an error that says why and where. */
const keepsThePromise = (command: Command, bytes: Uint8Array): void => {
  try {
    const numbers = numbersIn(decodeReply(command, bytes));
    expect(numbers.filter((number) => !Number.isFinite(number))).toEqual([]);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    expect(reasons).toContain(error.reason);
    expect(error.position.field).not.toBe("");
    expect(error.position.offset).toBeGreaterThanOrEqual(0);
    expect(error.position.offset).toBeLessThanOrEqual(bytes.length);
  }
};

const bytes = (maxLength: number) => fc.uint8Array({ maxLength });
/** Bytes of which many mean something here: digits, small numbers, what can begin a record. */
const likelyBytes = fc
  .array(fc.oneof(fc.constantFrom(0, 1, 2, 0x30, 0x31, 0x32, 0x33, 0x37), fc.nat(255)), {
    maxLength: 300,
  })
  .map((list) => Uint8Array.from(list));
const good = fc.constantFrom(...goodReplies.map(([, command, frame]) => ({ command, frame })));

/** What radio, firmware and other programs do to a frame. */
const mutation = fc.oneof(
  fc.record({ at: fc.nat(), bit: fc.nat(7) }).map(({ at, bit }) => (frame: Buffer) => {
    const flipped = Buffer.from(frame);
    const place = at % frame.length;
    flipped.writeUInt8(flipped.readUInt8(place) ^ (1 << bit), place);
    return flipped;
  }),
  fc.nat().map((at) => (frame: Buffer) => frame.subarray(0, at % frame.length)),
  fc
    .record({ at: fc.nat(), drop: fc.nat(40), more: bytes(40) })
    .map(({ at, drop, more }) => (frame: Buffer) => {
      const place = at % frame.length;
      return Buffer.concat([frame.subarray(0, place), more, frame.subarray(place + drop)]);
    }),
  fc.record({ at: fc.nat(), other: good }).map(
    ({ at, other }) =>
      (frame: Buffer) =>
        Buffer.concat([frame.subarray(0, at % frame.length), other.frame.subarray(at % 90)]),
  ),
  fc.nat(9_999).map((length) => (frame: Buffer) => {
    const lying = Buffer.from(frame);
    lying.write(String(length).padStart(4, "0"), 5, "latin1");
    return lying;
  }),
);

/** The same body, changed, in an envelope that is good: what a check of the frame alone lets through. */
const reenveloped = (frame: Buffer): Buffer =>
  reply(frame.toString("latin1", 9, 13), frame.subarray(13, -4));

describe("any bytes give a value, or an error with reason and offset", () => {
  it.each(everyCommand)("as a reply to %s", (command) => {
    fc.assert(fc.property(bytes(400), (any) => keepsThePromise(command, any)));
  });

  it.each(everyCommand)("as the body of a reply to %s", (command) => {
    const { code } = commands[command];
    const status = command === "info" ? [] : [0x30, 0x30];
    fc.assert(
      fc.property(fc.oneof(bytes(300), likelyBytes), fc.boolean(), (any, isOk) => {
        const body = isOk ? Uint8Array.from([...status, ...any]) : any;
        keepsThePromise(command, reply(code, body));
      }),
      { numRuns: 300 },
    );
  });

  it("as the records of a table of any count", () => {
    const count = fc.oneof(fc.nat(12), fc.nat(65_535));
    const head = fc.constantFrom("0001", "0002").map((text) => Buffer.from(text, "latin1"));
    fc.assert(
      fc.property(head, count, fc.oneof(bytes(300), likelyBytes), (kind, records, any) => {
        const counted = Buffer.of(records >> 8, records & 0xff);
        const body = Buffer.concat([kind, counted, Buffer.alloc(7, 0x20), any]);
        keepsThePromise("realtime", reply("0002", body));
      }),
      { numRuns: 500 },
    );
  });

  it("as a valid reply with flipped bits, cuts, splices or a wrong length", () => {
    const changes = fc.array(mutation, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(good, changes, ({ command, frame }, steps) => {
        const changed = steps.reduce((now, change) => (now.length < 20 ? now : change(now)), frame);
        keepsThePromise(command, changed);
        if (changed.length > 20) keepsThePromise(command, reenveloped(changed));
      }),
      { numRuns: 2_000 },
    );
  });
});

const decimalText = (length: number) =>
  fc.string({ unit: fc.constantFrom(..."0123456789"), minLength: length, maxLength: length });
const hexText = (minBytes: number, maxBytes = minBytes) =>
  fc
    .uint8Array({ minLength: minBytes, maxLength: maxBytes })
    .map((list) => Buffer.from(list).toString("hex"));
const printable = (minLength: number, maxLength = minLength) =>
  fc.string({ unit: "grapheme-ascii", minLength, maxLength });
const u8 = fc.nat(0xff);
const u16 = fc.nat(0xffff);
const u32 = fc.nat(0xffff_ffff);

const infoHead = {
  ecuId: decimalText(12),
  lifetimeEnergyJoules: u32.map((steps) => steps * 360_000),
  powerWatts: u32,
  todayEnergyJoules: u32.map((steps) => steps * 36_000),
  inverters: u16,
  invertersOnline: u16,
  zigbeeChannel: printable(2),
  firmware: printable(0, 40),
  extension: hexText(0, 20),
};

const layouts = {
  "00": { layout: "none", powers: 0, volts: 0 },
  "01": { layout: "two", powers: 2, volts: 2 },
  "02": { layout: "fourThreePhase", powers: 4, volts: 3 },
  "03": { layout: "four", powers: 4, volts: 1 },
  "04": { layout: "two", powers: 2, volts: 2 },
} as const;

const u16List = (length: number) => fc.array(u16, { minLength: length, maxLength: length });
const inverter = (typeCode: keyof typeof layouts): fc.Arbitrary<InverterRecord> => {
  const { layout, powers, volts } = layouts[typeCode];
  const measured = {
    frequencyHertz: u16.map((tenths) => tenths / 10),
    temperatureCelsius: u16.map((raw) => raw - 100),
  };
  return fc.record({
    uid: decimalText(12),
    online: fc.boolean(),
    typeCode: fc.constant(typeCode),
    layout: fc.constant(layout),
    guessed: fc.constant(false),
    powerWatts: u16List(powers),
    gridVolts: u16List(volts),
    ...(layout === "none" ? {} : measured),
  });
};

const device = fc.record({
  uid: hexText(6),
  equipmentClass: u8,
  state: u8,
  heartbeats: u16,
  timeouts: u16,
  restartsToday: u8,
  pv1Voltage: u16,
  pv2Voltage: u16,
  pv1Current: u16,
  pv2Current: u16,
  pv1Power: u16,
  pv2Power: u16,
  outputVoltage: u16,
  outputCurrent: u16,
  outputPower: u16,
  rssi: u8,
  pv1Energy: u32,
  pv2Energy: u32,
  outputEnergy: u32,
  closings: u8,
  softwareVersion: u16,
  deviceModel: u8,
  temperature: u8,
  reserved: hexText(8),
});

const anyTable = <T, K extends string>(kind: K, record: fc.Arbitrary<T>) =>
  fc
    .tuple(hexText(7), fc.array(record, { maxLength: 12 }))
    .map(([takenAt, records]) => ({ kind, count: records.length, takenAt, records }));

const date = fc
  .tuple(fc.nat(99), fc.integer({ min: 1, max: 12 }), fc.nat(31))
  .map((parts) => `20${parts.map((part) => String(part).padStart(2, "0")).join("")}`);
const energies = (steps: fc.Arbitrary<number>) =>
  fc.record({
    period: fc.constantFrom("00", "01", "02"),
    records: fc.array(fc.record({ date, energyJoules: steps.map((count) => count * 36_000) }), {
      maxLength: 40,
    }),
  });

const inverterTable = anyTable(
  "01",
  fc.oneof(...(Object.keys(layouts) as (keyof typeof layouts)[]).map(inverter)),
).map((table) => ({ ...table, lost: 0, surplus: 0, ambiguous: false }));

describe("an encoded reply decodes to the same value", () => {
  it.each<[string, Command, "11" | "12", fc.Arbitrary<unknown>]>([
    [
      "base information of micro-inverters",
      "info",
      "12",
      fc.record({
        ...infoHead,
        layout: fc.constant("01"),
        lastCloudContact: hexText(7),
        timezone: printable(0, 40),
        ethernetMac: hexText(6),
        wirelessMac: hexText(6),
      }),
    ],
    [
      "base information of an ECU-RS",
      "info",
      "11",
      fc.record({
        ...infoHead,
        layout: fc.constant("02"),
        signalLevel: fc.nat(999),
        deviceClass: printable(1),
      }),
    ],
    ["inverters", "realtime", "11", inverterTable],
    ["devices", "realtime", "11", anyTable("02", device)],
    ["no data", "realtime", "11", fc.constant({ kind: "none" })],
    ["signals", "signal", "11", fc.array(fc.record({ uid: hexText(6), level: u8 }))],
    [
      "power of a day",
      "dayPower",
      "11",
      fc.array(fc.record({ time: hexText(2), powerWatts: u16 })),
    ],
    ["energies of version 11", "energy", "11", energies(u16)],
    ["energies of version 12", "energy", "12", energies(u32)],
    ["the clock", "clock", "11", fc.record({ now: decimalText(14) })],
  ])("for %s", (_, command, version, messages) => {
    fc.assert(
      fc.property(messages, (message) => {
        expect(decodeReply(command, encodeReply(command, message as never, version))).toEqual(
          message,
        );
      }),
    );
  });
});
