/** A whole simulated ECU: a plant under its sun, the rounds that read it, and the server that tells. */
import type { Logger } from "pino";
import type { Version } from "../protocol/replies.ts";
import type { Site } from "../time/sun.ts";
import type { Family } from "./behaviours.ts";
import type { FaultName, FaultSpec } from "./faults.ts";
import type { ModelName } from "./models.ts";
import { createPlant } from "./plant.ts";
import { createRounds, type Rounds } from "./rounds.ts";
import { type MessageSources, type SimulatedEcu, startSimulatedEcu } from "./server.ts";

/** Whether an ECU has tables of past energy, and the version of its answers (docs/protocol.md#energy-history). */
export type History = "none" | Version;

/** Family L mostly has none (docs/protocol.md#what-a-simulated-ecu-does). */
const usualHistory: Readonly<Record<Family, History>> = { R: "11", L: "none" };

export interface SimulationOptions {
  readonly inverters: readonly (readonly [ModelName, number])[];
  readonly family: Family;
  readonly site: Site;
  /** IANA zone of the ECU's clock. */
  readonly zone: string;
  readonly seed: number;
  /** Simulated time at the beginning, in milliseconds since 1970. */
  readonly start: number;
  /** Energy on the counter before its first day. */
  readonly lifetimeJoules?: number;
  /** Days before that of `start` through which it has lived. */
  readonly past?: number;
  /** Whether it tells of its past, and in which version; the usual of its family where nothing is said. */
  readonly history?: History | undefined;
  /** Simulated seconds in a second. */
  readonly timeScale: number;
  /** Milliseconds since some moment. */
  readonly elapsed: () => number;
  readonly host?: string;
  readonly port?: number;
  readonly replyDelayMs?: number;
  readonly faults?: readonly (FaultName | FaultSpec)[];
  readonly log?: Logger;
}

/** Starts a simulated ECU; its time runs from `start` on. */
export const simulateEcu = (options: SimulationOptions): Promise<SimulatedEcu> => {
  const plant = createPlant(options.inverters, options.site, options.seed);
  const history = options.history ?? usualHistory[options.family];
  const energyVersion = history === "none" ? undefined : history;
  const rounds = createRounds({ ...options, plant, energyVersion });
  const begun = options.elapsed();
  const now = (): number => options.start + (options.elapsed() - begun) * options.timeScale;
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
