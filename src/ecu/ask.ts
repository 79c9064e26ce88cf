/** One question to an ECU, asked again where that may help, and its verdict. */
import { ProtocolError } from "../protocol/errors.ts";
import { decodeReply, type Messages } from "../protocol/replies.ts";
import { type Command, encodeRequest } from "../protocol/requests.ts";
import type { Clock } from "../time/clock.ts";
import { QueryError, type Reason } from "./errors.ts";
import type { RawReply } from "./exchange.ts";

/** What became of one query. The duration is from its first attempt to the verdict, retries included. */
export type Outcome<T> =
  | { readonly ok: true; readonly value: T; readonly durationMs: number }
  | { readonly ok: false; readonly error: QueryError; readonly durationMs: number };

/** Sends a request and gives the bytes of its reply. @throws QueryError */
export type Exchange = (request: Uint8Array, signal: AbortSignal) => Promise<RawReply>;

export interface AskOptions {
  readonly exchange: Exchange;
  readonly clock: Pick<Clock, "monotonic" | "sleep">;
  /** Further attempts at a query that failed for a reason that may pass. */
  readonly retries: number;
  readonly retryPauseMs: number;
  /** Ends the asking. */
  readonly signal: AbortSignal;
}

/** What a command is asked with, where it wants that. */
export interface Asked {
  readonly ecuId?: string | undefined;
  readonly parameter?: string | undefined;
  /** Told of every attempt, with its error where it failed. */
  readonly onAttempt?: (error: QueryError | undefined) => void;
}

const FINAL: ReadonlySet<Reason> = new Set<Reason>(["status", "id_mismatch"]);

/** Whether a retry cannot change the answer. */
export const isFinal = ({ reason }: QueryError): boolean => FINAL.has(reason);

/**
 * Asks until there is a valid reply, the retries are used up, or the signal ends it.
 * @throws RangeError for a command, id or parameter that may not be sent
 */
export const ask = async <C extends Command>(
  command: C,
  { ecuId, parameter, onAttempt }: Asked,
  options: AskOptions,
): Promise<Outcome<Messages[C]>> => {
  const { clock, signal, retries } = options;
  const begun = clock.monotonic();
  const request = encodeRequest(command, ecuId, parameter);
  for (let attempt = 0; ; attempt++) {
    try {
      const value = await once(command, request, options);
      onAttempt?.(undefined);
      return { ok: true, value, durationMs: clock.monotonic() - begun };
    } catch (error) {
      if (!(error instanceof QueryError)) throw error;
      onAttempt?.(error);
      if (attempt < retries && !isFinal(error)) await clock.sleep(options.retryPauseMs, signal);
      if (attempt >= retries || isFinal(error) || signal.aborted) {
        return { ok: false, error, durationMs: clock.monotonic() - begun };
      }
    }
  }
};

const once = async <C extends Command>(
  command: C,
  request: Uint8Array,
  { exchange, signal }: AskOptions,
): Promise<Messages[C]> => {
  const { bytes } = await exchange(request, signal);
  try {
    return decodeReply(command, bytes);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new QueryError(`the reply to "${command}" is of no use: ${error.message}`, {
      cause: error,
      reason: error.reason,
      received: bytes,
    });
  }
};
