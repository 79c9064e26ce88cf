/** One read of an ECU: which queries, in which order, and the outcome of each. */
import type { Messages } from "../protocol/replies.ts";
import type { QueryError, Reason } from "./errors.ts";
import { type Outcome, type QueryOptions, query as sendQuery } from "./query.ts";

/** The queries of a read, in the order they are sent. */
export const queries = ["info", "realtime", "signal"] as const;
export type Query = (typeof queries)[number];

/** The outcomes of a read so far; a query that was not sent (yet) is absent. */
export type Replies = { readonly [Q in Query]?: Outcome<Messages[Q]> };

export interface EcuReadOptions extends QueryOptions {
  /** The id that this ECU had before, for a read in which 0001 fails but the ECU replies. */
  readonly knownId: string | undefined;
  /** Called after every attempt, with its error where it failed. */
  readonly onAttempt: (query: Query, error: QueryError | undefined) => void;
  /** Called with all outcomes so far, after each query. */
  readonly onProgress: (replies: Replies) => void;
}

/** The ECU was not reached at all: further queries would only wait too. */
const UNREACHED: ReadonlySet<Reason> = new Set<Reason>(["refused", "unreachable", "timeout"]);

/** Queries 0001, 0002 and 0030 (docs/protocol.md#reading-an-ecu). A failed query does not affect the others. Never throws. */
export const readEcu = async (options: EcuReadOptions): Promise<Replies> => {
  let replies: Replies = {};
  const send = async <Q extends Query>(
    query: Q,
    ecuId?: string,
  ): Promise<Outcome<Messages[Q]> | undefined> => {
    if (options.signal.aborted) return undefined;
    const onAttempt = (error: QueryError | undefined) => options.onAttempt(query, error);
    const outcome = await sendQuery(query, { ecuId, onAttempt }, options);
    replies = { ...replies, [query]: outcome };
    options.onProgress(replies);
    return outcome;
  };

  const info = await send("info");
  const ecuId = ecuIdFrom(info, options.knownId);
  if (ecuId === undefined) return replies;
  let currentId = ecuId;
  let realtime = await send("realtime", currentId);
  if (realtime?.ok === false && realtime.error.reason === "id_mismatch") {
    // The ECU was replaced, or another client's reply was taken for ours: get the id again, once.
    currentId = ecuIdFrom(await send("info"), undefined) ?? currentId;
    realtime = await send("realtime", currentId);
  }
  await send("signal", currentId);
  return replies;
};

const ecuIdFrom = (
  info: Outcome<Messages["info"]> | undefined,
  knownId: string | undefined,
): string | undefined => {
  if (info?.ok) return info.value.ecuId;
  return info === undefined || UNREACHED.has(info.error.reason) ? undefined : knownId;
};
