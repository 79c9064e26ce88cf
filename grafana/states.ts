/** The state of inverters: a dead inverter is not a sleeping one. */
import { ecuSeries, perInverter, worstFirst } from "./promql.ts";

/** Mean power of the panels of a plant, in watts, from which an inverter that does not reply is missing. The alerts use the same. */
const LIGHT_WATTS = 30;
/** Inverters wake up and fall asleep one after another. The alerts wait as long. */
const PATIENCE = "45m";

/** The mean power of the panels that give power, of ECUs with enough of it. @param at offset to another time */
const bright = (at: string): string =>
  `avg by (ecu) (max by (ecu, uid, channel) (max_over_time(${ecuSeries(
    "inverter_channel_power_watts",
  )}[10m]${at})) > 0) >= ${LIGHT_WATTS}`;
const inLight = `(${bright("")} and on (ecu) ${bright(` offset ${PATIENCE}`)})`;

/**
 * The state of each inverter that the ECU lists: 0 missing (the others give power), 2 asleep (the others sleep too), 3 online.
 * An inverter that misses a round is still online, and in light also one that replied within 45 minutes. There is no value
 * while the ECU is unreachable.
 */
export const inverterState = (...matchers: readonly string[]): string => {
  const replied = (window: string): string =>
    `(max by (ecu, uid) (max_over_time(${ecuSeries("inverter_online", ...matchers)}[${window}]))` +
    ` and on (ecu, uid) ${perInverter("inverter_online", ...matchers)})`;
  return (
    `((${replied("15m")} == 1) * 3 or on (ecu, uid) (${replied(PATIENCE)} * 3 and on (ecu) ${inLight})` +
    ` or on (ecu, uid) ${replied("15m")} * 0 + 2)`
  );
};

/** Every inverter that was listed within a day, with value 1. */
const knownInverters = (...matchers: readonly string[]): string =>
  `max by (ecu, uid) (last_over_time(${ecuSeries("inverter_online", ...matchers)}[1d])) * 0 + 1`;

/** The state of every inverter that was listed within a day: also 1, unknown, while its ECU is unreachable. */
export const stateOrUnknown = (...matchers: readonly string[]): string =>
  `${inverterState(...matchers)} or on (ecu, uid) ${knownInverters(...matchers)}`;

/**
 * The state over time of the inverters that were online for the shortest part of the time range, the shortest first, also 1,
 * unknown, while their ECU is unreachable.
 */
export const stateOverTime = (count: number, ...matchers: readonly string[]): string => {
  const online = ecuSeries("inverter_online", ...matchers);
  const known = `max by (ecu, uid) (last_over_time(${online}[7d:1h] @ end())) * 0`;
  const share = `max by (ecu, uid) (avg_over_time(${online}[$__range:5m] @ end()))`;
  const states = `(${inverterState(...matchers)} or on (ecu, uid) ${known} + 1)`;
  return worstFirst(states, "ecu, uid", `${share} or on (ecu, uid) ${known}`, count);
};

/** Number of inverters in a state; 0 if no inverter is in it, no value if no state is known. */
export const countInState = (state: 0 | 2 | 3): string =>
  `(count(${inverterState()} == ${state}) or on () count(${perInverter("inverter_online")}) * 0)`;

/** NaN for each known inverter without a value, so that its cell is empty and the column stays. */
export const forEveryInverter = (expr: string): string =>
  `(${expr}) or on (ecu, uid) ${knownInverters()} * NaN`;
