import type { Clock } from "../time/clock.ts";

/**
 * Runs tasks one at a time, in turn, with a pause between the end of one and the start of the next. The signal cuts the
 * pause short: the task is to find out by itself that its time is over.
 */
export type Line = <T>(task: () => Promise<T>, signal: AbortSignal) => Promise<T>;

/**
 * The line to one ECU. An ECU-R has few connections and one reply address, so a second question waits until the first
 * is closed, and the pause after that (protocol document, 1.2 rule 5 and 1.4).
 * @param pauseMs looked at for each pause, so that it may change
 */
export const createLine = (pauseMs: () => number, clock: Clock): Line => {
  let turn: Promise<unknown> = Promise.resolve();
  let endedAt = Number.NEGATIVE_INFINITY;
  return (task, signal) => {
    const run = async () => {
      const wait = endedAt + pauseMs() - clock.monotonic();
      if (wait > 0) await clock.sleep(wait, signal);
      try {
        return await task();
      } finally {
        endedAt = clock.monotonic();
      }
    };
    const result = turn.then(run);
    turn = result.catch(() => {});
    return result;
  };
};
