import type { Clock } from "../time/clock.ts";

/**
 * Runs tasks one at a time, in order, with a pause between the end of one and the start of the next. The signal cuts the
 * pause short; the task itself must notice that its time is over.
 */
export type RequestQueue = <T>(task: () => Promise<T>, signal: AbortSignal) => Promise<T>;

/**
 * Creates the queue of one ECU. An ECU-R has few connections and one reply address, so the next request waits until the
 * connection of the last is closed, and for the pause after that (docs/protocol.md#connections, #concurrency).
 * @param pauseMs called for each pause, so that the pause may change
 */
export const createRequestQueue = (
  pauseMs: () => number,
  clock: Pick<Clock, "monotonic" | "sleep">,
): RequestQueue => {
  let last: Promise<unknown> = Promise.resolve();
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
    const result = last.then(run);
    last = result.catch(() => {});
    return result;
  };
};
