/** The proof from end to end: lives → OpenMetrics → blocks → a real Prometheus → alerts → verdict. */
import { existsSync, linkSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { catalogue, type MetricName } from "../../src/metrics/catalogue.ts";
import { type Firing, firingsOf } from "./firing.ts";
import { AFTER_ROUND, type Life, living, type Moment } from "./life.ts";
import { cases, healthyLives, type Span } from "./lives.ts";
import { alertRules, metricsIn, type RecordingRule, recordingLevels } from "./rules.ts";
import { type Piece, piecesOf, type Series, startLoader, startServer } from "./store.ts";
import { judge, type Verdict } from "./verdict.ts";

const RECORDING = "prometheus/rules/recording.yml";
const ALERTS = "prometheus/rules/alerts.yml";

export interface ProofOptions {
  readonly span: Span;
  /** Lives of each kind of trouble. */
  readonly count: number;
  /** What is left to chance follows from it. */
  readonly seed: number;
  /** Days before and after a trouble that shows in days. */
  readonly slow: { readonly before: number; readonly after: number };
  /** Folder in which the lives are kept, so that changed rules are proved on the same ones in less time. */
  readonly keep?: string | undefined;
  /** Told of what is being done. */
  readonly tell: (what: string) => void;
}

export interface Proof {
  readonly verdict: Verdict;
  readonly healthyDays: number;
}

/** @throws Error where a program or an expression fails */
export const prove = async ({
  span,
  count,
  seed,
  slow,
  keep,
  tell,
}: ProofOptions): Promise<Proof> => {
  const folder = mkdtempSync(join(tmpdir(), "prove-"));
  try {
    const healthy = healthyLives(span, seed);
    const wrong = cases(span, count, slow, seed);
    const pieces = piecesOf(span.from, span.to);
    const alerts = alertRules(ALERTS);
    const levels = recordingLevels(RECORDING, alerts);
    const asked = new Set(
      [...alerts, ...levels.flat()].flatMap(({ expr }) => [...metricsIn(expr)]),
    );
    const names = (Object.keys(catalogue) as MetricName[]).filter((name) => asked.has(name));
    const lives = [...healthy, ...wrong.map(({ life }) => life)];
    if (keep === undefined || !existsSync(keep))
      await liveThrough(lives, names, pieces, keep ?? folder, tell);
    if (keep !== undefined) linkTree(join(keep, "data"), join(folder, "data"));
    for (const [i, level] of levels.entries()) {
      tell(
        `recording rules, level ${i + 1} of ${levels.length}: ${level.map(({ record }) => record).join(", ")}`,
      );
      await record(level, pieces, folder);
    }
    const firings: Firing[] = [];
    await using server = await startServer(folder);
    for (const rule of alerts) {
      const found = await firingsOf(rule, server, pieces);
      tell(`${rule.alert} (${rule.severity}): ${found.length}`);
      firings.push(...found);
    }
    const healthyDays = (healthy.length * (span.to - span.from)) / 86_400_000;
    return { verdict: judge(alerts, firings, wrong), healthyDays };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/** Lives through all lives, piece by piece; while one piece is loaded, the next is lived through. */
const liveThrough = async (
  lives: readonly Life[],
  names: readonly MetricName[],
  pieces: readonly Piece[],
  folder: string,
  tell: (what: string) => void,
): Promise<void> => {
  const courses = lives.map((life) => living(life, names));
  const next: (Moment | undefined)[] = courses.map((course) => momentOf(course));
  let loading: Promise<void> = Promise.resolve();
  for (const [p, { to }] of pieces.entries()) {
    tell(`living through piece ${p + 1} of ${pieces.length}`);
    const loader = startLoader(folder, `lives-${p}`);
    for (const [i, course] of courses.entries()) {
      let moment = next[i];
      for (; moment !== undefined && moment.at < to; moment = momentOf(course)) {
        loader.write(moment.lines);
      }
      next[i] = moment;
    }
    await loading;
    loading = loader.close();
  }
  await loading;
};

/** A copy that shares its files with the first: Prometheus removes blocks, and never writes into one. */
const linkTree = (from: string, to: string): void => {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [one, other] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) linkTree(one, other);
    else linkSync(one, other);
  }
};

const momentOf = (course: Generator<Moment>): Moment | undefined => {
  const { value, done } = course.next();
  return done ? undefined : value;
};

/** Works out recording rules of one level, and loads what they give, one piece while the next is worked out. */
const record = async (
  level: readonly RecordingRule[],
  pieces: readonly Piece[],
  folder: string,
): Promise<void> => {
  await using server = await startServer(folder);
  let loading: Promise<void> = Promise.resolve();
  for (const [p, piece] of pieces.entries()) {
    const loader = startLoader(folder, `${level[0]?.record.replaceAll(":", "-")}-${p}`);
    for (const { record, expr } of level) {
      for (const series of await server.range(expr, piece, AFTER_ROUND))
        loader.write(linesOf(record, series));
    }
    await loading;
    loading = loader.close();
  }
  await loading;
};

const linesOf = (record: string, { metric, values }: Series): string[] => {
  const { __name__: _, ...labels } = metric;
  const text = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  const head = `${record}{${text.join(",")}}`;
  return values.map(([at, value]) => `${head} ${value} ${at}`);
};
