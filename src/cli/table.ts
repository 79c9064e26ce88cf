/** Tables in the terminal that are columns and no lines. */
import Table from "cli-table3";

const lines = [
  ...["top", "top-mid", "top-left", "top-right", "bottom", "bottom-mid", "bottom-left"],
  ...["bottom-right", "left", "left-mid", "mid", "mid-mid", "right", "right-mid"],
];

/** @param head texts above the columns; none for a table without a head */
export const plainTable = (
  head: string[],
  colAligns: ("left" | "right")[],
): InstanceType<typeof Table> =>
  new Table({
    head,
    colAligns,
    chars: { ...Object.fromEntries(lines.map((name) => [name, ""])), middle: "  " },
    style: { "padding-left": 0, "padding-right": 0, head: [], border: [], compact: true },
  });

/** Its text, without spaces at the ends of lines. */
export const trimmed = (table: InstanceType<typeof Table>): string =>
  table.toString().replace(/ +$/gm, "");
