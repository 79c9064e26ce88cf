/** What can be wrong with an ECU, by the names of the protocol document, section 5: one table. */
import { encodeStatus } from "../protocol/replies.ts";
import type { Command } from "../protocol/requests.ts";
import {
  ahead,
  beginning,
  both,
  declaring,
  LONGEST_LENGTH,
  lengthOf,
  type MessageChange,
  naming,
  says,
  saysOfFirst,
  saysTable,
  stuffed,
  versioned,
  withoutEnd,
} from "./message-changes.ts";

/** One fault: it changes who is let in, what the ECU says, the bytes it says it in, or how these are sent. */
export interface Fault {
  /** One line for people. */
  readonly about: string;
  /** Questions whose answers it changes; without it, all of them. */
  readonly only?: readonly Command[];
  readonly message?: MessageChange;
  readonly bytes?: (bytes: Buffer, command: Command) => Buffer;
  readonly delivery?: Delivery;
  /** What becomes of connections, before any question. */
  readonly connection?: "refused" | "ignored";
}

/** Ways of sending a reply that are not the ECU's usual one. */
export type Delivery =
  | "silent"
  | "emptyClose"
  | "split"
  | "drip"
  | "truncate"
  | "reset"
  | "endless";

/** Every question that names the ECU it is for. */
const WITH_ID: readonly Command[] = ["realtime", "signal", "dayPower", "energy", "clock"];

export const faults = {
  refuse: { about: "nobody listens at its port", connection: "refused" },
  blackhole: {
    about: "accepts connections, hears nothing, says nothing and never hangs up",
    connection: "ignored",
  },
  emptyClose: { about: "closes the connection without an answer", delivery: "emptyClose" },
  silent: { about: "takes the question and never answers", delivery: "silent" },
  split: { about: "sends each reply in small pieces", delivery: "split" },
  drip: { about: "sends each reply one byte at a time", delivery: "drip" },
  truncate: { about: "closes in the middle of each reply", delivery: "truncate" },
  reset: { about: "resets the connection in the middle of each reply", delivery: "reset" },
  endless: {
    about: "begins each reply and never ends it, with a byte now and then",
    bytes: beginning,
    delivery: "endless",
  },
  longest: {
    about: "fills each reply up with NULs to a length of 9,999",
    bytes: (bytes) => stuffed(bytes, Buffer.alloc(Math.max(0, LONGEST_LENGTH - lengthOf(bytes)))),
  },
  noEnd: { about: "leaves END out, the length unchanged", bytes: withoutEnd },
  noLf: { about: "leaves the final line feed out", bytes: (bytes) => bytes.subarray(0, -1) },
  extraBytes: {
    about: "sends a line feed and NULs behind each reply",
    bytes: (bytes) => Buffer.concat([bytes, Buffer.from("\n\0\0\0\0\0\0", "latin1")]),
  },
  status02: {
    about: "says that there are no data yet",
    only: WITH_ID,
    bytes: (_bytes, command) => encodeStatus(command, "02"),
  },
  status01: {
    about: "says that the ECU id is another",
    only: WITH_ID,
    bytes: (_bytes, command) => encodeStatus(command, "01"),
  },
  badLength: {
    about: "declares a length that is too small by 7",
    bytes: (bytes) => declaring(bytes, lengthOf(bytes) - 7),
  },
  type00: {
    about: "never reached its first inverter: a record of 9 bytes",
    ...saysOfFirst(({ uid }) => ({
      uid,
      online: false,
      typeCode: "00",
      layout: "none",
      guessed: false,
      powerWatts: [],
      gridVolts: [],
    })),
  },
  ecuAsInverter: {
    about: "lists its own id as an inverter",
    ...saysTable((table, ecuId) => ({
      ...table,
      count: table.count + 1,
      records: [
        ...table.records,
        {
          uid: ecuId,
          online: false,
          typeCode: "00",
          layout: "none",
          guessed: false,
          powerWatts: [],
          gridVolts: [],
        },
      ],
    })),
  },
  type05: {
    about: "gives its first inverter the disputed type code 05",
    ...saysOfFirst((record) => ({ ...record, typeCode: "05" })),
  },
  staleOffline: {
    about: "lost its first inverter, whose record keeps old power and volts",
    ...saysOfFirst((record) => ({
      ...record,
      online: false,
      frequencyHertz: 0,
      temperatureCelsius: 0,
    })),
  },
  linuxOffline: {
    about: "lost its first inverter, whose record is all zeros: -100 °C",
    ...saysOfFirst((record) => ({
      ...record,
      online: false,
      frequencyHertz: 0,
      temperatureCelsius: -100,
      powerWatts: record.powerWatts.map(() => 0),
      gridVolts: record.gridVolts.map(() => 0),
    })),
  },
  zeroGlitch: {
    about: "says 0 for both energy counters and the number of inverters",
    ...says("info", (info) => ({
      ...info,
      lifetimeEnergyJoules: 0,
      todayEnergyJoules: 0,
      inverters: 0,
    })),
  },
  frozenCounters: {
    about: "its energy counters stand still at an old value, today's at 0",
    ...says("info", (info) => ({
      ...info,
      lifetimeEnergyJoules: 1_234.5 * 3_600_000,
      todayEnergyJoules: 0,
    })),
  },
  clockOffset: {
    about: "its clock is three hours ahead",
    ...both(
      saysTable((table) => ({ ...table, takenAt: ahead(table.takenAt) })),
      says("clock", ({ now }) => ({ now: ahead(now) })),
    ),
  },
  wrongCommand: {
    about: "sends the reply to another question",
    bytes: (bytes, command) => naming(bytes, command === "signal" ? "0002" : "0030"),
  },
  surplusBytes: {
    about: "sends more bytes in the inverter table than its records have",
    only: ["realtime"],
    bytes: (bytes) => stuffed(bytes, Buffer.from("216000123456", "latin1")),
  },
  staleTimestamp: {
    about: "reports a round of days ago",
    ...saysTable((table) => ({ ...table, takenAt: "20240601120000" })),
  },
  aps12: {
    about: "says who it is in version 12, with 12 more bytes",
    ...says("info", (info) =>
      info.extension === "" ? { ...info, extension: "303000000000000000000000" } : info,
    ),
    bytes: (bytes) => (bytes.toString("latin1", 3, 5) === "12" ? bytes : versioned(bytes, "12")),
  },
  shortSignal: {
    about: "lists the signal of the first inverter only",
    ...says("signal", (signals) => signals.slice(0, 1)),
  },
  acDisconnected: {
    about: "its first inverter has light and no grid: 65.0 Hz, 5 V",
    ...saysOfFirst((record) =>
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
    about: "lists signals in another order than inverters",
    ...says("signal", (signals) => signals.toReversed()),
  },
} as const satisfies Record<string, Fault>;

export type FaultName = keyof typeof faults;

/** Questions that a fault can be limited to: those that the exporter asks. */
export const questions = ["info", "realtime", "signal"] as const satisfies readonly Command[];
export type Question = (typeof questions)[number];

/** How often, for how long, or with which chance a fault acts; without a limit always. */
export type Limit =
  | { readonly times: number }
  | { readonly ms: number }
  | { readonly chance: number };

/** A fault to switch on: which, at the answers to which question, within which limit. */
export interface FaultSwitch {
  readonly name: FaultName;
  readonly question?: Question;
  readonly limit?: Limit;
}
