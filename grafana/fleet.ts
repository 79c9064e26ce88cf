/** The dashboard of many ECUs: their state, power and energy, missing inverters, and firing alerts. */
import { buildDashboard } from "./board.ts";
import { alertsIn } from "./events.ts";
import {
  alwaysKilowattHours,
  colors,
  columnsPanel,
  fieldOverride,
  instantQuery,
  kilowatts,
  rangeQuery,
  reachable,
  reportAges,
  seriesPanel,
  statesPanel,
  textFor,
  thresholds,
} from "./parts.ts";
import { energyPerDay } from "./periods.ts";
import { powerAndEnergyPanel } from "./power-and-energy.ts";
import {
  age,
  ecuSeries,
  firingAlerts,
  hasRules,
  highest,
  kilowattHours,
  orNone,
  orUnknown,
  perEcu,
  unreachableSince,
  worst,
} from "./promql.ts";
import { countInState, inverterState } from "./states.ts";
import { centred, coloured, linkTo, tablePanel } from "./table.ts";
import { tilesPanel } from "./tiles.ts";

const up = perEcu("ecu_up");
/** NaN for each ECU without a value, so that its cell is empty and the column stays. */
const forEveryEcu = (expr: string): string => `(${expr}) or on (ecu) ${up} * NaN`;
/** A number instead of NaN in a column to sort by: Grafana does not compare further columns of two rows with NaN. */
const sortable = (expr: string): string => `(${expr}) or on (ecu) ${up} * 0 + ${NOTHING}`;
const NOTHING = -1;
const emptyCell = { mappings: [textFor(NOTHING, "")] };
const onlineShare = `${perEcu("ecu_inverters_online")} / ${perEcu("ecu_inverters")}`;
const missing = `count by (ecu) (${inverterState()} == 0) or on (ecu) ${perEcu("ecu_inverters")} * 0`;
/** Panels that gave power within a week. */
const panels =
  `count by (ecu) (max by (ecu, uid, channel)` +
  ` (max_over_time(${ecuSeries("inverter_channel_power_watts")}[7d:2h])) > 0)`;
/** Days from the first to the last reading of the last week. An outage between them is included: the counter includes its energy. */
const readAt = `((${perEcu("ecu_lifetime_energy_joules_total")} * 0 + time())[7d:2h])`;
const days = `(max_over_time${readAt} - min_over_time${readAt} + 7200) / 86400`;
const weekEnergy = `max by (ecu) (increase(${ecuSeries("ecu_lifetime_energy_joules_total")}[7d]))`;
/** kWh of a panel on a day. */
const yieldPerPanel = kilowattHours(`${weekEnergy} / (${days}) / (${panels})`);

/** Without the night, when an ECU reports 0 W because no inverter replies. */
const powerByDay = `${highest("ecu_power_watts", "ecu")} and on (ecu) ${perEcu("ecu_inverters_online")} > 0`;

const ecus = tilesPanel({
  title: "ECUs",
  description: "ECUs that replied in their last read, and those that did not.",
  unit: "none",
  noValue: "Unknown",
  tiles: [
    {
      name: "Unreachable",
      query: orUnknown(`count(${up} == 0) or on () count(${up}) * 0`),
      color: [
        [0, "text"],
        [1, colors.alert],
      ],
    },
    { name: "Reachable", query: orUnknown(`sum(${up})`), color: "text" },
  ],
});

const energy = powerAndEnergyPanel(
  "Power of the selected plants, and their energy on the day and in the month of the end of the time range: on the day as each ECU counts it, in the month for the days for which Prometheus has data. Power and the day do not include plants with an unreachable ECU.",
);

const attention = tilesPanel({
  title: "Attention",
  description:
    "Inverters that do not reply while the others of their plant give power, and firing alerts of the selected ECUs and their exporters.",
  unit: "none",
  noValue: "Unknown",
  tiles: [
    {
      name: "Inverters missing",
      query: orUnknown(countInState(0)),
      color: [
        [0, "text"],
        [1, colors.alert],
      ],
    },
    {
      name: "Alerts",
      query: orUnknown(`count(${firingAlerts}) or on () count(${hasRules}) * 0`),
      color: [
        [0, "text"],
        [1, colors.alert],
      ],
    },
  ],
});

const plants = tablePanel({
  title: "Plants",
  description:
    "All ECUs, unreachable ones first, and then those with missing inverters. Last reply: of an unreachable ECU, if it was within a week. Per panel: energy of a day of the last week, per panel that gave power, so that plants of different sizes can be compared. Click an ECU to open the dashboard of its plant.",
  unit: "none",
  missing: "",
  columns: [
    {
      name: "ECU",
      label: "ecu",
      options: {
        links: [linkTo("Plant", "apsystems-plant", { ecu: "ecu" })],
        "custom.width": 170,
      },
    },
    {
      name: "State",
      query: up,
      options: { mappings: reachable, ...coloured, "custom.width": 105 },
    },
    {
      name: "Missing",
      query: sortable(missing),
      options: {
        ...emptyCell,
        decimals: 0,
        "custom.width": 100,
        "custom.displayMode": "color-text",
        thresholds: thresholds([
          [0, "text"],
          [1, colors.alert],
        ]),
      },
    },
    {
      name: "Last reply",
      query: sortable(`(${unreachableSince}) * 1000`),
      options: { ...emptyCell, unit: "dateTimeFromNow", "custom.minWidth": 110 },
    },
    {
      name: "Power",
      query: forEveryEcu(`${perEcu("ecu_power_watts")} / 1000`),
      options: { unit: kilowatts, decimals: 2 },
    },
    {
      name: "Day",
      query: forEveryEcu(kilowattHours(perEcu("ecu_today_energy_joules"))),
      options: { unit: alwaysKilowattHours, decimals: 1, "custom.minWidth": 90 },
    },
    {
      name: "Per panel",
      query: forEveryEcu(yieldPerPanel),
      options: { unit: alwaysKilowattHours, decimals: 2, "custom.minWidth": 90 },
    },
    {
      name: "Online",
      query: forEveryEcu(onlineShare),
      options: { unit: "percentunit", decimals: 0 },
    },
    {
      name: "Report age",
      query: forEveryEcu(age("ecu_last_report_timestamp_seconds")),
      options: {
        unit: "s",
        decimals: 0,
        "custom.minWidth": 90,
        "custom.displayMode": "color-text",
        thresholds: thresholds(reportAges),
      },
    },
    {
      name: "Model",
      label: "model",
      query: `topk by (ecu) (1, last_over_time(${ecuSeries("ecu_info")}[1d]))`,
      options: { ...centred, "custom.minWidth": 100 },
    },
    { name: "Firmware", label: "firmware", options: { ...centred, "custom.width": 150 } },
  ],
  hidden: ["ecu_id", "timezone", "job", "instance", "__name__"],
  sortBy: [
    { name: "State", desc: false },
    { name: "Missing", desc: true },
    { name: "Last reply", desc: false },
    { name: "ECU", desc: false },
  ],
});

const missingInverters = tablePanel({
  title: "Inverters missing",
  description:
    "Inverters that do not reply while the others of their plant give power. Last reply: – if it was more than a week ago. Click an inverter to open its dashboard.",
  unit: "none",
  missing: "–",
  columns: [
    {
      // First, because the column of inverters is absent if no inverter is missing.
      name: "ECU",
      label: "ecu",
    },
    {
      name: "Inverter",
      label: "uid",
      options: {
        links: [linkTo("Inverter", "apsystems-inverter", { ecu: "ecu", uid: "uid" })],
        "custom.width": 150,
      },
    },
    {
      name: "Last reply",
      query: orNone(
        `(max by (ecu, uid) (max_over_time(((${ecuSeries("inverter_online")} == 1) * 0 + time())[7d:1h])) * 1000` +
          ` or on (ecu, uid) ${inverterState()} * NaN) and on (ecu, uid) ${inverterState()} == 0`,
        `sum(${up}) > 0`,
        "ecu",
      ),
      options: { unit: "dateTimeFromNow" },
    },
  ],
  sortBy: [{ name: "ECU", desc: false }],
});

const alerts = tablePanel({
  title: "Firing alerts",
  description:
    "Firing alerts of the selected ECUs and their exporters. Unknown if the alert rules are not loaded in Prometheus.",
  unit: "none",
  columns: [
    {
      name: "Alert",
      label: "alertname",
      query: orNone(
        `max by (alertname, severity, ecu, uid, channel) (${firingAlerts})`,
        `count(${hasRules})`,
        "alertname",
        "severity",
        "ecu",
      ),
      options: { "custom.minWidth": 165 },
    },
    { name: "Severity", label: "severity", options: { "custom.width": 95 } },
    { name: "ECU", label: "ecu", options: { noValue: "–", "custom.width": 115 } },
    { name: "Inverter", label: "uid", options: { noValue: "–", "custom.width": 130 } },
    { name: "Channel", label: "channel", options: { noValue: "–" } },
  ],
  sortBy: [{ name: "Severity", desc: false }],
});

const powers = seriesPanel(
  {
    title: "Power",
    description:
      "The line is the power of all selected plants. Below it, the 12 plants with the highest power are stacked. There is a gap while an ECU is unreachable, and at night. Marks are alerts.",
    unit: "watt",
    min: 0,
    showsLegend: false,
    queries: [
      rangeQuery(powerByDay, "{{ecu}}"),
      rangeQuery(
        `sum(${perEcu("ecu_power_watts")} and on (ecu) ${perEcu("ecu_inverters_online")} > 0)`,
        "All plants",
      ),
    ],
    overrides: [
      fieldOverride("All plants", {
        color: { mode: "fixed", fixedColor: colors.power },
        "custom.stacking": { mode: "none", group: "B" },
        "custom.fillOpacity": 0,
        "custom.lineWidth": 2,
      }),
    ],
  },
  "stack",
);

const energies = columnsPanel(
  {
    title: "Energy per day",
    description:
      "Energy of all selected plants on each of the 30 days before the end of the time range, from midnight to midnight. The bar of the current day is the day so far.",
    unit: "kwatth",
    min: 0,
    color: colors.energy,
    showsLegend: false,
    queries: [instantQuery(energyPerDay(30, "30m"), "Energy")],
  },
  "D MMM",
);

const history = statesPanel({
  title: "ECUs reachable",
  description:
    "When each ECU replied. With more than 12 ECUs, the 12 that were unreachable for the longest time are shown. A gap means that the exporter itself was not scraped. Some ECUs are unreachable for half an hour every night.",
  unit: "none",
  mappings: reachable,
  queries: [rangeQuery(worst("ecu_up", "ecu", "max"), "{{ecu}}")],
});

/** The dashboard of many ECUs. */
export const fleet = buildDashboard({
  uid: "apsystems-fleet",
  description: "All ECUs: state, power, energy, missing inverters, and firing alerts.",
  tags: ["solar"],
  from: "now-24h",
  showsTargets: true,
  annotations: { list: [alertsIn(8)] },
  rows: [
    [
      [6, 3, ecus],
      [12, 3, energy],
      [6, 3, attention],
    ],
    [[24, 12, plants]],
    [
      [12, 8, missingInverters],
      [12, 8, alerts],
    ],
    [[24, 10, history]],
    [
      [15, 11, powers],
      [9, 11, energies],
    ],
  ],
});
