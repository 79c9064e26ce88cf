import { errorReasons } from "../ecu/errors.ts";
import { isWaitingForData, type Observation } from "../ecu/observe.ts";
import type { Panel } from "../ecu/panel.ts";
import type { InverterReading } from "../ecu/reading.ts";
import { toKilowattHours } from "../ecu/units.ts";
import type { LandingEcu, LandingInverter, LandingProblem } from "../http/landing.ts";

/** What the landing page tells of an ECU: how it was when it was last read. */
export const describeEcu = (
  name: string,
  observation: Observation | undefined,
  /** Unix time in seconds. */
  now: number,
  panels: readonly Panel[],
): LandingEcu => {
  if (observation === undefined) {
    return { name, state: "not read yet", inverterCount: 0, inverters: () => [] };
  }
  const { reading, readAt } = observation;
  const problem = problemOf(observation);
  const { identity, todayEnergyJoules, lastReportAt } = reading;
  return {
    name,
    state: stateOf(observation, problem),
    model: identity?.model,
    firmware: identity?.firmware,
    powerWatts: reading.powerWatts,
    todayKilowattHours: todayEnergyJoules && toKilowattHours(todayEnergyJoules),
    registered: reading.registered,
    invertersOnline: reading.invertersOnline,
    reportAgeSeconds: lastReportAt === undefined ? undefined : now - lastReportAt,
    readAgeSeconds: now - readAt,
    problem,
    inverterCount: reading.inverters.length,
    inverters: () => {
      const names = new Map(panels.map(({ uid, channel, panel }) => [`${uid} ${channel}`, panel]));
      return reading.inverters.map((inverter) => describeInverter(inverter, names));
    },
  };
};

const stateOf = (
  observation: Observation,
  problem: LandingProblem | undefined,
): LandingEcu["state"] => {
  if (!observation.up) return "down";
  if (isWaitingForData(observation)) return "waiting for data";
  return problem === undefined ? "up" : "partly";
};

const problemOf = (observation: Observation): LandingProblem | undefined => {
  if (isWaitingForData(observation)) return undefined;
  for (const { error } of Object.values(observation.queries)) {
    if (error === undefined) continue;
    const { message, reason } = error;
    return { message: message, reason, remedy: errorReasons[reason].remedy };
  }
  return observation.up ? undefined : OUT_OF_TIME;
};

/** An ECU that is down without an error was not asked all there is to ask. */
const OUT_OF_TIME: LandingProblem = {
  message: "the time for the read was over",
  remedy: "give a scrape more time; if it stays so, see the exporter's log",
};

const describeInverter = (
  inverter: InverterReading,
  names: ReadonlyMap<string, string>,
): LandingInverter => ({
  uid: inverter.uid,
  model: inverter.model,
  state: inverter.online === undefined ? "unknown" : inverter.online ? "online" : "offline",
  watts: sumOf(inverter.channelWatts),
  temperatureCelsius: inverter.temperatureCelsius,
  signalRatio: inverter.signalRatio,
  channels: inverter.channelWatts.map((watts, i) => ({
    name: names.get(`${inverter.uid} ${i + 1}`) || String(i + 1),
    watts,
  })),
});

/** A sum that lacks a part is not the sum. */
const sumOf = (values: readonly (number | undefined)[]): number | undefined => {
  let sum: number | undefined;
  for (const value of values) {
    if (value === undefined) return undefined;
    sum = (sum ?? 0) + value;
  }
  return sum;
};
