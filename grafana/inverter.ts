/** The dashboard of an inverter: channels, grid, radio, and a comparison with its siblings. */
import { buildDashboard } from "./board.ts";
import { alertsIn, inverterEventsIn } from "./events.ts";
import {
  alwaysKilowattHours,
  barsPanel,
  colors,
  fieldOverride,
  inverterStates,
  POWER_TEXT,
  rangeQuery,
  seriesPanel,
  statesPanel,
} from "./parts.ts";
import {
  channelEnergyDay,
  ecuSeries,
  inverterChannelWatts,
  inverterWatts,
  perChannel,
  perInverter,
  uidMatcher,
  withPanelName,
} from "./promql.ts";
import { stateOrUnknown, stateOverTime } from "./states.ts";
import { tilesPanel } from "./tiles.ts";

const OFFLINE = "Offline in this time range, or the ECU did not reply";

/** Median of all inverters of the same ECU, including this one. */
const siblings = `quantile by (ecu) (0.5, ${inverterChannelWatts()})`;
const meanDay = (...matchers: readonly string[]): string =>
  `avg by (ecu, uid) (${channelEnergyDay(...matchers)})`;

const state = tilesPanel({
  title: "Inverter",
  description:
    "State of the inverter, and its model by the first digits of its serial number. Online: it replied to the ECU; a missed round does not count. Asleep: no reply, and the others sleep too. Missing: no reply for 45 minutes while the others give power. Unknown: the ECU does not reply.",
  unit: "none",
  noValue: "Not registered",
  mappings: inverterStates,
  fills: true,
  tiles: [
    {
      name: "{{model}}",
      query:
        `(${stateOrUnknown(uidMatcher)}) * on (ecu, uid) group_left (model)` +
        ` topk by (ecu, uid) (1, last_over_time(${ecuSeries("inverter_info", uidMatcher)}[1d]))`,
    },
  ],
});

const energy = tilesPanel({
  title: "Power and energy",
  description:
    "Power of all channels now, and their energy in the 24 hours before the end of the time range, integrated from their power every 5 minutes. The share is the energy per channel, relative to the median inverter of the same ECU.",
  unit: "kwatth",
  noValue: "No measurement now",
  tiles: [
    { name: "Power", query: inverterWatts(uidMatcher), unit: "watt", color: POWER_TEXT },
    {
      name: "Energy, 24 h",
      query: `sum by (ecu, uid) (${channelEnergyDay(uidMatcher)})`,
      color: colors.energy,
    },
    {
      name: "Share, 24 h",
      query: `${meanDay(uidMatcher)} / on (ecu) group_left () quantile by (ecu) (0.5, ${meanDay()} > 0)`,
      unit: "percentunit",
      decimals: 0,
      color: [
        [0, "orange"],
        [0.75, "text"],
      ],
    },
  ],
});

const condition = tilesPanel({
  title: "Measurements",
  description:
    "The last measurements: temperature inside the inverter, grid voltage (the mean of its phases), and strength of its radio signal at the ECU, on the uncalibrated scale of the ECU. There are none while the inverter does not reply.",
  unit: "celsius",
  noValue: "No measurement now",
  tiles: [
    { name: "Temperature", query: perInverter("inverter_temperature_celsius", uidMatcher) },
    {
      name: "Grid voltage",
      query: `avg by (ecu, uid) (${ecuSeries("inverter_voltage_volts", uidMatcher)})`,
      unit: "volt",
      decimals: 0,
    },
    {
      name: "Signal",
      query: perInverter("inverter_signal_ratio", uidMatcher),
      unit: "percentunit",
      decimals: 0,
    },
  ],
});

const channels = seriesPanel({
  title: "Power by channel",
  noValue: OFFLINE,
  description:
    "Power of each panel of this inverter. A panel without a configured name is shown as inverter and channel. In a gap the inverter was offline. Marks are alerts about the inverter and events, such as a new firmware of the ECU.",
  unit: "watt",
  min: 0,
  queries: [
    rangeQuery(withPanelName(perChannel("inverter_channel_power_watts", uidMatcher)), "{{name}}"),
  ],
});

const againstSiblings = seriesPanel({
  title: "Compared with its siblings",
  noValue: OFFLINE,
  description: "Power per channel of this inverter, and of the median inverter of the same ECU.",
  unit: "watt",
  min: 0,
  queries: [
    rangeQuery(inverterChannelWatts(uidMatcher), "This inverter"),
    rangeQuery(
      `${siblings} and on (ecu) ${perInverter("inverter_online", uidMatcher)}`,
      "Median inverter",
    ),
  ],
  // Drawn on top where both lines are the same.
  overrides: [
    fieldOverride("Median inverter", {
      color: { mode: "fixed", fixedColor: "text" },
      "custom.lineWidth": 1,
      "custom.lineStyle": { fill: "dash", dash: [6, 6] },
    }),
  ],
});

const channelsDay = barsPanel({
  title: "Energy by channel, last 24 hours",
  description:
    "Energy of each panel of this inverter in the last 24 hours, lowest first, integrated from its power every 5 minutes.",
  unit: alwaysKilowattHours,
  decimals: 2,
  color: colors.energy,
  noValue: "No power known in 24 hours",
  expr: `sort(${withPanelName(channelEnergyDay(uidMatcher))})`,
  label: "name",
});

const history = statesPanel({
  title: "State over time",
  description:
    "When the inverter was online, asleep like the others, or missing while the others gave power. Unknown: the ECU itself did not reply.",
  unit: "none",
  mappings: inverterStates,
  queries: [rangeQuery(stateOverTime(1, uidMatcher), "{{uid}}")],
});

const temperature = seriesPanel({
  title: "Temperature over time",
  noValue: OFFLINE,
  showsLegend: false,
  description: "Temperature inside the inverter. In a gap the inverter was offline.",
  unit: "celsius",
  queries: [rangeQuery(perInverter("inverter_temperature_celsius", uidMatcher), "Temperature")],
});

const voltage = seriesPanel({
  title: "Grid voltage over time",
  noValue: OFFLINE,
  description:
    "Grid voltage at the inverter, from a phase to neutral (L1) or between two phases (L12). In a gap the inverter was offline.",
  unit: "volt",
  queries: [
    rangeQuery(
      `max by (ecu, uid, phase) (${ecuSeries("inverter_voltage_volts", uidMatcher)})`,
      "{{phase}}",
    ),
  ],
});

const frequency = seriesPanel({
  title: "Grid frequency over time",
  noValue: OFFLINE,
  showsLegend: false,
  description: "Grid frequency at the inverter. In a gap the inverter was offline.",
  unit: "hertz",
  queries: [rangeQuery(perInverter("inverter_frequency_hertz", uidMatcher), "Frequency")],
});

const signal = seriesPanel({
  title: "Signal over time",
  noValue: OFFLINE,
  showsLegend: false,
  description:
    "Strength of the inverter's radio signal at the ECU, on the uncalibrated scale of the ECU.",
  unit: "percentunit",
  min: 0,
  max: 1,
  queries: [rangeQuery(perInverter("inverter_signal_ratio", uidMatcher), "Signal")],
});

/** The dashboard of an inverter. */
export const inverter = buildDashboard({
  uid: "apsystems-inverter",
  description:
    "One inverter: channels, temperature, grid, signal, and a comparison with its siblings.",
  tags: ["solar"],
  from: "now-24h",
  oneInverter: true,
  annotations: { list: [alertsIn(4, uidMatcher), inverterEventsIn(4)] },
  rows: [
    [
      [4, 3, state],
      [10, 3, energy],
      [10, 3, condition],
    ],
    [
      [12, 9, channels],
      [12, 9, againstSiblings],
    ],
    [
      [12, 6, channelsDay],
      [12, 6, history],
    ],
    [
      [12, 8, temperature],
      [12, 8, signal],
    ],
    [
      [12, 8, voltage],
      [12, 8, frequency],
    ],
  ],
});
