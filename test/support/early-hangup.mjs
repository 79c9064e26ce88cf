/** Preloaded into the program: SIGHUP arrives while it starts, when it first uses its standard output. */
const stdout = Object.getOwnPropertyDescriptor(process, "stdout");
let isSent = false;
Object.defineProperty(process, "stdout", {
  configurable: true,
  get: () => {
    if (!isSent) process.kill(process.pid, "SIGHUP");
    isSent = true;
    return stdout?.get?.call(process);
  },
});
