/** One ECU over time: scrapes share a read, reads keep a minimum interval, and each read leaves a memory for the next. */
import type { Logger } from "pino";
import type { Clock } from "../time/clock.ts";
import {
  countAttempt,
  countRejected,
  createQueryCounters,
  type WritableQueryCounters,
} from "./counters.ts";
import { type Memory, noMemory } from "./memory.ts";
import {
  areAllOffline,
  createObservation,
  type Observation,
  type ObserveResult,
  observe,
} from "./observe.ts";
import type { EcuReadOptions, Replies } from "./read.ts";
import { createReadLog } from "./read-log.ts";

/** The settings that may change while an ECU is monitored. */
export interface MonitorSettings {
  /** Minimum time between two reads. */
  readonly minIntervalMs: number;
  /** Minimum time between two reads while all inverters are offline, if it is longer than the other one. */
  readonly nightIntervalMs: number;
  /** Maximum time of one read. */
  readonly timeoutMs: number;
  /** IANA zone for an ECU that does not report its own. */
  readonly zone: string;
  /** Whether that zone was configured for the ECU. */
  readonly isZoneSet?: boolean;
}

export interface MonitorOptions {
  /** Name of the ECU in log and metrics. */
  readonly ecu: string;
  /** Reads the ECU. */
  readonly read: (options: MonitorReadOptions) => Promise<Replies>;
  /** Returns the current settings; called each time that one is needed. */
  readonly settings: () => MonitorSettings;
  readonly clock: Clock;
  readonly log: Logger;
  /** Where the memory is kept. Without it, the memory ends with the monitor. */
  readonly memory?: MonitorMemory | undefined;
}

/** The memory of an ECU from read to read. */
export interface MonitorMemory {
  recall(): Memory;
  /** Called after each read. Must not throw. */
  remember(memory: Memory): void;
}

const createOwnMemory = (): MonitorMemory => {
  let memory = noMemory;
  return {
    recall: () => memory,
    remember: (latest) => {
      memory = latest;
    },
  };
};

/** The options of a read that the monitor sets. */
type MonitorReadOptions = Pick<EcuReadOptions, "signal" | "knownId" | "onAttempt" | "onProgress">;

/** @see createMonitor */
export interface Monitor {
  readonly ecu: string;
  /**
   * The state of the ECU now: from a new read, from the one in flight, or from the last one if it is younger than the
   * minimum interval, or than the night interval if it found all inverters offline. When `until` aborts, what has been
   * read so far. Never throws.
   */
  observe(until: AbortSignal): Promise<Observation>;
  /** The last observation, without a read; `undefined` before the first read. */
  last(): Observation | undefined;
  /** Whether a read is in flight. */
  isReading(): boolean;
  /**
   * Unix time in seconds until which `observe` returns the last read because all inverters were offline in it.
   * `undefined` if only the minimum interval applies.
   */
  quietUntil(): number | undefined;
  /** Whether no read is in flight and the minimum interval has passed. An idle monitor can be dropped. */
  isIdle(): boolean;
  /** Aborts a read in flight. */
  close(): void;
}

/** A read in flight. */
interface Run {
  /** The replies so far. */
  readonly replies: () => Replies;
  /** Ends with the replies, within the maximum time of a read. Never rejects. */
  readonly done: Promise<Replies>;
  abort(): void;
}

interface EndedRead {
  readonly observation: Observation;
  /** By both clocks: the wall clock jumps when it is set, the other stops while the machine sleeps. */
  readonly at: { readonly wall: number; readonly monotonic: number };
}

/** Creates the monitor of one ECU. Nothing is read until the first `observe`. */
export const createMonitor = (options: MonitorOptions): Monitor => {
  const { ecu, clock, settings } = options;
  const counters = createQueryCounters();
  const readLog = createReadLog(ecu, options.log);
  const evaluator = createEvaluator(options, counters);
  let isClosed = false;
  let current: { readonly run: Run; readonly finished: Promise<void> } | undefined;
  let ended: EndedRead | undefined;

  const finish = (replies: Replies): void => {
    const { observation, usable } = evaluator.conclude(replies);
    ended = { observation, at: { wall: clock.now(), monotonic: clock.monotonic() } };
    if (!isClosed) readLog.record(usable, observation.reading, clock.now());
  };
  const start = () => {
    const run = startRun(options, evaluator.knownId(), counters);
    const finished = run.done.then(finish).finally(() => {
      current = undefined;
    });
    return { run, finished };
  };
  const ageMs = ({ at }: EndedRead): number =>
    Math.max(clock.monotonic() - at.monotonic, clock.now() - at.wall);
  const isFresh = (read: EndedRead): boolean => ageMs(read) < intervalAfter(read, settings());

  return {
    ecu,
    observe: async (until) => {
      if (current !== undefined) counters.sharedReads++;
      else if (ended !== undefined && isFresh(ended)) {
        counters.sharedReads++;
        return ended.observation;
      } else current = start();
      const awaited = current;
      await doneOrAborted(awaited.finished, until);
      const isInFlight = current === awaited;
      return isInFlight || ended === undefined
        ? evaluator.observePartial(awaited.run.replies())
        : ended.observation;
    },
    last: () => ended?.observation,
    isReading: () => current !== undefined,
    quietUntil: () => {
      if (current !== undefined || ended === undefined) return undefined;
      const intervalMs = intervalAfter(ended, settings());
      const remainingMs = intervalMs - ageMs(ended);
      return intervalMs > settings().minIntervalMs && remainingMs > 0
        ? (clock.now() + remainingMs) / 1000
        : undefined;
    },
    // A target that is probed ad hoc may give its place to another one at night too: the night interval does not count.
    isIdle: () =>
      current === undefined && (ended === undefined || ageMs(ended) >= settings().minIntervalMs),
    close: () => {
      isClosed = true;
      current?.run.abort();
    },
  };
};

/** Minimum time from the end of a read to the start of the next one. */
const intervalAfter = (
  { observation }: EndedRead,
  { minIntervalMs, nightIntervalMs }: MonitorSettings,
): number =>
  areAllOffline(observation) ? Math.max(minIntervalMs, nightIntervalMs) : minIntervalMs;

/** Starts a read. It ends within the maximum time of a read, whatever the ECU does. */
const startRun = (
  { ecu, read, settings, clock, log }: MonitorOptions,
  knownId: Memory["ecuId"],
  counters: WritableQueryCounters,
): Run => {
  const limit = new AbortController();
  const cancelLimit = clock.schedule(settings().timeoutMs, () => limit.abort());
  let current: Replies = {};
  const done = read({
    signal: limit.signal,
    knownId,
    onAttempt: (query, error) => countAttempt(counters, query, error),
    onProgress: (replies) => {
      current = replies;
    },
  })
    .catch((error: unknown): Replies => {
      log.error({ ecu, err: error }, "bug in the exporter: the read failed");
      return current;
    })
    .finally(cancelLimit);
  return { replies: () => current, done, abort: () => limit.abort() };
};

/** Turns replies into observations, and carries the memory from one read to the next. */
const createEvaluator = (
  { ecu, settings, clock, log, memory = createOwnMemory() }: MonitorOptions,
  counters: WritableQueryCounters,
) => {
  /** The observation of incomplete replies, computed once for all scrapes that cannot wait longer. */
  let partial: { readonly replies: Replies; readonly observation: Observation } | undefined;

  const evaluate = (replies: Replies): ObserveResult =>
    observe({
      ...settings(),
      replies,
      memory: memory.recall(),
      now: clock.now(),
      monotonic: clock.monotonic(),
    });
  /** A bug in the pipeline must neither fail a scrape nor cause the ECU to be read again at once. */
  const evaluateSafely = (replies: Replies): ObserveResult & { readonly usable: Replies } => {
    try {
      return { ...evaluate(replies), usable: replies };
    } catch (error) {
      log.error({ ecu, err: error }, "bug in the exporter: the replies could not be evaluated");
      return { ...evaluate({}), usable: {} };
    }
  };
  const complete = (result: ObserveResult): Observation =>
    createObservation(result, { ecu, readAt: clock.now() / 1000, counters });

  return {
    /** The id by which the ECU is known from earlier reads. */
    knownId: () => memory.recall().ecuId,
    /** Evaluates the replies so far of a read in flight. The memory stays as it is. */
    observePartial: (replies: Replies): Observation => {
      if (partial?.replies !== replies) {
        partial = { replies, observation: complete(evaluateSafely(replies)) };
      }
      return partial.observation;
    },
    /** Evaluates the replies of a read that has ended, and keeps its memory. */
    conclude: (
      replies: Replies,
    ): { readonly observation: Observation; readonly usable: Replies } => {
      const result = evaluateSafely(replies);
      memory.remember(result.memory);
      countRejected(counters, result.rejected);
      partial = undefined;
      return { observation: complete(result), usable: result.usable };
    },
  };
};

/** Waits until the work is done or the signal aborts. */
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
