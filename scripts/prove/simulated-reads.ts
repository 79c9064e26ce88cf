/** The reads of a scenario: what the ECU replies at each scrape, with weather, snow, disturbances and the fault. */
import { QueryError } from "../../src/ecu/errors.ts";
import type { Outcome } from "../../src/ecu/query.ts";
import type { Replies } from "../../src/ecu/read.ts";
import {
  type InverterState,
  inverterStateAt,
  type Plant,
  type PlantInverter,
} from "../../src/simulator/plant.ts";
import { random } from "../../src/simulator/random.ts";
import { createRounds } from "../../src/simulator/rounds.ts";
import { sunPosition } from "../../src/time/sun.ts";
import { toLocalMinute } from "./local-time.ts";
import { AFTER_ROUND, DAY, MINUTE, type Scenario, STEP } from "./scenario.ts";
import { shareThroughSnow } from "./snow.ts";

/** The outcome of one read. */
export interface SimulatedRead {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly replies: Replies;
  /** Whether the exporter was restarted since the last read. */
  readonly isAfterRestart: boolean;
}

/** The reads of a scenario, in order. */
export function* simulateReads(scenario: Scenario): Generator<SimulatedRead> {
  const { plant, location, family, fault } = scenario;
  const rounds = createRounds({
    plant,
    family,
    zone: location.zone,
    start: scenario.from,
    stateAt: (_plant, inverter, at) => simulateInverter(scenario, inverter, at),
  });
  let first: Replies | undefined;
  for (let at = scenario.from + AFTER_ROUND; at < scenario.to; at += STEP) {
    let replies: Replies = {
      info: succeed(rounds.info(at)),
      realtime: succeed(rounds.realtime(at)),
      signal: succeed(rounds.signal(at)),
    };
    if (fault !== undefined && at >= fault.at) {
      first ??= structuredClone(replies); // the simulator changes the table of an ECU-R in place
      replies = fault.changeReplies?.(replies, first) ?? replies;
    }
    replies = applyDisturbances(scenario, replies, at);
    yield { at, replies, isAfterRestart: isRestarted(plant, at) };
  }
}

/** What an inverter does: sun and weather, then snow, then a lost contact, then the fault. */
const simulateInverter = (
  { plant, fault }: Scenario,
  inverter: PlantInverter,
  at: number,
): InverterState => {
  const { elevation } = sunPosition(plant.site, at);
  if (elevation < -1) return { ...ASLEEP, channelWatts: inverter.panels.map(() => 0) };
  let doing = applySnow(plant, inverter, inverterStateAt(plant, inverter, at), at);
  // An inverter sometimes misses a whole round (docs/protocol.md#online-flag).
  if (random(inverter.seed, 41, at / STEP) < 0.01) doing = { ...doing, online: false };
  return fault !== undefined && at >= fault.at
    ? (fault.changeInverter?.(doing, inverter) ?? doing)
    : doing;
};

const ASLEEP = {
  online: false,
  gridVolts: [],
  frequencyHertz: 0,
  temperatureCelsius: 0,
  signal: 0,
};

/** Less light than this does not keep an inverter awake, in W at one panel. */
const AWAKE_WATTS = 3;

const applySnow = (
  plant: Plant,
  inverter: PlantInverter,
  doing: InverterState,
  at: number,
): InverterState => {
  const index = plant.inverters.indexOf(inverter);
  const shares = inverter.panels.map((_, channel) => shareThroughSnow(plant, index, channel, at));
  if (shares.every((share) => share === 1)) return doing;
  const channelWatts = doing.channelWatts.map((watts, i) => Math.round(watts * (shares[i] ?? 1)));
  const online = doing.online && Math.max(...channelWatts) >= AWAKE_WATTS;
  return { ...doing, online, channelWatts: online ? channelWatts : channelWatts.map(() => 0) };
};

const succeed = <T>(value: T): Outcome<T> => ({ ok: true, value, durationMs: 20 });
const REFUSED: Outcome<never> = {
  ok: false,
  error: new QueryError("refused", { reason: "refused" }),
  durationMs: 20,
};

/** What every ECU does: maintenance at night, ten minutes without a reply per week, a failed look-up per day. */
const applyDisturbances = (
  { plant, location, family }: Scenario,
  replies: Replies,
  at: number,
): Replies => {
  const minute = toLocalMinute(at, location.zone);
  const isMaintenance = minute >= 165 && minute < 195;
  const week = Math.floor(at / (7 * DAY));
  const hangsAt = week * 7 * DAY + random(plant.seed, 42, week) * 7 * DAY;
  if (isMaintenance || (at >= hangsAt && at < hangsAt + 10 * MINUTE)) return { info: REFUSED };
  const { info } = replies;
  // Only ECUs with a database fail to look up their counters (docs/protocol.md#energy-of-today).
  if (family === "R") return replies;
  if (random(plant.seed, 43, at / STEP) < STEP / DAY && info?.ok && info.value.layout === "01") {
    const zeros = { lifetimeEnergyJoules: 0, todayEnergyJoules: 0, inverters: 0 };
    return { ...replies, info: succeed({ ...info.value, ...zeros }) };
  }
  return replies;
};

/** The exporter restarts about once a week. */
const isRestarted = (plant: Plant, at: number): boolean =>
  random(plant.seed, 44, at / STEP) < STEP / (7 * DAY);
