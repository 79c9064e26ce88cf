import { existsSync } from "node:fs";

const STOP_SIGNALS = ["SIGTERM", "SIGINT"] as const;

let isStopped = false;

/**
 * Resolves when the user or the system asks the program to end (SIGTERM, SIGINT). Further signals are ignored: the program
 * is ending already.
 */
export const waitForSignal = (): Promise<void> => new Promise((resolve) => onStop(resolve));

/** Runs a task that stops early when the user or the system asks the program to end. */
export const runUntilSignal = async <T>(task: (stop: AbortSignal) => Promise<T>): Promise<T> => {
  const controller = new AbortController();
  const remove = onStop(() => controller.abort());
  try {
    return await task(controller.signal);
  } finally {
    remove();
  }
};

/** @returns removes the listener */
const onStop = (callback: () => void): (() => void) => {
  const listener = (): void => {
    isStopped = true;
    callback();
  };
  for (const signal of STOP_SIGNALS) process.on(signal, listener);
  return () => {
    for (const signal of STOP_SIGNALS) process.off(signal, listener);
  };
};

/**
 * Ends the process with `process.exitCode`. After a signal it does not wait for a thread of Node.js that waits itself, for a
 * name server or for the reader of the log, as `process.exit` does.
 */
export const endProcess = (): void => {
  const isThreadBusy = process.getActiveResourcesInfo().some((name) => BUSY_THREADS.includes(name));
  if (isStopped && isThreadBusy) abandonThreads(Number(process.exitCode ?? 0));
  process.exit();
};

/** Names of calls that run in a thread: a lookup of a host name, and work on a file or pipe. */
const BUSY_THREADS: readonly string[] = ["GetAddrInfoReqWrap", "FSReqCallback"];

/**
 * Ends the process together with its threads: another program takes the place of this one, and ends with the exit code. A
 * Node.js before 22.15 cannot do that, and the process ends by SIGTERM, which systemd also counts as a success.
 */
const abandonThreads = (exitCode: number): void => {
  const { execve, execPath, pid } = process as typeof process & {
    execve?: (file: string, args: readonly string[], env: Readonly<Record<string, string>>) => void;
  };
  // A failed execve aborts the process: the file is missing after an update of Node.js.
  if (execve !== undefined && existsSync(execPath))
    execve(execPath, [execPath, "-e", `process.exit(${exitCode})`], {});
  for (const signal of STOP_SIGNALS) process.removeAllListeners(signal);
  process.kill(pid, "SIGTERM");
};
