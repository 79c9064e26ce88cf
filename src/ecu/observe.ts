/**
 * The pipeline from the replies of one read to what is exported: join, validate, decide whether the ECU is up. It is
 * pure. The exporter, `read`, `doctor` and the simulated year of the alert rules all run it.
 */
import type { QueryCounters } from "./counters.ts";
import { validateCounters } from "./energy-counters.ts";
import { describeError, type QueryError } from "./errors.ts";
import type { Memory } from "./memory.ts";
import { type Query, queries, type Replies } from "./read.ts";
import { joinReplies, type Reading } from "./reading.ts";
import { dropImplausible, type Field } from "./validate.ts";

/** The state of one ECU: what was read, how each query went, and the counts so far. */
export interface Observation {
  /** The configured name, or the address as it was configured. */
  readonly ecu: string;
  /** Whether 0001 and 0002 both got a valid reply in this read. Status 02, "no data yet", is valid. */
  readonly up: boolean;
  readonly reading: Reading;
  readonly queries: Readonly<Record<Query, QueryState>>;
  /** Unix time in seconds of the end of the read, or of this observation if the read has not ended. */
  readonly readAt: number;
  /** The live counters of the ECU: they may have increased since `readAt`. */
  readonly counters: QueryCounters;
}

/** How one query of a read went. Without a duration it has no result: it was not sent, or is still in flight. */
export interface QueryState {
  readonly success: boolean;
  /** Retries included. */
  readonly durationSeconds?: number;
  /** What failed and what to do, in words. */
  readonly problem?: string;
  readonly error?: QueryError;
}

export interface ObserveInput {
  readonly replies: Replies;
  /** What the earlier reads of this ECU left. */
  readonly memory: Memory;
  /** IANA time zone for an ECU that does not report its own. */
  readonly zone: string;
  /** Whether that zone was configured for the ECU. */
  readonly isZoneSet?: boolean;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Milliseconds of a clock that never jumps, for the age of the memory. */
  readonly monotonic: number;
}

/** The result of one read, and the memory for the next. */
export interface ObserveResult extends Pick<Observation, "up" | "reading" | "queries"> {
  readonly memory: Memory;
  /** One field name for each value that was dropped. */
  readonly rejected: readonly Field[];
}

/** Evaluates the replies of a read. The read may still be in flight: a missing reply is one that failed. */
export const observe = (input: ObserveInput): ObserveResult => {
  const { replies, memory, monotonic } = input;
  const joined = joinReplies(replies, { ...input, knownZone: memory.zone });
  const plausible = dropImplausible(joined);
  const validated = validateCounters(memory, plausible.reading, monotonic);
  return {
    up: replies.info?.ok === true && replies.realtime?.ok === true,
    reading: validated.reading,
    queries: describeQueries(replies),
    memory: validated.memory,
    rejected: [...plausible.rejected, ...validated.rejected],
  };
};

/** Completes the result of a read to an observation of an ECU. */
export const createObservation = (
  { up, reading, queries }: ObserveResult,
  { ecu, readAt, counters }: Pick<Observation, "ecu" | "readAt" | "counters">,
): Observation => ({ ecu, up, reading, queries, readAt, counters });

const describeQueries = (replies: Replies): Observation["queries"] =>
  Object.fromEntries(
    queries.map((query) => [query, describeQuery(replies[query])]),
  ) as Observation["queries"];

const describeQuery = (outcome: Replies[Query]): QueryState => {
  if (outcome === undefined) return { success: false };
  const durationSeconds = Math.round(outcome.durationMs * 1000) / 1e6; // whole microseconds
  if (outcome.ok) return { success: true, durationSeconds };
  const { error } = outcome;
  return { success: false, durationSeconds, problem: describeError(error), error };
};

/** Whether the ECU has no data yet: it has just started, or has no inverters. It then rejects the query of signals, too. */
export const isWaitingForData = ({ up, reading }: Pick<Observation, "up" | "reading">): boolean =>
  up && (reading.lastReportAt ?? reading.lastReportLocal) === undefined;

/** Whether the ECU counts inverters but sends an empty list of them, as some firmware does (docs/protocol.md#faults-of-real-ecus). */
export const hasEmptyList = ({ up, reading }: Pick<Observation, "up" | "reading">): boolean =>
  up && reading.listed === 0 && (reading.registeredByInfo ?? 0) > 0;

/**
 * Whether the ECU reported every registered inverter as offline, as at night. A failed read, an empty table and a table
 * with a lost record do not show that. With power in the last completed round, a round is under way: an inverter of an
 * ECU-R is offline until its turn in the round (docs/protocol.md#online-flag).
 */
export const areAllOffline = ({ up, reading }: Pick<Observation, "up" | "reading">): boolean => {
  const { inverters, registered = 0, powerWatts } = reading;
  return (
    up &&
    powerWatts === 0 &&
    inverters.length > 0 &&
    inverters.length >= registered &&
    inverters.every(({ online }) => online === false)
  );
};
