/** An ECU that a tool asks one question after another, with the exporter's manners. */
import type { Messages } from "../protocol/replies.ts";
import type { Command } from "../protocol/requests.ts";
import { type Clock, systemClock } from "../time/clock.ts";
import { ask, type Exchange, type Outcome } from "./ask.ts";
import { exchange, type Target } from "./exchange.ts";
import { createLine } from "./line.ts";

export interface ConversationOptions {
  readonly ecu: Target;
  /** Between two connections. */
  readonly pauseMs: number;
  /** Further attempts at a question that failed, where it does not have its own number. */
  readonly retries: number;
  readonly retryPauseMs?: number;
  /** Ends it. */
  readonly signal: AbortSignal;
  readonly clock?: Clock;
  /** Handed every exchange, to listen in on the bytes. */
  readonly through?: (exchange: Exchange) => Exchange;
}

/** @see createConversation */
export interface Conversation {
  /** Asks; what a command wants beside the ECU's id is its parameter. Never throws for what the ECU does. */
  ask<C extends Command>(
    command: C,
    asked?: { readonly ecuId?: string; readonly parameter?: string; readonly retries?: number },
  ): Promise<Outcome<Messages[C]>>;
}

/** Between attempts at one question (protocol document, 1.5). */
const RETRY_PAUSE_MS = 2_000;

/** One connection at a time, one question each, a pause after each (protocol document, 1.2). */
export const createConversation = (options: ConversationOptions): Conversation => {
  const { ecu, signal, clock = systemClock, through = (one) => one } = options;
  const line = createLine(() => options.pauseMs, clock);
  const dial = through((request, until) => exchange(ecu, request, until));
  return {
    ask: (command, asked = {}) =>
      ask(command, asked, {
        exchange: (request, until) => line(() => dial(request, until), until),
        clock,
        retries: asked.retries ?? options.retries,
        retryPauseMs: options.retryPauseMs ?? RETRY_PAUSE_MS,
        signal,
      }),
  };
};
