/** Renders observations as text in one of the formats. Only this file knows prom-client. */
import {
  collectDefaultMetrics,
  type Metric as PromMetric,
  Registry,
  type RegistryContentType,
} from "prom-client";
import { catalogue, type Metric, type ScrapeData } from "./catalogue.ts";

/** The formats as their content types. The first one is for clients that do not request one. */
export const formats = {
  text: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
} as const;
export type Format = keyof typeof formats;

/**
 * Time between two measurements of the delay of the event loop. Each wakes the process: the default, 10 ms, takes more CPU
 * than all scrapes of a home.
 */
const DELAY_SAMPLE_MS = 100;

/** Metrics of the process, collected over its whole life. */
export type ProcessMetrics = Registry;

/**
 * Starts the metrics of the process and of Node.js. Must be called only once per process.
 * Three gauges are left out because their names end in `_total`, which linters allow for counters only.
 */
export const createProcessMetrics = (): ProcessMetrics => {
  const register = new Registry();
  // No bucket bound is an integer: prom-client writes integers without the ".0" that OpenMetrics requires.
  collectDefaultMetrics({
    register,
    gcDurationBuckets: [0.001, 0.01, 0.1, 0.5],
    eventLoopMonitoringPrecision: DELAY_SAMPLE_MS,
  });
  for (const kind of ["handles", "requests", "resources"]) {
    register.removeSingleMetric(`nodejs_active_${kind}_total`);
  }
  return register;
};

/**
 * Renders one scrape. Each scrape has its own registry: a series that is gone from the reading is gone from the text,
 * and prom-client's renaming of counters for OpenMetrics does not reach another scrape.
 */
export const render = async (
  scrape: ScrapeData,
  format: Format,
  processMetrics?: ProcessMetrics,
): Promise<string> => {
  const registry = new Registry<RegistryContentType>();
  registry.setContentType(formats[format]);
  for (const [name, { type, help, samples }] of Object.entries<Metric>(catalogue)) {
    // As shared labels, prom-client formats the labels of a sample only once, also if other samples have the same object.
    const values = samples(scrape).map(([sharedLabels, value]) => ({ sharedLabels, value }));
    register(registry, { name, type, help, values });
  }
  for (const metric of (await processMetrics?.getMetricsAsJSON()) ?? []) {
    const measured = metric.values.filter(({ value }) => isMeasured(value));
    register(registry, {
      ...metric,
      values: DELAY.test(metric.name) ? measured.map(withoutSampleTime) : measured,
    });
  }
  return registry.metrics();
};

/** Renders scrapes with the metrics of the process. */
export type Exposer = (scrape: ScrapeData, format: Format) => Promise<string>;

/**
 * Creates the exposer of the process. Scrapes that end at the same time with the same observations share one text: a
 * thousand scrapes that wait for the same read must not delay each other.
 */
export const createExposer = (): Exposer => {
  const processMetrics = createProcessMetrics();
  let shared:
    | { readonly key: ScrapeData; readonly texts: Map<Format, Promise<string>> }
    | undefined;
  return (scrape, format) => {
    if (shared === undefined || !hasSameObservations(shared.key, scrape)) {
      const fresh = { key: scrape, texts: new Map<Format, Promise<string>>() };
      shared = fresh;
      setImmediate(() => {
        if (shared === fresh) shared = undefined;
      });
    }
    const text = shared.texts.get(format) ?? render(scrape, format, processMetrics);
    shared.texts.set(format, text);
    return text;
  };
};

const hasSameObservations = (one: ScrapeData, other: ScrapeData): boolean =>
  one.observations.length === other.observations.length &&
  one.observations.every((observation, i) => observation === other.observations[i]);

/** The minimum delay of the event loop that Node.js reports if it measured none since the last scrape. */
const UNMEASURED_DELAY = 2 ** 63 / 1e9;

const isMeasured = (value: number): boolean => Number.isFinite(value) && value !== UNMEASURED_DELAY;

/** The delays that Node.js measures from one sample to the next, which includes the time between them. */
const DELAY = /^nodejs_eventloop_lag_(min|max|mean|p\d+)_seconds$/;
const withoutSampleTime = <T extends { readonly value: number }>(sample: T): T => ({
  ...sample,
  value: Math.max(0, sample.value - DELAY_SAMPLE_MS / 1000),
});

/**
 * Adds a metric with its values. prom-client's own metrics are not used: they would hash the labels of each sample to find the
 * value that it replaces, and the labels of our samples are unique.
 */
const register = (
  registry: Registry<RegistryContentType>,
  metric: Pick<Metric, "help"> & {
    readonly name: string;
    readonly type: unknown;
    readonly values: readonly unknown[];
  },
): void => {
  if (metric.values.length === 0) return;
  const copy = { ...metric, get: () => copy }; // its name is changed for OpenMetrics
  registry.registerMetric(copy as unknown as PromMetric);
};
