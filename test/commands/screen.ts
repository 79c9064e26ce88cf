import type { Terminal } from "../../src/cli/terminal.ts";

/** A terminal that records its output. */
export const recordingTerminal = (
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
