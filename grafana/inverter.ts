/** The dashboard of an inverter: channels, grid, radio, and a comparison with its siblings. */
import { buildDashboard } from "./board.ts";
import {
  alwaysKilowattHours,
  barsPanel,
  fieldOverride,
  instantQuery,
  online,
  rangeQuery,
  seriesPanel,
  statesPanel,
  statPanel,
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
  withPanelNameOfDay,
} from "./promql.ts";

/** Median of all inverters of the same ECU, including this one. */
const siblings = `quantile by (ecu) (0.5, ${inverterChannelWatts()})`;
const meanDay = (...matchers: readonly string[]): string =>
  `avg by (ecu, uid) (${channelEnergyDay(...matchers)})`;

const state = statPanel(
  {
    title: "State",
    description:
      "Whether the inverter replied to the ECU in its last round. At night no inverter replies.",
    unit: "none",
    noValue: "Unknown",
    mappings: online,
    queries: [instantQuery(perInverter("inverter_online", uidMatcher), "State")],
  },
  "background",
);

const model = statPanel(
  {
    title: "Model",
    description: "Model of the inverter, from the first digits of its serial number.",
    unit: "none",
    noValue: "Unknown",
    queries: [
      instantQuery(`max by (model) (${ecuSeries("inverter_info", uidMatcher)})`, "{{model}}"),
    ],
  },
  "name",
);

const powerNow = statPanel({
  title: "Power now",
  description: "Power of all channels. No value while the inverter is offline.",
  unit: "watt",
  noValue: "–",
  queries: [instantQuery(inverterWatts(uidMatcher), "Power")],
});

const energyDay = statPanel({
  title: "Energy, 24 h",
  description:
    "Energy of all channels in the last 24 hours, integrated from their power every 5 minutes.",
  unit: "kwatth",
  noValue: "–",
  queries: [instantQuery(`sum by (ecu, uid) (${channelEnergyDay(uidMatcher)})`, "Energy")],
});

const share = statPanel({
  title: "Share, 24 h",
  description:
    "Energy per channel in the last 24 hours, relative to the median inverter of the same ECU.",
  unit: "percentunit",
  decimals: 0,
  noValue: "–",
  queries: [
    instantQuery(
      `${meanDay(uidMatcher)} / on (ecu) group_left () quantile by (ecu) (0.5, ${meanDay()} > 0)`,
      "Share",
    ),
  ],
});

const temperatureNow = statPanel({
  title: "Temperature",
  description: "Temperature inside the inverter. No value while it is offline.",
  unit: "celsius",
  noValue: "–",
  queries: [instantQuery(perInverter("inverter_temperature_celsius", uidMatcher), "Temperature")],
});

const voltageNow = statPanel({
  title: "Grid voltage",
  description: "Grid voltage at the inverter, the mean of its phases.",
  unit: "volt",
  decimals: 0,
  noValue: "–",
  queries: [
    instantQuery(
      `avg by (ecu, uid) (${ecuSeries("inverter_voltage_volts", uidMatcher)})`,
      "Voltage",
    ),
  ],
});

const signalNow = statPanel({
  title: "Signal",
  description:
    "Strength of the inverter's radio signal at the ECU, on the uncalibrated scale of the ECU.",
  unit: "percentunit",
  decimals: 0,
  noValue: "–",
  queries: [instantQuery(perInverter("inverter_signal_ratio", uidMatcher), "Signal")],
});

const channels = seriesPanel({
  title: "Power by channel",
  description:
    "Power of each panel of this inverter. A panel without a configured name is shown as inverter and channel. In a gap the inverter was offline.",
  unit: "watt",
  min: 0,
  queries: [
    rangeQuery(withPanelName(perChannel("inverter_channel_power_watts", uidMatcher)), "{{name}}"),
  ],
});

const againstSiblings = seriesPanel({
  title: "Compared with its siblings",
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
    "Energy of each panel of this inverter in the last 24 hours, highest first, integrated from its power every 5 minutes.",
  unit: alwaysKilowattHours,
  decimals: 2,
  min: 0,
  color: "blue",
  noValue: "No power in 24 hours",
  queries: [
    instantQuery(`sort_desc(${withPanelNameOfDay(channelEnergyDay(uidMatcher))})`, "{{name}}"),
  ],
});

const history = statesPanel({
  title: "Online",
  description:
    "When the inverter replied to the ECU. It is offline every night. A gap means that the ECU itself was not read.",
  unit: "none",
  mappings: online,
  queries: [rangeQuery(perInverter("inverter_online", uidMatcher), "{{uid}}")],
});

const temperature = seriesPanel({
  title: "Temperature over time",
  description: "Temperature inside the inverter. In a gap the inverter was offline.",
  unit: "celsius",
  queries: [rangeQuery(perInverter("inverter_temperature_celsius", uidMatcher), "Temperature")],
});

const voltage = seriesPanel({
  title: "Grid voltage over time",
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
  description: "Grid frequency at the inverter. In a gap the inverter was offline.",
  unit: "hertz",
  queries: [rangeQuery(perInverter("inverter_frequency_hertz", uidMatcher), "Frequency")],
});

const signal = seriesPanel({
  title: "Signal over time",
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
  rows: [
    [state, model, powerNow, energyDay, share, temperatureNow, voltageNow, signalNow].map(
      (panel) => [3, 4, panel] as const,
    ),
    [
      [12, 9, channels],
      [12, 9, againstSiblings],
    ],
    [
      [12, 5, channelsDay],
      [12, 5, history],
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
