/** Queries to an ECU about its history: which are repeated, and which the ECU does not support. */
import type { EcuAddress } from "../config/values.ts";
import { describeError, type QueryError } from "../ecu/errors.ts";
import { createQuerier, type Querier } from "../ecu/querier.ts";
import type { Outcome } from "../ecu/query.ts";
import type { Info, Messages } from "../protocol/replies.ts";
import type { Command } from "../protocol/requests.ts";
import type { Clock } from "../time/clock.ts";
import type { HistoryCache, OptionalCommand } from "./cache.ts";

/** The history could not be read completely; the message is for the user. What was read is in the cache. */
export class UnfinishedError extends Error {
  override readonly name = "UnfinishedError";
}

export interface HistoryQuerierOptions {
  readonly ecu: EcuAddress;
  /** Between two requests. */
  readonly paceMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** What to do after most errors. */
export const RESUME_HINT = "run the command again to continue";
/** Further attempts at a query. */
const RETRIES = 2;
const OPTIONAL_RETRIES = 1;
/** How an ECU reacts to a command that it does not support (docs/protocol.md#power-of-a-day, #energy-history, #what-a-simulated-ecu-does). */
const isSilence = ({ reason }: QueryError): boolean => reason === "closed" || reason === "timeout";

type Params = Parameters<Querier["query"]>[1];

/** One connection at a time, one query each. */
export interface HistoryQuerier {
  /** Queries until there is a valid reply or the attempts are used up. @throws UnfinishedError when the command is stopped */
  query<C extends Command>(command: C, asked?: Params): Promise<Outcome<Messages[C]>>;
  /** Size of the last reply. */
  bytes(): number;
  /**
   * Queries a command that some ECUs do not support.
   * @returns `undefined` where the ECU does not support it, but replies to 0001
   */
  queryOptional<C extends OptionalCommand>(
    command: C,
    asked: Params,
  ): Promise<Outcome<Messages[C]> | undefined>;
}

/** @see HistoryQuerier */
export const createHistoryQuerier = ({
  ecu,
  paceMs,
  clock,
  signal,
}: HistoryQuerierOptions): HistoryQuerier => {
  let bytes = 0;
  const querier = createQuerier({
    ecu,
    pauseMs: paceMs,
    retries: RETRIES,
    retryPauseMs: 0, // the pace is enough
    signal,
    clock,
    observer: {
      replied: (reply) => {
        bytes = reply.bytes.length;
      },
    },
  });
  const ask: HistoryQuerier["query"] = async (command, asked) => {
    const outcome = await querier.query(command, asked);
    if (signal.aborted) throw new UnfinishedError(`stopped; ${RESUME_HINT}`);
    return outcome;
  };
  return {
    query: ask,
    bytes: () => bytes,
    queryOptional: async (command, asked) => {
      const first = await ask(command, { ...asked, retries: OPTIONAL_RETRIES });
      if (first.ok) return first;
      if (!isSilence(first.error)) {
        return ask(command, { ...asked, retries: RETRIES - OPTIONAL_RETRIES });
      }
      const alive = await ask("info");
      if (!alive.ok)
        throw new UnfinishedError(`${describeError(alive.error)}; then ${RESUME_HINT}`);
      return undefined;
    },
  };
};

/** The base information, without the glitch in which the counters are 0 (docs/protocol.md#energy-of-today, #lifetime-energy). */
export const queryInfo = async (
  line: HistoryQuerier,
): Promise<Extract<Outcome<Info>, { ok: true }>> => {
  for (let attempt = 0; ; attempt++) {
    const outcome = await line.query("info");
    if (!outcome.ok) throw new UnfinishedError(describeError(outcome.error));
    const { inverters, invertersOnline, lifetimeEnergyJoules } = outcome.value;
    const isGlitch = inverters === 0 && invertersOnline > 0;
    if (!isGlitch && (lifetimeEnergyJoules > 0 || attempt >= RETRIES)) return outcome;
    if (attempt >= RETRIES)
      throw new UnfinishedError(
        `the ECU reports no inverters but ${invertersOnline} in contact; this passes: ${RESUME_HINT}`,
      );
  }
};

/** yyyymmddhhmmss of the ECU's clock, or of its last round; `undefined` where it reports neither. */
export const queryLocalTime = async (
  line: HistoryQuerier,
  cache: HistoryCache,
  ecuId: string,
): Promise<string | undefined> => {
  if (!cache.isUnsupported("clock")) {
    const clock = await line.queryOptional("clock", { ecuId });
    if (clock?.ok) return clock.value.now;
    if (clock === undefined) await cache.markUnsupported("clock");
  }
  const table = await line.query("realtime", { ecuId });
  return table.ok && table.value.kind !== "none" ? table.value.takenAt : undefined;
};
