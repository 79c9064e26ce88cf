/** The frame around every reply (docs/protocol.md#frame, #status-and-short-frames, #receiving-a-reply). */
import { Cursor } from "./codec.ts";
import { ProtocolError } from "./errors.ts";

/** Signature, version and length: the bytes needed to know the size of a reply. */
const PREAMBLE_BYTES = 9;
const HEADER_BYTES = 13; // preamble and command
const STATUS_BYTES = 2;
const TERMINATOR = "END";
const LINE_FEED = 0x0a;
const UNCOUNTED_BYTES = 1; // the declared length does not include the final line feed
/** Declared length of a frame with nothing but a status, which has no terminator. */
const STATUS_LENGTH = HEADER_BYTES + STATUS_BYTES;

/** Maximum size of a reply: the largest length of four digits, and the line feed. */
export const MAX_REPLY_BYTES = 9999 + UNCOUNTED_BYTES;

/**
 * Size of a reply in bytes on the wire, from its first bytes; `undefined` while there are too few of them.
 * @throws ProtocolError `malformed` as soon as the bytes cannot be the start of a reply
 */
export const readReplyLength = (received: Uint8Array): number | undefined => {
  const signature = readText(received, 0, 3);
  if (!"APS".startsWith(signature)) fail("signature", 0, `${JSON.stringify(signature)} is not APS`);
  if (received.length < PREAMBLE_BYTES) return undefined;
  const declared = readText(received, 5, PREAMBLE_BYTES);
  if (!/^\d{4}$/.test(declared)) fail("length", 5, `${JSON.stringify(declared)} is not a number`);
  const length = Number(declared);
  if (length < STATUS_LENGTH) fail("length", 5, `${length} is too short for a reply`);
  return length + UNCOUNTED_BYTES;
};

/** Like `readReplyLength`, but `undefined` also if the bytes are not the start of a reply. */
export const tryReadReplyLength = (received: Uint8Array): number | undefined => {
  try {
    return readReplyLength(received);
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
};

/** Whether to stop receiving: the reply is complete, or the bytes are not the start of a reply. */
export const isCompleteReply = (received: Uint8Array): boolean => {
  try {
    return received.length >= (readReplyLength(received) ?? Number.POSITIVE_INFINITY);
  } catch (error) {
    if (error instanceof ProtocolError) return true;
    throw error;
  }
};

/** A parsed frame. */
export interface Frame {
  /** Version, two digits. */
  readonly version: string;
  /** Code of the command, four digits. */
  readonly code: string;
  /** The bytes between header and terminator. */
  readonly body: Cursor;
  /** Whether the body is a status and nothing else. */
  readonly isStatusOnly: boolean;
}

/**
 * Parses a complete reply: exactly the declared number of bytes, with a line feed at the end and `END` before it, unless
 * it is a status only.
 * @throws ProtocolError `truncated` if bytes are missing, `malformed` if they are wrong
 */
export const parseFrame = (bytes: Uint8Array): Frame => {
  const total = readReplyLength(bytes);
  if (total === undefined || bytes.length < total) {
    const expected = total === undefined ? "at least 16" : String(total);
    throw new ProtocolError("truncated", `the reply ends here, ${expected} bytes were expected`, {
      field: "frame",
      offset: bytes.length,
    });
  }
  const end = total - UNCOUNTED_BYTES;
  if (bytes[end] !== LINE_FEED) fail("terminator", end, "no line feed at the declared end");
  const isStatusOnly = end === STATUS_LENGTH;
  const bodyEnd = isStatusOnly ? end : end - TERMINATOR.length;
  if (!isStatusOnly && readText(bytes, bodyEnd, end) !== TERMINATOR)
    fail("terminator", bodyEnd, "no END at the declared end");
  return {
    version: readText(bytes, 3, 5),
    code: readText(bytes, PREAMBLE_BYTES, HEADER_BYTES),
    body: new Cursor(bytes, HEADER_BYTES, bodyEnd),
    isStatusOnly,
  };
};

/**
 * Parses as much as possible of a damaged reply: the body ends where `END` should be, or with the last byte. `undefined` if
 * the header is incomplete.
 */
export const parseDamagedFrame = (bytes: Uint8Array): Frame | undefined => {
  if (bytes.length < HEADER_BYTES) return undefined;
  const declared = Number(readText(bytes, 5, PREAMBLE_BYTES));
  const isValid = Number.isInteger(declared) && declared >= STATUS_LENGTH;
  const end = isValid ? Math.min(bytes.length, declared) : bytes.length;
  const isStatusOnly = declared === STATUS_LENGTH;
  const hasTerminator = readText(bytes, end - TERMINATOR.length, end) === TERMINATOR;
  const bodyEnd = hasTerminator && !isStatusOnly ? end - TERMINATOR.length : end;
  return {
    version: readText(bytes, 3, 5),
    code: readText(bytes, PREAMBLE_BYTES, HEADER_BYTES),
    body: new Cursor(bytes, HEADER_BYTES, Math.max(HEADER_BYTES, bodyEnd)),
    isStatusOnly,
  };
};

/**
 * Builds a frame: header, body, `END`, line feed.
 * @throws RangeError if the frame would be longer than four digits can declare
 */
export const buildFrame = (code: string, body: Uint8Array, version = "11"): Buffer =>
  joinFrame(code, version, [body, Buffer.from(TERMINATOR, "latin1")]);

/** Builds a short frame: a status of two digits instead of a body and `END` (docs/protocol.md#status-and-short-frames). */
export const buildStatusFrame = (code: string, status: string): Buffer =>
  joinFrame(code, "11", [Buffer.from(status, "latin1")]);

const joinFrame = (code: string, version: string, parts: Uint8Array[]): Buffer => {
  const content = Buffer.concat(parts);
  const length = HEADER_BYTES + content.length;
  if (length + UNCOUNTED_BYTES > MAX_REPLY_BYTES)
    throw new RangeError(`a reply of ${length} bytes is too long`);
  const header = Buffer.from(`APS${version}${String(length).padStart(4, "0")}${code}`, "latin1");
  return Buffer.concat([header, content, Buffer.of(LINE_FEED)]);
};

const readText = (bytes: Uint8Array, from: number, to: number): string => {
  let text = "";
  for (const byte of bytes.subarray(from, to)) text += String.fromCharCode(byte);
  return text;
};

const fail = (field: string, offset: number, problem: string): never => {
  throw new ProtocolError("malformed", problem, { field, offset });
};
