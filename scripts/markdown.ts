/** Formats Markdown. */

const cell = (text: string): string => text.replaceAll("|", "\\|");

/** A table with a header. */
export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...rows]
    .map((cells) => `| ${cells.map(cell).join(" | ")} |`)
    .join("\n");

/** Text as code. */
export const code = (text: string): string => `\`${text}\``;
