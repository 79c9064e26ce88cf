import { execFileSync } from "node:child_process";

/** Builds the program once per run: tests of the command line start the same program as users. */
export const setup = (): void => {
  try {
    execFileSync(process.execPath, ["node_modules/typescript/bin/tsc"], { stdio: "inherit" });
  } catch (cause) {
    throw new Error("no test ran: src does not compile; tsc printed its errors above", { cause });
  }
};
