/** Many ECUs: each a row, what they give together, and what is wrong. */
import { board } from "./board.ts";
import {
  alwaysKilowattHours,
  kilowatts,
  now,
  over,
  reachable,
  seriesPanel,
  statesPanel,
  statPanel,
} from "./parts.ts";
import { age, chosen, firingAlerts, kilowattHours, mostAmiss, perEcu, produced } from "./promql.ts";
import { centred, coloured, linkTo, tablePanel } from "./table.ts";

const onlineShare = `${perEcu("ecu_inverters_online")} / ${perEcu("ecu_inverters")}`;

/** The ECU tells 0 W at night, when it hears from no inverter. */
const powerByDay = `${perEcu("ecu_power_watts")} and on (ecu) ${perEcu("ecu_inverters_online")} > 0`;

const ecus = statPanel({
  title: "ECUs",
  description: "ECUs that answered in their last read, and how many there are.",
  unit: "none",
  noValue: "–",
  queries: [now(`sum(${perEcu("ecu_up")})`, "Reachable"), now(`count(${perEcu("ecu_up")})`, "All")],
});

const power = statPanel({
  title: "Power now",
  description: "Power of all chosen plants whose ECU answered, together.",
  unit: "watt",
  noValue: "–",
  queries: [now(`sum(${perEcu("ecu_power_watts")})`, "Power")],
});

const today = statPanel({
  title: "Energy today",
  description: "Energy of all chosen plants whose ECU answered, since each ECU's own day began.",
  unit: "kwatth",
  noValue: "–",
  queries: [now(kilowattHours(`sum(${perEcu("ecu_today_energy_joules")})`), "Energy today")],
});

const month = statPanel({
  title: "Energy this month",
  description:
    "Energy of all chosen plants since the first of this month, of the days that Prometheus has.",
  unit: "kwatth",
  noValue: "–",
  timeFrom: "now/M",
  queries: [now(`sum(${produced("[$__range]")})`, "Energy this month")],
});

const online = statPanel({
  title: "Inverters online",
  description:
    "Inverters that answered in the last round, as a share of all that are registered, at ECUs that answered themselves. At night none answers.",
  unit: "percentunit",
  decimals: 0,
  noValue: "–",
  queries: [
    now(`sum(${perEcu("ecu_inverters_online")}) / sum(${perEcu("ecu_inverters")})`, "Online"),
  ],
});

const alertCount = statPanel({
  title: "Alerts",
  description: "Alerts that are firing for the chosen ECUs and their exporters.",
  unit: "none",
  noValue: "None",
  queries: [now(`count(${firingAlerts})`, "Firing")],
});

const plants = tablePanel({
  title: "Plants",
  description:
    "Every ECU as it was last read, unreachable ones first, which have no values. An ECU leads to the page of its plant.",
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
      query: `max by (ecu, model, firmware) (${chosen("ecu_info")})`,
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
    "Alerts that Prometheus has firing for the chosen ECUs and their exporters; none where its rules are not loaded.",
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
      "Power of the plants on top of each other, as their ECUs last told it; a gap while an ECU is not heard, and at night, when none of its inverters is online.",
    unit: "watt",
    min: 0,
    queries: [over(powerByDay, "{{ecu}}")],
  },
  "stack",
);

const energies = seriesPanel(
  {
    title: "Energy per day",
    description:
      "Energy of the plants in each of the last 30 days, on top of each other; the last bar is today so far. Point at a bar to see whose it is.",
    unit: "kwatth",
    min: 0,
    timeFrom: "30d",
    interval: "1d",
    queries: [over(produced("[1d] offset -1d"), "{{ecu}}")],
    hidesLegend: true,
  },
  "bars",
);

const history = statesPanel({
  title: "ECUs reachable",
  description:
    "When each ECU answered; of many, the 20 that were away most. A gap means that the exporter itself was not scraped. Some ECUs are away for half an hour every night.",
  unit: "none",
  mappings: reachable,
  queries: [over(mostAmiss("ecu_up", "ecu", "max"), "{{ecu}}")],
});

/** The dashboard of many ECUs. */
export const fleet = board({
  uid: "apsystems-fleet",
  description: "All ECUs: their state, power and energy, and the alerts that are firing.",
  tags: ["solar"],
  from: "now-24h",
  showsTargets: true,
  lines: [
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
