/** One reply each way: bytes ⇄ message. What a message says is what was on the wire, before any rule of meaning. */
import {
  ascii,
  bytesOf,
  type Codec,
  Cursor,
  type Infer,
  repeated,
  rest,
  shifted,
  struct,
  tenths,
  u16,
} from "./codec.ts";
import { ProtocolError } from "./errors.ts";
import { type Frame, openReply, sealReply, sealStatus } from "./frame.ts";
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
  recordHead,
  recordTails,
  signalRecord,
} from "./layouts.ts";
import { type Span, walkRecords } from "./recover.ts";
import { type Command, commandOf, commands } from "./requests.ts";

/** 0001 (docs/protocol.md#base-information). */
export type Info = Infer<typeof infoHead> &
  (
    | ({ layout: "01" } & Infer<typeof microInverterInfo>)
    | ({ layout: "02" } & Infer<typeof rapidShutdownInfo>)
  );

/** One inverter of 0002 (docs/protocol.md#inverter-records). Lists are empty where the layout has no such field. */
export interface InverterRecord extends RecordHead {
  /** `undefined` where neither the type nor the size tells how to read the channels. */
  layout: RecordLayout | undefined;
  /** The layout was concluded from the record's size and values, not from its type code. */
  guessed: boolean;
  frequencyHertz?: number;
  temperatureCelsius?: number;
  powerWatts: number[];
  gridVolts: number[];
  /** All bytes after the head, in hexadecimal, where `layout` is unknown or guessed. */
  raw?: string;
}

/** 0002 with the records of micro-inverters. */
export interface InverterTable extends Infer<typeof realtimeHead> {
  kind: "01";
  records: InverterRecord[];
  /** Registered inverters whose records could not be found. */
  lost: number;
  /** Bytes after the last record that belong to none. */
  surplus: number;
  /** More than one reading of the table fits; the likeliest was taken. */
  ambiguous: boolean;
}

/** 0002 with the devices of an ECU-RS. */
export interface DeviceTable extends Infer<typeof realtimeHead> {
  kind: "02";
  records: Infer<typeof rapidShutdownDevice>[];
}

/** Status 02 in place of a table: the ECU has no data yet. A valid answer (docs/protocol.md#status-and-short-frames). */
export interface NoData {
  kind: "none";
}

export type Realtime = InverterTable | DeviceTable | NoData;
export type Signals = Infer<typeof signalRecord>[];
export type DayPower = Infer<typeof dayPowerRecord>[];
export type Energy = Infer<typeof energyHead> & { records: Infer<typeof energyRecord>[] };
export type Clock = Infer<typeof clock>;

/** What each command is answered with. */
export interface Messages {
  info: Info;
  realtime: Realtime;
  signal: Signals;
  dayPower: DayPower;
  energy: Energy;
  clock: Clock;
}

/** Version digits of a frame: `11`, or `12` where a layout has grown (docs/protocol.md#frame). */
export type Version = "11" | "12";

const info: Codec<Info> = {
  decode: (from) => {
    const head = infoHead.decode(from);
    switch (head.layout) {
      case "01":
        return { ...head, layout: "01", ...microInverterInfo.decode(from) };
      case "02":
        return { ...head, layout: "02", ...rapidShutdownInfo.decode(from) };
      default:
        throw malformed("layout", 25, `layout ${head.layout} of the base information is not known`);
    }
  },
  encode: (value, into) => {
    infoHead.encode(value, into);
    if (value.layout === "01") microInverterInfo.encode(value, into);
    else rapidShutdownInfo.encode(value, into);
  },
};

const gridAndTemperature = struct({
  frequencyHertz: tenths(u16),
  temperatureCelsius: shifted(u16, -100),
});

const readRecord = (from: Cursor, { layout, guessed }: Span): InverterRecord => {
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
  const tail = layout === undefined ? undefined : recordTails[layout];
  if (tail !== undefined) {
    const { frequencyHertz, temperatureCelsius, block } = tail.decode(from);
    record.frequencyHertz = frequencyHertz;
    record.temperatureCelsius = temperatureCelsius;
    record.powerWatts = block.powerWatts;
    record.gridVolts = block.gridVolts;
    return record;
  }
  const hasMore = layout === undefined && from.left >= (gridAndTemperature.size ?? 0);
  if (hasMore) Object.assign(record, gridAndTemperature.decode(from));
  from.trace?.note("raw", from.offset, from.end, rest.decode(from));
  return record;
};

const writeRecord = (record: InverterRecord, into: number[]): void => {
  recordHead.encode(record, into);
  if (record.raw !== undefined) {
    rest.encode(record.raw, into);
    return;
  }
  const tail = record.layout === undefined ? undefined : recordTails[record.layout];
  const { frequencyHertz = 0, temperatureCelsius = 0, powerWatts, gridVolts } = record;
  tail?.encode({ frequencyHertz, temperatureCelsius, block: { powerWatts, gridVolts } }, into);
};

const inverterTable = (head: Infer<typeof realtimeHead>, from: Cursor): InverterTable => {
  const { spans, ...found } = walkRecords(from, head.count);
  if (spans.length === 0 && head.count > 0) {
    throw malformed("records", from.offset, `none of ${head.count} records can be made out`);
  }
  const records = spans.map((span, i) => {
    const part = from.part(span.begin, span.begin + span.size);
    return from.trace === undefined
      ? readRecord(part, span)
      : from.trace.within(`records.${i}`, part, () => readRecord(part, span));
  });
  return { ...head, kind: "01", records, ...found };
};

const deviceTable = (head: Infer<typeof realtimeHead>, from: Cursor): DeviceTable => {
  const { records } = struct({ records: repeated(rapidShutdownDevice, head.count) }).decode(from);
  return { ...head, kind: "02", records };
};

const realtime: Codec<Exclude<Realtime, NoData>> = {
  decode: (from) => {
    const head = realtimeHead.decode(from);
    if (head.kind === "01") return inverterTable(head, from);
    if (head.kind === "02") return deviceTable(head, from);
    throw malformed("kind", 15, `table kind ${head.kind} is not known`);
  },
  encode: (value, into) => {
    realtimeHead.encode(value, into);
    if (value.kind === "01") for (const record of value.records) writeRecord(record, into);
    else repeated(rapidShutdownDevice).encode(value.records, into);
  },
};

/** Record size by version digits; where its dates make no sense, the other one is tried (docs/protocol.md#energy-history). */
const energy = (version: string): Codec<Energy> => {
  const codecs = [repeated(energyRecord), repeated(longEnergyRecord)];
  if (version === "12") codecs.reverse();
  const [expected = repeated(energyRecord)] = codecs;
  return {
    decode: (from) => {
      const head = energyHead.decode(from);
      for (const codec of codecs) {
        const part = from.part(from.offset, from.end);
        const read = (): Energy["records"] | undefined => {
          const { records } = struct({ records: codec }).decode(part);
          return records.every(({ date }) => PLAUSIBLE_DATE.test(date)) ? records : undefined;
        };
        const tried = (): Energy["records"] | undefined => attempt(read);
        const records = from.trace === undefined ? tried() : from.trace.attempt(tried);
        if (records !== undefined) return { ...head, records };
      }
      throw malformed("records", from.offset, "neither 6 nor 8 bytes a record give dates");
    },
    encode: (value, into) => {
      energyHead.encode(value, into);
      expected.encode(value.records, into);
    },
  };
};
const PLAUSIBLE_DATE = /^20\d\d(0[1-9]|1[0-2])([0-2]\d|3[01])$/;

const attempt = <T>(decode: () => T): T | undefined => {
  try {
    return decode();
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
};

type Bodies = { [C in Command]: (version: string) => Codec<Exclude<Messages[C], NoData>> };
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
 * Reads the reply to a command.
 * @throws ProtocolError `truncated` or `malformed` for what is no whole reply, `wrong_command` for the reply to another
 *   question, `id_mismatch` where the ECU has another id than the request said, `status` for any other refusal.
 */
export const decodeReply = <C extends Command>(command: C, bytes: Uint8Array): Messages[C] =>
  decodeFrame(command, openReply(bytes));

/**
 * Reads the reply to a command from its opened frame.
 * @throws ProtocolError as `decodeReply` does
 */
export const decodeFrame = <C extends Command>(command: C, frame: Frame): Messages[C] => {
  const { code } = commands[command];
  if (frame.code !== code) {
    const what = commandOf(frame.code) ?? "no command of ours";
    const problem = `answers ${JSON.stringify(frame.code)} (${what}) and not ${code}`;
    throw new ProtocolError("wrong_command", problem, { field: "command", offset: 9 });
  }
  if (command !== "info") {
    const status = readStatus(frame.body, frame.short);
    if (status === NO_DATA && command === "realtime") return { kind: "none" } as Messages[C];
    if (status !== OK)
      throw new ProtocolError("status", `the ECU answers status ${status}`, STATUS);
  }
  return bodies[command](frame.version).decode(frame.body) as Messages[C];
};

const statusField = struct({ status: ascii(2) });
const STATUS = { field: "status", offset: 13 };

const readStatus = (body: Cursor, short: boolean): string => {
  const { status } = statusField.decode(body);
  if (status === ID_MISMATCH) {
    throw new ProtocolError("id_mismatch", "the ECU has another id than was asked for", STATUS);
  }
  if (short && status === OK) throw malformed("status", STATUS.offset, "OK, and no data");
  return status;
};

/**
 * Writes the reply to a command, as an ECU does.
 * @throws RangeError where a value does not fit its field.
 */
export const encodeReply = <C extends Command>(
  command: C,
  message: Messages[C],
  version: Version = "11",
): Buffer => {
  if ("kind" in message && message.kind === "none") return encodeStatus(command, NO_DATA);
  const codec = bodies[command](version) as Codec<unknown>;
  const status = command === "info" ? "" : OK;
  const body = Buffer.concat([Buffer.from(status, "latin1"), bytesOf(codec, message)]);
  return sealReply(commands[command].code, body, version);
};

/** Writes a short frame: a status and nothing else (docs/protocol.md#status-and-short-frames). */
export const encodeStatus = (command: Command, status: string): Buffer =>
  sealStatus(commands[command].code, status);

const malformed = (field: string, offset: number, problem: string): ProtocolError =>
  new ProtocolError("malformed", problem, { field, offset });
