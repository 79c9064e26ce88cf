/** Reads the recording rules and alerts of this repository, and their expressions. */
import { readFileSync } from "node:fs";
import { parser } from "@prometheus-io/lezer-promql";
import { parse } from "yaml";

export interface RecordingRule {
  readonly record: string;
  readonly expr: string;
  /** Interval of its group; 0 if it has none of its own. */
  readonly intervalMs: number;
}

export interface AlertRule {
  readonly alert: string;
  readonly severity: string;
  readonly expr: string;
  readonly forMs: number;
}

interface RuleFile {
  readonly groups: readonly {
    readonly interval?: string;
    readonly rules: readonly {
      readonly record?: string;
      readonly alert?: string;
      readonly expr: string;
      readonly for?: string;
      readonly labels?: Readonly<Record<string, string>>;
    }[];
  }[];
}

const rulesIn = (path: string) =>
  (parse(readFileSync(path, "utf8")) as RuleFile).groups.flatMap(({ interval = "0s", rules }) =>
    rules.map((rule) => ({ ...rule, intervalMs: parseMilliseconds(interval) })),
  );

/**
 * Reads the recording rules that the alerts need, in levels: a level uses only metrics and earlier levels. A rule that also
 * uses its own last value has none here.
 */
export const readRecordingLevels = (
  path: string,
  alerts: readonly AlertRule[],
): RecordingRule[][] => {
  const all = rulesIn(path).flatMap(({ record, expr, intervalMs }) =>
    record === undefined ? [] : [{ record, expr: assumeFiring(record, expr), intervalMs }],
  );
  const needed = new Set(alerts.flatMap(({ expr }) => [...findMetrics(expr)]));
  for (let before = 0; before < needed.size; ) {
    before = needed.size;
    for (const { record, expr } of all)
      if (needed.has(record)) for (const name of findMetrics(expr)) needed.add(name);
  }
  let left = all.filter(({ record }) => needed.has(record));
  const levels: RecordingRule[][] = [];
  while (left.length > 0) {
    const pending = new Set(left.map(({ record }) => record));
    const level = left.filter(
      ({ record, expr }) =>
        ![...findMetrics(expr)].some((name) => name !== record && pending.has(name)),
    );
    if (level.length === 0)
      throw new Error(`recording rules use each other in a circle: ${[...pending]}`);
    levels.push(level);
    left = left.filter((rule) => !level.includes(rule));
  }
  return levels;
};

/**
 * A record that ends an alert, as if the alert fired all the time: it is read only while the alert fires. The proof has no ALERTS,
 * so other records do without: an alert after eight days is not kept by the fault itself after fifteen.
 */
const assumeFiring = (record: string, expr: string): string => {
  const [first] = findMetrics(expr);
  return record.endsWith(":recovered")
    ? replaceAlertsSelector(expr, `last_over_time(${first}[31m])`)
    : expr;
};

/** Reads all alerts. @param path a file of rules */
export const readAlertRules = (path: string): AlertRule[] =>
  rulesIn(path).flatMap(({ alert, expr, for: duration, labels }) =>
    alert === undefined
      ? []
      : [
          {
            alert,
            expr,
            severity: labels?.["severity"] ?? "",
            forMs: parseMilliseconds(duration ?? "0s"),
          },
        ],
  );

const UNITS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

const parseMilliseconds = (text: string): number => {
  const [, count, unit] = /^(\d+)([smhd])$/.exec(text) ?? [];
  const scale = UNITS[unit ?? ""];
  if (scale === undefined) throw new Error(`"${text}" is not a duration`);
  return Number(count) * scale;
};

/** The names of all series that an expression selects. @throws Error if it is not PromQL */
export const findMetrics = (expr: string): Set<string> => {
  const names = new Set<string>();
  parser.parse(expr).iterate({
    enter: (node) => {
      if (node.type.isError) throw new Error(`not PromQL: ${expr}`);
      if (node.name === "Identifier" && node.matchContext(["VectorSelector"]))
        names.add(expr.slice(node.from, node.to));
    },
  });
  return names;
};

/** Replaces every `last_over_time(ALERTS{…}[…])` in an expression. */
export const replaceAlertsSelector = (expr: string, replacement: string): string => {
  let text = "";
  let done = 0;
  parser.parse(expr).iterate({
    enter: ({ name, from, to }) => {
      if (name !== "FunctionCall" || !/^last_over_time\(\s*ALERTS\{/.test(expr.slice(from, to)))
        return;
      text += expr.slice(done, from) + replacement;
      done = to;
    },
  });
  return text + expr.slice(done);
};
