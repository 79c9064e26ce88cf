import { type ExchangeObserver, exchange } from "../../src/ecu/client.ts";
import { type FastClock, settle } from "./fake-clock.ts";

/** The events of an exchange: the ECU accepts, receives the request, sends bytes, completes its reply. */
export type ExchangeEvent = "connected" | "arrived" | "received" | "replied";

/** The milliseconds that pass after an event. @param exchange command and number, counted from 1 */
export type PassingTime = (
  event: ExchangeEvent,
  exchange: { readonly code: string; readonly number: number },
) => number;

/** Advances time after each event of one kind: in all exchanges, or in those of one command or number. */
export const passTimeAfter =
  (event: ExchangeEvent, ms: number, only: { code?: string; number?: number } = {}): PassingTime =>
  (happened, { code, number }) =>
    happened === event && code === (only.code ?? code) && number === (only.number ?? number)
      ? ms
      : 0;

export interface TimedExchangeOptions {
  readonly clock: FastClock;
  readonly passing: PassingTime;
  /** The server, which lists the requests that have arrived. */
  readonly ecu?: { readonly requests: readonly unknown[] } | undefined;
}

/**
 * The TCP client on a clock that advances only after the events that a test names. A time limit expires when the test
 * advances the clock, however slow the machine is.
 */
export const createTimedExchange = ({
  clock,
  passing,
  ecu,
}: TimedExchangeOptions): typeof exchange => {
  let number = 0;
  return async (endpoint, request, signal, options = {}) => {
    const current = { code: Buffer.from(request).toString("latin1", 9, 13), number: ++number };
    const events: ExchangeEvent[] = [];
    const { observer = {} } = options;
    const recorder: ExchangeObserver = {
      ...observer,
      connected: () => {
        events.push("connected");
        observer.connected?.();
      },
      received: (bytes) => {
        events.push("received");
        observer.received?.(bytes);
      },
      replied: (reply) => {
        events.push("replied");
        observer.replied?.(reply);
      },
    };
    const arrivedBefore = ecu?.requests.length ?? 0;
    let hasArrived = false;
    let isOver = false;
    const end = (): void => {
      isOver = true;
    };
    const result = exchange(endpoint, request, signal, { ...options, clock, observer: recorder });
    result.then(end, end);
    while (!isOver) {
      if (!hasArrived && ecu !== undefined && ecu.requests.length > arrivedBefore) {
        hasArrived = true;
        events.push("arrived");
      }
      for (const event of events.splice(0)) clock.pass(passing(event, current));
      await settle();
    }
    return result;
  };
};
