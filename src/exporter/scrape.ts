/** What the exporter answers: all ECUs to a scrape, one to a probe, and which there are. */
import { setMaxListeners } from "node:events";
import type { Observation } from "../ecu/observe.ts";
import type { AppOptions } from "../http/app.ts";
import { createExposer, type Format, formats, render } from "../metrics/render.ts";
import { revision, version } from "../version.ts";
import type { AddressRange } from "./allow-list.ts";
import { createTargetFinder, explainRead } from "./probe.ts";
import type { ScrapeTarget, Targets } from "./targets.ts";

/** What the web server is handed; a probe throws a TargetError where it names no target that may be read. */
export interface Scraper
  extends Pick<AppOptions, "scrape" | "scrapeSelf" | "probe" | "listTargetGroups"> {
  /** Answers what is in flight with what has been read so far. */
  readonly abortInFlight: () => void;
}

const build = { version, revision, nodeVersion: process.version };

/** @param allow addresses that may be probed beside the targets */
export const createScraper = ({
  targets,
  allow,
}: {
  readonly targets: Targets;
  readonly allow: readonly AddressRange[];
}): Scraper => {
  const expose = createExposer();
  const find = createTargetFinder({ targets, allow });
  const inFlight = new Set<AbortController>();

  const observe = async (
    asked: readonly ScrapeTarget[],
    timeoutMs: number,
  ): Promise<readonly Observation[]> => {
    const until = new AbortController();
    setMaxListeners(0, until.signal); // one for each ECU
    const timer = setTimeout(() => until.abort(), timeoutMs);
    inFlight.add(until);
    try {
      return await Promise.all(asked.map(({ monitor }) => monitor.observe(until.signal)));
    } finally {
      clearTimeout(timer);
      inFlight.delete(until);
    }
  };

  return {
    scrape: async (contentType, timeoutMs) => {
      const begun = performance.now();
      const asked = targets.all();
      const observations = await observe(asked, timeoutMs);
      const durationSeconds = secondsSince(begun);
      const locations = new Map(asked.map(({ ecu, location }) => [ecu.name, location()]));
      const scrape = { observations, build, durationSeconds, locations };
      return { contentType, text: await expose(scrape, findFormat(contentType)) };
    },
    scrapeSelf: async (contentType) => {
      const nothing = { observations: [], build, durationSeconds: 0, locations: new Map() };
      return { contentType, text: await expose(nothing, findFormat(contentType)) };
    },
    probe: async (given, contentType, timeoutMs) => {
      const begun = performance.now();
      const { target, name } = await find(given);
      const read = await observe([target], timeoutMs);
      const observations = read.map((observation) => ({ ...observation, ecu: name }));
      const success = observations.every(({ up }) => up);
      const durationSeconds = secondsSince(begun);
      const locations = new Map([[name, target.location()]]);
      const scrape = { observations, build, durationSeconds, locations };
      const probe = { success, durationSeconds };
      const text = await render({ ...scrape, probe }, findFormat(contentType));
      return { contentType, text, explanation: observations.map(explainRead).join("\n\n") };
    },
    listTargetGroups: () =>
      targets.all().map(({ ecu: { name, host, port } }) => ({
        targets: [name],
        labels: {
          __meta_apsystems_address: `${host.includes(":") ? `[${host}]` : host}:${port}`,
        },
      })),
    abortInFlight: () => {
      for (const until of inFlight) until.abort();
    },
  };
};

const findFormat = (contentType: string): Format =>
  (Object.keys(formats) as Format[]).find((one) => formats[one] === contentType) ?? "text";

/** In whole microseconds. */
const secondsSince = (begun: number): number =>
  Math.round((performance.now() - begun) * 1000) / 1e6;
