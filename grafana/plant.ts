/** The dashboard of a plant: power, energy, and the panels and inverters that lag behind. */
import { buildDashboard, datasource } from "./board.ts";
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
  age,
  channelEnergyDay,
  ecuSeries,
  energyProduced,
  inverterWatts,
  kilowattHours,
  perChannel,
  perEcu,
  perInverter,
  shareOfMedian,
  shareOfSiblings,
  usedChannels,
  withPanelName,
  withPanelNameOfDay,
} from "./promql.ts";
import { centred, coloured, linkTo, tablePanel } from "./table.ts";

/** Panels with a smaller share of their siblings are listed as far below them. */
const FAR_BELOW = 0.75;

const farBelow = `(${shareOfSiblings}) < ${FAR_BELOW} and on (ecu, uid, channel) ${usedChannels}`;

const powerNow = statPanel({
  title: "Power now",
  description:
    "Power of the whole plant in the last report of the ECU. The ECU polls its inverters every 5 minutes.",
  unit: "watt",
  noValue: "–",
  queries: [instantQuery(`sum(${perEcu("ecu_power_watts")})`, "Power")],
});

const energyToday = statPanel({
  title: "Energy today",
  description:
    "Energy since the day of the ECU started: at midnight (ECU-R-Pro, ECU-C) or with the first sun (ECU-R, ECU-B).",
  unit: "kwatth",
  noValue: "–",
  queries: [
    instantQuery(kilowattHours(`sum(${perEcu("ecu_today_energy_joules")})`), "Energy today"),
  ],
});

const energyThisMonth = statPanel({
  title: "Energy this month",
  description:
    "Energy since the first of this month, in steps of 0.1 kWh. It covers only the time for which Prometheus has data: on the first day, it is less than the energy of today.",
  unit: "kwatth",
  noValue: "–",
  timeFrom: "now/M",
  queries: [instantQuery(`sum(${energyProduced("[$__range]")})`, "Energy this month")],
});

const lifetimeEnergy = statPanel({
  title: "Lifetime energy",
  description: "Energy that the plant has produced in its lifetime, as counted by the ECU.",
  unit: "kwatth",
  noValue: "–",
  queries: [
    instantQuery(
      kilowattHours(`sum(${perEcu("ecu_lifetime_energy_joules_total")})`),
      "Lifetime energy",
    ),
  ],
});

const inverters = statPanel({
  title: "Inverters now",
  description:
    "Inverters that replied to the ECU in its last round, and the number of registered inverters. At night no inverter replies.",
  unit: "none",
  noValue: "–",
  queries: [
    instantQuery(`sum(${perEcu("ecu_inverters_online")})`, "Online"),
    instantQuery(`sum(${perEcu("ecu_inverters")})`, "Registered"),
  ],
});

const reportAge = statPanel({
  title: "Report age",
  description:
    "Time since the last report of the ECU, by the clock of the ECU. It is a few minutes by day. With several ECUs, the oldest report is shown.",
  unit: "s",
  decimals: 0,
  noValue: "–",
  queries: [instantQuery(`max(${age("ecu_last_report_timestamp_seconds")})`, "Age")],
});

const power = seriesPanel(
  {
    title: "Power by inverter",
    description:
      "Power of the inverters, stacked. At night there is a gap. If the coordinates of the plant are configured, the dashed line is the height of the sun above the horizon.",
    unit: "watt",
    min: 0,
    queries: [
      rangeQuery(inverterWatts(), "{{uid}}"),
      rangeQuery(`max(${ecuSeries("ecu_sun_elevation_degrees")}) > 0`, "Sun"),
    ],
    overrides: [
      fieldOverride("Sun", {
        unit: "degree",
        color: { mode: "fixed", fixedColor: "semi-dark-orange" },
        "custom.stacking": { mode: "none", group: "B" },
        "custom.fillOpacity": 0,
        "custom.lineStyle": { fill: "dash", dash: [8, 8] },
        "custom.axisPlacement": "right",
        "custom.axisLabel": "Sun",
        "custom.hideFrom": { legend: true, tooltip: false, viz: false },
        min: 0,
      }),
    ],
  },
  "stack",
);

const energyPerDay = seriesPanel(
  {
    title: "Energy per day",
    description:
      "Energy of each of the last 30 days, from midnight to midnight, in steps of 0.1 kWh. The last bar is the current day.",
    unit: "kwatth",
    min: 0,
    timeFrom: "30d",
    interval: "1d",
    // A point is at the start of its day, so the window looks ahead.
    queries: [rangeQuery(energyProduced("[1d] offset -1d"), "{{ecu}}")],
  },
  "bars",
);

const panelsNow = barsPanel({
  title: "Panels now",
  description:
    "Power of every panel, highest first. A panel without a configured name is shown as inverter and channel. At night there is no power.",
  unit: "watt",
  min: 0,
  color: "blue",
  noValue: "No power now",
  queries: [
    instantQuery(
      `sort_desc(${withPanelName(perChannel("inverter_channel_power_watts"))})`,
      "{{name}}",
    ),
  ],
});

const panelsDay = barsPanel({
  title: "Panels, last 24 hours",
  description:
    "Energy of every panel in the last 24 hours, highest first, integrated from its power every 5 minutes.",
  unit: alwaysKilowattHours,
  decimals: 2,
  min: 0,
  color: "blue",
  noValue: "No power in 24 hours",
  queries: [instantQuery(`sort_desc(${withPanelNameOfDay(channelEnergyDay())})`, "{{name}}")],
});

const lagging = tablePanel({
  title: "Panels far below their siblings",
  description:
    "Panels that gave less than 75 % of the energy of their siblings in the last 24 hours. A panel is compared with the best panel of the same inverter, or with the median panel of the plant if no other panel of the inverter gives power. Causes are shade, dirt, another direction or a fault. Panels of inverters that were offline all the time are not listed, nor are inputs that gave no power for 30 days (no panel connected).",
  unit: "percentunit",
  decimals: 0,
  noValue: "None",
  columns: [
    { name: "Panel", label: "name", options: { "custom.width": 160 } },
    { name: "Of siblings", query: withPanelNameOfDay(farBelow) },
    {
      name: "Of plant",
      query: `${shareOfMedian} and on (ecu, uid, channel) (${farBelow})`,
    },
  ],
  hidden: ["ecu", "uid", "channel", "panel"],
  sortBy: [{ name: "Of siblings", desc: false }],
});

const timeline = statesPanel({
  title: "Inverters online",
  description:
    "When each inverter replied to the ECU. All are offline at night. A gap means that the ECU itself was not read.",
  unit: "none",
  mappings: online,
  queries: [rangeQuery(perInverter("inverter_online"), "{{uid}}")],
});

const table = tablePanel({
  title: "Inverters",
  description:
    "All registered inverters as last read. An offline inverter has no measurements; if all are offline, the columns disappear. The voltage is the mean of the phases. Click an inverter to open its dashboard.",
  unit: "none",
  columns: [
    {
      name: "Inverter",
      label: "uid",
      options: {
        links: [linkTo("Inverter", "apsystems-inverter", { ecu: "ecu", uid: "uid" })],
        "custom.width": 140,
      },
    },
    {
      name: "State",
      query: perInverter("inverter_online"),
      options: { mappings: online, ...coloured, "custom.width": 110 },
    },
    { name: "Power", query: inverterWatts(), options: { unit: "watt" } },
    {
      name: "Temperature",
      query: perInverter("inverter_temperature_celsius"),
      options: { unit: "celsius", "custom.minWidth": 110 },
    },
    {
      name: "Voltage",
      query: `avg by (ecu, uid) (${ecuSeries("inverter_voltage_volts")})`,
      options: { unit: "volt", decimals: 0 },
    },
    {
      name: "Frequency",
      query: perInverter("inverter_frequency_hertz"),
      options: { unit: "hertz", decimals: 1 },
    },
    {
      name: "Signal",
      query: perInverter("inverter_signal_ratio"),
      options: { unit: "percentunit", decimals: 0 },
    },
    {
      name: "Model",
      label: "model",
      query: `max by (ecu, uid, model) (${ecuSeries("inverter_info")})`,
      options: centred,
    },
    { name: "ECU", label: "ecu", options: centred },
  ],
  sortBy: [{ name: "Inverter", desc: false }],
});

/** The dashboard of a plant. */
export const plant = buildDashboard({
  uid: "apsystems-plant",
  description: "Power and energy of a plant and of each of its inverters and panels.",
  tags: ["solar"],
  from: "now-24h",
  annotations: {
    list: [
      {
        name: "Firing alerts",
        datasource,
        enable: false,
        iconColor: "red",
        expr: 'ALERTS{alertstate="firing", ecu=~"$ecu"}',
        titleFormat: "{{alertname}}",
        textFormat: "{{uid}}",
        step: "60s",
      },
    ],
  },
  rows: [
    [powerNow, energyToday, energyThisMonth, lifetimeEnergy, inverters, reportAge].map(
      (panel) => [4, 4, panel] as const,
    ),
    [
      [15, 10, power],
      [9, 10, energyPerDay],
    ],
    [
      [12, 7, lagging],
      [12, 7, timeline],
    ],
    [
      [12, 13, panelsNow],
      [12, 13, panelsDay],
    ],
    [[24, 10, table]],
  ],
});
