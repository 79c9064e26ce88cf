/** The proof from end to end: scenarios → OpenMetrics → blocks → a real Prometheus → alerts → result. */
import { existsSync, linkSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { catalogue, type MetricName } from "../../src/metrics/catalogue.ts";
import { type Firing, findFirings } from "./firing.ts";
import type { PlantLocation } from "./plants.ts";
import { type ReplayedScrape, replay } from "./replay.ts";
import { evaluateFirings, type ProofResult } from "./result.ts";
import { findMetrics, type RecordingRule, readAlertRules, readRecordingLevels } from "./rules.ts";
import { AFTER_ROUND, DAY, type Period, type Scenario, STEP } from "./scenario.ts";
import { createFaultCases, createHealthyScenarios, createSeasonCases } from "./scenarios.ts";
import { type RangeSeries, splitIntoBlocks, startLoader, startServer } from "./store.ts";

const RECORDING = "prometheus/rules/recording.yml";
const ALERTS = "prometheus/rules/alerts.yml";

export interface ProofOptions {
  /** Where the plants stand. */
  readonly places: readonly PlantLocation[];
  /** Time that the healthy plants run for; every fault lies in it. */
  readonly period: Period;
  /** Scenarios per kind of fault. */
  readonly count: number;
  /** Scenarios per seasonal fault, location and month. */
  readonly seasonCount: number;
  /** Seed of everything random. */
  readonly seed: number;
  /** Days before and after a fault that takes days to show. */
  readonly slow: { readonly before: number; readonly after: number };
  /** The path of a program of Prometheus by its name. Default: the name, which the PATH finds. */
  readonly path?: (program: "prometheus" | "promtool") => string;
  /** Folder for the replayed samples. If it exists, they are taken from it, so that changed rules are proved faster. */
  readonly keepIn?: string | undefined;
  /** Called with a line of progress. */
  readonly report: (line: string) => void;
}

export interface Proof {
  readonly result: ProofResult;
  /** Simulated days of all healthy plants together. */
  readonly healthyDays: number;
}

/** Runs the proof. @throws Error if Prometheus or promtool fails, or rejects an expression */
export const prove = async ({
  places,
  period,
  count,
  seasonCount,
  seed,
  slow,
  path = (program) => program,
  keepIn,
  report,
}: ProofOptions): Promise<Proof> => {
  const folder = mkdtempSync(join(tmpdir(), "prove-"));
  try {
    const healthy = createHealthyScenarios(places, period, seed);
    const faulty = [
      ...createFaultCases(places, period, count, slow, seed),
      ...createSeasonCases(period, seasonCount, seed),
    ];
    const blocks = splitIntoBlocks(period);
    const alerts = readAlertRules(ALERTS);
    const levels = readRecordingLevels(RECORDING, alerts);
    const needed = new Set(
      [...alerts, ...levels.flat()].flatMap(({ expr }) => [...findMetrics(expr)]),
    );
    const names = (Object.keys(catalogue) as MetricName[]).filter((name) => needed.has(name));
    const scenarios = [...healthy, ...faulty.map(({ scenario }) => scenario)];
    if (keepIn === undefined || !existsSync(keepIn))
      await replayAll(scenarios, names, blocks, keepIn ?? folder, path("promtool"), report);
    if (keepIn !== undefined) linkTree(join(keepIn, "data"), join(folder, "data"));
    for (const [i, level] of levels.entries()) {
      report(
        `recording rules, level ${i + 1} of ${levels.length}: ${level.map(({ record }) => record).join(", ")}`,
      );
      await evaluateLevel(level, blocks, folder, path);
    }
    const firings: Firing[] = [];
    await using server = await startServer(folder, path("prometheus"));
    for (const rule of alerts) {
      const found = await findFirings(rule, server, blocks);
      report(`${rule.alert} (${rule.severity}): ${found.length}`);
      firings.push(...found);
    }
    const healthyDays = (healthy.length * (period.to - period.from)) / DAY;
    return { result: evaluateFirings(alerts, firings, faulty), healthyDays };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/** Replays all scenarios into the store, block by block. One block is loaded while the next is replayed. */
const replayAll = async (
  scenarios: readonly Scenario[],
  names: readonly MetricName[],
  blocks: readonly Period[],
  folder: string,
  promtool: string,
  report: ProofOptions["report"],
): Promise<void> => {
  const replays = scenarios.map((scenario) => replay(scenario, names));
  const next: (ReplayedScrape | undefined)[] = replays.map(nextScrape);
  let loading: Promise<void> = Promise.resolve();
  for (const [b, { to }] of blocks.entries()) {
    report(`replaying block ${b + 1} of ${blocks.length}`);
    const loader = startLoader(folder, `scenarios-${b}`, promtool);
    for (const [i, replayed] of replays.entries()) {
      let scrape = next[i];
      for (; scrape !== undefined && scrape.at < to; scrape = nextScrape(replayed)) {
        loader.write(scrape.lines);
      }
      next[i] = scrape;
    }
    await loading;
    loading = loader.close();
  }
  await loading;
};

const nextScrape = (replayed: Generator<ReplayedScrape>): ReplayedScrape | undefined => {
  const { value, done } = replayed.next();
  return done ? undefined : value;
};

/** Copies a folder by hard links. Prometheus deletes blocks but never writes into one. */
const linkTree = (from: string, to: string): void => {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) linkTree(source, target);
    else linkSync(source, target);
  }
};

/** Evaluates the recording rules of one level and loads their results. One block is loaded while the next is evaluated. */
const evaluateLevel = async (
  level: readonly RecordingRule[],
  blocks: readonly Period[],
  folder: string,
  path: NonNullable<ProofOptions["path"]>,
): Promise<void> => {
  await using server = await startServer(folder, path("prometheus"));
  let loading: Promise<void> = Promise.resolve();
  for (const [b, block] of blocks.entries()) {
    const name = `${level[0]?.record.replaceAll(":", "-")}-${b}`;
    const loader = startLoader(folder, name, path("promtool"));
    for (const { record, expr, intervalMs } of level) {
      const step = Math.max(STEP, intervalMs);
      for (const series of await server.queryRange(expr, block, AFTER_ROUND, step))
        loader.write(formatSeries(record, series));
    }
    await loading;
    loading = loader.close();
  }
  await loading;
};

const formatSeries = (record: string, { metric, values }: RangeSeries): string[] => {
  const { __name__: _, ...labels } = metric;
  const text = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  const head = `${record}{${text.join(",")}}`;
  return values.map(([at, value]) => `${head} ${value} ${at}`);
};
