/**
 * Preloaded into the program: SIGHUP arrives while it starts, when it first uses its standard output. Since Node.js 22 its threads
 * preload this file too, but only the first use in the main thread counts.
 */
import { isMainThread } from "node:worker_threads";

const stdout = Object.getOwnPropertyDescriptor(process, "stdout");
let isSent = !isMainThread;
Object.defineProperty(process, "stdout", {
  configurable: true,
  get: () => {
    if (!isSent) process.kill(process.pid, "SIGHUP");
    isSent = true;
    return stdout?.get?.call(process);
  },
});
