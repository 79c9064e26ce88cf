/** The dashboard of a plant: power, energy, and the panels and inverters that lag behind. */
import { VariableHide } from "@grafana/grafana-foundation-sdk/dashboard";
import { buildDashboard, listChoice, multiChoice, section, textBox } from "./board.ts";
import { alertsIn, plantEventsIn } from "./events.ts";
import {
  alwaysKilowattHours,
  barsPanel,
  colors,
  columnsPanel,
  fieldOverride,
  instantQuery,
  inverterStates,
  MAX_STATE_ROWS,
  override,
  rangeQuery,
  seriesPanel,
  statesPanel,
} from "./parts.ts";
import { energyPerDay, energyPerMonth } from "./periods.ts";
import {
  byArray,
  ecuState,
  energy,
  hour,
  inverters,
  light,
  money,
  peak,
  totals,
} from "./plant-numbers.ts";
import {
  channelEnergyDay,
  ecuSeries,
  inverterWatts,
  orNone,
  perChannel,
  perInverter,
  shareOfMedian,
  shareOfSiblings,
  usedChannels,
  withPanelName,
} from "./promql.ts";
import { roofNow, roofToday } from "./roof.ts";
import { forEveryInverter, stateOrUnknown, stateOverTime } from "./states.ts";
import { centred, coloured, linkTo, tablePanel } from "./table.ts";

/** Options of a line in a chart of stacked areas. @param group name of its own stack */
const unstacked = (group: string) => ({
  "custom.stacking": { mode: "none", group },
  "custom.fillOpacity": 0,
});

/** Panels with a smaller share of their siblings are listed as far below them. */
const FAR_BELOW = 0.75;

const farBelow = `(${shareOfSiblings}) < ${FAR_BELOW} and on (ecu, uid, channel) ${usedChannels}`;

/** Whether any panel reported its power on the day. */
const known = `count(${channelEnergyDay()})`;

const power = seriesPanel(
  {
    title: "Power",
    description:
      "Power of the inverters, stacked; the line on top is the plant. At night there is a gap. If the coordinates of the plant are configured, the dashed line is the height of the sun above the horizon. Marks are alerts and events, such as a new firmware.",
    unit: "watt",
    min: 0,
    color: colors.power,
    showsLegend: false,
    queries: [
      rangeQuery(inverterWatts(), "{{uid}}"),
      rangeQuery(`sum(${inverterWatts()})`, "Plant"),
      rangeQuery(`max(${ecuSeries("ecu_sun_elevation_degrees")}) > 0`, "Sun"),
    ],
    overrides: [
      // One colour: Grafana 9 has no shades of a colour. Lines of this colour between the areas would cover them.
      override("byFrameRefID", "A", { "custom.lineWidth": 0 }),
      fieldOverride("Plant", { ...unstacked("B"), "custom.lineWidth": 2 }),
      fieldOverride("Sun", {
        ...unstacked("C"),
        unit: "degree",
        color: { mode: "fixed", fixedColor: "#8e8e9a" },
        "custom.lineWidth": 1,
        "custom.lineStyle": { fill: "dash", dash: [8, 8] },
        "custom.axisPlacement": "hidden",
        min: 0,
      }),
    ],
  },
  "stack",
);

const days = columnsPanel(
  {
    title: "Energy per day",
    description:
      "Energy of each of the 30 days before the end of the time range, from midnight to midnight, in steps of 0.1 kWh. The bar of the current day is the day so far.",
    unit: "kwatth",
    min: 0,
    color: colors.energy,
    showsLegend: false,
    queries: [instantQuery(energyPerDay(30), "Energy")],
  },
  "D MMM",
);

const months = columnsPanel(
  {
    title: "Energy per month",
    description:
      "Energy of each of the last twelve months, and of the same month one year before, for the months for which Prometheus has the start; an import of the ECU's history brings earlier ones. The bar of the current month is the month so far.",
    unit: "kwatth",
    min: 0,
    queries: [
      instantQuery(energyPerMonth(12, 0), "Energy"),
      instantQuery(energyPerMonth(12, 1), "One year before"),
    ],
    overrides: [
      fieldOverride("One year before", { color: { mode: "fixed", fixedColor: "#7d7f8c" } }),
      fieldOverride("Energy", { color: { mode: "fixed", fixedColor: colors.energy } }),
    ],
  },
  "MMM YYYY",
);

const panelsNow = barsPanel({
  title: "Panels now",
  description:
    "Power of every panel, lowest first. A panel without a configured name is shown as inverter and channel.",
  unit: "watt",
  color: colors.power,
  noValue: "No power now: night, or no reply",
  expr: `sort(${withPanelName(perChannel("inverter_channel_power_watts"))})`,
  label: "name",
});

const panelsDay = barsPanel({
  title: "Panels, 24 hours",
  description:
    "Energy of every panel in the 24 hours before the end of the time range, lowest first, integrated from its power every 5 minutes.",
  unit: alwaysKilowattHours,
  decimals: 2,
  color: colors.energy,
  noValue: "No power seen in 24 hours",
  expr: `sort(${withPanelName(channelEnergyDay())})`,
  label: "name",
});

const lagging = tablePanel({
  title: "Panels far below their siblings",
  description:
    "Panels that gave less than 75 % of the energy of their siblings in the last 24 hours. A panel is compared with the best panel of the same inverter, or with the median panel of the plant if no other panel of the inverter gives power. Causes are shade, dirt, another direction or a fault. Panels of inverters that were offline all the time are not listed, nor are inputs that gave no power for 30 days (no panel connected).",
  unit: "percentunit",
  decimals: 0,
  missing: "",
  columns: [
    { name: "Panel", label: "name", options: { "custom.width": 130 } },
    { name: "Of siblings", query: orNone(withPanelName(farBelow), known, "name") },
    {
      name: "Of plant",
      // With a row for none too: before Grafana 10, "Of siblings" would be called "Value" if this query returned nothing.
      query: orNone(`${shareOfMedian} and on (ecu, uid, channel) (${farBelow})`, known, "name"),
    },
  ],
  hidden: ["ecu", "uid", "channel", "panel"],
  sortBy: [{ name: "Of siblings", desc: false }],
});

const timeline = statesPanel({
  title: "Inverters over time",
  description:
    "Online: the inverter replied to the ECU. Asleep: no reply, and the others sleep too. Missing: no reply for 45 minutes while the others give power. Unknown: the ECU itself did not reply. With more than 12 inverters, the 12 that were online for the shortest time are shown.",
  unit: "none",
  mappings: inverterStates,
  queries: [rangeQuery(stateOverTime(MAX_STATE_ROWS), "{{uid}}")],
});

const table = tablePanel({
  title: "All inverters",
  description:
    "All inverters that were registered within a day, missing ones first. An inverter that does not reply has no measurements. Unknown: the ECU does not reply. The voltage is the mean of the phases. Click an inverter to open its dashboard.",
  unit: "none",
  missing: "",
  columns: [
    {
      name: "Inverter",
      label: "uid",
      options: {
        links: [linkTo("Inverter", "apsystems-inverter", { ecu: "ecu", uid: "uid" })],
        "custom.width": 145,
      },
    },
    {
      name: "State",
      query: stateOrUnknown(),
      options: { mappings: inverterStates, ...coloured, "custom.width": 90 },
    },
    { name: "Power", query: forEveryInverter(inverterWatts()), options: { unit: "watt" } },
    {
      name: "Temperature",
      query: forEveryInverter(perInverter("inverter_temperature_celsius")),
      options: { unit: "celsius", "custom.minWidth": 110 },
    },
    {
      name: "Voltage",
      query: forEveryInverter(`avg by (ecu, uid) (${ecuSeries("inverter_voltage_volts")})`),
      options: { unit: "volt", decimals: 0 },
    },
    {
      name: "Frequency",
      query: forEveryInverter(perInverter("inverter_frequency_hertz")),
      options: { unit: "hertz", decimals: 1 },
    },
    {
      name: "Signal",
      query: forEveryInverter(perInverter("inverter_signal_ratio")),
      options: { unit: "percentunit", decimals: 0 },
    },
    {
      name: "Model",
      label: "model",
      query: `max by (ecu, uid, model) (last_over_time(${ecuSeries("inverter_info")}[1d]))`,
      options: centred,
    },
    { name: "ECU", label: "ecu", options: centred },
  ],
  sortBy: [
    { name: "State", desc: false },
    { name: "Inverter", desc: false },
  ],
});

/**
 * The arrays of the selected ECUs, or one that stands for a roof without a layout. Without any value, Grafana 11.1 moves the panels
 * below the row of arrays upwards between the others.
 */
const arrays = `query_result(group by (array) (last_over_time(${ecuSeries("inverter_channel_info", 'array!=""')}[$__range])) or on () label_replace(vector(1), "array", "not described", "", ""))`;

/** The dashboard of a plant. */
export const plant = buildDashboard({
  uid: "apsystems-plant",
  description: "Power and energy of a plant and of each of its inverters and panels.",
  tags: ["solar"],
  from: "now-24h",
  variables: [
    multiChoice("array", "Array", arrays)
      .regex('/array="([^"]+)"/')
      .hide(VariableHide.HideVariable),
    textBox("price", "Price/kWh", ""),
    listChoice("currency", "Currency", ["€", "$", "£", "CHF", "kr", "zł", "Kč"]).hide(
      VariableHide.HideLabel,
    ),
  ],
  annotations: { list: [alertsIn(4), plantEventsIn(4)] },
  rows: [
    [
      [4, 3, ecuState],
      [12, 3, energy],
      [8, 3, inverters],
    ],
    [
      [15, 10, power],
      [9, 10, days],
    ],
    [
      [8, 3, peak],
      [8, 3, hour],
      [8, 3, light],
    ],
    [section("Roof: $array", "array")],
    [
      [12, 6, roofNow],
      [12, 6, roofToday],
    ],
    [section("Totals, panels and inverters")],
    [
      [8, 4, totals],
      [8, 4, money],
      [8, 4, byArray],
    ],
    [
      [12, 8, months],
      [12, 8, lagging],
    ],
    [
      [12, 13, panelsNow],
      [12, 13, panelsDay],
    ],
    [[24, 9, timeline]],
    [[24, 10, table]],
  ],
});
