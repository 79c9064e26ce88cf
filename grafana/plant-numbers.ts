/** The numbers at the top of the dashboard of a plant. */
import {
  alwaysKilowattHours,
  barsPanel,
  colors,
  POWER_TEXT,
  reachable,
  reportAges,
} from "./parts.ts";
import { energySince, periodNames, sinceMidnight } from "./periods.ts";
import { energyToday, powerAndEnergyPanel } from "./power-and-energy.ts";
import {
  age,
  channelEnergy,
  ecuSeries,
  kilowattHours,
  orUnknown,
  perEcu,
  unreachableSince,
} from "./promql.ts";
import { countInState } from "./states.ts";
import { tilesPanel } from "./tiles.ts";

export const ecuState = tilesPanel({
  title: "ECU",
  description:
    "Whether the ECU replied in its last read. If it did not, the time of its last reply is shown, if that was within a week. With several ECUs, the one that is unreachable for the longest time.",
  unit: "none",
  noValue: "Unknown",
  fills: true,
  mappings: reachable,
  tiles: [
    {
      name: "Now",
      query: `min(${perEcu("ecu_up")}) unless on () (${unreachableSince})`,
      color: [
        [0, "dark-red"],
        [1, "dark-green"],
      ],
    },
    {
      name: "Unreachable since",
      query: `min(${unreachableSince}) * 1000`,
      unit: "dateTimeFromNow",
      color: "dark-red",
    },
  ],
});

/** The price of a kWh. An empty text box is 0, and 0 hides the numbers. Without "e0", a whole number would be an octal one. */
const price = `0\${price}e0`;
const earned = (kwh: string): string => `(${kwh}) * ${price} and on () vector(${price}) > 0`;

export const energy = powerAndEnergyPanel(
  "Power in the last report of the ECU; it polls its inverters every 5 minutes. Energy of the day and the month at the end of the time range: of the day as the ECU counts it (it starts at midnight or with the first sun), of the month until the last report of the ECU, for the time for which Prometheus has data.",
);

export const totals = tilesPanel({
  title: "Totals",
  description:
    "Energy of the year at the end of the time range, for the time for which Prometheus has data, and energy that the plant has produced in its lifetime, as counted by the ECU.",
  unit: "kwatth",
  noValue: "Unknown",
  tiles: [
    { name: periodNames.year, query: energySince("year"), color: colors.energy },
    {
      name: "Lifetime",
      query: orUnknown(kilowattHours(`sum(${perEcu("ecu_lifetime_energy_joules_total")})`)),
      color: colors.energy,
    },
  ],
});

export const money = tilesPanel({
  title: "Earned",
  description:
    "Energy of the day, the month and the year times the price that is entered at the top of the page, such as 0.25.",
  unit: "none",
  decimals: 2,
  noValue: "Enter a price per kWh above",
  tiles: (["today", "month", "year"] as const).map((period) => ({
    name: `${periodNames[period]}, $currency`,
    query: earned(period === "today" ? energyToday : energySince(period)),
    color: colors.money,
  })),
});

export const inverters = tilesPanel({
  title: "Inverters",
  description:
    "Inverters that have not replied for 45 minutes while the others give power (missing), that replied (online; a missed round does not count), and that do not reply while the others sleep too (asleep). Report age: time since the last report of the ECU by its own clock; with several ECUs, the oldest.",
  unit: "none",
  noValue: "Unknown",
  tiles: [
    {
      name: "Missing",
      query: orUnknown(countInState(0)),
      color: [
        [0, "text"],
        [1, colors.alert],
      ],
    },
    { name: "Online", query: `${countInState(3)} > 0`, color: "text" },
    { name: "Asleep", query: `${countInState(2)} > 0`, color: "text" },
    {
      name: "Report age",
      query: orUnknown(`max(${age("ecu_last_report_timestamp_seconds")})`),
      unit: "s",
      decimals: 0,
      color: reportAges,
    },
  ],
});

/** Power of the plant, without the night. */
const power = `(sum(${perEcu("ecu_power_watts")}) > 0)`;
/** Energy of an hour in kWh, at its end. 59 minutes have 12 steps of five minutes in every version of Prometheus. */
const hourEnergy = `sum_over_time(${power}[59m:5m]) / 12000`;
const steps = `[${sinceMidnight}:5m]`;
/** Seconds since 1970 of the last step at which an expression has its maximum of the day. */
const timeOfMaximum = (expr: string): string =>
  `max_over_time(((${expr} >= on () max_over_time(${expr}${steps} @ end())) * 0 + time())${steps})`;
const lit = `((${power} * 0 + time())${steps})`;

const NO_POWER = "No power seen on this day";
const clockTime = "time:HH:mm";

export const peak = tilesPanel({
  title: "Peak of the day",
  description: "Highest power on the day of the end of the time range, and when it was.",
  unit: "watt",
  noValue: NO_POWER,
  tiles: [
    { name: "Power", query: `max_over_time(${power}${steps})`, color: POWER_TEXT },
    { name: "At", query: `${timeOfMaximum(power)} * 1000`, unit: clockTime },
  ],
});

export const hour = tilesPanel({
  title: "Best hour of the day",
  description:
    "The hour with the most energy on the day of the end of the time range, and when it started.",
  unit: "kwatth",
  noValue: NO_POWER,
  tiles: [
    {
      name: "Energy",
      query: `max_over_time((${hourEnergy})${steps})`,
      color: colors.energy,
    },
    { name: "From", query: `(${timeOfMaximum(`(${hourEnergy})`)} - 3300) * 1000`, unit: clockTime },
  ],
});

export const light = tilesPanel({
  title: "Light of the day",
  description:
    "First and last power on the day of the end of the time range. The last is shown half an hour after it.",
  unit: "none",
  noValue: NO_POWER,
  tiles: [
    { name: "First", query: `min_over_time${lit} * 1000`, unit: clockTime },
    {
      name: "Last",
      query: `max_over_time${lit} * 1000 < (time() - 1800) * 1000`,
      unit: clockTime,
    },
  ],
});

const arrays = `max by (ecu, uid, channel, array) (last_over_time(${ecuSeries(
  "inverter_channel_info",
  'array!=""',
)}[1d] @ end()))`;
const today = channelEnergy(sinceMidnight);

export const byArray = barsPanel({
  title: "Energy by array",
  description:
    "Energy of each array from midnight to the end of the time range, integrated from the power of its panels every 5 minutes.",
  unit: alwaysKilowattHours,
  decimals: 1,
  color: colors.energy,
  noValue: "No energy seen, or no array",
  expr: `sort_desc(sum by (array) ((${today}) * on (ecu, uid, channel) group_left (array) ${arrays}))`,
  label: "array",
});
