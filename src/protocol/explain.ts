/** Every byte of a reply, accounted for: for people who look into one that is odd. */
import { Cursor } from "./codec.ts";
import { ProtocolError } from "./errors.ts";
import { declaredLength, type Frame, openDamaged, openReply } from "./frame.ts";
import { decodeFrame } from "./replies.ts";
import { type Command, commandOf, commands } from "./requests.ts";
import { type Entry, Trace } from "./trace.ts";

/** What is known of a reply. */
export interface Explanation {
  /** One after another, without a gap, from the first byte to the last. */
  readonly entries: readonly Entry[];
  /** The command that the reply says it answers. */
  readonly command: Command | undefined;
  /** Why it is no good reply, and where. */
  readonly error: ProtocolError | undefined;
  /** Where reading its body ended, which may be before the place of the error. */
  readonly stopped: ProtocolError | undefined;
}

/** Bytes that stand in no field: behind the last record, or where there is no telling how to read on. */
export const UNKNOWN = "unknown";
export const UNDECODED = "undecoded";
/** Bytes behind the end of the reply. */
const TRAILING = "trailing";

/** Never throws for what the bytes say. @param asked the command that was asked, where that is known */
export const explainReply = (bytes: Uint8Array, asked?: Command): Explanation => {
  const declared = declaredLength(bytes);
  const total = declared ?? bytes.length;
  const reply = bytes.subarray(0, total);
  const damaged = openDamaged(reply);
  const command = damaged === undefined ? undefined : commandOf(damaged.code);
  const lacksLineFeed = bytes.length === total - 1; // a whole reply all the same (docs/protocol.md#receiving-a-reply)
  const error = problemOf(() => {
    const frame = openReply(lacksLineFeed ? Buffer.concat([reply, Buffer.of(0x0a)]) : reply);
    const meant = asked ?? command;
    if (meant !== undefined) return decodeFrame(meant, frame);
    const problem = `${JSON.stringify(frame.code)} is no command of ours`;
    throw new ProtocolError("wrong_command", problem, { field: "command", offset: 9 });
  });
  const { trace, stopped } = readBody(
    damaged,
    command ?? (declared === undefined ? undefined : asked),
    error?.reason === "truncated",
  );
  const end = damaged?.body.end ?? 0;
  const read = [
    ...headOf(reply),
    ...trace.entries.toSorted((a, b) => a.begin - b.begin),
    ...tailOf(reply, Math.max(end, 13), damaged?.short === true, total),
    ...piece(bytes, TRAILING, total, bytes.length),
  ];
  const unread = error === undefined ? UNKNOWN : UNDECODED;
  return { entries: withoutGaps(read, bytes, unread), command, error, stopped };
};

/** The ECU id in a reply to 0001, also in one that is of no other use. */
export const ecuIdIn = (info: Uint8Array): string | undefined => {
  const id = explainReply(info, "info").entries.find(({ field }) => field === "ecuId");
  return id && String(id.value);
};

/** The head of a record that was cut off, less one byte, hides even the record before it. */
const MOST_LEFT_OUT = 8;

/** Reads what can be read of a body; where it broke off, so much is left out at its end that the rest makes sense. */
const readBody = (
  frame: Frame | undefined,
  command: Command | undefined,
  isCut: boolean,
): { readonly trace: Trace; readonly stopped: ProtocolError | undefined } => {
  if (frame === undefined || command === undefined) {
    return { trace: new Trace(), stopped: undefined };
  }
  const { bytes, offset, end } = frame.body;
  const attempt = (leftOut: number) => {
    const trace = new Trace();
    const body = new Cursor(bytes, offset, Math.max(offset, end - leftOut), trace);
    return {
      trace,
      stopped: problemOf(() =>
        decodeFrame(command, { ...frame, body, code: commands[command].code }),
      ),
    };
  };
  const whole = attempt(0);
  if (!isCut || whole.stopped?.place.field !== "records") return whole;
  for (let leftOut = 1; leftOut <= MOST_LEFT_OUT; leftOut++) {
    const part = attempt(leftOut);
    if (part.stopped === undefined) return part;
  }
  return whole;
};

const problemOf = (read: () => unknown): ProtocolError | undefined => {
  try {
    read();
    return undefined;
  } catch (error) {
    if (error instanceof ProtocolError) return error;
    throw error;
  }
};

/** The parts of the head, as far as they are such (docs/protocol.md#frame). */
const headOf = (bytes: Uint8Array): readonly Entry[] => {
  const entries: Entry[] = [];
  for (const [field, begin, end, form] of headParts) {
    const text = textOf(bytes, begin, end);
    if (!form.test(text)) break;
    entries.push({ field, begin, end, value: text });
  }
  return entries;
};
const headParts = [
  ["signature", 0, 3, /^APS$/],
  ["version", 3, 5, /^\d\d$/],
  ["length", 5, 9, /^\d{4}$/],
  ["command", 9, 13, /^\d{4}$/],
] as const;

/** `END` and the line feed, where they stand. */
const tailOf = (bytes: Uint8Array, end: number, short: boolean, total: number): Entry[] => {
  const entries: Entry[] = [];
  const hasTerminator = !short && textOf(bytes, end, end + 3) === "END";
  if (hasTerminator) entries.push(...piece(bytes, "terminator", end, end + 3));
  const at = hasTerminator ? end + 3 : end;
  const isEnd = at === total - 1 && bytes[at] === 0x0a;
  return isEnd ? [...entries, ...piece(bytes, "lineFeed", at, at + 1)] : entries;
};

const withoutGaps = (
  entries: readonly Entry[],
  bytes: Uint8Array,
  unread: string,
): readonly Entry[] => {
  const whole: Entry[] = [];
  let at = 0;
  for (const entry of entries) {
    if (entry.begin < at) continue;
    whole.push(...piece(bytes, unread, at, entry.begin), entry);
    at = entry.end;
  }
  return [...whole, ...piece(bytes, unread, at, bytes.length)];
};

/** Bytes shown as they are: texts as text, all others in hexadecimal. */
const piece = (bytes: Uint8Array, field: string, begin: number, end: number): Entry[] => {
  if (end <= begin) return [];
  const part = Buffer.from(bytes.subarray(begin, end));
  const value = part.toString(field === "terminator" ? "latin1" : "hex");
  return [{ field, begin, end, value }];
};

const textOf = (bytes: Uint8Array, begin: number, end: number): string =>
  Buffer.from(bytes.subarray(begin, end)).toString("latin1");
