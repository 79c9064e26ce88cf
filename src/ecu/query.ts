/** One query to an ECU, repeated where that may help, and its outcome. */
import { ProtocolError } from "../protocol/errors.ts";
import { decodeReply, type Messages } from "../protocol/replies.ts";
import { type Command, encodeRequest } from "../protocol/requests.ts";
import type { Clock } from "../time/clock.ts";
import type { RawReply } from "./client.ts";
import { QueryError, type Reason } from "./errors.ts";

/** How a query ended. The duration is from its first attempt to the end, retries included. */
export type Outcome<T> =
  | { readonly ok: true; readonly value: T; readonly durationMs: number }
  | { readonly ok: false; readonly error: QueryError; readonly durationMs: number };

/** Sends a request and gives the bytes of its reply. @throws QueryError */
export type Exchange = (request: Uint8Array, signal: AbortSignal) => Promise<RawReply>;

export interface QueryOptions {
  readonly exchange: Exchange;
  readonly clock: Pick<Clock, "monotonic" | "sleep">;
  /** Further attempts at a query that failed for a reason that may pass. */
  readonly retries: number;
  /** Between two attempts; 2 s where it is not set. */
  readonly retryPauseMs?: number | undefined;
  /** Ends the query. */
  readonly signal: AbortSignal;
}

/** What a command carries, where it needs that. */
export interface QueryParams {
  readonly ecuId?: string | undefined;
  readonly parameter?: string | undefined;
  /** Called after every attempt, with its error where it failed. */
  readonly onAttempt?: (error: QueryError | undefined) => void;
}

/** Pause between attempts at one query (docs/protocol.md#time-limits). */
const RETRY_PAUSE_MS = 2_000;

const FINAL: ReadonlySet<Reason> = new Set<Reason>(["status", "id_mismatch"]);

/** Whether a retry cannot change the result. */
export const isFinal = ({ reason }: QueryError): boolean => FINAL.has(reason);

/**
 * Queries until there is a valid reply, the retries are used up, or the signal aborts.
 * @throws RangeError for a command, id or parameter that must not be sent
 */
export const query = async <C extends Command>(
  command: C,
  { ecuId, parameter, onAttempt }: QueryParams,
  options: QueryOptions,
): Promise<Outcome<Messages[C]>> => {
  const { clock, signal, retries, retryPauseMs = RETRY_PAUSE_MS } = options;
  const startedAt = clock.monotonic();
  const request = encodeRequest(command, ecuId, parameter);
  for (let attempt = 0; ; attempt++) {
    try {
      const value = await queryOnce(command, request, options);
      onAttempt?.(undefined);
      return { ok: true, value, durationMs: clock.monotonic() - startedAt };
    } catch (error) {
      if (!(error instanceof QueryError)) throw error;
      onAttempt?.(error);
      if (attempt < retries && !isFinal(error)) await clock.sleep(retryPauseMs, signal);
      if (attempt >= retries || isFinal(error) || signal.aborted) {
        return { ok: false, error, durationMs: clock.monotonic() - startedAt };
      }
    }
  }
};

const queryOnce = async <C extends Command>(
  command: C,
  request: Uint8Array,
  { exchange, signal }: QueryOptions,
): Promise<Messages[C]> => {
  const { bytes } = await exchange(request, signal);
  try {
    return decodeReply(command, bytes);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new QueryError(`the reply to "${command}" is invalid: ${error.message}`, {
      cause: error,
      reason: error.reason,
      received: bytes,
    });
  }
};
