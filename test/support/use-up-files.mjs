/** Preloaded into the program: with SIGUSR2 it opens files until the limit of the operating system, 256 here, is reached. */
import { openSync } from "node:fs";

process.on("SIGUSR2", () => {
  for (;;) {
    try {
      openSync("/dev/null", "r");
    } catch {
      process.stdout.write("all files are open\n");
      return;
    }
  }
});
