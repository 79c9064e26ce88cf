/** The dashboard of many ECUs: their state, their total power and energy, and firing alerts. */
import { buildDashboard } from "./board.ts";
import {
  alwaysKilowattHours,
  instantQuery,
  kilowatts,
  rangeQuery,
  reachable,
  seriesPanel,
  statesPanel,
  statPanel,
} from "./parts.ts";
import {
  age,
  ecuSeries,
  energyProduced,
  firingAlerts,
  kilowattHours,
  perEcu,
  worst,
} from "./promql.ts";
import { centred, coloured, linkTo, tablePanel } from "./table.ts";

const onlineShare = `${perEcu("ecu_inverters_online")} / ${perEcu("ecu_inverters")}`;

/** Without the night, when an ECU reports 0 W because no inverter replies. */
const powerByDay = `${perEcu("ecu_power_watts")} and on (ecu) ${perEcu("ecu_inverters_online")} > 0`;

const ecus = statPanel({
  title: "ECUs",
  description: "ECUs that replied in their last read, and the number of ECUs.",
  unit: "none",
  noValue: "–",
  queries: [
    instantQuery(`sum(${perEcu("ecu_up")})`, "Reachable"),
    instantQuery(`count(${perEcu("ecu_up")})`, "All"),
  ],
});

const power = statPanel({
  title: "Power now",
  description:
    "Total power of the selected plants. Plants with an unreachable ECU are not included.",
  unit: "watt",
  noValue: "–",
  queries: [instantQuery(`sum(${perEcu("ecu_power_watts")})`, "Power")],
});

const today = statPanel({
  title: "Energy today",
  description:
    "Total energy of the selected plants since the day of each ECU started. Plants with an unreachable ECU are not included.",
  unit: "kwatth",
  noValue: "–",
  queries: [
    instantQuery(kilowattHours(`sum(${perEcu("ecu_today_energy_joules")})`), "Energy today"),
  ],
});

const month = statPanel({
  title: "Energy this month",
  description:
    "Total energy of the selected plants since the first of this month, for the days for which Prometheus has data.",
  unit: "kwatth",
  noValue: "–",
  timeFrom: "now/M",
  queries: [instantQuery(`sum(${energyProduced("[$__range]")})`, "Energy this month")],
});

const online = statPanel({
  title: "Inverters online",
  description:
    "Inverters that replied in the last round, as a share of all registered inverters, for ECUs that replied themselves. At night no inverter replies.",
  unit: "percentunit",
  decimals: 0,
  noValue: "–",
  queries: [
    instantQuery(
      `sum(${perEcu("ecu_inverters_online")}) / sum(${perEcu("ecu_inverters")})`,
      "Online",
    ),
  ],
});

const alertCount = statPanel({
  title: "Alerts",
  description: "Firing alerts of the selected ECUs and their exporters.",
  unit: "none",
  noValue: "None",
  queries: [instantQuery(`count(${firingAlerts})`, "Firing")],
});

const plants = tablePanel({
  title: "Plants",
  description:
    "All ECUs as last read. Unreachable ECUs come first and have no values. Click an ECU to open the dashboard of its plant.",
  unit: "none",
  columns: [
    {
      name: "ECU",
      label: "ecu",
      options: {
        links: [linkTo("Plant", "apsystems-plant", { ecu: "ecu" })],
        "custom.width": 230,
      },
    },
    {
      name: "State",
      query: perEcu("ecu_up"),
      options: { mappings: reachable, ...coloured, "custom.width": 110 },
    },
    {
      name: "Power",
      query: `${perEcu("ecu_power_watts")} / 1000`,
      options: { unit: kilowatts, decimals: 2 },
    },
    {
      name: "Today",
      query: kilowattHours(perEcu("ecu_today_energy_joules")),
      options: { unit: alwaysKilowattHours, decimals: 1, "custom.minWidth": 90 },
    },
    { name: "Online", query: onlineShare, options: { unit: "percentunit", decimals: 0 } },
    {
      name: "Report age",
      query: age("ecu_last_report_timestamp_seconds"),
      options: { unit: "s", decimals: 0, "custom.minWidth": 90 },
    },
    {
      name: "Model",
      label: "model",
      query: `max by (ecu, model, firmware) (${ecuSeries("ecu_info")})`,
      options: { ...centred, "custom.minWidth": 100 },
    },
    { name: "Firmware", label: "firmware", options: { ...centred, "custom.width": 165 } },
  ],
  sortBy: [
    { name: "State", desc: false },
    { name: "ECU", desc: false },
  ],
});

const alerts = tablePanel({
  title: "Firing alerts",
  description:
    "Firing alerts of the selected ECUs and their exporters. Empty if the alert rules are not loaded in Prometheus.",
  unit: "none",
  noValue: "None",
  columns: [
    {
      name: "Alert",
      label: "alertname",
      query: `max by (alertname, severity, ecu, uid, channel) (${firingAlerts})`,
      options: { "custom.width": 220 },
    },
    { name: "Severity", label: "severity" },
    { name: "ECU", label: "ecu", options: { noValue: "–", "custom.width": 165 } },
    { name: "Inverter", label: "uid", options: { noValue: "–", "custom.width": 140 } },
    { name: "Channel", label: "channel", options: { noValue: "–" } },
  ],
  sortBy: [{ name: "Severity", desc: false }],
});

const powers = seriesPanel(
  {
    title: "Power by plant",
    description:
      "Power of the plants in the last reports of their ECUs, stacked. There is a gap while an ECU is unreachable, and at night, when all of its inverters are offline.",
    unit: "watt",
    min: 0,
    queries: [rangeQuery(powerByDay, "{{ecu}}")],
  },
  "stack",
);

const energies = seriesPanel(
  {
    title: "Energy per day",
    description:
      "Energy of the plants on each of the last 30 days, stacked. The last bar is the current day. Hover over a bar to see its plant.",
    unit: "kwatth",
    min: 0,
    timeFrom: "30d",
    interval: "1d",
    queries: [rangeQuery(energyProduced("[1d] offset -1d"), "{{ecu}}")],
    hidesLegend: true,
  },
  "bars",
);

const history = statesPanel({
  title: "ECUs reachable",
  description:
    "When each ECU replied. With more than 20 ECUs, the 20 that were unreachable for the longest time are shown. A gap means that the exporter itself was not scraped. Some ECUs are unreachable for half an hour every night.",
  unit: "none",
  mappings: reachable,
  queries: [rangeQuery(worst("ecu_up", "ecu", "max"), "{{ecu}}")],
});

/** The dashboard of many ECUs. */
export const fleet = buildDashboard({
  uid: "apsystems-fleet",
  description: "All ECUs: state, power, energy, and firing alerts.",
  tags: ["solar"],
  from: "now-24h",
  showsTargets: true,
  rows: [
    [ecus, power, today, month, online, alertCount].map((panel) => [4, 4, panel] as const),
    [[24, 12, plants]],
    [
      [12, 10, alerts],
      [12, 10, history],
    ],
    [
      [15, 11, powers],
      [9, 11, energies],
    ],
  ],
});
