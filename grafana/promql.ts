/** PromQL queries, built from metric names that the compiler checks. */
import type { MetricName } from "../src/metrics/catalogue.ts";

/** Metrics outside the catalogue: those of Prometheus and of the rules, and those of the process of the exporter. */
export const otherMetrics = [
  "ALERTS",
  "ALERTS_FOR_STATE",
  "ecu:history:start",
  "up",
  "process_resident_memory_bytes",
  "process_cpu_seconds_total",
  "nodejs_heap_size_used_bytes",
  "nodejs_eventloop_lag_p99_seconds",
] as const;
export type QueryName = MetricName | (typeof otherMetrics)[number];

/** Joules per kilowatt-hour, in PromQL notation. */
const KWH = "3.6e6";
/** The ECU polls its inverters every 5 minutes, so energy is summed in these steps. */
const STEP_SECONDS = 300;

const SCRAPED = 'job=~"$job", instance=~"$instance"';
const CHOSEN_ECUS = 'ecu=~"$ecu"';
/** Selects the inverter of the dashboard variable. */
export const uidMatcher = 'uid=~"$uid"';

/** The series of a metric from the selected jobs and instances. */
export const targetSeries = (name: QueryName, ...matchers: readonly string[]): string =>
  `${name}{${[SCRAPED, ...matchers].join(", ")}}`;

/** The series of a metric from the selected jobs, instances and ECUs. */
export const ecuSeries = (name: QueryName, ...matchers: readonly string[]): string =>
  targetSeries(name, CHOSEN_ECUS, ...matchers);

/** One value per set of labels, even if several exporters export it. */
const dedupe = (by: string, series: string): string => `max by (${by}) (${series})`;

export const perEcu = (name: MetricName): string => dedupe("ecu", ecuSeries(name));
export const perInverter = (name: MetricName, ...matchers: readonly string[]): string =>
  dedupe("ecu, uid", ecuSeries(name, ...matchers));
export const perChannel = (name: MetricName, ...matchers: readonly string[]): string =>
  dedupe("ecu, uid, channel", ecuSeries(name, ...matchers));

/** Watts of each inverter: the sum of its channels. No series while it is offline. */
export const inverterWatts = (...matchers: readonly string[]): string =>
  `sum by (ecu, uid) (${perChannel("inverter_channel_power_watts", ...matchers)})`;

/** Mean watts per channel of each inverter, to compare models with two and with four channels. */
export const inverterChannelWatts = (...matchers: readonly string[]): string =>
  `avg by (ecu, uid) (${perChannel("inverter_channel_power_watts", ...matchers)})`;

/** Converts joules to kWh. */
export const kilowattHours = (joules: string): string => `${joules} / ${KWH}`;

/** Energy of each channel within a window in kWh, integrated from its power. Times without power add nothing. */
export const channelEnergy = (window: string, ...matchers: readonly string[]): string => {
  const watts = ecuSeries("inverter_channel_power_watts", ...matchers);
  const sum = dedupe(
    "ecu, uid, channel",
    `sum_over_time(${watts}[${window}:${STEP_SECONDS / 60}m])`,
  );
  return kilowattHours(`${sum} * ${STEP_SECONDS}`);
};
/** The same within the last 24 hours. */
export const channelEnergyDay = (...matchers: readonly string[]): string =>
  channelEnergy("1d", ...matchers);

/** Seconds since the timestamp in a metric of each ECU. */
export const age = (name: MetricName): string => `time() - ${perEcu(name)}`;

/** More series than this in one panel are not readable. */
const MAX_SERIES = 12;

/**
 * The 12 series with the highest rank. The rank is computed once for the time range.
 * @param rank function over the time range that computes the rank
 */
const topSeries = (
  by: string,
  rank: "max_over_time" | "increase",
  name: MetricName,
  series: string,
): string => {
  // Of a gauge, one value of five minutes is enough; an increase needs every value.
  const window = rank === "increase" ? "$__range" : "$__range:5m";
  const number = `max by (${by}) (${rank}(${ecuSeries(name)}[${window}] @ end()))`;
  return `${series} and on (${by}) topk(${MAX_SERIES}, ${number})`;
};

/** The state of a series that stands for no data at all. */
export const NO_DATA = -1;

/**
 * The series with the lowest shares, the lowest first: Prometheus sorts the series of a range by their labels, and the label
 * `_rank` is before all others. If no series has a share, there is one series that says "No data", because Grafana shows an
 * error for states without a series.
 * @param by labels of a series; the last one is its name
 * @param share a number from 0 to 1 for the whole time range
 */
export const worstFirst = (states: string, by: string, share: string, count: number): string => {
  const rank = `count_values by (${by}) ("_rank", 1000 + round(1000 * bottomk(${count}, ${share})))`;
  const name = by.split(", ").at(-1);
  const noData = `label_replace(vector(${NO_DATA}) unless on () (${share}), "${name}", "No data", "", "")`;
  return `${states} * on (${by}) group_left (_rank) ${rank} or on () ${noData}`;
};

/** The 12 series that were 0 for the longest time, worst first, of a metric that is 1 or 0. @param at how to merge several exporters */
export const worst = (name: MetricName, by: string, at: "max" | "min"): string => {
  const share = `max by (${by}) (avg_over_time(${ecuSeries(name)}[$__range:5m] @ end()))`;
  return worstFirst(`${at} by (${by}) (${ecuSeries(name)})`, by, share, MAX_SERIES);
};
/** The 12 series with the highest maximum. */
export const highest = (name: MetricName, by: string): string =>
  topSeries(by, "max_over_time", name, dedupe(by, ecuSeries(name)));
/** The 12 series of a counter with the largest increase, as increase per minute. */
export const fastest = (name: MetricName, by: string): string =>
  topSeries(
    by,
    "increase",
    name,
    `60 * sum by (${by}) (rate(${ecuSeries(name)}[$__rate_interval]))`,
  );

/**
 * The configured places of panels. Names of the last day are kept, so that panels do not turn into serial numbers while the
 * ECU is unreachable; a name that was changed on this day has its new value.
 */
const places = (): string => {
  const info = ecuSeries("inverter_channel_info");
  const key = "ecu, uid, channel";
  return `topk by (${key}) (1, ${info} or on (${key}) last_over_time(${info}[1d] @ end()))`;
};

/** Adds the label `name` to series of channels: the name of the panel if one is configured, otherwise uid/channel. */
export const withPanelName = (channels: string): string => {
  const everywhere = `(${places()} or on (ecu, uid, channel) 0 * (${channels}) + 1)`;
  const placed = `(${channels}) * on (ecu, uid, channel) group_left (panel) ${everywhere}`;
  const numbered = `label_join(${placed}, "name", "/", "uid", "channel")`;
  return `label_replace(${numbered}, "name", "$1", "panel", "(.+)")`;
};

/** Energy of each channel within the last 24 hours, relative to the median channel of the plant. */
export const shareOfMedian = `${channelEnergyDay()} / on (ecu) group_left () quantile by (ecu) (0.5, ${channelEnergyDay()} > 0)`;

/**
 * The same relative to its siblings: to the best channel of the same inverter if two or more give power, otherwise to the
 * median channel of the plant. The alerts use the same definition.
 */
export const shareOfSiblings =
  `(${channelEnergyDay()} / on (ecu, uid) group_left () max by (ecu, uid) (${channelEnergyDay()})` +
  ` and on (ecu, uid) count by (ecu, uid) (${channelEnergyDay()} > 0) >= 2) or ${shareOfMedian}`;

/** Channels that gave power within 30 days. Inputs without a panel are excluded. */
export const usedChannels = `${dedupe(
  "ecu, uid, channel",
  `max_over_time(${ecuSeries("inverter_channel_power_watts")}[30d:1h])`,
)} > 0`;

/** Increase of a counter within the time range of the dashboard. */
export const increase = (name: MetricName, by: string): string =>
  dedupe(by, `increase(${ecuSeries(name)}[$__range])`);

/** Increase of a counter per minute. */
export const perMinute = (name: MetricName, by: string): string =>
  dedupe(by, `60 * rate(${ecuSeries(name)}[$__rate_interval])`);

/** Firing alerts of the selected ECUs, and those without an ECU of the selected exporters. */
export const firingAlerts = [
  ecuSeries("ALERTS", 'alertstate="firing"'),
  'ALERTS{alertstate="firing", ecu="", job=~"$job"}' +
    ` and on (job) count by (job) (last_over_time(${targetSeries("ecu_up")}[1d]))`,
].join(" or ");

/** Has a value if the alert rules are loaded in Prometheus. */
export const hasRules: QueryName = "ecu:history:start";

/** Seconds since 1970 at which each unreachable ECU last replied, if it did within a week. */
export const unreachableSince =
  `max by (ecu) (max_over_time(((${ecuSeries("ecu_up")} == 1) * 0 + time())[7d:5m]))` +
  ` and on (ecu) ${dedupe("ecu", ecuSeries("ecu_up"))} == 0`;

/** NaN instead of no value while an ECU is selected, so that a panel says that the value is unknown. */
export const orUnknown = (expr: string): string =>
  `(${expr}) or on () sum(${ecuSeries("ecu_up")}) * NaN`;

/**
 * A row that says "None" or "Unknown", because an empty table loses its header.
 * @param known has a value if the data are known of which `expr` selects some
 * @param label column of the word @param others further columns that stay
 */
export const orNone = (
  expr: string,
  known: string,
  label: string,
  ...others: readonly string[]
): string => {
  const fill = (row: string, name: string, text: string): string =>
    `label_replace(${row}, "${name}", "${text}", "", "")`;
  const ecus = `sum(${ecuSeries("ecu_up")}) * NaN`;
  const rows = [fill(`(${ecus} and on () ${known})`, label, "None"), fill(ecus, label, "Unknown")];
  return `(${expr})${rows
    .map((row) => ` or on () ${others.reduce((filled, other) => fill(filled, other, "–"), row)}`)
    .join("")}`;
};
