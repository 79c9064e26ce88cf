/** Runs one cell of the fault matrix: a simulated ECU, the whole exporter, and three scrapes over HTTP. */
import { setTimeout as sleep } from "node:timers/promises";
import { catalogue, type Metric } from "../../../src/metrics/catalogue.ts";
import type { Family } from "../../../src/simulator/behaviours.ts";
import {
  type FaultDefinition,
  type FaultName,
  faultQueries,
  faults,
} from "../../../src/simulator/faults.ts";
import type { SimulatedEcu } from "../../../src/simulator/server.ts";
import { systemClock } from "../../../src/time/clock.ts";
import { parseSamples, startTestExporter } from "../../support/exporter.ts";
import { startEcu } from "../client.ts";
import { type Cell, groups, type Outcome } from "./cells.ts";

/** Values by series: name and labels without `ecu`. */
export type Series = Readonly<Record<string, number>>;

/** One scrape: the values of the ECU, and all counters. */
export interface Scraped {
  readonly up: number;
  readonly valid: string;
  readonly values: Series;
  readonly counters: Series;
  readonly ms: number;
}

export interface Observed {
  readonly outcome: Outcome;
  /** Scrapes before the fault, during it, and after it. The ECU's clock advances by 75 minutes between two. */
  readonly scrapes: readonly [Scraped, Scraped, Scraped];
  /** The same three scrapes of an ECU without a fault. */
  readonly healthy: readonly [Scraped, Scraped, Scraped];
  /** Maximum time of a scrape. */
  readonly timeoutMs: number;
}

/** The ECU's time between two scrapes. After 75 minutes each measured value has changed, so that an old one is recognized. */
const STEP_MS = 75 * 60_000;
/** Faults that make the exporter wait until its time limit. */
const MUTE: readonly FaultName[] = ["blackhole", "silent", "endless"];
/** Long enough for the other queries on a busy machine, but less than the client's limit of 5 s for a silent ECU. */
const MUTE_TIMEOUT_MS = 3_000;
const TIMEOUT_MS = 60_000;
/** Time of each reply when a connection fault is switched on: that happens during the reply to the query before. */
const REPLY_DELAY_MS = 100;

/** Runs a cell. */
export const observeCell = async ({ fault, query, family }: Cell): Promise<Observed> => {
  const { connection }: FaultDefinition = faults[fault];
  const duringRead = connection !== undefined && query !== "info";
  const timeoutMs = MUTE.includes(fault) ? MUTE_TIMEOUT_MS : TIMEOUT_MS;
  const healthy = await scrapeHealthy(family);
  const scrapes = await scrapeThrice(family, {
    timeoutMs,
    replyDelayMs: duringRead ? REPLY_DELAY_MS : 0,
    during: async (ecu, scrape) => {
      if (connection === undefined) ecu.faults.add({ name: fault, query });
      else if (!duringRead) ecu.faults.add(fault);
      const expectedRequests = ecu.requests.length + faultQueries.indexOf(query);
      const scraped = scrape();
      while (duringRead && ecu.requests.length < expectedRequests) await sleep(1);
      if (duringRead) ecu.faults.add(fault);
      await scraped;
      ecu.faults.clear();
      return scraped;
    },
  });
  return { outcome: summarize(scrapes, healthy[1]), scrapes, healthy, timeoutMs };
};

interface ScrapeOptions {
  readonly timeoutMs: number;
  readonly replyDelayMs: number;
  /** Makes the second scrape. */
  readonly during: (ecu: SimulatedEcu, scrape: () => Promise<Scraped>) => Promise<Scraped>;
}

const scrapeThrice = async (
  family: Family,
  { timeoutMs, replyDelayMs, during }: ScrapeOptions,
): Promise<Observed["scrapes"]> => {
  let elapsed = 0;
  await using ecu = await startEcu({ family, replyDelayMs, elapsed: () => elapsed });
  // The exporter's own time passes, too: it knows how much energy the plant can have produced since the last read.
  const clock = { ...systemClock, monotonic: () => performance.now() + elapsed };
  await using exporter = await startTestExporter(ecu, { timeout: timeoutMs, clock });
  const scrape = async (): Promise<Scraped> => {
    const startedAt = performance.now();
    const text = await exporter.get();
    return parseScrape(text, performance.now() - startedAt);
  };
  const before = await scrape();
  elapsed += STEP_MS;
  const faulty = await during(ecu, scrape);
  elapsed += STEP_MS;
  return [before, faulty, await scrape()];
};

const healthyOptions: ScrapeOptions = {
  timeoutMs: TIMEOUT_MS,
  replyDelayMs: 0,
  during: (_ecu, scrape) => scrape(),
};
const healthyByFamily = new Map<Family, Promise<Observed["scrapes"]>>();

/** The scrapes of an ECU without a fault. All ECUs of one family have the same values at the same time. */
const scrapeHealthy = (family: Family): Promise<Observed["scrapes"]> => {
  const scrapes = healthyByFamily.get(family) ?? scrapeThrice(family, healthyOptions);
  healthyByFamily.set(family, scrapes);
  return scrapes;
};

const selectSeries = (text: string, names: readonly string[]): Series =>
  Object.fromEntries(
    names.flatMap((name) =>
      Object.entries(parseSamples(text, name)).map(([labels, value]) => [
        `${name} ${labels}`.trim(),
        value,
      ]),
    ),
  );

const COUNTERS = Object.entries<Metric>(catalogue)
  .filter(([, { type }]) => type === "counter")
  .map(([name]) => name);

const parseScrape = (text: string, ms: number): Scraped => {
  const success = parseSamples(text, "apsystems_exporter_query_success");
  return {
    up: parseSamples(text, "ecu_up")[""] ?? Number.NaN,
    valid: faultQueries.filter((query) => success[query] === 1).join(" "),
    values: selectSeries(text, Object.values(groups).flat()),
    counters: selectSeries(text, COUNTERS),
    ms,
  };
};

const summarize = ([before, faulty, after]: Observed["scrapes"], healthy: Scraped): Outcome => ({
  up: faulty.up,
  valid: faulty.valid,
  counted: listRises(before, after, "apsystems_exporter_query_errors_total ")
    .map((labels) => labels.replace(",", " "))
    .join(", "),
  shown: Object.entries(groups)
    .flatMap(([group, names]) => compareGroup(group, names, faulty.values, healthy.values))
    .join(" "),
  rejected: listRises(before, after, "apsystems_exporter_rejected_values_total ").join(" "),
  differing: Object.fromEntries(
    Object.entries(faulty.values).filter(([series, value]) => healthy.values[series] !== value),
  ),
});

/** Labels of the counters of a name that rose. */
const listRises = (before: Scraped, after: Scraped, name: string): string[] =>
  Object.entries(after.counters)
    .filter(([series, count]) => series.startsWith(name) && count > (before.counters[series] ?? 0))
    .map(([series]) => series.slice(name.length));

const compareGroup = (
  group: string,
  names: readonly string[],
  values: Series,
  healthy: Series,
): string[] => {
  const count = (series: Series): number =>
    Object.keys(series).filter((key) => names.some((name) => key.split(" ")[0] === name)).length;
  const [exported, all] = [count(values), count(healthy)];
  if (exported === 0) return [];
  return [exported === all ? group : `${group} ${exported}/${all}`];
};
