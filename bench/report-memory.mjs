// Loaded before the program that the soak test measures (node --expose-gc --import). On SIGUSR2 it collects garbage and writes
// the memory that is left as a line of JSON to file descriptor 3.
import { writeSync } from "node:fs";

process.on("SIGUSR2", () => {
  globalThis.gc?.();
  const { heapUsed, rss } = process.memoryUsage();
  writeSync(3, `${JSON.stringify({ heapUsed, rss })}\n`);
});
