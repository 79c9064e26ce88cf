/** One plant: what it gives now, what it gave, and which of its panels and inverters lag behind. */
import { board, datasource } from "./board.ts";
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
  age,
  channelDay,
  chosen,
  inverterWatts,
  kilowattHours,
  named,
  namedOfDay,
  perChannel,
  perEcu,
  perInverter,
  produced,
  shareOfMiddle,
  shareOfSiblings,
  usedChannels,
} from "./promql.ts";
import { centred, coloured, linkTo, tablePanel } from "./table.ts";

/** Of its siblings; below this a panel is listed as far below them. */
const FAR_BELOW = 0.75;

const farBelow = `(${shareOfSiblings}) < ${FAR_BELOW} and on (ecu, uid, channel) ${usedChannels}`;

const powerNow = statPanel({
  title: "Power now",
  description:
    "Power of the whole plant, as the ECU last told it. The ECU hears from its inverters every 5 minutes.",
  unit: "watt",
  noValue: "–",
  queries: [now(`sum(${perEcu("ecu_power_watts")})`, "Power")],
});

const energyToday = statPanel({
  title: "Energy today",
  description:
    "Energy since the ECU's own day began: at its midnight (ECU-R-Pro, ECU-C) or with the first sun (ECU-R, ECU-B).",
  unit: "kwatth",
  noValue: "–",
  queries: [now(kilowattHours(`sum(${perEcu("ecu_today_energy_joules")})`), "Energy today")],
});

const energyThisMonth = statPanel({
  title: "Energy this month",
  description:
    "Energy since the first of this month, in steps of 0.1 kWh. Only of the time that Prometheus has: on the first day it is less than the energy of today.",
  unit: "kwatth",
  noValue: "–",
  timeFrom: "now/M",
  queries: [now(`sum(${produced("[$__range]")})`, "Energy this month")],
});

const lifetimeEnergy = statPanel({
  title: "Lifetime energy",
  description: "Energy that the plant has produced in its lifetime, as the ECU counts it.",
  unit: "kwatth",
  noValue: "–",
  queries: [
    now(kilowattHours(`sum(${perEcu("ecu_lifetime_energy_joules_total")})`), "Lifetime energy"),
  ],
});

const inverters = statPanel({
  title: "Inverters now",
  description:
    "Inverters that answered the ECU in its last round, and how many are registered. At night none answers.",
  unit: "none",
  noValue: "–",
  queries: [
    now(`sum(${perEcu("ecu_inverters_online")})`, "Online"),
    now(`sum(${perEcu("ecu_inverters")})`, "Registered"),
  ],
});

const reportAge = statPanel({
  title: "Age of report",
  description:
    "Time since the ECU last heard from its inverters, by its own clock; by day it is some minutes. Of several ECUs, the oldest.",
  unit: "s",
  decimals: 0,
  noValue: "–",
  queries: [now(`max(${age("ecu_last_report_timestamp_seconds")})`, "Age")],
});

const power = seriesPanel(
  {
    title: "Power by inverter",
    description:
      "Power of the inverters on top of each other. At night there is no power, and a gap. Where the exporter knows the site, the dashed line is the sun's height above the horizon.",
    unit: "watt",
    min: 0,
    queries: [
      over(inverterWatts(), "{{uid}}"),
      over(`max(${chosen("ecu_sun_elevation_degrees")}) > 0`, "Sun"),
    ],
    overrides: [
      field("Sun", {
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
      "Energy of each of the last 30 days, midnight to midnight; the last bar is today so far. Steps of 0.1 kWh.",
    unit: "kwatth",
    min: 0,
    timeFrom: "30d",
    interval: "1d",
    // A point stands at the beginning of its day, so the window looks ahead of it.
    queries: [over(produced("[1d] offset -1d"), "{{ecu}}")],
  },
  "bars",
);

const panelsNow = barsPanel({
  title: "Panels now",
  description:
    "Power of every panel, the best first, by the name that is configured for it, else by inverter and channel. At night there is none.",
  unit: "watt",
  min: 0,
  color: "blue",
  noValue: "No power now",
  queries: [now(`sort_desc(${named(perChannel("inverter_channel_power_watts"))})`, "{{name}}")],
});

const panelsDay = barsPanel({
  title: "Panels, last 24 hours",
  description:
    "Energy of every panel in the last 24 hours, the best first, counted from its power every 5 minutes.",
  unit: alwaysKilowattHours,
  decimals: 2,
  min: 0,
  color: "blue",
  noValue: "No power in 24 hours",
  queries: [now(`sort_desc(${namedOfDay(channelDay())})`, "{{name}}")],
});

const lagging = tablePanel({
  title: "Panels far below their siblings",
  description:
    "Panels whose energy of the last 24 hours is below 75 % of their siblings': of the best panel at the same inverter, or, where no other there gives power, of the plant's middle panel. Shade, dirt, another direction or a fault. A panel whose inverter was offline all the time is not here but among the inverters, and an input that gave nothing for 30 days is taken for one without a panel.",
  unit: "percentunit",
  decimals: 0,
  noValue: "None",
  columns: [
    { name: "Panel", label: "name", options: { "custom.width": 160 } },
    { name: "Of siblings", query: namedOfDay(farBelow) },
    {
      name: "Of plant",
      query: `${shareOfMiddle} and on (ecu, uid, channel) (${farBelow})`,
    },
  ],
  hidden: ["ecu", "uid", "channel", "panel"],
  sortBy: [{ name: "Of siblings", desc: false }],
});

const timeline = statesPanel({
  title: "Inverters online",
  description:
    "When each inverter answered the ECU. All are offline at night; a gap means that the ECU itself was not heard.",
  unit: "none",
  mappings: online,
  queries: [over(perInverter("inverter_online"), "{{uid}}")],
});

const table = tablePanel({
  title: "Inverters",
  description:
    "Every registered inverter as it is now; an offline one has no measurements, and at night, when all are, their columns are gone. The voltage is the mean of its phases. An inverter leads to its own page.",
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
      query: `avg by (ecu, uid) (${chosen("inverter_voltage_volts")})`,
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
      query: `max by (ecu, uid, model) (${chosen("inverter_info")})`,
      options: centred,
    },
    { name: "ECU", label: "ecu", options: centred },
  ],
  sortBy: [{ name: "Inverter", desc: false }],
});

/** The dashboard of a plant. */
export const plant = board({
  uid: "apsystems-plant",
  description: "Power and energy of a plant, and each of its inverters and panels.",
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
  lines: [
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
