/** Where the serial numbers and MAC addresses of a household stand in the replies of its ECU. */

import type { Explanation } from "../protocol/explain.ts";
import { explainReply, UNDECODED, UNKNOWN } from "../protocol/explain.ts";
import type { Command } from "../protocol/requests.ts";

/** Something that tells one device from all others. */
export interface Serial {
  readonly kind: "ecu" | "inverter" | "mac";
  /** 12 characters: digits, or the hexadecimal digits of a MAC address. */
  readonly text: string;
  /** The end of the reply cut it off: so many characters are there, the others are zeros. */
  readonly truncatedTo?: number;
}

/** Bytes, and the question that they answer. */
export interface RecordedReply {
  readonly command: Command;
  readonly bytes: Uint8Array;
}

/** Characters at the beginning that tell the product and not the device; they are kept. */
export const countKeptCharacters = ({ kind, text }: Serial): number => {
  if (kind === "mac") return 6;
  return kind === "ecu" || /^21[56]/.test(text) ? 4 : 3;
};

const LENGTH = 12;
const ASCII_ID = /21[56]\d{9}/g;
/** Six bytes of decimal digits, a flag, a type of two ASCII digits (docs/protocol.md#inverter-records). */
const RECORD_HEAD = /(?=([1-9][0-9]{11})0[01]3[0-9]3[0-9])/g;
/** Looks like an uid, and is rather one digit among empty values. */
const BARE = /0{9}/;
/** A MAC address of the two makers whose network parts are in ECUs (docs/protocol.md#base-information-of-micro-inverter-ecus). */
const MAC = /(?=((?:80971b|60c5a8)[0-9a-f]{6}))/g;

/** Every serial of the answers, once; all-zero ones are none. */
export const findSerials = (answers: readonly RecordedReply[]): readonly Serial[] => {
  const found = new Map<string, Serial>();
  const add = (kind: Serial["kind"], text: string, truncatedTo = LENGTH): void => {
    if (/^0*$/.test(text) || text.length !== LENGTH) return;
    const key = `${text} ${truncatedTo}`;
    if (!found.has(key))
      found.set(key, { kind, text, ...(truncatedTo < LENGTH ? { truncatedTo } : {}) });
  };
  for (const { command, bytes } of answers) {
    const explanation = explainReply(bytes, command);
    for (const { field, value } of explanation.entries) {
      const kind = serialKinds[field.split(".").at(-1) ?? ""];
      if (kind !== undefined) add(kind, String(value));
    }
    for (const { field, begin, end } of explanation.entries) {
      if (!isUndecoded(field)) continue;
      const part = Buffer.from(bytes.subarray(begin, end));
      for (const [text] of part.toString("latin1").matchAll(ASCII_ID)) add("ecu", text);
      for (const text of findInHex(part, RECORD_HEAD)) {
        if (!BARE.test(text)) add("inverter", text);
      }
      for (const text of findInHex(part, MAC)) add("mac", text);
    }
    const cut = findTruncatedSerial(explanation, bytes);
    if (cut !== undefined) add(cut.kind, cut.text, cut.truncatedTo);
  }
  return [...found.values()];
};

const serialKinds: Readonly<Record<string, Serial["kind"]>> = {
  ecuId: "ecu",
  uid: "inverter",
  ethernetMac: "mac",
  wirelessMac: "mac",
};

/** Whether a serial may stand in a field: it is one, or its bytes are not read. */
export const canContainSerial = (field: string): boolean =>
  Object.hasOwn(serialKinds, field.split(".").at(-1) ?? "") || isUndecoded(field);

const isUndecoded = (field: string): boolean =>
  /(^|\.)(unknown|undecoded|trailing|raw|extension)$/.test(field);

/** What has that look in hexadecimal, at any byte. */
const findInHex = (part: Buffer, look: RegExp): string[] => {
  const hex = part.toString("hex");
  return [...hex.matchAll(look)]
    .filter(({ index }) => index % 2 === 0)
    .map(([, digits = ""]) => digits);
};

/** A serial that was being sent when the reply broke off: enough of it may be there to be known by. */
const findTruncatedSerial = (
  explanation: Explanation,
  bytes: Uint8Array,
): Required<Serial> | undefined => {
  const last = explanation.entries.at(-1);
  if (explanation.error === undefined || last?.field !== UNDECODED) return undefined;
  const size = last.end - last.begin;
  const part = Buffer.from(bytes.subarray(last.begin, last.end));
  const field = explanation.bodyError?.position.field.split(".").at(-1) ?? "";
  const isRecord = explanation.command === "realtime" && last.begin >= 26;
  const kind = serialKinds[field] ?? (isRecord ? "inverter" : undefined);
  if (kind === undefined) return undefined;
  const text = part.toString(kind === "ecu" ? "latin1" : "hex").slice(0, LENGTH);
  const isAll = kind === "ecu" ? size >= LENGTH : size >= LENGTH / 2;
  if (!/^[0-9a-f]+$/.test(text)) return undefined;
  return { kind, text: text.padEnd(LENGTH, "0"), truncatedTo: isAll ? LENGTH : text.length };
};

/** Whether a reply has bytes that are in no field, in which a serial may stand that nothing tells for one. */
export const hasUndecodedBytes = ({ command, bytes }: RecordedReply): boolean =>
  explainReply(bytes, command).entries.some(
    ({ field }) => field === UNDECODED || field === UNKNOWN,
  );
