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
import { samplesOf, startTestExporter } from "../../support/exporter.ts";
import { startEcu } from "../client.ts";
import { type Cell, groups, type Outcome } from "./cells.ts";

/** Series, as their name and labels without `ecu`, and their values. */
export type Series = Readonly<Record<string, number>>;

/** One scrape: the values it shows of the ECU, and everything that is counted. */
export interface Scraped {
  readonly up: number;
  readonly valid: string;
  readonly values: Series;
  readonly counters: Series;
  readonly ms: number;
}

export interface Observed {
  readonly outcome: Outcome;
  /** Scrapes before the fault, with it, and after it; the ECU's time goes on by 75 minutes between. */
  readonly scrapes: readonly [Scraped, Scraped, Scraped];
  /** The same three of an ECU that has no fault. */
  readonly healthy: readonly [Scraped, Scraped, Scraped];
  /** How long a scrape may take. */
  readonly timeoutMs: number;
}

/** Between two scrapes, of the ECU's time: after 75 minutes no measured value is as it was, so an old one can be told. */
const STEP_MS = 75 * 60_000;
/** Faults that leave the exporter waiting until its time is over. */
const MUTE: readonly FaultName[] = ["blackhole", "silent", "endless"];
const MUTE_TIMEOUT_MS = 1_000;
const TIMEOUT_MS = 8_000;
/** A fault of connections is switched on while the query before is being answered: it takes this long. */
const REPLY_DELAY_MS = 100;

/** Runs a cell. */
export const observe = async ({ fault, query, family }: Cell): Promise<Observed> => {
  const { connection }: FaultDefinition = faults[fault];
  const amid = connection !== undefined && query !== "info";
  const timeoutMs = MUTE.includes(fault) ? MUTE_TIMEOUT_MS : TIMEOUT_MS;
  const healthy = await healthyScrapes(family);
  const scrapes = await threeScrapes(family, {
    timeoutMs,
    replyDelayMs: amid ? REPLY_DELAY_MS : 0,
    during: async (ecu, scrape) => {
      if (connection === undefined) ecu.faults.add({ name: fault, query: query });
      else if (!amid) ecu.faults.add(fault);
      const asked = ecu.requests.length + faultQueries.indexOf(query);
      const scraped = scrape();
      while (amid && ecu.requests.length < asked) await sleep(1);
      if (amid) ecu.faults.add(fault);
      await scraped;
      ecu.faults.clear();
      return scraped;
    },
  });
  return { outcome: outcomeOf(scrapes, healthy[1]), scrapes, healthy, timeoutMs };
};

interface Course {
  readonly timeoutMs: number;
  readonly replyDelayMs: number;
  /** Makes the second scrape. */
  readonly during: (ecu: SimulatedEcu, scrape: () => Promise<Scraped>) => Promise<Scraped>;
}

const threeScrapes = async (
  family: Family,
  { timeoutMs, replyDelayMs, during }: Course,
): Promise<Observed["scrapes"]> => {
  let elapsed = 0;
  await using ecu = await startEcu({ family, replyDelayMs, elapsed: () => elapsed });
  await using exporter = await startTestExporter(ecu, { timeout: timeoutMs });
  const scrape = async (): Promise<Scraped> => {
    const begun = performance.now();
    const text = await exporter.get();
    return scrapedFrom(text, performance.now() - begun);
  };
  const before = await scrape();
  elapsed += STEP_MS;
  const amid = await during(ecu, scrape);
  elapsed += STEP_MS;
  return [before, amid, await scrape()];
};

const healthyCourse: Course = {
  timeoutMs: TIMEOUT_MS,
  replyDelayMs: 0,
  during: (_ecu, scrape) => scrape(),
};
const healthyByFamily = new Map<Family, Promise<Observed["scrapes"]>>();

/** What an ECU without a fault shows; all of one family say the same at the same time. */
const healthyScrapes = (family: Family): Promise<Observed["scrapes"]> => {
  const scrapes = healthyByFamily.get(family) ?? threeScrapes(family, healthyCourse);
  healthyByFamily.set(family, scrapes);
  return scrapes;
};

const seriesOf = (text: string, names: readonly string[]): Series =>
  Object.fromEntries(
    names.flatMap((name) =>
      Object.entries(samplesOf(text, name)).map(([labels, value]) => [
        `${name} ${labels}`.trim(),
        value,
      ]),
    ),
  );

const COUNTERS = Object.entries<Metric>(catalogue)
  .filter(([, { type }]) => type === "counter")
  .map(([name]) => name);

const scrapedFrom = (text: string, ms: number): Scraped => {
  const success = samplesOf(text, "apsystems_exporter_query_success");
  return {
    up: samplesOf(text, "ecu_up")[""] ?? Number.NaN,
    valid: faultQueries.filter((query) => success[query] === 1).join(" "),
    values: seriesOf(text, Object.values(groups).flat()),
    counters: seriesOf(text, COUNTERS),
    ms,
  };
};

const outcomeOf = ([before, amid, after]: Observed["scrapes"], healthy: Scraped): Outcome => ({
  up: amid.up,
  valid: amid.valid,
  counted: rises(before, after, "apsystems_exporter_query_errors_total ")
    .map((labels) => labels.replace(",", " "))
    .join(", "),
  shown: Object.entries(groups)
    .flatMap(([group, names]) => shownOf(group, names, amid.values, healthy.values))
    .join(" "),
  withheld: rises(before, after, "apsystems_exporter_rejected_values_total ").join(" "),
  otherwise: Object.fromEntries(
    Object.entries(amid.values).filter(([series, value]) => healthy.values[series] !== value),
  ),
});

/** Labels of the counters of a name that rose. */
const rises = (before: Scraped, after: Scraped, name: string): string[] =>
  Object.entries(after.counters)
    .filter(([series, count]) => series.startsWith(name) && count > (before.counters[series] ?? 0))
    .map(([series]) => series.slice(name.length));

const shownOf = (
  group: string,
  names: readonly string[],
  values: Series,
  healthy: Series,
): string[] => {
  const count = (series: Series): number =>
    Object.keys(series).filter((key) => names.some((name) => key.split(" ")[0] === name)).length;
  const [here, all] = [count(values), count(healthy)];
  if (here === 0) return [];
  return [here === all ? group : `${group} ${here}/${all}`];
};
