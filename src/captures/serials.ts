/** Finds the serial numbers and MAC addresses in the replies of an ECU. */

import type { Explanation } from "../protocol/explain.ts";
import { explainReply, UNDECODED, UNKNOWN } from "../protocol/explain.ts";
import type { Command } from "../protocol/requests.ts";

/** A number that identifies one device. */
export interface Serial {
  readonly kind: "ecu" | "inverter" | "mac";
  /** 12 characters: digits, or the hexadecimal digits of a MAC address. */
  readonly text: string;
  /** Number of received characters if the reply ended within the serial; the other characters are zeros. */
  readonly truncatedTo?: number;
}

/** The bytes of a reply, and the command that was sent. */
export interface RecordedReply {
  readonly command: Command;
  readonly bytes: Uint8Array;
}

/** Number of characters at the start that identify the product and not the device. They are kept. */
export const countKeptCharacters = ({ kind, text }: Serial): number => {
  if (kind === "mac") return 6;
  return kind === "ecu" || /^21[56]/.test(text) ? 4 : 3;
};

const LENGTH = 12;
const ASCII_ID = /21[56]\d{9}/g;
/** Six bytes of decimal digits, a flag, a type of two ASCII digits (docs/protocol.md#inverter-records). */
const RECORD_HEAD = /(?=([1-9][0-9]{11})0[01]3[0-9]3[0-9])/g;
/** Matches the pattern of a uid, but is more likely a single digit between empty values. */
const MOSTLY_ZEROS = /0{9}/;
/** A MAC address of one of the two manufacturers of the network interfaces in ECUs (docs/protocol.md#base-information-of-micro-inverter-ecus). */
const MAC = /(?=((?:80971b|60c5a8)[0-9a-f]{6}))/g;
/** A MAC address as text: of these manufacturers in any spelling, of another one with the usual separators. */
const MAC_TEXTS = [
  /(?:80[^0-9a-z]{0,2}97[^0-9a-z]{0,2}1b|60[^0-9a-z]{0,2}c5[^0-9a-z]{0,2}a8)(?:[^0-9a-z]{0,2}[0-9a-f]{2}){3}/gi,
  /(?<![0-9a-z])[0-9a-f]{2}([:-])(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}(?![0-9a-z])/gi,
  /(?<![0-9a-z])[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}(?![0-9a-z])/gi,
];

/** Lists the distinct serials in the replies. Numbers of zeros are ignored. */
export const findSerials = (replies: readonly RecordedReply[]): readonly Serial[] => {
  const found = new Map<string, Serial>();
  const add = (kind: Serial["kind"], text: string, truncatedTo = LENGTH): void => {
    if (/^0*$/.test(text) || text.length !== LENGTH) return;
    const key = `${text} ${truncatedTo}`;
    if (!found.has(key))
      found.set(key, { kind, text, ...(truncatedTo < LENGTH ? { truncatedTo } : {}) });
  };
  for (const { command, bytes } of replies) {
    const explanation = explainReply(bytes, command);
    for (const { field, value } of explanation.entries) {
      const kind = serialKinds[field.split(".").at(-1) ?? ""];
      if (kind !== undefined) add(kind, String(value));
    }
    for (const { field, begin, end } of explanation.entries) {
      if (!isUndecoded(field) && !isText(field)) continue;
      const part = Buffer.from(bytes.subarray(begin, end));
      for (const [text] of part.toString("latin1").matchAll(ASCII_ID)) add("ecu", text);
      if (isText(field)) continue;
      for (const text of findInHex(part, RECORD_HEAD)) {
        if (!MOSTLY_ZEROS.test(text)) add("inverter", text);
      }
      for (const text of findInHex(part, MAC)) add("mac", text);
    }
    const all = Buffer.from(bytes).toString("latin1");
    for (const [text] of MAC_TEXTS.flatMap((pattern) => [...all.matchAll(pattern)]))
      add("mac", text.toLowerCase().replaceAll(/[^0-9a-f]/g, ""));
    const truncated = findTruncatedSerial(explanation, bytes);
    if (truncated !== undefined) add(truncated.kind, truncated.text, truncated.truncatedTo);
  }
  return [...found.values()];
};

const serialKinds: Readonly<Record<string, Serial["kind"]>> = {
  ecuId: "ecu",
  uid: "inverter",
  ethernetMac: "mac",
  wirelessMac: "mac",
};

const isUndecoded = (field: string): boolean =>
  /(^|\.)(unknown|undecoded|trailing|raw|extension)$/.test(field);

/** Whether a field is text of any content. */
const isText = (field: string): boolean => /(^|\.)(firmware|timezone)$/.test(field);

/** Matches of a pattern of hexadecimal digits that start at a byte. */
const findInHex = (part: Buffer, pattern: RegExp): string[] => {
  const hex = part.toString("hex");
  return [...hex.matchAll(pattern)]
    .filter(({ index }) => index % 2 === 0)
    .map(([, digits = ""]) => digits);
};

/** Finds a serial that is truncated by the end of the reply: the received part may identify the device. */
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
  const isComplete = kind === "ecu" ? size >= LENGTH : size >= LENGTH / 2;
  if (!/^[0-9a-f]+$/.test(text)) return undefined;
  return { kind, text: text.padEnd(LENGTH, "0"), truncatedTo: isComplete ? LENGTH : text.length };
};

/** Whether a reply has bytes that belong to no field. They may contain a serial that no pattern finds. */
export const hasUndecodedBytes = ({ command, bytes }: RecordedReply): boolean =>
  explainReply(bytes, command).entries.some(
    ({ field }) => field === UNDECODED || field === UNKNOWN,
  );
