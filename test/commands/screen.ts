import type { Terminal } from "../../src/cli/terminal.ts";

/** A screen that keeps what is written on it. */
export const paper = (
  options: Partial<Omit<Terminal, "write">> = {},
): Terminal & { readonly text: () => string } => {
  let text = "";
  return {
    isTerminal: false,
    hasColours: false,
    columns: 80,
    ...options,
    write: (more) => {
      text += more;
    },
    text: () => text,
  };
};
