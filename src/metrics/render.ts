/** Exposition: observations → text, in the format asked for. Everything about prom-client is in this file. */
import {
  Counter,
  collectDefaultMetrics,
  Gauge,
  type Metric as PromMetric,
  Registry,
  type RegistryContentType,
} from "prom-client";
import { catalogue, type Metric, type ScrapeData } from "./catalogue.ts";

/** Formats on offer, as their content types. The first is for clients that do not ask for one. */
export const formats = {
  text: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
} as const;
export type Format = keyof typeof formats;

/** Metrics of the process itself, gathered over its whole life. */
export type ProcessMetrics = Registry;

/**
 * Starts prom-client's metrics of the process and of Node.js. Call it once.
 * Three gauges whose names end like a counter's are left out: linters object to them.
 */
export const createProcessMetrics = (): ProcessMetrics => {
  const register = new Registry();
  // Bounds that are no whole numbers: prom-client writes those without the ".0" that OpenMetrics asks for.
  collectDefaultMetrics({ register, gcDurationBuckets: [0.001, 0.01, 0.1, 0.5] });
  for (const kind of ["handles", "requests", "resources"]) {
    register.removeSingleMetric(`nodejs_active_${kind}_total`);
  }
  return register;
};

/**
 * Renders one scrape. Each gets a registry of its own: a series that left the reading has left the text, and
 * prom-client's renaming of counters for OpenMetrics stays in the registry it was done to.
 */
export const render = async (
  scrape: ScrapeData,
  format: Format,
  processMetrics?: ProcessMetrics,
): Promise<string> => {
  const registry = new Registry<RegistryContentType>();
  registry.setContentType(formats[format]);
  for (const [name, metric] of Object.entries(catalogue)) register(registry, name, metric, scrape);
  for (const metric of (await processMetrics?.getMetricsAsJSON()) ?? []) {
    const values = metric.values.filter(({ value }) => isMeasured(value));
    if (values.length > 0) registry.registerMetric(frozen({ ...metric, values }));
  }
  return registry.metrics();
};

/** Renders scrapes with the metrics of the process. */
export type Exposer = (scrape: ScrapeData, format: Format) => Promise<string>;

/**
 * An exposer for the life of the process. Scrapes that end in the same moment with the same observations are given one
 * text: a thousand that waited for one read must not keep each other waiting.
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

const register = (
  registry: Registry<RegistryContentType>,
  name: string,
  { type, help, labels, samples }: Metric,
  scrape: ScrapeData,
): void => {
  const values = samples(scrape);
  if (values.length === 0) return; // prom-client would show a metric without labels as 0
  const config = { name, help, labelNames: [...labels], registers: [registry] };
  if (type === "counter") {
    const counter = new Counter(config);
    for (const [at, value] of values) counter.inc({ ...at }, value);
  } else {
    const gauge = new Gauge(config);
    for (const [at, value] of values) gauge.set({ ...at }, value);
  }
};

/** What Node.js says of the event loop's least delay when it has not measured one since the last scrape. */
const NO_LEAST_DELAY = 2 ** 63 / 1e9;

const isMeasured = (value: number): boolean => Number.isFinite(value) && value !== NO_LEAST_DELAY;

/** What a long-lived metric says now, as a metric that may be renamed without harm. */
const frozen = (metric: object): PromMetric => {
  const copy = { ...metric, get: () => copy };
  return copy as unknown as PromMetric;
};
