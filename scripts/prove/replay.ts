/** Replays a scenario at high speed through the exporter's own pipeline: what it would export at each scrape. */
import { countAttempt, countRejected, createQueryCounters } from "../../src/ecu/counters.ts";
import { type Memory, noMemory } from "../../src/ecu/memory.ts";
import { createObservation, observe } from "../../src/ecu/observe.ts";
import { queries } from "../../src/ecu/read.ts";
import {
  catalogue,
  type Metric,
  type MetricName,
  type ScrapeData,
} from "../../src/metrics/catalogue.ts";
import { sunPosition } from "../../src/time/sun.ts";
import type { Scenario } from "./scenario.ts";
import { simulateReads } from "./simulated-reads.ts";

/** One scrape of a scenario. */
export interface ReplayedScrape {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Samples in OpenMetrics, one a line. */
  readonly lines: readonly string[];
}

/** The scrapes of a scenario, in order, with the metrics of these names. */
export function* replay(
  scenario: Scenario,
  names: readonly MetricName[],
): Generator<ReplayedScrape> {
  const { ecu, location, showsSun } = scenario;
  const metrics = names.map((name) => [name, catalogue[name] as Metric] as const);
  let memory: Memory = noMemory;
  let counters = createQueryCounters();
  for (const { at, replies, isAfterRestart } of simulateReads(scenario)) {
    if (isAfterRestart) [memory, counters] = [noMemory, createQueryCounters()];
    for (const query of queries) {
      const outcome = replies[query];
      if (outcome) countAttempt(counters, query, outcome.ok ? undefined : outcome.error);
    }
    const result = observe({ replies, memory, zone: location.zone, now: at, monotonic: at });
    memory = result.memory;
    countRejected(counters, result.rejected);
    const elevation = showsSun ? sunPosition(location.site, at).elevation : undefined;
    const scrape: ScrapeData = {
      observations: [createObservation(result, { ecu, readAt: at / 1000, counters })],
      build: { version: "", revision: "", nodeVersion: "" },
      durationSeconds: 0,
      locations: new Map([[ecu, { sunElevationDegrees: elevation, panels: [] }]]),
    };
    yield { at, lines: formatSamples(scrape, metrics, at) };
  }
}

const formatSamples = (
  scrape: ScrapeData,
  metrics: readonly (readonly [MetricName, Metric])[],
  at: number,
): string[] => {
  const seconds = at / 1000;
  const target = `job="apsystems",instance="${scrape.observations[0]?.ecu}:10899"`; // added by Prometheus
  const lines = [`up{${target}} 1 ${seconds}`];
  for (const [name, { samples }] of metrics) {
    for (const [labels, value] of samples(scrape)) {
      let text = `${name}{${target}`;
      for (const label in labels) text += `,${label}="${labels[label]}"`;
      lines.push(`${text}} ${value} ${seconds}`);
    }
  }
  return lines;
};
