/** A whole simulated ECU: a plant under its sun, the rounds that read it, and the server that tells. */
import type { Logger } from "pino";
import type { FaultName, FaultSwitch } from "./faults.ts";
import type { ModelName } from "./models.ts";
import { createPlant } from "./plant.ts";
import { createRounds, type Family, type Rounds } from "./rounds.ts";
import { type Answers, type SimulatedEcu, startServer } from "./server.ts";
import type { Site } from "./sun.ts";

export interface SimulationOptions {
  readonly inverters: readonly (readonly [ModelName, number])[];
  readonly family: Family;
  readonly site: Site;
  /** IANA zone of the ECU's clock. */
  readonly zone: string;
  readonly seed: number;
  /** Simulated time at the beginning, in milliseconds since 1970. */
  readonly start: number;
  /** Energy on the counter before the day of `start`. */
  readonly lifetimeJoules?: number;
  /** Simulated seconds in a second. */
  readonly timeScale: number;
  /** Milliseconds since some moment. */
  readonly elapsed: () => number;
  readonly host?: string;
  readonly port?: number;
  readonly replyDelayMs?: number;
  readonly faults?: readonly (FaultName | FaultSwitch)[];
  readonly log?: Logger;
}

/** Starts a simulated ECU; its time runs from `start` on. */
export const simulateEcu = (options: SimulationOptions): Promise<SimulatedEcu> => {
  const plant = createPlant(options.inverters, options.site, options.seed);
  const rounds = createRounds({ ...options, plant });
  const begun = options.elapsed();
  const now = (): number => options.start + (options.elapsed() - begun) * options.timeScale;
  return startServer({ ...options, answers: answersOf(rounds, options.family, now) });
};

/** Family L has no tables of past energy (protocol document, 10). */
const answersOf = (rounds: Rounds, family: Family, now: () => number): Answers => ({
  info: () => rounds.info(now()),
  realtime: () => rounds.realtime(now()),
  signal: () => rounds.signal(now()),
  clock: () => ({ now: rounds.clock(now()) }),
  ...(family === "R" && {
    dayPower: (date: string) => rounds.dayPower(now(), date),
    energy: (period: string) => rounds.energy(now(), period),
  }),
});
