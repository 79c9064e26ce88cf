import type { Clock } from "../../src/time/clock.ts";

/** A clock that stands still until a test advances it. */
export interface FakeClock extends Clock {
  /** Advances time: sleeps end in order, and the code after each runs before the next one ends. */
  advance(ms: number): Promise<void>;
  /** Sets the wall clock, as an administrator does. The monotonic time does not change. */
  setNow(ms: number): void;
  /** Number of pending sleeps. */
  readonly sleepers: number;
}

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

/** @param start milliseconds since 1970 */
export const createFakeClock = (start = Date.UTC(2025, 5, 21, 10)): FakeClock => {
  const sleeping = new Set<Sleeper>();
  let passed = 0;
  let offset = start;

  const next = (until: number): Sleeper | undefined =>
    [...sleeping].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];

  return {
    now: () => offset + passed,
    monotonic: () => passed,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        const wake = (): void => {
          sleeping.delete(sleeper);
          signal?.removeEventListener("abort", wake);
          resolve();
        };
        const sleeper: Sleeper = { at: passed + ms, wake };
        sleeping.add(sleeper);
        signal?.addEventListener("abort", wake);
      }),
    schedule: (ms, callback) => {
      const sleeper: Sleeper = {
        at: passed + ms,
        wake: () => {
          sleeping.delete(sleeper);
          callback();
        },
      };
      sleeping.add(sleeper);
      return () => sleeping.delete(sleeper);
    },
    advance: async (ms) => {
      const until = passed + ms;
      await settle();
      for (let sleeper = next(until); sleeper !== undefined; sleeper = next(until)) {
        passed = Math.max(passed, sleeper.at);
        sleeper.wake();
        await settle();
      }
      passed = until;
    },
    setNow: (ms) => {
      offset = ms - passed;
    },
    get sleepers() {
      return sleeping.size;
    },
  };
};

/** A clock that advances by each sleep at once, so that pauses take no real time. */
export interface FastClock extends Clock {
  /** Advances time, and runs the callbacks scheduled up to the new time. */
  pass(ms: number): void;
}

/** @see FastClock @param start milliseconds since 1970 */
export const createFastClock = (start = Date.UTC(2025, 5, 21, 10)): FastClock => {
  const scheduled = new Set<{ readonly at: number; readonly callback: () => void }>();
  let passed = 0;
  return {
    now: () => start + passed,
    monotonic: () => passed,
    sleep: (ms, signal) => {
      if (!signal?.aborted) passed += ms;
      return Promise.resolve();
    },
    schedule: (ms, callback) => {
      const entry = { at: passed + ms, callback };
      scheduled.add(entry);
      return () => scheduled.delete(entry);
    },
    pass: (ms) => {
      passed += ms;
      for (const entry of [...scheduled].sort((a, b) => a.at - b.at)) {
        // An earlier callback may have cancelled it.
        if (entry.at <= passed && scheduled.delete(entry)) entry.callback();
      }
    },
  };
};

/** Resolves when no more work can be done without the passing of time. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
