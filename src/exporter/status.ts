import { errorReasons } from "../ecu/errors.ts";
import { areAllOffline, hasEmptyList, isWaitingForData, type Observation } from "../ecu/observe.ts";
import type { Panel } from "../ecu/panel.ts";
import type { InverterReading } from "../ecu/reading.ts";
import { toKilowattHours } from "../ecu/units.ts";
import type { LandingEcu, LandingInverter, LandingProblem } from "../http/landing-data.ts";
import { localDate } from "../time/calendar.ts";
import { describeRoof, sumIfComplete } from "./roof.ts";

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
  const { identity, todayEnergyJoules, lifetimeEnergyJoules, lastReportAt } = reading;
  const stale = findStale(observation, now);
  return {
    name,
    state: classifyState(observation, problem),
    model: identity?.model,
    firmware: identity?.firmware,
    powerWatts: reading.powerWatts,
    todayKilowattHours: todayEnergyJoules && toKilowattHours(todayEnergyJoules),
    lifetimeKilowattHours: lifetimeEnergyJoules && toKilowattHours(lifetimeEnergyJoules),
    isLastDay: isEnergyOfLastDay(observation, now),
    stale,
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
    roof: () => describeRoof(observation, { panels, isStale: stale !== undefined }),
  };
};

/** Age from which a power is not the power now; the ECU reports every 5 minutes, and in its maintenance after 30. */
const MAX_AGE_SECONDS = 45 * 60;

/** An old report without power and with all inverters offline is that of a night: it still holds. */
const findStale = ({ reading, readAt }: Observation, now: number): LandingEcu["stale"] => {
  if (now - readAt > MAX_AGE_SECONDS) return "read";
  const { powerWatts = 0, inverters, lastReportAt = now } = reading;
  const isAwake = powerWatts > 0 || inverters.some(({ online }) => online !== false);
  return isAwake && now - lastReportAt > MAX_AGE_SECONDS ? "report" : undefined;
};

/**
 * Whether the energy of today may be that of the day before. Until the first power of a day, an ECU-R shows yesterday's
 * (docs/protocol.md#energy-of-today). By the clock of the ECU, it is then morning, or its last report is of another day.
 */
const isEnergyOfLastDay = (observation: Observation, now: number): boolean => {
  const { identity, todayEnergyJoules = 0, lastReportLocal } = observation.reading;
  if (todayEnergyJoules === 0 || identity === undefined || !areAllOffline(observation))
    return false;
  const hour = Number(lastReportLocal?.slice(8, 10));
  const date = localDate(now * 1000, identity.timezone);
  return hour < 12 || lastReportLocal?.slice(0, 8) !== date;
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
