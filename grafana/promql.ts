/** Queries as text, made of metric names that the compiler knows. */
import type { MetricName } from "../src/metrics/catalogue.ts";

/** Metrics that are not the catalogue's: those of Prometheus, and of the exporter's own process. */
export const otherMetrics = [
  "ALERTS",
  "up",
  "process_resident_memory_bytes",
  "process_cpu_seconds_total",
  "nodejs_heap_size_used_bytes",
  "nodejs_eventloop_lag_p99_seconds",
] as const;
export type QueryName = MetricName | (typeof otherMetrics)[number];

/** Joules in a kilowatt-hour, as queries write it. */
const KWH = "3.6e6";
/** The ECU hears from its inverters every 5 minutes, so energy is summed in steps of that. */
const STEP_SECONDS = 300;

const SCRAPED = 'job=~"$job", instance=~"$instance"';
const CHOSEN_ECUS = 'ecu=~"$ecu"';
/** Selects the inverter that is chosen on the page. */
export const chosenUid = 'uid=~"$uid"';

/** The series of a metric from the chosen jobs and instances. */
export const scraped = (name: QueryName, ...matchers: readonly string[]): string =>
  `${name}{${[SCRAPED, ...matchers].join(", ")}}`;

/** The series of a metric from the chosen ECUs too. */
export const chosen = (name: QueryName, ...matchers: readonly string[]): string =>
  scraped(name, CHOSEN_ECUS, ...matchers);

/** One value for each set of labels, however many exporters tell it. */
const one = (by: string, series: string): string => `max by (${by}) (${series})`;

export const perEcu = (name: MetricName): string => one("ecu", chosen(name));
export const perInverter = (name: MetricName, ...matchers: readonly string[]): string =>
  one("ecu, uid", chosen(name, ...matchers));
export const perChannel = (name: MetricName, ...matchers: readonly string[]): string =>
  one("ecu, uid, channel", chosen(name, ...matchers));

/** Watts of each inverter: the sum of its channels; no series while it is offline. */
export const inverterWatts = (...matchers: readonly string[]): string =>
  `sum by (ecu, uid) (${perChannel("inverter_channel_power_watts", ...matchers)})`;

/** Watts that each inverter gives for a channel, so that models with two and with four compare. */
export const inverterChannelWatts = (...matchers: readonly string[]): string =>
  `avg by (ecu, uid) (${perChannel("inverter_channel_power_watts", ...matchers)})`;

/** Joules as kWh. */
export const kilowattHours = (joules: string): string => `${joules} / ${KWH}`;

/** Growth of the lifetime energy of each ECU within a window, in kWh. */
export const produced = (window: string): string =>
  kilowattHours(one("ecu", `increase(${chosen("ecu_lifetime_energy_joules_total")}${window})`));

/** Energy of each channel within the last 24 hours in kWh, from its power; time without power adds nothing. */
export const channelDay = (...matchers: readonly string[]): string => {
  const watts = chosen("inverter_channel_power_watts", ...matchers);
  const sum = one("ecu, uid, channel", `sum_over_time(${watts}[1d:${STEP_SECONDS / 60}m])`);
  return kilowattHours(`${sum} * ${STEP_SECONDS}`);
};

/** Seconds since a point in time that each ECU has a metric of. */
export const age = (name: MetricName): string => `time() - ${perEcu(name)}`;

/** More lines than this in one panel nobody can read. */
const READABLE = 20;

/**
 * Of series by these labels, the 20 with the highest or the lowest number, as a number that is told once for the time range.
 * @param within function over that time, which gives the number
 */
const foremost = (
  which: "topk" | "bottomk",
  by: string,
  within: "avg_over_time" | "max_over_time" | "increase",
  name: MetricName,
  series: string,
): string => {
  const number = `max by (${by}) (${within}(${chosen(name)}[$__range] @ end()))`;
  return `${series} and on (${by}) ${which}(${READABLE}, ${number})`;
};
/** The 20 series that were at 0 for longest, of a metric that is 1 or 0. @param at which exporter is believed, of several */
export const mostAmiss = (name: MetricName, by: string, at: "max" | "min"): string =>
  foremost("bottomk", by, "avg_over_time", name, `${at} by (${by}) (${chosen(name)})`);
/** The 20 series that rose highest. */
export const highest = (name: MetricName, by: string): string =>
  foremost("topk", by, "max_over_time", name, one(by, chosen(name)));
/** The 20 series of a counter that grew most, as their growth a minute. */
export const fastest = (name: MetricName, by: string): string =>
  foremost(
    "topk",
    by,
    "increase",
    name,
    `60 * sum by (${by}) (rate(${chosen(name)}[$__rate_interval]))`,
  );

/** The last power of each channel within 24 hours. */
const seenToday = one(
  "ecu, uid, channel",
  `last_over_time(${chosen("inverter_channel_power_watts")}[1d])`,
);

/**
 * Adds the label `name` to series of channels: the panel's name where one is configured, else uid/channel.
 * @param all series of those channels at least, where they are simpler than the series themselves
 */
export const named = (channels: string, all: string = channels): string => {
  const places = `topk by (ecu, uid, channel) (1, ${chosen("inverter_channel_info")})`;
  const everywhere = `(${places} or on (ecu, uid, channel) 0 * (${all}) + 1)`;
  const placed = `(${channels}) * on (ecu, uid, channel) group_left (panel) ${everywhere}`;
  const numbered = `label_join(${placed}, "name", "/", "uid", "channel")`;
  return `label_replace(${numbered}, "name", "$1", "panel", "(.+)")`;
};
export const namedOfDay = (channels: string): string => named(channels, seenToday);

/** Energy of each channel within the last 24 hours as a share of the plant's middle one (the median). */
export const shareOfMiddle = `${channelDay()} / on (ecu) group_left () quantile by (ecu) (0.5, ${channelDay()} > 0)`;

/**
 * The same as a share of its siblings: of the best channel of the same inverter, where two or more give power, else of
 * the plant's middle one. So say the alerts too.
 */
export const shareOfSiblings =
  `(${channelDay()} / on (ecu, uid) group_left () max by (ecu, uid) (${channelDay()})` +
  ` and on (ecu, uid) count by (ecu, uid) (${channelDay()} > 0) >= 2) or ${shareOfMiddle}`;

/** Channels that gave power within 30 days, by the hour: an input without a panel lags behind nobody. */
export const usedChannels = `${one(
  "ecu, uid, channel",
  `max_over_time(${chosen("inverter_channel_power_watts")}[30d:1h])`,
)} > 0`;

/** Growth of a counter within the time range of the page. */
export const grown = (name: MetricName, by: string): string =>
  one(by, `increase(${chosen(name)}[$__range])`);

/** Growth of a counter a minute. */
export const perMinute = (name: MetricName, by: string): string =>
  one(by, `60 * rate(${chosen(name)}[$__rate_interval])`);

/** Firing alerts that name a chosen ECU, and those that name no ECU but the job of an exporter. */
export const firingAlerts = [
  `ALERTS{alertstate="firing", ${CHOSEN_ECUS}}`,
  'ALERTS{alertstate="firing", ecu="", job=~"$job"}' +
    ` and on (job) count by (job) (last_over_time(${scraped("ecu_up")}[1d]))`,
].join(" or ");
