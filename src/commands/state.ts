import type { Observation } from "../ecu/monitor.ts";

/** One line on how an ECU was when it was last read. @param now Unix time in seconds */
export const describeState = (observation: Observation | undefined, now: number): string => {
  if (observation === undefined) return "not read yet: it is read when the metrics are asked for";
  const { up, queries, reading, readAt } = observation;
  const age = `read ${Math.max(0, Math.round(now - readAt))} s ago`;
  const problem = Object.values(queries).find((query) => query.problem)?.problem;
  if (!up) return `down: ${problem ?? "the time for the read was over"}; ${age}`;
  if (reading.lastReportAt === undefined)
    return `up, and without data yet: its first round is not over; ${age}`;
  const { powerWatts = 0, invertersOnline = 0, registered = 0 } = reading;
  const rest = problem === undefined ? "" : `; but ${problem}`;
  return `up: ${powerWatts} W, ${invertersOnline} of ${registered} inverters online${rest}; ${age}`;
};
