/** Pieces of Markdown. */

const cell = (text: string): string => text.replaceAll("|", "\\|");

/** A table with a head. */
export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...rows]
    .map((cells) => `| ${cells.map(cell).join(" | ")} |`)
    .join("\n");

/** Text as it is typed. */
export const code = (text: string): string => `\`${text}\``;
