/** Samples with their times as OpenMetrics 1.0 text. */
import type { MetricName } from "../metrics/catalogue.ts";

/** A value at a time. */
export interface TimedSample {
  /** Unix time in whole seconds. */
  readonly at: number;
  readonly value: number;
}

/** The metrics that a history has. */
export type HistoryMetric = Extract<
  MetricName,
  "ecu_power_watts" | "ecu_lifetime_energy_joules_total"
>;

interface Family {
  readonly name: HistoryMetric;
  readonly type: "gauge" | "counter";
  readonly unit: string;
}

const families: readonly Family[] = [
  { name: "ecu_power_watts", type: "gauge", unit: "watts" },
  { name: "ecu_lifetime_energy_joules_total", type: "counter", unit: "joules" },
];

export interface HistoryExposition {
  readonly samples: Readonly<Record<HistoryMetric, readonly TimedSample[]>>;
  /** Help of each metric, as in the exporter. */
  readonly help: Readonly<Record<HistoryMetric, string>>;
  readonly labels: Readonly<Record<string, string>>;
}

/** The whole text; a metric without samples is left out. */
export const formatOpenMetrics = ({ samples, help, labels }: HistoryExposition): string => {
  const series = Object.entries(labels)
    .map(([label, value]) => `${label}="${quoted(value)}"`)
    .join(",");
  const lines = families.flatMap(({ name, type, unit }) => {
    if (samples[name].length === 0) return [];
    const family = name.replace(/_total$/, "");
    return [
      `# TYPE ${family} ${type}`,
      `# UNIT ${family} ${unit}`,
      `# HELP ${family} ${quoted(help[name])}`,
      ...samples[name].map(({ at, value }) => `${name}{${series}} ${value} ${at}`),
    ];
  });
  return [...lines, "# EOF", ""].join("\n");
};

const quoted = (text: string): string =>
  text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
