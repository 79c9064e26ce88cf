/** One ECU, watched: shares a read among all who ask, asks no more often than allowed, and remembers what glitches need. */
import type { Logger } from "pino";
import type { Clock } from "../time/clock.ts";
import { type QueryError, tell } from "./errors.ts";
import { createJournal } from "./journal.ts";
import { judgeCounters, type Memory, noMemory, withholdImplausible } from "./plausible.ts";
import { type Query, queries, type ReadOptions, type Replies } from "./read.ts";
import { joinReplies, type Reading } from "./reading.ts";
import { createTally, type Tally } from "./tally.ts";

/** One answer about an ECU: what was read, how each query went, and the counts so far. */
export interface Observation {
  /** The configured name, else the address as given. */
  readonly ecu: string;
  /** 0001 and 0002 both gave a valid reply in this read; status 02, "no data yet", is valid. */
  readonly up: boolean;
  readonly reading: Reading;
  readonly queries: Readonly<Record<Query, QueryState>>;
  /** Unix time in seconds at which the read ended, or of this answer while it goes on. */
  readonly readAt: number;
  readonly tally: Tally;
}

/** How one query went in this read. Without a duration it has no verdict: it was not asked, or not yet. */
export interface QueryState {
  readonly success: boolean;
  readonly durationSeconds?: number;
  /** What went wrong, in words. */
  readonly problem?: string;
  readonly error?: QueryError;
}

/** Times and zone may be given by getters: each is looked at when it is needed. */
export interface MonitorOptions {
  readonly ecu: string;
  /** Asks the ECU; the monitor adds what only it knows. */
  readonly read: (options: MonitorHalf) => Promise<Replies>;
  readonly minIntervalMs: number;
  /** Longest time that one read may take. */
  readonly timeoutMs: number;
  /** IANA zone for ECUs that do not tell theirs. */
  readonly zone: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** What an earlier process remembered of this ECU. */
  readonly remembered?: Memory | undefined;
  /** Told after each read what must be remembered. */
  readonly onMemory?: ((memory: Memory) => void) | undefined;
}

type MonitorHalf = Pick<ReadOptions, "signal" | "knownId" | "onAttempt" | "onProgress">;

export interface Monitor {
  readonly ecu: string;
  /**
   * What the ECU says now: from a read of its own, from the one in flight, or from the last one while that is younger
   * than the minimum interval. When `until` aborts, what has been read by then. Never throws.
   */
  observe(until: AbortSignal): Promise<Observation>;
  /** The last answer, without asking the ECU; `undefined` before the first read. */
  last(): Observation | undefined;
  /** Whether a read is in flight. */
  isReading(): boolean;
  /** Whether it could be forgotten without the ECU being asked too soon again: nothing is in flight, nothing is fresh. */
  isIdle(): boolean;
  /** Ends a read in flight. */
  close(): void;
}

interface Run {
  replies: Replies;
  /** What these replies come to so far; made once for all who cannot wait longer. */
  partial?: { readonly replies: Replies; readonly observation: Observation };
  readonly limit: AbortController;
  readonly done: Promise<void>;
}

interface Ended {
  readonly observation: Observation;
  /** By both clocks: one jumps when it is set, the other stands still while the machine sleeps. */
  readonly at: { readonly wall: number; readonly monotonic: number };
}

/** @see Monitor */
export const createMonitor = (options: MonitorOptions): Monitor => {
  const { ecu, clock } = options;
  const tally = createTally();
  const journal = createJournal(ecu, options.log);
  let isClosed = false;
  let memory = options.remembered ?? noMemory;
  let run: Run | undefined;
  let ended: Ended | undefined;

  const observationOf = (replies: Replies, reading: Reading): Observation => ({
    ecu,
    up: replies.info?.ok === true && replies.realtime?.ok === true,
    reading,
    queries: Object.fromEntries(queries.map((query) => [query, stateOf(replies[query])])) as Record<
      Query,
      QueryState
    >,
    readAt: clock.now() / 1000,
    tally,
  });

  /** A fault in here must neither fail a scrape nor let the ECU be asked again at once. */
  const judge = (replies: Replies) => {
    try {
      const zones = { zone: options.zone, knownZone: memory.zone };
      const joined = joinReplies(replies, { ...zones, now: clock.now() });
      const plausible = withholdImplausible(joined);
      const counted = judgeCounters(memory, plausible.reading, clock.monotonic());
      const rejected = [...plausible.rejected, ...counted.rejected];
      const observation = observationOf(replies, counted.reading);
      return { observation, rejected, memory: counted.memory, usable: replies };
    } catch (error) {
      options.log.error({ ecu, err: error }, "the replies broke the exporter: a fault of its own");
      const observation = observationOf({}, { inverters: [], notes: [] });
      return { observation, rejected: [], memory, usable: {} };
    }
  };

  const finish = (replies: Replies): void => {
    const judged = judge(replies);
    memory = judged.memory;
    options.onMemory?.(memory);
    for (const field of judged.rejected) tally.rejected[field]++;
    const { observation } = judged;
    ended = { observation, at: { wall: clock.now(), monotonic: clock.monotonic() } };
    if (!isClosed) journal.record(judged.usable, observation.reading, clock.now());
  };

  const isFresh = ({ at }: Ended): boolean =>
    clock.monotonic() - at.monotonic < options.minIntervalMs &&
    clock.now() - at.wall < options.minIntervalMs;

  const partialOf = (current: Run): Observation => {
    const { replies } = current;
    if (current.partial?.replies !== replies) {
      current.partial = { replies, observation: judge(replies).observation };
    }
    return current.partial.observation;
  };

  const start = (): Run => {
    const limit = new AbortController();
    const { signal } = limit;
    void clock.sleep(options.timeoutMs, signal).then(() => limit.abort());
    const begun: Run = { replies: {}, limit, done: Promise.resolve() };
    const done = options
      .read({
        signal,
        knownId: memory.ecuId,
        onAttempt: (query, error) => {
          tally.attempts[query]++;
          if (error) tally.errors[query][error.reason]++;
        },
        onProgress: (replies) => {
          begun.replies = replies;
        },
      })
      .catch((error: unknown): Replies => {
        options.log.error({ ecu, err: error }, "the read broke off: a fault of the exporter");
        return begun.replies;
      })
      .then(finish)
      .finally(() => {
        limit.abort();
        run = undefined;
      });
    return Object.assign(begun, { done });
  };

  return {
    ecu,
    observe: async (until) => {
      if (run !== undefined) tally.sharedReads++;
      else if (ended !== undefined && isFresh(ended)) {
        tally.sharedReads++;
        return ended.observation;
      } else run = start();
      const current = run;
      await doneOrAborted(current.done, until);
      return run === current || ended === undefined ? partialOf(current) : ended.observation;
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

const stateOf = (outcome: Replies[Query]): QueryState => {
  if (outcome === undefined) return { success: false };
  const durationSeconds = Math.round(outcome.durationMs * 1000) / 1e6; // whole microseconds
  return outcome.ok
    ? { success: true, durationSeconds }
    : { success: false, durationSeconds, problem: tell(outcome.error), error: outcome.error };
};

/** Waits for the work to be done, but not after the signal aborts. */
const doneOrAborted = async (done: Promise<void>, signal: AbortSignal): Promise<void> => {
  if (signal.aborted) return;
  let giveUp = (): void => {};
  const aborted = new Promise<void>((resolve) => {
    giveUp = resolve;
  });
  signal.addEventListener("abort", giveUp);
  try {
    await Promise.race([done, aborted]);
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
};
