/** Formats a reply as a table of its fields: bytes, name, value and meaning. */
import { describeMeaning } from "../../captures/field-meanings.ts";
import { formatTable, type TableColumn } from "../../cli/table.ts";
import { styled, type Terminal } from "../../cli/terminal.ts";
import { type Explanation, explainReply } from "../../protocol/explain.ts";
import type { Command } from "../../protocol/requests.ts";

const BYTES_PER_LINE = 12;
const MAX_VALUE_LENGTH = 24;
const UNDECODED = /(^|\.)(unknown|undecoded|trailing|raw)$/;

/** One field of the reply, as text. */
interface Row {
  readonly offset: number;
  /** Two digits per byte, with spaces between the bytes. */
  readonly bytes: string;
  readonly field: string;
  readonly value: string;
  readonly meaning: string;
}

/** The rows of a reply. Together they contain every byte, in order. */
const createRows = (bytes: Uint8Array, { entries }: Explanation): readonly Row[] =>
  entries.map((entry) => ({
    offset: entry.begin,
    bytes: (
      Buffer.from(bytes.subarray(entry.begin, entry.end)).toString("hex").match(/../g) ?? []
    ).join(" "),
    field: entry.field,
    value: UNDECODED.test(entry.field)
      ? `${entry.end - entry.begin} bytes`
      : escapeText(entry.value),
    meaning: escapeText(describeMeaning(entry), 60),
  }));

/** The table, followed by the error if the reply is invalid. */
export const formatReply = (bytes: Uint8Array, command: Command | undefined, screen: Terminal) => {
  const explanation = explainReply(bytes, command);
  const columns = ["Offset", "Bytes", "Field", "Value", "Meaning"].map(
    (title): TableColumn => ({
      title: styled("strong", title, screen),
      isNumber: title === "Offset",
    }),
  );
  const rows = createRows(bytes, explanation).flatMap((row) => {
    const isUndecoded = UNDECODED.test(row.field);
    const style = (text: string): string => (isUndecoded ? styled("fair", text, screen) : text);
    const [first = "", ...others] = wrapBytes(row.bytes);
    return [
      [String(row.offset), first, style(row.field), style(row.value), style(row.meaning)],
      ...others.map((line) => ["", line]),
    ];
  });
  const { error } = explanation;
  const problem =
    error === undefined
      ? ""
      : `\n${styled("bad", `Invalid reply: ${escapeText(error.message, 200)} (${error.reason})`, screen)}`;
  return { text: `${formatTable(columns, rows)}${problem}\n`, error };
};

/** Breaks the bytes into lines. */
const wrapBytes = (bytes: string): readonly string[] => {
  const width = 3 * BYTES_PER_LINE;
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += width)
    lines.push(bytes.slice(at, at + width).trimEnd());
  return lines;
};

/** Text with printable characters only: others are replaced by their codes. */
export const escapeText = (
  value: string | number | boolean,
  maxLength = MAX_VALUE_LENGTH,
): string => {
  const text = typeof value === "number" ? String(Math.round(value * 1000) / 1000) : String(value);
  const escaped = text.replace(
    /[^\x20-\x7e°…–]/g,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
  return escaped.length > maxLength ? `${escaped.slice(0, maxLength - 1)}…` : escaped;
};
