/** One inverter: its channels, its grid, its radio, and how it does beside its siblings. */
import { board } from "./board.ts";
import {
  alwaysKilowattHours,
  barsPanel,
  field,
  now,
  online,
  over,
  seriesPanel,
  statesPanel,
  statPanel,
} from "./parts.ts";
import {
  channelDay,
  chosen,
  chosenUid,
  inverterChannelWatts,
  inverterWatts,
  named,
  namedOfDay,
  perChannel,
  perInverter,
} from "./promql.ts";

/** Of all inverters of the same ECU, this one among them. */
const siblings = `quantile by (ecu) (0.5, ${inverterChannelWatts()})`;
const meanDay = (...matchers: readonly string[]): string =>
  `avg by (ecu, uid) (${channelDay(...matchers)})`;

const state = statPanel(
  {
    title: "State",
    description: "Whether the inverter answered the ECU in its last round. At night none does.",
    unit: "none",
    noValue: "Not known",
    mappings: online,
    queries: [now(perInverter("inverter_online", chosenUid), "State")],
  },
  "background",
);

const model = statPanel(
  {
    title: "Model",
    description: "Model of the inverter, by the first digits of its serial number.",
    unit: "none",
    noValue: "Not known",
    queries: [now(`max by (model) (${chosen("inverter_info", chosenUid)})`, "{{model}}")],
  },
  "name",
);

const powerNow = statPanel({
  title: "Power now",
  description: "Power of all channels; none while the inverter is offline.",
  unit: "watt",
  noValue: "–",
  queries: [now(inverterWatts(chosenUid), "Power")],
});

const energyDay = statPanel({
  title: "Energy, 24 h",
  description:
    "Energy of all channels in the last 24 hours, counted from their power every 5 minutes.",
  unit: "kwatth",
  noValue: "–",
  queries: [now(`sum by (ecu, uid) (${channelDay(chosenUid)})`, "Energy")],
});

const share = statPanel({
  title: "Share, 24 h",
  description:
    "Energy for a channel in the last 24 hours, beside that of the middle inverter (the median) of the same ECU.",
  unit: "percentunit",
  decimals: 0,
  noValue: "–",
  queries: [
    now(
      `${meanDay(chosenUid)} / on (ecu) group_left () quantile by (ecu) (0.5, ${meanDay()} > 0)`,
      "Share",
    ),
  ],
});

const temperatureNow = statPanel({
  title: "Temperature",
  description: "Temperature inside the inverter; none while it is offline.",
  unit: "celsius",
  noValue: "–",
  queries: [now(perInverter("inverter_temperature_celsius", chosenUid), "Temperature")],
});

const voltageNow = statPanel({
  title: "Grid voltage",
  description: "Grid voltage that the inverter sees, the mean of its phases.",
  unit: "volt",
  decimals: 0,
  noValue: "–",
  queries: [now(`avg by (ecu, uid) (${chosen("inverter_voltage_volts", chosenUid)})`, "Voltage")],
});

const signalNow = statPanel({
  title: "Signal",
  description:
    "Strength of the inverter's radio signal at the ECU, of the ECU's own uncalibrated scale.",
  unit: "percentunit",
  decimals: 0,
  noValue: "–",
  queries: [now(perInverter("inverter_signal_ratio", chosenUid), "Signal")],
});

const channels = seriesPanel({
  title: "Power of its channels",
  description:
    "Power of each panel at this inverter, by the name that is configured for it, else by inverter and channel. Gaps are times at which it was offline.",
  unit: "watt",
  min: 0,
  queries: [over(named(perChannel("inverter_channel_power_watts", chosenUid)), "{{name}}")],
});

const againstSiblings = seriesPanel({
  title: "Beside its siblings",
  description:
    "Power for a channel: of this inverter, and of the middle inverter (the median) of the same ECU.",
  unit: "watt",
  min: 0,
  queries: [
    over(inverterChannelWatts(chosenUid), "This inverter"),
    over(
      `${siblings} and on (ecu) ${perInverter("inverter_online", chosenUid)}`,
      "Middle inverter",
    ),
  ],
  // On top of the other where both are the same.
  overrides: [
    field("Middle inverter", {
      color: { mode: "fixed", fixedColor: "text" },
      "custom.lineWidth": 1,
      "custom.lineStyle": { fill: "dash", dash: [6, 6] },
    }),
  ],
});

const channelsDay = barsPanel({
  title: "Energy of its channels, last 24 hours",
  description:
    "Energy of each panel at this inverter in the last 24 hours, the best first, counted from its power every 5 minutes.",
  unit: alwaysKilowattHours,
  decimals: 2,
  min: 0,
  color: "blue",
  noValue: "No power in 24 hours",
  queries: [now(`sort_desc(${namedOfDay(channelDay(chosenUid))})`, "{{name}}")],
});

const history = statesPanel({
  title: "Online",
  description:
    "When the inverter answered the ECU. It is offline every night; a gap means that the ECU itself was not heard.",
  unit: "none",
  mappings: online,
  queries: [over(perInverter("inverter_online", chosenUid), "{{uid}}")],
});

const temperature = seriesPanel({
  title: "Temperature over time",
  description: "Temperature inside the inverter; a gap while it is offline.",
  unit: "celsius",
  queries: [over(perInverter("inverter_temperature_celsius", chosenUid), "Temperature")],
});

const voltage = seriesPanel({
  title: "Grid voltage over time",
  description:
    "Grid voltage that the inverter sees, of a phase against neutral (L1) or between phases (L12); a gap while it is offline.",
  unit: "volt",
  queries: [
    over(`max by (ecu, uid, phase) (${chosen("inverter_voltage_volts", chosenUid)})`, "{{phase}}"),
  ],
});

const frequency = seriesPanel({
  title: "Grid frequency over time",
  description: "Grid frequency that the inverter sees; a gap while it is offline.",
  unit: "hertz",
  queries: [over(perInverter("inverter_frequency_hertz", chosenUid), "Frequency")],
});

const signal = seriesPanel({
  title: "Signal over time",
  description:
    "Strength of the inverter's radio signal at the ECU, of the ECU's own uncalibrated scale.",
  unit: "percentunit",
  min: 0,
  max: 1,
  queries: [over(perInverter("inverter_signal_ratio", chosenUid), "Signal")],
});

/** The dashboard of an inverter. */
export const inverter = board({
  uid: "apsystems-inverter",
  description: "One inverter: its channels, temperature, grid, signal, and its siblings.",
  tags: ["solar"],
  from: "now-24h",
  oneInverter: true,
  lines: [
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
