/**
 * The way from replies to what is exported: join, validate, count as up or not. Pure: the exporter, the tools and the
 * simulated year of the alert rules run the same steps.
 */

import type { QueryCounters } from "./counters.ts";
import { describeError, type QueryError } from "./errors.ts";
import { type Query, queries, type Replies } from "./read.ts";
import { joinReplies, type Reading } from "./reading.ts";
import { dropImplausible, type Field, type Memory, validateCounters } from "./validate.ts";

/** One result for an ECU: what was read, how each query went, and the counts so far. */
export interface Observation {
  /** The configured name, else the address as given. */
  readonly ecu: string;
  /** 0001 and 0002 both got a valid reply in this read; status 02, "no data yet", is valid. */
  readonly up: boolean;
  readonly reading: Reading;
  readonly queries: Readonly<Record<Query, QueryState>>;
  /** Unix time in seconds at which the read ended, or of this result while the read goes on. */
  readonly readAt: number;
  readonly counters: QueryCounters;
}

/** How one query went in this read. Without a duration it has no result: it was not sent, or not yet. */
export interface QueryState {
  readonly success: boolean;
  readonly durationSeconds?: number;
  /** What went wrong and what to do, in words. */
  readonly problem?: string;
  readonly error?: QueryError;
}

export interface ObserveInput {
  readonly replies: Replies;
  /** What earlier reads of this ECU left. */
  readonly memory: Memory;
  /** IANA zone for an ECU that does not report its own. */
  readonly zone: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Milliseconds of a clock that never jumps, for the age of what is remembered. */
  readonly monotonic: number;
}

/** What replies mean, and what must be remembered for the next read. */
export interface Observed extends Pick<Observation, "up" | "reading" | "queries"> {
  readonly memory: Memory;
  /** A field name for each value that was withheld. */
  readonly rejected: readonly Field[];
}

/** Turns the replies of a read, so far or in full, into what is exported. */
export const observe = ({ replies, memory, zone, now, monotonic }: ObserveInput): Observed => {
  const joined = joinReplies(replies, { zone, knownZone: memory.zone, now });
  const plausible = dropImplausible(joined);
  const counted = validateCounters(memory, plausible.reading, monotonic);
  return {
    up: replies.info?.ok === true && replies.realtime?.ok === true,
    reading: counted.reading,
    queries: queryStates(replies),
    memory: counted.memory,
    rejected: [...plausible.rejected, ...counted.rejected],
  };
};

/** How each query of a read went. */
export const queryStates = (replies: Replies): Observation["queries"] =>
  Object.fromEntries(
    queries.map((query) => [query, queryState(replies[query])]),
  ) as Observation["queries"];

const queryState = (outcome: Replies[Query]): QueryState => {
  if (outcome === undefined) return { success: false };
  const durationSeconds = Math.round(outcome.durationMs * 1000) / 1e6; // whole microseconds
  if (outcome.ok) return { success: true, durationSeconds };
  const { error } = outcome;
  return { success: false, durationSeconds, problem: describeError(error), error };
};

/** Whether the ECU has no data yet: it was just started, or has no inverters. It has no signal levels then, either. */
export const isWaitingForData = ({ up, reading }: Pick<Observation, "up" | "reading">): boolean =>
  up && (reading.lastReportAt ?? reading.lastReportLocal) === undefined;
