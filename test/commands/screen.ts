import type { Screen } from "../../src/cli/terminal.ts";

/** A screen that keeps what is written on it. */
export const paper = (
  options: Partial<Omit<Screen, "write">> = {},
): Screen & { readonly text: () => string } => {
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
