/** One ECU over time: scrapes share a read, reads keep a minimum interval, and what glitches need is remembered. */
import type { Logger } from "pino";
import type { Clock } from "../time/clock.ts";
import { createQueryCounters } from "./counters.ts";
import { type Observation, type Observed, observe, queryStates } from "./observe.ts";
import type { ReadOptions, Replies } from "./read.ts";
import { createReadLog } from "./read-log.ts";
import { type Memory, noMemory } from "./validate.ts";

/** What may change while an ECU is monitored. */
export interface MonitorSettings {
  /** Minimum time between two reads. */
  readonly minIntervalMs: number;
  /** Maximum time of one read. */
  readonly timeoutMs: number;
  /** IANA zone for an ECU that does not report its own. */
  readonly zone: string;
}

export interface MonitorOptions {
  /** Name of the ECU in log and metrics. */
  readonly ecu: string;
  /** Reads the ECU. */
  readonly read: (options: MonitorReadOptions) => Promise<Replies>;
  /** Called each time a setting is needed. */
  readonly settings: () => MonitorSettings;
  readonly clock: Clock;
  readonly log: Logger;
  /** What an earlier process remembered of this ECU. */
  readonly remembered?: Memory | undefined;
  /** Called after each read with what must be remembered. */
  readonly onMemory?: ((memory: Memory) => void) | undefined;
}

/** The part of a read's options that the monitor gives. */
type MonitorReadOptions = Pick<ReadOptions, "signal" | "knownId" | "onAttempt" | "onProgress">;

/** @see createMonitor */
export interface Monitor {
  readonly ecu: string;
  /**
   * The state of the ECU now: from a new read, from the one in flight, or from the last one while that is younger than
   * the minimum interval. When `until` aborts, what has been read by then. Never throws.
   */
  observe(until: AbortSignal): Promise<Observation>;
  /** The last observation, without a read; `undefined` before the first read. */
  last(): Observation | undefined;
  /** Whether a read is in flight. */
  isReading(): boolean;
  /** Whether nothing is in flight and nothing is fresh: it could be dropped without an early next read. */
  isIdle(): boolean;
  /** Aborts a read in flight. */
  close(): void;
}

interface Run {
  replies: Replies;
  /** Result of these replies so far; computed once for all scrapes that cannot wait longer. */
  partial?: { readonly replies: Replies; readonly observation: Observation };
  readonly limit: AbortController;
  readonly done: Promise<void>;
}

interface Ended {
  readonly observation: Observation;
  /** By both clocks: one jumps when it is set, the other stops while the machine sleeps. */
  readonly at: { readonly wall: number; readonly monotonic: number };
}

/** Creates the monitor of one ECU. Nothing is read before the first `observe`. */
export const createMonitor = (options: MonitorOptions): Monitor => {
  const { ecu, clock, settings, log } = options;
  const counters = createQueryCounters();
  const readLog = createReadLog(ecu, log);
  let isClosed = false;
  let memory = options.remembered ?? noMemory;
  let run: Run | undefined;
  let ended: Ended | undefined;

  /** A bug in the pipeline must neither fail a scrape nor cause the ECU to be read again at once. */
  const evaluate = (replies: Replies): Observed & { readonly usable: Replies } => {
    try {
      const { zone } = settings();
      const times = { now: clock.now(), monotonic: clock.monotonic() };
      return { ...observe({ replies, memory, zone, ...times }), usable: replies };
    } catch (error) {
      log.error({ ecu, err: error }, "bug in the exporter: the replies could not be evaluated");
      const reading = { inverters: [], notes: [] };
      return { up: false, reading, queries: queryStates({}), memory, rejected: [], usable: {} };
    }
  };
  const complete = ({ up, reading, queries }: Observed): Observation => ({
    ecu,
    up,
    reading,
    queries,
    readAt: clock.now() / 1000,
    counters,
  });

  const finish = (replies: Replies): void => {
    const observed = evaluate(replies);
    memory = observed.memory;
    options.onMemory?.(memory);
    for (const field of observed.rejected) counters.rejected[field]++;
    const observation = complete(observed);
    ended = { observation, at: { wall: clock.now(), monotonic: clock.monotonic() } };
    if (!isClosed) readLog.record(observed.usable, observation.reading, clock.now());
  };

  const isFresh = ({ at }: Ended): boolean => {
    const { minIntervalMs } = settings();
    return (
      clock.monotonic() - at.monotonic < minIntervalMs && clock.now() - at.wall < minIntervalMs
    );
  };

  const observePartial = (current: Run): Observation => {
    const { replies } = current;
    if (current.partial?.replies !== replies) {
      current.partial = { replies, observation: complete(evaluate(replies)) };
    }
    return current.partial.observation;
  };

  const start = (): Run => {
    const limit = new AbortController();
    const { signal } = limit;
    void clock.sleep(settings().timeoutMs, signal).then(() => limit.abort());
    const started: Run = { replies: {}, limit, done: Promise.resolve() };
    const done = options
      .read({
        signal,
        knownId: memory.ecuId,
        onAttempt: (query, error) => {
          counters.attempts[query]++;
          if (error) counters.errors[query][error.reason]++;
        },
        onProgress: (replies) => {
          started.replies = replies;
        },
      })
      .catch((error: unknown): Replies => {
        log.error({ ecu, err: error }, "bug in the exporter: the read failed");
        return started.replies;
      })
      .then(finish)
      .finally(() => {
        limit.abort();
        run = undefined;
      });
    return Object.assign(started, { done });
  };

  return {
    ecu,
    observe: async (until) => {
      if (run !== undefined) counters.sharedReads++;
      else if (ended !== undefined && isFresh(ended)) {
        counters.sharedReads++;
        return ended.observation;
      } else run = start();
      const current = run;
      await doneOrAborted(current.done, until);
      return run === current || ended === undefined ? observePartial(current) : ended.observation;
    },
    last: () => ended?.observation,
    isReading: () => run !== undefined,
    isIdle: () => run === undefined && (ended === undefined || !isFresh(ended)),
    close: () => {
      isClosed = true;
      run?.limit.abort();
    },
  };
};

/** Waits for the work to be done, but not after the signal aborts. */
const doneOrAborted = async (done: Promise<void>, signal: AbortSignal): Promise<void> => {
  if (signal.aborted) return;
  let onAbort = (): void => {};
  const aborted = new Promise<void>((resolve) => {
    onAbort = resolve;
  });
  signal.addEventListener("abort", onAbort);
  try {
    await Promise.race([done, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
};
