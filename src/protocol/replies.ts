/** Replies: bytes ⇄ message. A message has the values of the wire; nothing is validated or interpreted. */
import {
  ascii,
  type Codec,
  Cursor,
  encodeBytes,
  type Infer,
  repeated,
  rest,
  shifted,
  struct,
  tenths,
  u16,
} from "./codec.ts";
import { ProtocolError } from "./errors.ts";
import { buildFrame, buildStatusFrame, type Frame, parseFrame } from "./frame.ts";
import {
  clock,
  dayPowerRecord,
  energyHead,
  energyRecord,
  infoHead,
  longEnergyRecord,
  microInverterInfo,
  type RecordHead,
  type RecordLayout,
  rapidShutdownDevice,
  rapidShutdownInfo,
  realtimeHead,
  recordFormats,
  recordHead,
  signalRecord,
} from "./layouts.ts";
import { locateRecords, type RecordSpan } from "./recover.ts";
import { type Command, commands, findCommand } from "./requests.ts";

/** 0001 (docs/protocol.md#base-information). */
export type Info = Infer<typeof infoHead> & {
  /** Names of the fields from which unprintable bytes were left out; absent if there are none. */
  readonly cleaned?: readonly string[];
} & (
    | ({ layout: "01" } & Infer<typeof microInverterInfo>)
    | ({ layout: "02" } & Infer<typeof rapidShutdownInfo>)
  );

/** One inverter of 0002 (docs/protocol.md#inverter-records). Lists are empty if the layout does not have the field. */
export interface InverterRecord extends RecordHead {
  /** `undefined` if neither type code nor size determine it. */
  layout: RecordLayout | undefined;
  /** Whether the layout follows from size and values of the record, not from its type code. */
  guessed: boolean;
  frequencyHertz?: number;
  temperatureCelsius?: number;
  powerWatts: number[];
  gridVolts: number[];
  /** All bytes after the head in hexadecimal, if `layout` is unknown or guessed. */
  raw?: string;
}

/** 0002 with the records of micro-inverters. */
export interface InverterTable extends Infer<typeof realtimeHead> {
  kind: "01";
  records: InverterRecord[];
  /** Number of registered inverters whose records could not be found. */
  lost: number;
  /** Number of bytes after the last record. */
  surplus: number;
  /** Whether the records fit in more than one way; the likeliest is used. */
  ambiguous: boolean;
}

/** 0002 with the devices of an ECU-RS. */
export interface DeviceTable extends Infer<typeof realtimeHead> {
  kind: "02";
  records: Infer<typeof rapidShutdownDevice>[];
}

/** Status 02 instead of a table: the ECU has no data yet. A valid reply (docs/protocol.md#status-and-short-frames). */
export interface NoDataYet {
  kind: "none";
}

export type Realtime = InverterTable | DeviceTable | NoDataYet;
export type Signals = Infer<typeof signalRecord>[];
export type DayPower = Infer<typeof dayPowerRecord>[];
export type Energy = Infer<typeof energyHead> & { records: Infer<typeof energyRecord>[] };
export type ClockTime = Infer<typeof clock>;

/** The message in the reply to each command. */
export interface Messages {
  info: Info;
  realtime: Realtime;
  signal: Signals;
  dayPower: DayPower;
  energy: Energy;
  clock: ClockTime;
}

/** Version of a frame: `11`, or `12` with longer layouts (docs/protocol.md#frame). */
export type Version = "11" | "12";

const info: Codec<Info> = {
  decode: (from) => {
    const head = infoHead.decode(from);
    switch (head.layout) {
      case "01":
        return { ...head, layout: "01", ...cleanTexts(microInverterInfo.decode(from)) };
      case "02":
        return { ...head, layout: "02", ...cleanTexts(rapidShutdownInfo.decode(from)) };
      default:
        throw malformedError("layout", 25, `unknown layout ${head.layout} of the base information`);
    }
  },
  encode: (value, into) => {
    infoHead.encode(value, into);
    if (value.layout === "01") microInverterInfo.encode(value, into);
    else rapidShutdownInfo.encode(value, into);
  },
};

/** The texts of 0001, all of them for display. A damaged one must not cost the id and the counters. */
const displayTexts = ["zigbeeChannel", "deviceClass", "firmware", "timezone"];
const UNPRINTABLE = /[^\x20-\x7e]/g;

/** Leaves unprintable bytes out of the display texts, and lists the fields that had any. */
const cleanTexts = <T extends object>(values: T): T & Pick<Info, "cleaned"> => {
  const cleaned: Record<string, string> = {};
  for (const [name, value] of Object.entries(values)) {
    if (!displayTexts.includes(name)) continue;
    const text = String(value).replace(UNPRINTABLE, "");
    if (text !== value) cleaned[name] = text;
  }
  const names = Object.keys(cleaned);
  return names.length === 0 ? values : { ...values, ...cleaned, cleaned: names };
};

const gridAndTemperature = struct({
  frequencyHertz: tenths(u16),
  temperatureCelsius: shifted(u16, -100),
});

const readRecord = (from: Cursor, { layout, guessed }: RecordSpan): InverterRecord => {
  const { uid, online, typeCode } = recordHead.decode(from);
  const record: InverterRecord = {
    uid,
    online,
    typeCode,
    layout,
    guessed,
    powerWatts: [],
    gridVolts: [],
  };
  if (guessed) record.raw = rest.decode(new Cursor(from.bytes, from.offset, from.end));
  const tail = layout === undefined ? undefined : recordFormats[layout].tail;
  if (tail !== undefined) {
    const { frequencyHertz, temperatureCelsius, block } = tail.decode(from);
    record.frequencyHertz = frequencyHertz;
    record.temperatureCelsius = temperatureCelsius;
    record.powerWatts = block.powerWatts;
    record.gridVolts = block.gridVolts;
    return record;
  }
  const hasMore = layout === undefined && from.remaining >= (gridAndTemperature.size ?? 0);
  if (hasMore) Object.assign(record, gridAndTemperature.decode(from));
  from.trace?.add("raw", from.offset, from.end, rest.decode(from));
  return record;
};

const writeRecord = (record: InverterRecord, into: number[]): void => {
  recordHead.encode(record, into);
  if (record.raw !== undefined) {
    rest.encode(record.raw, into);
    return;
  }
  const tail = record.layout === undefined ? undefined : recordFormats[record.layout].tail;
  const { frequencyHertz = 0, temperatureCelsius = 0, powerWatts, gridVolts } = record;
  tail?.encode({ frequencyHertz, temperatureCelsius, block: { powerWatts, gridVolts } }, into);
};

const readInverterTable = (head: Infer<typeof realtimeHead>, from: Cursor): InverterTable => {
  const { spans, ...found } = locateRecords(from, head.count);
  const begin = from.offset;
  const records = spans.map((span, i) => {
    const part = from.slice(span.begin, span.begin + span.size);
    return from.trace === undefined
      ? readRecord(part, span)
      : from.trace.within(`records.${i}`, part, () => readRecord(part, span));
  });
  if (head.count > 0 && !records.some(({ uid }) => SERIAL_NUMBER.test(uid))) {
    throw malformedError("records", begin, `none of ${head.count} records could be found`);
  }
  return { ...head, kind: "01", records, ...found };
};

const SERIAL_NUMBER = /^\d*[1-9]\d*$/;

const readDeviceTable = (head: Infer<typeof realtimeHead>, from: Cursor): DeviceTable => {
  const { records } = struct({ records: repeated(rapidShutdownDevice, head.count) }).decode(from);
  return { ...head, kind: "02", records };
};

const realtime: Codec<Exclude<Realtime, NoDataYet>> = {
  decode: (from) => {
    const head = realtimeHead.decode(from);
    if (head.kind === "01") return readInverterTable(head, from);
    if (head.kind === "02") return readDeviceTable(head, from);
    throw malformedError("kind", 15, `unknown table kind ${head.kind}`);
  },
  encode: (value, into) => {
    realtimeHead.encode(value, into);
    if (value.kind === "01") for (const record of value.records) writeRecord(record, into);
    else repeated(rapidShutdownDevice).encode(value.records, into);
  },
};

const shortEnergyRecords = repeated(energyRecord);
const longEnergyRecords = repeated(longEnergyRecord);

/** The version gives the record size; if the dates are invalid, the other size is tried (docs/protocol.md#energy-history). */
const energy = (version: string): Codec<Energy> => {
  const [usual, other] =
    version === "12"
      ? [longEnergyRecords, shortEnergyRecords]
      : [shortEnergyRecords, longEnergyRecords];
  return {
    decode: (from) => {
      const head = energyHead.decode(from);
      const records = tryEnergyRecords(usual, from) ?? tryEnergyRecords(other, from);
      if (records === undefined)
        throw malformedError("records", from.offset, "records of 6 or 8 bytes have invalid dates");
      return { ...head, records };
    },
    encode: (value, into) => {
      energyHead.encode(value, into);
      usual.encode(value.records, into);
    },
  };
};

/** Decodes all records that follow without moving the cursor; `undefined` if they are not of this size. */
const tryEnergyRecords = (
  codec: typeof shortEnergyRecords,
  from: Cursor,
): Energy["records"] | undefined => {
  const body = from.slice(from.offset, from.end);
  const decode = () =>
    tryDecode(() => {
      const { records } = struct({ records: codec }).decode(body);
      return records.every(({ date }) => TABLE_DATE.test(date)) ? records : undefined;
    });
  return from.trace === undefined ? decode() : from.trace.attempt(decode);
};
const TABLE_DATE = /^20\d\d(0[1-9]|1[0-2])([0-2]\d|3[01])$/;

const tryDecode = <T>(decode: () => T): T | undefined => {
  try {
    return decode();
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
};

type Bodies = { [C in Command]: (version: string) => Codec<Exclude<Messages[C], NoDataYet>> };
const bodies: Bodies = {
  info: () => info,
  realtime: () => realtime,
  signal: () => repeated(signalRecord),
  dayPower: () => repeated(dayPowerRecord),
  energy,
  clock: () => clock,
};

const OK = "00";
const ID_MISMATCH = "01";
const NO_DATA = "02";

/**
 * Decodes the reply to a command.
 * @throws ProtocolError `truncated` or `malformed` if the reply is incomplete or damaged, `wrong_command` if it is the reply
 *   to another command, `id_mismatch` if the ECU has another id than the request, `status` for any other status but success
 */
export const decodeReply = <C extends Command>(command: C, bytes: Uint8Array): Messages[C] =>
  decodeFrame(command, parseFrame(bytes));

/**
 * Decodes the reply to a command from its frame.
 * @throws ProtocolError like `decodeReply`
 */
export const decodeFrame = <C extends Command>(command: C, frame: Frame): Messages[C] => {
  const { code } = commands[command];
  if (frame.code !== code) {
    const name = findCommand(frame.code) ?? "unknown";
    const problem = `the reply is to ${JSON.stringify(frame.code)} (${name}), not to ${code}`;
    throw new ProtocolError("wrong_command", problem, { field: "command", offset: 9 });
  }
  if (command !== "info") {
    const status = readStatus(frame.body, frame.isStatusOnly);
    if (status === NO_DATA && command === "realtime") return { kind: "none" } as Messages[C];
    if (status !== OK)
      throw new ProtocolError("status", `the ECU replied with status ${status}`, STATUS);
  }
  return bodies[command](frame.version).decode(frame.body) as Messages[C];
};

const statusField = struct({ status: ascii(2) });
const STATUS = { field: "status", offset: 13 };

const readStatus = (body: Cursor, isStatusOnly: boolean): string => {
  const { status } = statusField.decode(body);
  if (status === ID_MISMATCH) {
    throw new ProtocolError("id_mismatch", "the ECU has another id than the request", STATUS);
  }
  if (isStatusOnly && status === OK)
    throw malformedError("status", STATUS.offset, "status 00, but no data");
  return status;
};

/**
 * Encodes the reply to a command as an ECU does.
 * @throws RangeError if a value does not fit its field, or the reply is too long
 */
export const encodeReply = <C extends Command>(
  command: C,
  message: Messages[C],
  version: Version = "11",
): Buffer => {
  if ("kind" in message && message.kind === "none") return encodeStatus(command, NO_DATA);
  const codec = bodies[command](version) as Codec<unknown>;
  const status = command === "info" ? "" : OK;
  const body = Buffer.concat([Buffer.from(status, "latin1"), encodeBytes(codec, message)]);
  return buildFrame(commands[command].code, body, version);
};

/** Encodes a short frame: a status and nothing else (docs/protocol.md#status-and-short-frames). */
export const encodeStatus = (command: Command, status: string): Buffer =>
  buildStatusFrame(commands[command].code, status);

const malformedError = (field: string, offset: number, problem: string): ProtocolError =>
  new ProtocolError("malformed", problem, { field, offset });
