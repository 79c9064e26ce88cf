import { execFileSync } from "node:child_process";

/** Builds the program once for a run: tests of the command line start what users start. */
export const setup = (): void => {
  execFileSync(process.execPath, ["node_modules/typescript/bin/tsc"], { stdio: "inherit" });
};
