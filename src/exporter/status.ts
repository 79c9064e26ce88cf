import { errorReasons } from "../ecu/errors.ts";
import { hasEmptyList, isWaitingForData, type Observation } from "../ecu/observe.ts";
import type { Panel } from "../ecu/panel.ts";
import type { InverterReading } from "../ecu/reading.ts";
import { toKilowattHours } from "../ecu/units.ts";
import type { LandingEcu, LandingInverter, LandingProblem } from "../http/landing.ts";

/** The data of the status page about an ECU: its state in the last read. @param now Unix time in seconds */
export const describeEcu = (
  name: string,
  observation: Observation | undefined,
  now: number,
  panels: readonly Panel[],
): LandingEcu => {
  if (observation === undefined) {
    return { name, state: "not read yet", inverterCount: 0, inverters: () => [] };
  }
  const { reading, readAt } = observation;
  const problem = findProblem(observation);
  const { identity, todayEnergyJoules, lastReportAt } = reading;
  return {
    name,
    state: classifyState(observation, problem),
    model: identity?.model,
    firmware: identity?.firmware,
    powerWatts: reading.powerWatts,
    todayKilowattHours: todayEnergyJoules && toKilowattHours(todayEnergyJoules),
    registered: reading.registered,
    invertersOnline: reading.invertersOnline,
    reportAgeSeconds: lastReportAt === undefined ? undefined : now - lastReportAt,
    readAgeSeconds: now - readAt,
    problem,
    notes: reading.notes,
    inverterCount: reading.inverters.length,
    inverters: () => {
      const names = new Map(panels.map(({ uid, channel, panel }) => [`${uid} ${channel}`, panel]));
      return reading.inverters.map((inverter) => describeInverter(inverter, names));
    },
  };
};

const classifyState = (
  observation: Observation,
  problem: LandingProblem | undefined,
): LandingEcu["state"] => {
  if (!observation.up) return "down";
  if (isWaitingForData(observation)) return "waiting for data";
  return problem === undefined && !hasEmptyList(observation) ? "up" : "partial";
};

const findProblem = (observation: Observation): LandingProblem | undefined => {
  if (isWaitingForData(observation)) return undefined;
  for (const { error } of Object.values(observation.queries)) {
    if (error === undefined) continue;
    const { message, reason } = error;
    return { message, reason, remedy: errorReasons[reason].remedy };
  }
  return observation.up ? undefined : OUT_OF_TIME;
};

/** If an ECU is down without an error, there was no time for all queries. */
const OUT_OF_TIME: LandingProblem = {
  message: "the read timed out before all queries were sent",
  remedy: "allow more time for a scrape; if it persists, see the log of the exporter",
};

const describeInverter = (
  inverter: InverterReading,
  names: ReadonlyMap<string, string>,
): LandingInverter => ({
  uid: inverter.uid,
  model: inverter.model,
  state: inverter.online === undefined ? "unknown" : inverter.online ? "online" : "offline",
  watts: sumIfComplete(inverter.channelWatts),
  temperatureCelsius: inverter.temperatureCelsius,
  signalRatio: inverter.signalRatio,
  channels: inverter.channelWatts.map((watts, i) => ({
    name: names.get(`${inverter.uid} ${i + 1}`) || String(i + 1),
    watts,
  })),
});

/** The sum; `undefined` if a value is missing. */
const sumIfComplete = (values: readonly (number | undefined)[]): number | undefined => {
  let sum: number | undefined;
  for (const value of values) {
    if (value === undefined) return undefined;
    sum = (sum ?? 0) + value;
  }
  return sum;
};
