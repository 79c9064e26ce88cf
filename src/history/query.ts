/** Questions to an ECU about its past: which are asked again, and which it does not know. */
import type { EcuAddress } from "../config/values.ts";
import { describeError, type QueryError } from "../ecu/errors.ts";
import { createQuerier, type Querier } from "../ecu/querier.ts";
import type { Outcome } from "../ecu/query.ts";
import type { Info, Messages } from "../protocol/replies.ts";
import type { Command } from "../protocol/requests.ts";
import type { Clock } from "../time/clock.ts";
import type { Doubtful, HistoryCache } from "./cache.ts";

/** The reading ended without a whole past; the message is for people. What was read is in the cache. */
export class UnfinishedError extends Error {
  override readonly name = "UnfinishedError";
}

export interface AskingOptions {
  readonly ecu: EcuAddress;
  /** Between two questions. */
  readonly paceMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** What people are told to do after most troubles. */
export const AGAIN = "run the same again to go on";
/** Further attempts at a question. */
const RETRIES = 2;
const RETRIES_OF_DOUBTFUL = 1;
/** What an ECU does with a question that it does not know (docs/protocol.md#power-of-a-day, #energy-history, #what-a-simulated-ecu-does). */
const isSilence = ({ reason }: QueryError): boolean => reason === "closed" || reason === "timeout";

type Asked = Parameters<Querier["query"]>[1];

/** One connection at a time, a question each. */
export interface Asking {
  /** Asks until there is an answer, or there were so many attempts. @throws UnfinishedError when it is to stop */
  ask<C extends Command>(command: C, asked?: Asked): Promise<Outcome<Messages[C]>>;
  /** Of the last reply. */
  bytes(): number;
  /**
   * Asks what some ECUs do not know.
   * @returns `undefined` where it does not know it, but knows who it is
   */
  askDoubtful<C extends Doubtful>(
    command: C,
    asked: Asked,
  ): Promise<Outcome<Messages[C]> | undefined>;
}

/** @see Asking */
export const createAsking = ({ ecu, paceMs, clock, signal }: AskingOptions): Asking => {
  let bytes = 0;
  const querier = createQuerier({
    ecu,
    pauseMs: paceMs,
    retries: RETRIES,
    retryPauseMs: 0, // the pace is pause enough
    signal,
    clock,
    observer: {
      replied: (reply) => {
        bytes = reply.bytes.length;
      },
    },
  });
  const ask: Asking["ask"] = async (command, asked) => {
    const outcome = await querier.query(command, asked);
    if (signal.aborted) throw new UnfinishedError(`stopped; ${AGAIN}`);
    return outcome;
  };
  return {
    ask,
    bytes: () => bytes,
    askDoubtful: async (command, asked) => {
      const first = await ask(command, { ...asked, retries: RETRIES_OF_DOUBTFUL });
      if (first.ok) return first;
      if (!isSilence(first.error)) {
        return ask(command, { ...asked, retries: RETRIES - RETRIES_OF_DOUBTFUL });
      }
      const alive = await ask("info");
      if (!alive.ok) throw new UnfinishedError(`${describeError(alive.error)}; then ${AGAIN}`);
      return undefined;
    },
  };
};

/** Who it is and what its counters say, without the glitch in which it forgets all (docs/protocol.md#energy-of-today, #lifetime-energy). */
export const infoOf = async (line: Asking): Promise<Extract<Outcome<Info>, { ok: true }>> => {
  for (let attempt = 0; ; attempt++) {
    const outcome = await line.ask("info");
    if (!outcome.ok) throw new UnfinishedError(describeError(outcome.error));
    const { inverters, invertersOnline, lifetimeEnergyJoules } = outcome.value;
    const isGlitch = inverters === 0 && invertersOnline > 0;
    if (!isGlitch && (lifetimeEnergyJoules > 0 || attempt >= RETRIES)) return outcome;
    if (attempt >= RETRIES)
      throw new UnfinishedError(
        `the ECU says that it has no inverters and that ${invertersOnline} answer; this passes: ${AGAIN}`,
      );
  }
};

/** yyyymmddhhmmss of the ECU's clock, or of its last round; `undefined` where it tells neither. */
export const localTimeOf = async (
  line: Asking,
  cache: HistoryCache,
  ecuId: string,
): Promise<string | undefined> => {
  if (!cache.isUnknown("clock")) {
    const clock = await line.askDoubtful("clock", { ecuId });
    if (clock?.ok) return clock.value.now;
    if (clock === undefined) await cache.learnUnknown("clock");
  }
  const table = await line.ask("realtime", { ecuId });
  return table.ok && table.value.kind !== "none" ? table.value.takenAt : undefined;
};
