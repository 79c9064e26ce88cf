/** Tables with columns separated by spaces, without lines. */
import Table from "cli-table3";

const lines = [
  ...["top", "top-mid", "top-left", "top-right", "bottom", "bottom-mid", "bottom-left"],
  ...["bottom-right", "left", "left-mid", "mid", "mid-mid", "right", "right-mid"],
];

/** Creates an empty table. @param head titles of the columns; empty for a table without titles */
export const createTable = (
  head: string[],
  colAligns: ("left" | "right")[],
): InstanceType<typeof Table> =>
  new Table({
    head,
    colAligns,
    chars: { ...Object.fromEntries(lines.map((name) => [name, ""])), middle: "  " },
    style: { "padding-left": 0, "padding-right": 0, head: [], border: [], compact: true },
  });

/** The table as text, without spaces at the ends of lines. */
export const formatTable = (table: InstanceType<typeof Table>): string =>
  table.toString().replace(/ +$/gm, "");
