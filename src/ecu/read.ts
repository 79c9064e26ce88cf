/** One read of an ECU: which questions, in which order, and the verdict on each. */
import { ProtocolError } from "../protocol/errors.ts";
import { decodeReply, type Messages } from "../protocol/replies.ts";
import { encodeRequest } from "../protocol/requests.ts";
import type { Clock } from "./clock.ts";
import { QueryError, type Reason } from "./errors.ts";
import type { RawReply } from "./exchange.ts";

/** The questions of a read, in the order they are asked. */
export const queries = ["info", "realtime", "signal"] as const;
export type Query = (typeof queries)[number];

/** What became of one query. The duration is from its first attempt to the verdict, retries included. */
export type Outcome<T> =
  | { readonly ok: true; readonly value: T; readonly durationMs: number }
  | { readonly ok: false; readonly error: QueryError; readonly durationMs: number };

/** The outcomes of a read so far; a query that was not asked (yet) is absent. */
export type Replies = { readonly [Q in Query]?: Outcome<Messages[Q]> };

/** Sends a request and gives the bytes of its reply. @throws QueryError */
export type Exchange = (request: Uint8Array, signal: AbortSignal) => Promise<RawReply>;

export interface ReadOptions {
  readonly exchange: Exchange;
  readonly clock: Pick<Clock, "monotonic" | "sleep">;
  /** Further attempts at a query that failed for a reason that may pass. */
  readonly retries: number;
  readonly retryPauseMs: number;
  /** Ends the read. */
  readonly signal: AbortSignal;
  /** The id that this ECU had before, for when its base information cannot be read but it does answer. */
  readonly knownId: string | undefined;
  /** Told of every attempt, with its error where it failed. */
  readonly onAttempt: (query: Query, error: QueryError | undefined) => void;
  /** Told of what is known each time a query has its verdict. */
  readonly onProgress: (replies: Replies) => void;
}

/** A retry cannot change these answers. */
const FINAL: ReadonlySet<Reason> = new Set<Reason>(["status", "id_mismatch"]);
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
    const outcome = await ask(query, ecuId, options);
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

const ask = async <Q extends Query>(
  query: Q,
  ecuId: string | undefined,
  options: ReadOptions,
): Promise<Outcome<Messages[Q]>> => {
  const { clock, signal, retries } = options;
  const begun = clock.monotonic();
  const request = encodeRequest(query, ecuId);
  for (let attempt = 0; ; attempt++) {
    try {
      const value = await once(query, request, options);
      options.onAttempt(query, undefined);
      return { ok: true, value, durationMs: clock.monotonic() - begun };
    } catch (error) {
      if (!(error instanceof QueryError)) throw error;
      options.onAttempt(query, error);
      if (attempt < retries && !FINAL.has(error.reason))
        await clock.sleep(options.retryPauseMs, signal);
      if (attempt >= retries || FINAL.has(error.reason) || signal.aborted) {
        return { ok: false, error, durationMs: clock.monotonic() - begun };
      }
    }
  }
};

const once = async <Q extends Query>(
  query: Q,
  request: Uint8Array,
  { exchange, signal }: ReadOptions,
): Promise<Messages[Q]> => {
  const { bytes } = await exchange(request, signal);
  try {
    return decodeReply(query, bytes);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new QueryError(`the reply to "${query}" is of no use: ${error.message}`, {
      cause: error,
      reason: error.reason,
      received: bytes,
    });
  }
};
