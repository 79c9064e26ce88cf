/** Every byte of a reply with its field and value, for people who examine an unexpected reply. */
import { Cursor } from "./codec.ts";
import { ProtocolError } from "./errors.ts";
import { type Frame, parseDamagedFrame, parseFrame, tryReadReplyLength } from "./frame.ts";
import { decodeFrame } from "./replies.ts";
import { type Command, commands, findCommand } from "./requests.ts";
import { Trace, type TraceEntry } from "./trace.ts";

/** What the bytes of a reply contain. */
export interface Explanation {
  /** In order, without a gap, from the first byte to the last. */
  readonly entries: readonly TraceEntry[];
  /** The command whose code is in the reply. */
  readonly command: Command | undefined;
  /** Why the reply is invalid. */
  readonly error: ProtocolError | undefined;
  /** The error at which decoding of the body stopped; it may be earlier in the reply than `error`. */
  readonly bodyError: ProtocolError | undefined;
}

/** Fields of bytes that belong to no field: after the last record, or after an error. */
export const UNKNOWN = "unknown";
export const UNDECODED = "undecoded";
/** Field of the bytes after the end of the reply. */
const TRAILING = "trailing";

/** Explains any bytes; invalid ones are not an error. @param requested the command of the request, if known */
export const explainReply = (bytes: Uint8Array, requested?: Command): Explanation => {
  const declared = tryReadReplyLength(bytes);
  const total = declared ?? bytes.length;
  const reply = bytes.subarray(0, total);
  const damaged = parseDamagedFrame(reply);
  const command = damaged === undefined ? undefined : findCommand(damaged.code);
  const lacksLineFeed = bytes.length === total - 1; // a complete reply nevertheless (docs/protocol.md#receiving-a-reply)
  const error = catchProtocolError(() => {
    const frame = parseFrame(lacksLineFeed ? Buffer.concat([reply, Buffer.of(0x0a)]) : reply);
    const expected = requested ?? command;
    if (expected !== undefined) return decodeFrame(expected, frame);
    const problem = `unknown command ${JSON.stringify(frame.code)}`;
    throw new ProtocolError("wrong_command", problem, { field: "command", offset: 9 });
  });
  const { trace, bodyError } = readBody(
    damaged,
    command ?? (declared === undefined ? undefined : requested),
    error?.reason === "truncated",
  );
  const end = damaged?.body.end ?? 0;
  const entries = [
    ...readHeader(reply),
    ...trace.entries.toSorted((a, b) => a.begin - b.begin),
    ...readTail(reply, Math.max(end, 13), damaged?.isStatusOnly === true, total),
    ...createRawEntry(bytes, TRAILING, total, bytes.length),
  ];
  const gapField = error === undefined ? UNKNOWN : UNDECODED;
  return { entries: fillGaps(entries, bytes, gapField), command, error, bodyError };
};

/** The ECU id in a reply to 0001, even in a damaged one. */
export const findEcuId = (info: Uint8Array): string | undefined => {
  const id = explainReply(info, "info").entries.find(({ field }) => field === "ecuId");
  return id && String(id.value);
};

/** An incomplete head of a record can make the record before it invalid; it has at most 8 bytes. */
const MAX_OMITTED_BYTES = 8;

/** Decodes as much of a body as possible. If the reply was cut off, up to 8 bytes at its end are omitted. */
const readBody = (
  frame: Frame | undefined,
  command: Command | undefined,
  isCut: boolean,
): { readonly trace: Trace; readonly bodyError: ProtocolError | undefined } => {
  if (frame === undefined || command === undefined) {
    return { trace: new Trace(), bodyError: undefined };
  }
  const { bytes, offset, end } = frame.body;
  const attempt = (omitted: number) => {
    const trace = new Trace();
    const body = new Cursor(bytes, offset, Math.max(offset, end - omitted), trace);
    return {
      trace,
      bodyError: catchProtocolError(() =>
        decodeFrame(command, { ...frame, body, code: commands[command].code }),
      ),
    };
  };
  const full = attempt(0);
  if (!isCut || full.bodyError?.position.field !== "records") return full;
  for (let omitted = 1; omitted <= MAX_OMITTED_BYTES; omitted++) {
    const part = attempt(omitted);
    if (part.bodyError === undefined) return part;
  }
  return full;
};

const catchProtocolError = (read: () => unknown): ProtocolError | undefined => {
  try {
    read();
    return undefined;
  } catch (error) {
    if (error instanceof ProtocolError) return error;
    throw error;
  }
};

/** The fields of the header, up to the first invalid one (docs/protocol.md#frame). */
const readHeader = (bytes: Uint8Array): readonly TraceEntry[] => {
  const entries: TraceEntry[] = [];
  for (const [field, begin, end, form] of headerFields) {
    const text = readText(bytes, begin, end);
    if (!form.test(text)) break;
    entries.push({ field, begin, end, value: text });
  }
  return entries;
};
const headerFields = [
  ["signature", 0, 3, /^APS$/],
  ["version", 3, 5, /^\d\d$/],
  ["length", 5, 9, /^\d{4}$/],
  ["command", 9, 13, /^\d{4}$/],
] as const;

/** `END` and the line feed, if present. */
const readTail = (
  bytes: Uint8Array,
  end: number,
  isStatusOnly: boolean,
  total: number,
): TraceEntry[] => {
  const entries: TraceEntry[] = [];
  const hasTerminator = !isStatusOnly && readText(bytes, end, end + 3) === "END";
  if (hasTerminator) entries.push(...createRawEntry(bytes, "terminator", end, end + 3));
  const at = hasTerminator ? end + 3 : end;
  const isEnd = at === total - 1 && bytes[at] === 0x0a;
  return isEnd ? [...entries, ...createRawEntry(bytes, "lineFeed", at, at + 1)] : entries;
};

const fillGaps = (
  entries: readonly TraceEntry[],
  bytes: Uint8Array,
  gapField: string,
): readonly TraceEntry[] => {
  const filled: TraceEntry[] = [];
  let at = 0;
  for (const entry of entries) {
    if (entry.begin < at) continue;
    filled.push(...createRawEntry(bytes, gapField, at, entry.begin), entry);
    at = entry.end;
  }
  return [...filled, ...createRawEntry(bytes, gapField, at, bytes.length)];
};

/** An entry of raw bytes: the terminator as text, all others in hexadecimal; none if there are no bytes. */
const createRawEntry = (
  bytes: Uint8Array,
  field: string,
  begin: number,
  end: number,
): TraceEntry[] => {
  if (end <= begin) return [];
  const part = Buffer.from(bytes.subarray(begin, end));
  const value = part.toString(field === "terminator" ? "latin1" : "hex");
  return [{ field, begin, end, value }];
};

const readText = (bytes: Uint8Array, begin: number, end: number): string =>
  Buffer.from(bytes.subarray(begin, end)).toString("latin1");
