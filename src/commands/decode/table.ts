/** A reply as a table for people: every byte, the field it is of, and what that says. */
import { meaningOf } from "../../captures/field-meanings.ts";
import { createTable, formatTable } from "../../cli/table.ts";
import { styled, type Terminal } from "../../cli/terminal.ts";
import { type Explanation, explainReply } from "../../protocol/explain.ts";
import type { Command } from "../../protocol/requests.ts";

const BYTES_A_LINE = 12;
const LONGEST_VALUE = 24;
const UNREAD = /(^|\.)(unknown|undecoded|trailing|raw)$/;

/** One line of the table, as text. */
interface Row {
  readonly offset: number;
  /** Two digits a byte, with a space between bytes. */
  readonly bytes: string;
  readonly field: string;
  readonly value: string;
  readonly meaning: string;
}

/** The rows of a reply: the bytes of all of them, one after another, are those of the reply. */
const createRows = (bytes: Uint8Array, { entries }: Explanation): readonly Row[] =>
  entries.map((entry) => ({
    offset: entry.begin,
    bytes: (
      Buffer.from(bytes.subarray(entry.begin, entry.end)).toString("hex").match(/../g) ?? []
    ).join(" "),
    field: entry.field,
    value: UNREAD.test(entry.field) ? `${entry.end - entry.begin} bytes` : escapeText(entry.value),
    meaning: escapeText(meaningOf(entry), 60),
  }));

/** The table, and beneath it the error where the reply cannot be read. */
export const formatReply = (bytes: Uint8Array, asked: Command | undefined, screen: Terminal) => {
  const explanation = explainReply(bytes, asked);
  const table = createTable(
    ["Offset", "Bytes", "Field", "Value", "Meaning"].map((text) => styled("strong", text, screen)),
    ["right", "left", "left", "left", "left"],
  );
  for (const row of createRows(bytes, explanation)) {
    const isUnread = UNREAD.test(row.field);
    const mood = (text: string): string => (isUnread ? styled("fair", text, screen) : text);
    const lines = wrapBytes(row.bytes);
    table.push([row.offset, lines, mood(row.field), mood(row.value), mood(row.meaning)]);
  }
  const { error } = explanation;
  const problem =
    error === undefined
      ? ""
      : `\n${styled("bad", `It cannot be read: ${escapeText(error.message, 200)} (${error.reason})`, screen)}`;
  return { text: `${formatTable(table)}${problem}\n`, error };
};

/** So many bytes a line. */
const wrapBytes = (bytes: string): string => {
  const width = 3 * BYTES_A_LINE;
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += width)
    lines.push(bytes.slice(at, at + width).trimEnd());
  return lines.join("\n");
};

/** Text in which every character can be seen: others are written as their code. */
export const escapeText = (value: string | number | boolean, most = LONGEST_VALUE): string => {
  const text = typeof value === "number" ? String(Math.round(value * 1000) / 1000) : String(value);
  const escaped = text.replace(
    /[^\x20-\x7e°…–]/g,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
  return escaped.length > most ? `${escaped.slice(0, most - 1)}…` : escaped;
};
