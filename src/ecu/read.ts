/** One read of an ECU: which questions, in which order, and the verdict on each. */
import type { Messages } from "../protocol/replies.ts";
import { type AskOptions, ask, type Outcome } from "./ask.ts";
import type { QueryError, Reason } from "./errors.ts";

/** The questions of a read, in the order they are asked. */
export const queries = ["info", "realtime", "signal"] as const;
export type Query = (typeof queries)[number];

/** The outcomes of a read so far; a query that was not asked (yet) is absent. */
export type Replies = { readonly [Q in Query]?: Outcome<Messages[Q]> };

export interface ReadOptions extends AskOptions {
  /** The id that this ECU had before, for when its base information cannot be read but it does answer. */
  readonly knownId: string | undefined;
  /** Told of every attempt, with its error where it failed. */
  readonly onAttempt: (query: Query, error: QueryError | undefined) => void;
  /** Told of what is known each time a query has its verdict. */
  readonly onProgress: (replies: Replies) => void;
}

/** The ECU was not reached at all: further questions would only wait too. */
const UNREACHED: ReadonlySet<Reason> = new Set<Reason>(["refused", "unreachable", "timeout"]);

/** Asks 0001, 0002 and 0030 (protocol document, 9.1). A query that fails loses nothing of the others. Never throws. */
export const readEcu = async (options: ReadOptions): Promise<Replies> => {
  let replies: Replies = {};
  const put = async <Q extends Query>(
    query: Q,
    ecuId?: string,
  ): Promise<Outcome<Messages[Q]> | undefined> => {
    if (options.signal.aborted) return undefined;
    const onAttempt = (error: QueryError | undefined) => options.onAttempt(query, error);
    const outcome = await ask(query, { ecuId, onAttempt }, options);
    replies = { ...replies, [query]: outcome };
    options.onProgress(replies);
    return outcome;
  };

  const info = await put("info");
  const ecuId = idFrom(info, options.knownId);
  if (ecuId === undefined) return replies;
  let askedId = ecuId;
  let realtime = await put("realtime", askedId);
  if (realtime?.ok === false && realtime.error.reason === "id_mismatch") {
    // The ECU was replaced since, or another client's reply was taken for ours: ask again who it is, once.
    askedId = idFrom(await put("info"), undefined) ?? askedId;
    realtime = await put("realtime", askedId);
  }
  await put("signal", askedId);
  return replies;
};

const idFrom = (
  info: Outcome<Messages["info"]> | undefined,
  knownId: string | undefined,
): string | undefined => {
  if (info?.ok) return info.value.ecuId;
  return info === undefined || UNREACHED.has(info.error.reason) ? undefined : knownId;
};
