/** A complete simulated ECU: the plant, the rounds that query its inverters, and the server that replies. */
import type { Logger } from "pino";
import type { Version } from "../protocol/replies.ts";
import type { Site } from "../time/sun.ts";
import type { Family } from "./behaviours.ts";
import type { FaultName, FaultSpec } from "./faults.ts";
import type { ModelName } from "./models.ts";
import { createPlant } from "./plant.ts";
import { createRounds, type Rounds } from "./rounds.ts";
import { type MessageSources, type SimulatedEcu, startSimulatedEcu } from "./server.ts";

/** Whether an ECU replies to requests for its history, and the version of these replies (docs/protocol.md#energy-history). */
export type History = "none" | Version;

/** Most ECUs of family L do not reply to them (docs/protocol.md#what-a-simulated-ecu-does). */
const defaultHistory: Readonly<Record<Family, History>> = { R: "11", L: "none" };

export interface SimulationOptions {
  readonly inverters: readonly (readonly [ModelName, number])[];
  readonly family: Family;
  readonly site: Site;
  /** IANA zone of the ECU's clock. */
  readonly zone: string;
  readonly seed: number;
  /** Simulated time at the start, in milliseconds since 1970. */
  readonly start: number;
  /** Lifetime energy before the first simulated day. */
  readonly lifetimeJoules?: number;
  /** Days of history before the day of `start`. */
  readonly past?: number;
  /** Called after each simulated day of the history, with the number of days so far. */
  readonly onPastDay?: (days: number) => void;
  /** Without it, the default of the family. */
  readonly history?: History | undefined;
  /** Simulated seconds per second. */
  readonly timeScale: number;
  /** Milliseconds of a monotonic clock. */
  readonly elapsed: () => number;
  readonly host?: string;
  readonly port?: number;
  readonly replyDelayMs?: number;
  readonly faults?: readonly (FaultName | FaultSpec)[];
  readonly log?: Logger;
}

/** Starts a simulated ECU. Its clock starts at `start`. */
export const simulateEcu = (options: SimulationOptions): Promise<SimulatedEcu> => {
  const plant = createPlant(options.inverters, options.site, options.seed);
  const history = options.history ?? defaultHistory[options.family];
  const energyVersion = history === "none" ? undefined : history;
  const rounds = createRounds({ ...options, plant, energyVersion });
  const startedAt = options.elapsed();
  const now = (): number => options.start + (options.elapsed() - startedAt) * options.timeScale;
  return startSimulatedEcu({
    ...options,
    energyVersion,
    messages: createMessageSources(rounds, history, now),
  });
};

const createMessageSources = (
  rounds: Rounds,
  history: History,
  now: () => number,
): MessageSources => ({
  info: () => rounds.info(now()),
  realtime: () => rounds.realtime(now()),
  signal: () => rounds.signal(now()),
  clock: () => ({ now: rounds.clock(now()) }),
  ...(history !== "none" && {
    dayPower: (date: string) => rounds.dayPower(now(), date),
    energy: (period: string) => rounds.energy(now(), period),
  }),
});
