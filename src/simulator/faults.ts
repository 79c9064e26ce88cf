/** What can be wrong with an ECU, by the names of the protocol document, section 5. */
import type { Messages } from "../protocol/replies.ts";
import { encodeStatus } from "../protocol/replies.ts";
import type { Command } from "../protocol/requests.ts";

/** One fault: it changes what the ECU says, the bytes it says it in, or how these are sent. */
export interface Fault {
  /** One line for people. */
  readonly about: string;
  readonly message?: <C extends Command>(
    command: C,
    message: Messages[C],
    ecuId: string,
  ) => Messages[C];
  readonly bytes?: (bytes: Buffer, command: Command) => Buffer;
  readonly delivery?: Delivery;
  /** Nobody listens on the port. Only from the start. */
  readonly refuses?: boolean;
}

/** Ways of sending a reply that are not the ECU's usual one. */
export type Delivery = "silent" | "emptyClose" | "split" | "drip" | "truncate" | "reset";

/** A change of what is said to one question. The casts: where the names are equal, so are the types. */
const on =
  <Q extends Command>(question: Q, change: (message: Messages[Q], ecuId: string) => Messages[Q]) =>
  <C extends Command>(command: C, message: Messages[C], ecuId: string): Messages[C] =>
    (command as Command) === question ? (change(message as never, ecuId) as never) : message;

type Table = Extract<Messages["realtime"], { kind: "01" }>;

const onTable = (change: (table: Table, ecuId: string) => Table) =>
  on("realtime", (table, ecuId) => (table.kind === "01" ? change(table, ecuId) : table));

const AHEAD_MS = 3 * 3_600_000;

/** yyyymmddhhmmss, three hours later. */
const ahead = (digits: string): string => {
  const iso = digits.replace(/^(....)(..)(..)(..)(..)(..)$/, "$1-$2-$3T$4:$5:$6Z");
  return new Date(Date.parse(iso) + AHEAD_MS).toISOString().replace(/\D/g, "").slice(0, 14);
};

const END_BYTES = 4; // END and the line feed
const SHORT_BYTES = 16; // of a status, which has no END
const withoutId = (command: Command): boolean => command === "info";

export const faults = {
  refuse: { about: "refuses connections", refuses: true },
  silent: { about: "accepts the connection and never answers", delivery: "silent" },
  emptyClose: { about: "closes the connection without an answer", delivery: "emptyClose" },
  split: { about: "sends each reply in small pieces", delivery: "split" },
  drip: { about: "sends each reply one byte at a time", delivery: "drip" },
  truncate: { about: "closes in the middle of each reply", delivery: "truncate" },
  reset: { about: "resets the connection in the middle of each reply", delivery: "reset" },
  noEnd: {
    about: "leaves END out, the length unchanged",
    bytes: (bytes) =>
      bytes.length <= SHORT_BYTES
        ? bytes
        : Buffer.concat([bytes.subarray(0, -END_BYTES), Buffer.from("\0\0\0\n", "latin1")]),
  },
  noLf: { about: "leaves the final line feed out", bytes: (bytes) => bytes.subarray(0, -1) },
  extraBytes: {
    about: "sends a line feed and NULs behind each reply",
    bytes: (bytes) => Buffer.concat([bytes, Buffer.from("\n\0\0\0\0\0\0", "latin1")]),
  },
  badLength: {
    about: "declares a length that is too small by 7",
    bytes: (bytes) => {
      const length = Number(bytes.toString("latin1", 5, 9)) - 7;
      return Buffer.concat([
        bytes.subarray(0, 5),
        Buffer.from(String(length).padStart(4, "0"), "latin1"),
        bytes.subarray(9),
      ]);
    },
  },
  wrongCommand: {
    about: "sends the reply to another question",
    bytes: (bytes, command) => {
      const other = command === "signal" ? "0002" : "0030";
      return Buffer.concat([
        bytes.subarray(0, 9),
        Buffer.from(other, "latin1"),
        bytes.subarray(13),
      ]);
    },
  },
  status01: {
    about: "says that the ECU id is another",
    bytes: (bytes, command) => (withoutId(command) ? bytes : encodeStatus(command, "01")),
  },
  status02: {
    about: "says that there are no data yet",
    bytes: (bytes, command) => (withoutId(command) ? bytes : encodeStatus(command, "02")),
  },
  zeroGlitch: {
    about: "says 0 for both energy counters and the number of inverters",
    message: on("info", (info) => ({
      ...info,
      lifetimeEnergyJoules: 0,
      todayEnergyJoules: 0,
      inverters: 0,
    })),
  },
  frozenCounters: {
    about: "its energy counters stand still, today's at 0",
    message: on("info", (info) => ({
      ...info,
      lifetimeEnergyJoules: 1_234.5 * 3_600_000,
      todayEnergyJoules: 0,
    })),
  },
  clockOffset: {
    about: "its clock is three hours ahead",
    message: (command, message, ecuId) =>
      [
        onTable((table) => ({ ...table, takenAt: ahead(table.takenAt) })),
        on("clock", ({ now }) => ({ now: ahead(now) })),
      ].reduce((said, change) => change(command, said, ecuId), message),
  },
  staleTimestamp: {
    about: "reports a round of days ago",
    message: onTable((table) => ({ ...table, takenAt: "20240601120000" })),
  },
  acDisconnected: {
    about: "its first inverter has light and no grid: 65.0 Hz, 5 V",
    message: onTable((table) => ({
      ...table,
      records: table.records.map((record, i) =>
        i > 0 || record.layout === "none"
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
    })),
  },
  shuffleSignal: {
    about: "lists signals in another order than inverters",
    message: on("signal", (signals) => signals.toReversed()),
  },
  shortSignal: {
    about: "lists the signal of the first inverter only",
    message: on("signal", (signals) => signals.slice(0, 1)),
  },
  ecuAsInverter: {
    about: "lists its own id as an inverter",
    message: onTable((table, ecuId) => ({
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
  surplusBytes: {
    about: "sends more bytes in the inverter table than its records have",
    bytes: (bytes, command) => {
      if (command !== "realtime" || bytes.length <= SHORT_BYTES) return bytes;
      const body = Buffer.concat([
        bytes.subarray(0, -END_BYTES),
        Buffer.from("216000123456", "latin1"),
      ]);
      const length = String(body.length + END_BYTES - 1).padStart(4, "0");
      body.write(length, 5, "latin1");
      return Buffer.concat([body, bytes.subarray(-END_BYTES)]);
    },
  },
} as const satisfies Record<string, Fault>;

export type FaultName = keyof typeof faults;

/** What the ECU says while these faults are on. */
export const faultyMessage = <C extends Command>(
  active: Iterable<FaultName>,
  command: C,
  message: Messages[C],
  ecuId: string,
): Messages[C] => {
  let said = message;
  for (const name of active) said = (faults[name] as Fault).message?.(command, said, ecuId) ?? said;
  return said;
};

/** The bytes in which it says so. */
export const faultyBytes = (
  active: Iterable<FaultName>,
  bytes: Buffer,
  command: Command,
): Buffer => {
  let sent = bytes;
  for (const name of active) sent = (faults[name] as Fault).bytes?.(sent, command) ?? sent;
  return sent;
};

/** The way in which they are sent: that of the first fault that has one. */
export const faultyDelivery = (active: Iterable<FaultName>): Delivery | undefined => {
  for (const name of active) {
    const { delivery } = faults[name] as Fault;
    if (delivery !== undefined) return delivery;
  }
  return undefined;
};
