/** Sends one query after another to an ECU, as the exporter does: one connection at a time, a pause after each. */
import type { Messages } from "../protocol/replies.ts";
import type { Command } from "../protocol/requests.ts";
import { type Clock, systemClock } from "../time/clock.ts";
import { type EcuEndpoint, type ExchangeObserver, exchange } from "./client.ts";
import { type Exchange, type Outcome, query } from "./query.ts";
import { createRequestQueue } from "./queue.ts";

export interface QuerierOptions {
  readonly ecu: EcuEndpoint;
  /** Between two connections. */
  readonly pauseMs: number;
  /** Further attempts at a query that failed, unless the query has its own number. */
  readonly retries: number;
  /** Between two attempts, where it is not the usual pause. */
  readonly retryPauseMs?: number | undefined;
  /** Ends a query in flight, and all that follow. */
  readonly signal: AbortSignal;
  readonly clock?: Clock;
  readonly observer?: ExchangeObserver;
  /** The client; tests replace it. */
  readonly exchange?: typeof exchange;
}

/** @see createQuerier */
export interface Querier {
  /**
   * Sends a query until it gets a valid reply or its attempts are used up. Never throws for what the ECU does.
   * @param params the ECU's id, the parameter of the command, and the number of retries
   */
  query<C extends Command>(
    command: C,
    params?: { readonly ecuId?: string; readonly parameter?: string; readonly retries?: number },
  ): Promise<Outcome<Messages[C]>>;
}

/** A querier of one ECU: one connection at a time, one query each, a pause after each (docs/protocol.md#connections). */
export const createQuerier = (options: QuerierOptions): Querier => {
  const { ecu, signal, clock = systemClock, observer = {}, exchange: send = exchange } = options;
  const enqueue = createRequestQueue(() => options.pauseMs, clock);
  const sendQueued: Exchange = (request, until) =>
    enqueue(() => send(ecu, request, until, { clock, observer }), until);
  return {
    query: (command, params = {}) =>
      query(command, params, {
        exchange: sendQueued,
        clock,
        retries: params.retries ?? options.retries,
        retryPauseMs: options.retryPauseMs,
        signal,
      }),
  };
};
