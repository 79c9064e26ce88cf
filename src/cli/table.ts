/** Tables with columns separated by two spaces, without lines. */
import { stripVTControlCharacters } from "node:util";

export interface TableColumn {
  /** Empty in every column of a table without titles. */
  readonly title: string;
  /** Whether its cells are aligned right. */
  readonly isNumber?: boolean;
}

const GAP = "  ";

/**
 * Formats a table, in time proportional to its size: a reply of 10,000 bytes has up to 5,000 rows.
 * @param rows cells of one line each; styled cells are aligned by the characters that are visible
 */
export const formatTable = (
  columns: readonly TableColumn[],
  rows: readonly (readonly string[])[],
): string => {
  const titles = columns.map(({ title }) => title);
  const lines = titles.some((title) => title !== "") ? [titles, ...rows] : rows;
  const widths = columns.map((_, i) =>
    lines.reduce((width, cells) => Math.max(width, countVisible(cells[i] ?? "")), 0),
  );
  return lines
    .map((cells) =>
      columns
        .map(({ isNumber }, i) => {
          const cell = cells[i] ?? "";
          const padding = " ".repeat((widths[i] ?? 0) - countVisible(cell));
          return isNumber ? padding + cell : cell + padding;
        })
        .join(GAP)
        .trimEnd(),
    )
    .join("\n");
};

const countVisible = (cell: string): number => stripVTControlCharacters(cell).length;
