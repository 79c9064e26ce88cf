import { execFileSync } from "node:child_process";

/** Builds the program once per run: tests of the command line start the same program as users. */
export const setup = (): void => {
  execFileSync(process.execPath, ["node_modules/typescript/bin/tsc"], { stdio: "inherit" });
};
