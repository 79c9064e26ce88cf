/** The faults of a simulated ECU, in one table (docs/protocol.md#faults-of-real-ecus). */
import { encodeStatus, type InverterRecord } from "../protocol/replies.ts";
import type { Command } from "../protocol/requests.ts";
import {
  addThreeHours,
  changeFirstRecord,
  changeMessage,
  changeTable,
  combineChanges,
  declaredLength,
  insertBeforeEnd,
  LONGEST_LENGTH,
  type MessageChange,
  startOfEndlessReply,
  withCommandCode,
  withDeclaredLength,
  withOddTexts,
  withoutEnd,
  withVersion,
} from "./message-changes.ts";

/** One fault: it changes connections, messages, bytes, or how bytes are sent. */
export interface FaultDefinition {
  /** Completes the sentence «The simulated ECU …». */
  readonly about: string;
  /** Commands whose replies it changes; without it, all. */
  readonly only?: readonly Command[];
  readonly message?: MessageChange;
  readonly bytes?: (bytes: Buffer, command: Command) => Buffer;
  readonly delivery?: Delivery;
  /** What happens to connections, before any request. */
  readonly connection?: "refused" | "ignored";
}

/** Unusual ways of sending a reply. */
export type Delivery =
  | "silent"
  | "emptyClose"
  | "split"
  | "drip"
  | "truncate"
  | "reset"
  | "endless";

/** Commands that carry the ECU's id. */
const WITH_ID: readonly Command[] = ["realtime", "signal", "dayPower", "energy", "clock"];

/** The record of an inverter that was never reached. */
const createUncontactedRecord = (uid: string): InverterRecord => ({
  uid,
  online: false,
  typeCode: "00",
  layout: "none",
  guessed: false,
  powerWatts: [],
  gridVolts: [],
});

const LOST_JOULES = 5 * 3_600_000;

/** The id of the other ECU at the address of an ECU: its last digit differs. */
export const createOtherEcuId = (ecuId: string): string =>
  `${ecuId.slice(0, -1)}${(Number(ecuId.slice(-1)) + 1) % 10}`;

export const faults = {
  refuse: { about: "refuses connections: its port is closed", connection: "refused" },
  blackhole: {
    about: "accepts connections, then ignores them and never closes them",
    connection: "ignored",
  },
  emptyClose: { about: "closes the connection without a reply", delivery: "emptyClose" },
  silent: { about: "accepts the request and never replies", delivery: "silent" },
  split: { about: "sends each reply in small pieces", delivery: "split" },
  drip: { about: "sends each reply one byte at a time", delivery: "drip" },
  truncate: { about: "closes in the middle of each reply", delivery: "truncate" },
  reset: { about: "resets the connection in the middle of each reply", delivery: "reset" },
  endless: {
    about: "starts each reply and never completes it, one byte at a time",
    bytes: startOfEndlessReply,
    delivery: "endless",
  },
  longest: {
    about: "pads each reply with NUL bytes to a length of 9,999",
    bytes: (bytes) =>
      insertBeforeEnd(bytes, Buffer.alloc(Math.max(0, LONGEST_LENGTH - declaredLength(bytes)))),
  },
  noEnd: { about: "omits END, with the length unchanged", bytes: withoutEnd },
  noLf: { about: "omits the final line feed", bytes: (bytes) => bytes.subarray(0, -1) },
  extraBytes: {
    about: "sends a line feed and NUL bytes after each reply",
    bytes: (bytes) => Buffer.concat([bytes, Buffer.from("\n\0\0\0\0\0\0", "latin1")]),
  },
  status02: {
    about: "replies with status 02: no data yet",
    only: WITH_ID,
    bytes: (_bytes, command) => encodeStatus(command, "02"),
  },
  status01: {
    about: "replies with status 01: another ECU id",
    only: WITH_ID,
    bytes: (_bytes, command) => encodeStatus(command, "01"),
  },
  badLength: {
    about: "declares a length that is 7 too small",
    bytes: (bytes) => withDeclaredLength(bytes, declaredLength(bytes) - 7),
  },
  type00: {
    about: "has never reached its first inverter: a record of 9 bytes",
    ...changeFirstRecord(({ uid }) => createUncontactedRecord(uid)),
  },
  ecuAsInverter: {
    about: "lists its own id as an inverter",
    ...changeTable((table, ecuId) => ({
      ...table,
      count: table.count + 1,
      records: [...table.records, createUncontactedRecord(ecuId)],
    })),
  },
  type05: {
    about: "uses the disputed type code 05 for its first inverter",
    ...changeFirstRecord((record) => ({ ...record, typeCode: "05" })),
  },
  staleOffline: {
    about: "lost its first inverter, whose record keeps old power and voltage",
    ...changeFirstRecord((record) => ({
      ...record,
      online: false,
      frequencyHertz: 0,
      temperatureCelsius: 0,
    })),
  },
  linuxOffline: {
    about: "lost its first inverter, whose record is all zeros: -100 °C",
    ...changeFirstRecord((record) => ({
      ...record,
      online: false,
      frequencyHertz: 0,
      temperatureCelsius: -100,
      powerWatts: record.powerWatts.map(() => 0),
      gridVolts: record.gridVolts.map(() => 0),
    })),
  },
  zeroGlitch: {
    about: "reports 0 for both energy counters and for the number of inverters",
    ...changeMessage("info", (info) => ({
      ...info,
      lifetimeEnergyJoules: 0,
      todayEnergyJoules: 0,
      inverters: 0,
    })),
  },
  frozenCounters: {
    about: "its lifetime counter is stuck at an old value, today's energy at 0",
    ...changeMessage("info", (info) => ({
      ...info,
      lifetimeEnergyJoules: 1_234.5 * 3_600_000,
      todayEnergyJoules: 0,
    })),
  },
  emptyList: {
    about: "sends an empty list of inverters, although it counts them",
    ...changeTable((table) => ({ ...table, count: 0, records: [] })),
  },
  lostTail: {
    about: "has lost the last 5 kWh of its lifetime energy",
    ...changeMessage("info", (info) => ({
      ...info,
      lifetimeEnergyJoules: Math.max(0, info.lifetimeEnergyJoules - LOST_JOULES),
    })),
  },
  spike: {
    about: "reports energies and a power that no plant can have",
    ...changeMessage("info", (info) => ({
      ...info,
      lifetimeEnergyJoules: 26_843_545.5 * 3_600_000,
      todayEnergyJoules: 2_684_354.55 * 3_600_000,
      powerWatts: 16_777_215,
    })),
  },
  idChange: {
    about: "replies as another ECU does: with another id and other energies",
    ...changeMessage("info", (info) => ({
      ...info,
      ecuId: createOtherEcuId(info.ecuId),
      lifetimeEnergyJoules: 21_000 * 3_600_000,
      todayEnergyJoules: 1_000 * 3_600,
    })),
  },
  clockOffset: {
    about: "has a clock that is three hours ahead",
    ...combineChanges(
      changeTable((table) => ({ ...table, takenAt: addThreeHours(table.takenAt) })),
      changeMessage("clock", ({ now }) => ({ now: addThreeHours(now) })),
    ),
  },
  wrongCommand: {
    about: "sends the reply to another request",
    bytes: (bytes, command) => withCommandCode(bytes, command === "signal" ? "0002" : "0030"),
  },
  surplusBytes: {
    about: "sends an inverter table with more bytes than its records have",
    only: ["realtime"],
    bytes: (bytes) => insertBeforeEnd(bytes, Buffer.from("216000123456", "latin1")),
  },
  staleTimestamp: {
    about: "reports a round that is days old",
    ...changeTable((table) => ({ ...table, takenAt: "20240601120000" })),
  },
  aps12: {
    about: "sends 0001 in version 12, with 12 more bytes",
    ...changeMessage("info", (info) =>
      info.extension === "" ? { ...info, extension: "303000000000000000000000" } : info,
    ),
    bytes: (bytes) => (bytes.toString("latin1", 3, 5) === "12" ? bytes : withVersion(bytes, "12")),
  },
  shortSignal: {
    about: "lists the signal of the first inverter only",
    ...changeMessage("signal", (signals) => signals.slice(0, 1)),
  },
  acDisconnected: {
    about: "has a first inverter with light and without grid: 65.0 Hz, 5 V",
    ...changeFirstRecord((record) =>
      record.layout === "none"
        ? record
        : {
            ...record,
            online: true,
            frequencyHertz: 65,
            temperatureCelsius: 15,
            powerWatts: record.powerWatts.map(() => 0),
            gridVolts: record.gridVolts.map(() => 5),
          },
    ),
  },
  shuffleSignal: {
    about: "lists signals in a different order from inverters",
    ...changeMessage("signal", (signals) => signals.toReversed()),
  },
  oddText: {
    about: "has unprintable bytes in firmware, time zone and ZigBee channel",
    only: ["info"],
    bytes: withOddTexts,
  },
  oddType: {
    about: "sends a damaged first record: its type code is 0A",
    ...changeFirstRecord((record) => ({ ...record, typeCode: "0A" })),
  },
} as const satisfies Record<string, FaultDefinition>;

export type FaultName = keyof typeof faults;

/** The queries that a fault can be limited to: those of the exporter. */
export const faultQueries = ["info", "realtime", "signal"] as const satisfies readonly Command[];
export type FaultQuery = (typeof faultQueries)[number];

/** How often, how long, or with which probability a fault acts. */
export type FaultLimit =
  | { readonly times: number }
  | { readonly ms: number }
  | { readonly chance: number };

/** A fault to switch on, for the replies to one query or all, within a limit or always. */
export interface FaultSpec {
  readonly name: FaultName;
  readonly query?: FaultQuery;
  readonly limit?: FaultLimit;
}
