import { buildProgram } from "../../scripts/build.ts";

/** Builds the program once per run: tests of the command line start the same program as users. */
export const setup = async (): Promise<void> => {
  try {
    await buildProgram();
  } catch (cause) {
    throw new Error("no test ran: src cannot be built; the errors are above", { cause });
  }
};
