/**
 * SIGHUP, which ends a process that does not handle it. For `serve` it is a request to reload, which may come as soon as the
 * process exists. On a terminal it means that the terminal was closed, and ends every command.
 */
import { isatty } from "node:tty";

let isHeld = false;
const hold = (): void => {
  isHeld = true;
};

/** Remembers a SIGHUP until one of the other two functions is called. */
export const holdHangups = (): void => {
  if (!isatty(0)) process.on("SIGHUP", hold);
};

/** Gives SIGHUP its effect back: it ends the process, also if it came before. */
export const releaseHangups = (): void => {
  const release = (): void => {
    process.off("SIGHUP", hold);
    if (isHeld) process.kill(process.pid, "SIGHUP");
  };
  // Node.js reports a signal that came before in the next whole turn of its event loop.
  setImmediate(() => setImmediate(release));
};

/** Calls the function for every SIGHUP, and now if one came before. */
export const onHangup = (reload: () => void): void => {
  if (isatty(0)) return;
  process.on("SIGHUP", reload);
  process.off("SIGHUP", hold);
  if (isHeld) reload();
};
