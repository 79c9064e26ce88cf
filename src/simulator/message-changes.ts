/** The changes that faults make to messages and to their bytes. */
import type { InverterRecord, Messages } from "../protocol/replies.ts";
import type { Command } from "../protocol/requests.ts";

/** A change of the reply to any command. */
export type MessageChange = <C extends Command>(
  command: C,
  message: Messages[C],
  ecuId: string,
) => Messages[C];

/** The part of a fault that changes the replies to some commands. */
export interface MessageFault {
  readonly only: readonly Command[];
  readonly message: MessageChange;
}

/** A change of the reply to one command. The casts are safe: equal names have equal types. */
export const changeMessage = <T extends Command>(
  target: T,
  change: (message: Messages[T], ecuId: string) => Messages[T],
): MessageFault => ({
  only: [target],
  message: <C extends Command>(command: C, message: Messages[C], ecuId: string): Messages[C] =>
    (command as Command) === target ? (change(message as never, ecuId) as never) : message,
});

/** Applies several changes, one after another. */
export const combineChanges = (...changes: readonly MessageFault[]): MessageFault => ({
  only: changes.flatMap(({ only }) => only),
  message: (command, message, ecuId) =>
    changes.reduce((changed, change) => change.message(command, changed, ecuId), message),
});

type InverterTable = Extract<Messages["realtime"], { kind: "01" }>;

/** A change of the inverter table; other replies to `realtime` stay as they are. */
export const changeTable = (
  change: (table: InverterTable, ecuId: string) => InverterTable,
): MessageFault =>
  changeMessage("realtime", (table, ecuId) => (table.kind === "01" ? change(table, ecuId) : table));

/** A change of the first inverter's record. */
export const changeFirstRecord = (
  change: (record: InverterRecord) => InverterRecord,
): MessageFault =>
  changeTable((table) => ({
    ...table,
    records: table.records.map((record, i) => (i === 0 ? change(record) : record)),
  }));

const AHEAD_MS = 3 * 3_600_000;

/** yyyymmddhhmmss, three hours later. */
export const addThreeHours = (digits: string): string => {
  const iso = digits.replace(/^(....)(..)(..)(..)(..)(..)$/, "$1-$2-$3T$4:$5:$6Z");
  return new Date(Date.parse(iso) + AHEAD_MS).toISOString().replace(/\D/g, "").slice(0, 14);
};

/** The longest length that four digits can declare. */
export const LONGEST_LENGTH = 9_999;
const END_BYTES = 4; // END and the line feed
const STATUS_FRAME_BYTES = 16; // a status frame has no END

const latin1 = (text: string): Buffer => Buffer.from(text, "latin1");
const overwrite = (bytes: Buffer, at: number, text: string): Buffer =>
  Buffer.concat([bytes.subarray(0, at), latin1(text), bytes.subarray(at + text.length)]);

export const declaredLength = (bytes: Buffer): number => Number(bytes.toString("latin1", 5, 9));

/** The reply with another declared length. */
export const withDeclaredLength = (bytes: Buffer, length: number): Buffer =>
  overwrite(bytes, 5, String(length).padStart(4, "0"));

/** The reply with another command code in its header. */
export const withCommandCode = (bytes: Buffer, code: string): Buffer => overwrite(bytes, 9, code);

/** The reply with other version digits. */
export const withVersion = (bytes: Buffer, version: string): Buffer => overwrite(bytes, 3, version);

/** The reply with NUL bytes instead of `END`; a status frame stays as it is. */
export const withoutEnd = (bytes: Buffer): Buffer =>
  bytes.length <= STATUS_FRAME_BYTES ? bytes : overwrite(bytes, bytes.length - END_BYTES, "\0\0\0");

/** The reply with more bytes before `END`, and its length adapted; a status frame stays as it is. */
export const insertBeforeEnd = (bytes: Buffer, filler: Uint8Array): Buffer =>
  bytes.length <= STATUS_FRAME_BYTES
    ? bytes
    : withDeclaredLength(
        Buffer.concat([bytes.subarray(0, -END_BYTES), filler, bytes.subarray(-END_BYTES)]),
        declaredLength(bytes) + filler.length,
      );

const CHANNEL_AT = 50;
const FIRMWARE_AT = 52;
/** Digits of the length before a text. */
const LENGTH_DIGITS = 3;

/** The reply to 0001 with NUL bytes as ZigBee channel and after the firmware, and CR and FF after the time zone. */
export const withOddTexts = (bytes: Buffer): Buffer => {
  const odd = continueText(overwrite(bytes, CHANNEL_AT, "\0\0"), FIRMWARE_AT, "\0\0");
  return continueText(odd, endOfText(odd, FIRMWARE_AT), "\r\u00ff");
};

/** Adds characters to the text whose length is at an offset. */
const continueText = (bytes: Buffer, at: number, more: string): Buffer => {
  const end = endOfText(bytes, at);
  const size = String(end - at - LENGTH_DIGITS + more.length).padStart(LENGTH_DIGITS, "0");
  const parts = [overwrite(bytes, at, size).subarray(0, end), latin1(more), bytes.subarray(end)];
  return withDeclaredLength(Buffer.concat(parts), declaredLength(bytes) + more.length);
};

const endOfText = (bytes: Buffer, at: number): number =>
  at + LENGTH_DIGITS + Number(bytes.toString("latin1", at, at + LENGTH_DIGITS));

/** The start of a reply that never ends: all but `END`, with the longest declared length. */
export const startOfEndlessReply = (bytes: Buffer): Buffer =>
  withDeclaredLength(bytes.subarray(0, -END_BYTES), LONGEST_LENGTH);
