/** The state of inverters: a dead inverter is not a sleeping one. */
import { ecuSeries, perInverter } from "./promql.ts";

/** Mean power of the panels of a plant, in watts, from which an inverter that does not reply is missing. The alerts use the same. */
const LIGHT_WATTS = 30;

/**
 * The ECUs in light: within half an hour, the panels that give power gave 30 W on average. Half an hour, so that inverters
 * which wake up or fall asleep before the others are not called missing at dawn and dusk.
 */
const inLight = `avg by (ecu) (max by (ecu, uid, channel) (max_over_time(${ecuSeries(
  "inverter_channel_power_watts",
)}[30m])) > 0) >= ${LIGHT_WATTS}`;

/**
 * The state of each inverter that the ECU lists: 0 missing (the others give power), 2 asleep (the others sleep too), 3 online.
 * An inverter that misses a round is still online. There is no value while the ECU is unreachable.
 */
export const inverterState = (...matchers: readonly string[]): string => {
  const replied =
    `(max by (ecu, uid) (max_over_time(${ecuSeries("inverter_online", ...matchers)}[15m]))` +
    ` and on (ecu, uid) ${perInverter("inverter_online", ...matchers)})`;
  return (
    `((${replied} == 1) * 3 or on (ecu, uid) (${replied} * 0 and on (ecu) ${inLight})` +
    ` or on (ecu, uid) ${replied} * 0 + 2)`
  );
};

/** Every inverter that was listed within a day, with value 1. */
const knownInverters = (...matchers: readonly string[]): string =>
  `max by (ecu, uid) (last_over_time(${ecuSeries("inverter_online", ...matchers)}[1d])) * 0 + 1`;

/** The state of every inverter that was listed within a day: also 1, unknown, while its ECU is unreachable. */
export const stateOrUnknown = (...matchers: readonly string[]): string =>
  `${inverterState(...matchers)} or on (ecu, uid) ${knownInverters(...matchers)}`;

/**
 * The state over time of the inverters that were online for the shortest part of the time range, also 1, unknown, while their
 * ECU is unreachable. It is empty only if the ECU listed no inverter for a week.
 */
export const stateOverTime = (count: number, ...matchers: readonly string[]): string => {
  const online = ecuSeries("inverter_online", ...matchers);
  const known = `max by (ecu, uid) (last_over_time(${online}[7d] @ end())) * 0`;
  const share = `max by (ecu, uid) (avg_over_time(${online}[$__range] @ end()))`;
  return (
    `(${inverterState(...matchers)} or on (ecu, uid) ${known} + 1)` +
    ` and on (ecu, uid) bottomk(${count}, ${share} or on (ecu, uid) ${known})`
  );
};

/** Number of inverters in a state; 0 if no inverter is in it, no value if no state is known. */
export const countInState = (state: 0 | 2 | 3): string =>
  `(count(${inverterState()} == ${state}) or on () count(${perInverter("inverter_online")}) * 0)`;

/** NaN for each known inverter without a value, so that its cell is empty and the column stays. */
export const forEveryInverter = (expr: string): string =>
  `(${expr}) or on (ecu, uid) ${knownInverters()} * NaN`;
