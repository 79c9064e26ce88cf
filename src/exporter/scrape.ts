/** Scrapes and probes: reads of ECUs, rendered as text. */
import { setMaxListeners } from "node:events";
import type { Observation } from "../ecu/observe.ts";
import type { AppOptions } from "../http/app.ts";
import { createExposer, type Format, formats, render } from "../metrics/render.ts";
import { revision, version } from "../version.ts";
import type { AddressRange } from "./allow-list.ts";
import { createTargetFinder, explainRead } from "./probe.ts";
import type { ScrapeTarget } from "./target.ts";
import type { Targets } from "./targets.ts";

/** The functions of the web server that need ECUs. `probe` throws a TargetError for a target that cannot be read. */
export interface Scraper
  extends Pick<AppOptions, "scrape" | "scrapeSelf" | "probe" | "listTargetGroups"> {
  /** Ends scrapes and probes in flight with the results so far. */
  readonly abortInFlight: () => void;
}

const build = { version, revision, nodeVersion: process.version };

export interface ScraperOptions {
  readonly targets: Targets;
  /** Addresses that may be probed in addition to the targets. */
  readonly allow: readonly AddressRange[];
  /** The number of log lines dropped since the start. */
  readonly countDroppedLines?: (() => number) | undefined;
}

export const createScraper = ({
  targets,
  allow,
  countDroppedLines = () => 0,
}: ScraperOptions): Scraper => {
  const expose = createExposer();
  const find = createTargetFinder({ targets, allow });
  const { observe, abortInFlight } = createObserver();

  return {
    scrape: async (contentType, timeoutMs) => {
      const startedAt = performance.now();
      const scraped = targets.all();
      const observations = await observe(scraped, timeoutMs);
      const durationSeconds = secondsSince(startedAt);
      const locations = new Map(scraped.map(({ ecu, location }) => [ecu.name, location()]));
      const droppedLogLines = countDroppedLines();
      const scrape = { observations, build, durationSeconds, locations, droppedLogLines };
      return { contentType, text: await expose(scrape, findFormat(contentType)) };
    },
    scrapeSelf: async (contentType) => {
      const noEcus = { observations: [], build, durationSeconds: 0, locations: new Map() };
      const scrape = { ...noEcus, droppedLogLines: countDroppedLines() };
      return { contentType, text: await expose(scrape, findFormat(contentType)) };
    },
    probe: async (targetTexts, contentType, timeoutMs) => {
      const startedAt = performance.now();
      const { target, name } = await find(targetTexts);
      const read = await observe([target], timeoutMs);
      const observations = read.map((observation) => ({ ...observation, ecu: name }));
      const success = observations.every(({ up }) => up);
      const durationSeconds = secondsSince(startedAt);
      const locations = new Map([[name, target.location()]]);
      const scrape = { observations, build, durationSeconds, locations };
      const probe = { success, durationSeconds };
      const text = await render({ ...scrape, probe }, findFormat(contentType));
      const quietUntil = target.monitor.quietUntil();
      const explanation = observations
        .map((observation) => explainRead(observation, quietUntil))
        .join("\n\n");
      return { contentType, text, explanation };
    },
    listTargetGroups: () => targets.all().map(formatTargetGroup),
    abortInFlight,
  };
};

/** Observes targets within a time limit. `abortInFlight` ends all observations with the results so far. */
const createObserver = () => {
  const inFlight = new Set<AbortController>();
  return {
    observe: async (
      scraped: readonly ScrapeTarget[],
      timeoutMs: number,
    ): Promise<readonly Observation[]> => {
      const until = new AbortController();
      setMaxListeners(0, until.signal); // one listener per ECU
      const timer = setTimeout(() => until.abort(), timeoutMs);
      inFlight.add(until);
      try {
        return await Promise.all(scraped.map(({ monitor }) => monitor.observe(until.signal)));
      } finally {
        clearTimeout(timer);
        inFlight.delete(until);
      }
    },
    abortInFlight: (): void => {
      for (const until of inFlight) until.abort();
    },
  };
};

/** A target in the format of Prometheus' HTTP service discovery. */
const formatTargetGroup = ({ ecu: { name, host, port } }: ScrapeTarget) => ({
  targets: [name],
  labels: {
    __meta_apsystems_address: `${host.includes(":") ? `[${host}]` : host}:${port}`,
  },
});

const findFormat = (contentType: string): Format =>
  (Object.keys(formats) as Format[]).find((name) => formats[name] === contentType) ?? "text";

/** Rounded to microseconds. */
const secondsSince = (startedAt: number): number =>
  Math.round((performance.now() - startedAt) * 1000) / 1e6;
