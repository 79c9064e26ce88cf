/** The envelope that every reply comes in (docs/protocol.md#frame, #status-and-short-frames, #receiving-a-reply). */
import { Cursor } from "./codec.ts";
import { ProtocolError } from "./errors.ts";

/** Signature, version and length: what must be there before a reply's size is known. */
const PREAMBLE_BYTES = 9;
const HEAD_BYTES = 13; // preamble and command
const STATUS_BYTES = 2;
const TERMINATOR = "END";
const LINE_FEED = 0x0a;
const UNCOUNTED = 1; // the declared length leaves out the final line feed
const SHORT_LENGTH = HEAD_BYTES + STATUS_BYTES; // a status and nothing else, without END

/** A reply is never longer: four digits of length and the line feed. */
export const LONGEST_REPLY = 9999 + UNCOUNTED;

/** What the first bytes of a reply say of its size, in bytes on the wire; `undefined` while they do not say.
 * @throws ProtocolError `malformed` as soon as the bytes cannot begin a reply. */
export const replyLength = (received: Uint8Array): number | undefined => {
  const signature = latin1(received, 0, 3);
  if (!"APS".startsWith(signature))
    refuse("signature", 0, `${JSON.stringify(signature)} is not APS`);
  if (received.length < PREAMBLE_BYTES) return undefined;
  const declared = latin1(received, 5, PREAMBLE_BYTES);
  if (!/^\d{4}$/.test(declared)) refuse("length", 5, `${JSON.stringify(declared)} is not a number`);
  const length = Number(declared);
  if (length < SHORT_LENGTH) refuse("length", 5, `${length} is too short for a reply`);
  return length + UNCOUNTED;
};

/**
 * Opens what there is of a damaged reply: the body goes on to where `END` is to be, or as far as there are bytes.
 * `undefined` where not even the head is there.
 */
export const openDamaged = (bytes: Uint8Array): Frame | undefined => {
  if (bytes.length < HEAD_BYTES) return undefined;
  const declared = Number(latin1(bytes, 5, PREAMBLE_BYTES));
  const isDeclared = Number.isInteger(declared) && declared >= SHORT_LENGTH;
  const end = isDeclared ? Math.min(bytes.length, declared) : bytes.length;
  const short = declared === SHORT_LENGTH;
  const hasTerminator = latin1(bytes, end - TERMINATOR.length, end) === TERMINATOR;
  const bodyEnd = hasTerminator && !short ? end - TERMINATOR.length : end;
  return {
    version: latin1(bytes, 3, 5),
    code: latin1(bytes, PREAMBLE_BYTES, HEAD_BYTES),
    body: new Cursor(bytes, HEAD_BYTES, Math.max(HEAD_BYTES, bodyEnd)),
    short,
  };
};

/** The same, and `undefined` also where these bytes begin no reply. */
export const declaredLength = (received: Uint8Array): number | undefined => {
  try {
    return replyLength(received);
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
};

/** Whether nothing more is to come: the reply is whole, or these bytes begin none. */
export const isComplete = (received: Uint8Array): boolean => {
  try {
    return received.length >= (replyLength(received) ?? Number.POSITIVE_INFINITY);
  } catch (error) {
    if (error instanceof ProtocolError) return true;
    throw error;
  }
};

/** An opened reply: its version digits, its command code, and a cursor on what is between the head and `END`. */
export interface Frame {
  readonly version: string;
  readonly code: string;
  readonly body: Cursor;
  /** A status and nothing else. */
  readonly short: boolean;
}

/**
 * Opens a whole reply: exactly as many bytes as it declares, ending in a line feed, and `END` before it unless the
 * frame is short.
 * @throws ProtocolError `truncated` where bytes are missing, `malformed` where they are wrong.
 */
export const openReply = (bytes: Uint8Array): Frame => {
  const total = replyLength(bytes);
  if (total === undefined || bytes.length < total) {
    const expected = total === undefined ? "at least 16" : String(total);
    throw new ProtocolError("truncated", `ends here; ${expected} bytes were to come`, {
      field: "frame",
      offset: bytes.length,
    });
  }
  const end = total - UNCOUNTED;
  if (bytes[end] !== LINE_FEED) refuse("terminator", end, "no line feed at the declared end");
  const short = end === SHORT_LENGTH;
  if (!short && latin1(bytes, end - TERMINATOR.length, end) !== TERMINATOR) {
    refuse("terminator", end - TERMINATOR.length, "no END at the declared end");
  }
  return {
    version: latin1(bytes, 3, 5),
    code: latin1(bytes, PREAMBLE_BYTES, HEAD_BYTES),
    body: new Cursor(bytes, HEAD_BYTES, short ? end : end - TERMINATOR.length),
    short,
  };
};

/** Puts a body into its envelope: head, body, `END`, line feed.
 * @throws RangeError where the whole would be longer than a length field can say. */
export const sealReply = (code: string, body: Uint8Array, version = "11"): Buffer =>
  seal(code, version, [body, Buffer.from(TERMINATOR, "latin1")]);

/** A short frame: a status of two digits in place of a body and its `END` (docs/protocol.md#status-and-short-frames). */
export const sealStatus = (code: string, status: string): Buffer =>
  seal(code, "11", [Buffer.from(status, "latin1")]);

const seal = (code: string, version: string, parts: Uint8Array[]): Buffer => {
  const content = Buffer.concat(parts);
  const length = HEAD_BYTES + content.length;
  if (length + UNCOUNTED > LONGEST_REPLY)
    throw new RangeError(`a reply of ${length} bytes is too long`);
  const head = Buffer.from(`APS${version}${String(length).padStart(4, "0")}${code}`, "latin1");
  return Buffer.concat([head, content, Buffer.of(LINE_FEED)]);
};

const latin1 = (bytes: Uint8Array, from: number, to: number): string => {
  let text = "";
  for (const byte of bytes.subarray(from, to)) text += String.fromCharCode(byte);
  return text;
};

const refuse = (field: string, offset: number, problem: string): never => {
  throw new ProtocolError("malformed", problem, { field, offset });
};
