/** Changes that faults make: to what an ECU says, and to the bytes it says it in. */
import type { InverterRecord, Messages } from "../protocol/replies.ts";
import type { Command } from "../protocol/requests.ts";

/** A change of what is said to any question. */
export type MessageChange = <C extends Command>(
  command: C,
  message: Messages[C],
  ecuId: string,
) => Messages[C];

/** What a fault that changes the answer to one question consists of. */
export interface MessageFault {
  readonly only: readonly Command[];
  readonly message: MessageChange;
}

/** A change of what is said to one question. The casts: where the names are equal, so are the types. */
export const changeMessage = <Q extends Command>(
  question: Q,
  change: (message: Messages[Q], ecuId: string) => Messages[Q],
): MessageFault => ({
  only: [question],
  message: <C extends Command>(command: C, message: Messages[C], ecuId: string): Messages[C] =>
    (command as Command) === question ? (change(message as never, ecuId) as never) : message,
});

/** Several changes in one. */
export const combineChanges = (...sayings: readonly MessageFault[]): MessageFault => ({
  only: sayings.flatMap(({ only }) => only),
  message: (command, message, ecuId) =>
    sayings.reduce((said, saying) => saying.message(command, said, ecuId), message),
});

type InverterTable = Extract<Messages["realtime"], { kind: "01" }>;

/** A change of the inverter table, where there is one. */
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
const SHORT_BYTES = 16; // of a status, which has no END

const latin1 = (text: string): Buffer => Buffer.from(text, "latin1");
const overwritten = (bytes: Buffer, at: number, text: string): Buffer =>
  Buffer.concat([bytes.subarray(0, at), latin1(text), bytes.subarray(at + text.length)]);

export const declaredLength = (bytes: Buffer): number => Number(bytes.toString("latin1", 5, 9));

/** The same bytes, with another length declared. */
export const withDeclaredLength = (bytes: Buffer, length: number): Buffer =>
  overwritten(bytes, 5, String(length).padStart(4, "0"));

/** The same bytes with another command in their head. */
export const withCommandCode = (bytes: Buffer, code: string): Buffer => overwritten(bytes, 9, code);

/** The same bytes with other version digits. */
export const withVersion = (bytes: Buffer, version: string): Buffer =>
  overwritten(bytes, 3, version);

/** The same bytes with something in the place of `END`; a status has none. */
export const withoutEnd = (bytes: Buffer): Buffer =>
  bytes.length <= SHORT_BYTES ? bytes : overwritten(bytes, bytes.length - END_BYTES, "\0\0\0");

/** The same bytes with more of them before `END`, and as long as they declare; a status stays as it is. */
export const insertBeforeEnd = (bytes: Buffer, filler: Uint8Array): Buffer =>
  bytes.length <= SHORT_BYTES
    ? bytes
    : withDeclaredLength(
        Buffer.concat([bytes.subarray(0, -END_BYTES), filler, bytes.subarray(-END_BYTES)]),
        declaredLength(bytes) + filler.length,
      );

/** How a reply begins that has no end: all but `END`, of the longest length. */
export const startOfEndlessReply = (bytes: Buffer): Buffer =>
  withDeclaredLength(bytes.subarray(0, -END_BYTES), LONGEST_LENGTH);
