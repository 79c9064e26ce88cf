/** The rule files: promtool checks them, and each alert has annotations, unit tests and documentation. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { findMetrics } from "../../scripts/prove/rules.ts";
import { linkRunbooks, readDocsBase } from "../../scripts/runbooks.ts";
import { catalogue } from "../../src/metrics/catalogue.ts";
import { readDashboard, uids } from "../grafana/committed.ts";
import { hasProgram, runWithInput } from "../support/programs.ts";
import { expectRuleTestsPass, ruleTestFiles, runRuleTests } from "../support/rule-tests.ts";

interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}
interface Group {
  readonly name: string;
  readonly interval?: string;
  readonly rules: Rule[];
}
interface UnitTests {
  readonly tests: readonly {
    readonly name: string;
    /** Absent in tests of several alerts, which query the metric ALERTS. */
    readonly alert_rule_test?: readonly {
      readonly alertname: string;
      readonly exp_alerts: readonly unknown[];
    }[];
  }[];
}

const FOLDER = "prometheus/rules";
const files = readdirSync(FOLDER).map((name) => `${FOLDER}/${name}`);
const groups = files.flatMap(
  (path) => (parse(readFileSync(path, "utf8")) as { groups: Group[] }).groups,
);
const rules = groups.flatMap((group) => group.rules);
const alerts = rules.filter((rule): rule is Rule & { alert: string } => rule.alert !== undefined);
const names = [...new Set(alerts.map(({ alert }) => alert))];
const cases = ruleTestFiles.flatMap((name) =>
  (parse(readFileSync(`test/rules/${name}`, "utf8")) as UnitTests).tests.flatMap((test) =>
    (test.alert_rule_test ?? []).map((rule) => ({ name: test.name, ...rule })),
  ),
);
const page = readFileSync("docs/alerts.md", "utf8");

describe.skipIf(!hasProgram("promtool", "--version"))("promtool", () => {
  it("accepts the rules", () => {
    const { code, output } = runWithInput("promtool", ["check", "rules", ...files], "");
    expect(code, output).toBe(0);
  });

  it.each(ruleTestFiles)("%s passes", (name) => {
    expectRuleTestsPass("promtool", name);
  });

  it("fails if an expected alert does not fire", () => {
    const unitTests = readFileSync("test/rules/watching.test.yml", "utf8")
      .replaceAll("../../prometheus", `${process.cwd()}/prometheus`)
      .replace(/(?<=\ntests:\n)[\s\S]*?(?= {2}- name: UnknownRecords fires)/, "")
      .replace("values: 2+0x40", "values: 0+0x40");
    const folder = mkdtempSync(join(tmpdir(), "rules-"));
    const path = join(folder, "broken.test.yml");
    writeFileSync(path, unitTests);
    const { code, output } = runRuleTests("promtool", path);
    rmSync(folder, { recursive: true });
    expect(code).not.toBe(0);
    expect(output).toContain("alertname: UnknownRecords, time: 30m");
  });
});

describe("every alert", () => {
  /** The watchdog always fires, so it has no quiet case. */
  it.each(names.filter((name) => name !== "ApsystemsWatchdog"))(
    "%s has a test in which it fires, and at least two in which it is quiet",
    (name) => {
      const own = cases.filter(({ alertname }) => alertname === name);
      const quiet = own.filter(({ exp_alerts }) => exp_alerts.length === 0);
      expect(own.some(({ exp_alerts }) => exp_alerts.length > 0)).toBe(true);
      expect(quiet.length).toBeGreaterThanOrEqual(2);
      expect(new Set(own.map(({ name: title }) => title)).size).toBeGreaterThanOrEqual(2);
    },
  );

  it.each(alerts.map((rule) => [`${rule.alert} (${rule.labels?.["severity"]})`, rule] as const))(
    "%s has a severity, a summary, a description with labels, and a link to the documentation",
    (_title, { alert, labels, annotations }) => {
      expect(Object.keys(labels ?? {})).toEqual(["severity"]);
      expect(["critical", "warning", "info", "none"]).toContain(labels?.["severity"]);
      expect(Object.keys(annotations ?? {})).toEqual(["summary", "description", "runbook_url"]);
      expect(annotations?.["summary"]).toMatch(/^[A-Z][^{}]*\.$/);
      if (alert !== "ApsystemsWatchdog") expect(annotations?.["description"]).toMatch(/\{\{ \$/);
      const anchor = alert.toLowerCase();
      expect(annotations?.["runbook_url"]).toBe(`${readDocsBase()}/alerts.md#${anchor}`);
    },
  );

  it("has a section in docs/alerts.md, in the order of the files, with trigger, causes, remedy, limits of detection and history", () => {
    const sections = page.split("\n### ").slice(1);
    expect(sections.map((text) => text.split("\n")[0])).toEqual(names);
    for (const text of sections) {
      const topics = [...text.matchAll(/^- \*\*([^:]+):\*\* \S/gm)].map(([, topic]) => topic);
      expect([text.split("\n")[0], ...topics]).toEqual([
        text.split("\n")[0],
        "Trigger",
        "Likely causes",
        "What to do",
        "Cannot detect",
        "Needs history",
      ]);
      expect(text).toMatch(/^Severity: (critical|warning|info|none)/m);
    }
  });

  it.each(names.filter((name) => /^(Inverter|GridV|GridF)/.test(name)))(
    "%s contains the names of the panels",
    (name) => {
      for (const { annotations } of alerts.filter(({ alert }) => alert === name))
        expect(annotations?.["description"]).toContain("inverter_channel_info{");
    },
  );

  /** A restart begins shorter waits anew. Alertmanager then sends that the alert is over, and the same alert again. */
  it("waits at least ten minutes or not at all, so that Prometheus restores its state after a restart", () => {
    const waits = alerts.flatMap(({ for: wait }) => (wait === undefined ? [] : [toMinutes(wait)]));
    expect(waits.length).toBeGreaterThan(20);
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(10);
  });

  it("gets a link with another base if package.json names one", () => {
    const rule = "          runbook_url: docs/alerts.md#plantdown\n";
    const linked = "          runbook_url: https://example.org/docs/alerts.md#plantdown\n";
    expect(linkRunbooks(rule, "https://example.org/docs")).toBe(linked);
    expect(linkRunbooks(linked, "docs")).toBe(rule);
  });

  it("has the examples for apsystems:curtailed that docs/alerts.md shows, each with a test", () => {
    for (const name of readdirSync("prometheus/examples")) {
      expect(page).toContain(
        `\`\`\`yaml\n${readFileSync(`prometheus/examples/${name}`, "utf8")}\`\`\``,
      );
      expect(ruleTestFiles).toContain(name.replace(".yml", ".test.yml"));
    }
  });
});

/** Whether an expression selects a record at the time of its evaluation, and not with a range, an offset or in a subquery. */
const readsAtOnce = (expr: string, record: string): boolean =>
  new RegExp(`${record}(?![\\w:]|(?:\\{[^}]*\\})?(?:[^()]*\\)(?=\\[))?(?:\\[| offset ))`).test(
    expr,
  );

/** The longest duration that an expression looks back, in minutes: its ranges with their offsets. */
const findLookback = (expr: string): number =>
  Math.max(
    0,
    ...[...expr.matchAll(/(?:\[(\w+)(?::\w+)?\])?(?: offset (\w+))?/g)].map(
      ([, range = "0m", offset = "0m"]) => toMinutes(range) + toMinutes(offset),
    ),
  );
const MINUTES: Readonly<Record<string, number>> = { m: 1, h: 60, d: 24 * 60 };
const toMinutes = (duration: string): number =>
  [...duration.matchAll(/(\d+)([mhd])/g)].reduce(
    (sum, [, count, unit = "m"]) => sum + Number(count) * (MINUTES[unit] ?? Number.NaN),
    0,
  );

describe("the history that an alert needs", () => {
  const records = new Map(rules.map(({ record, expr }) => [record, expr]));
  const findAll = (expr: string, seen = new Set<string>()): number[] => [
    findLookback(expr),
    ...[...findMetrics(expr)].flatMap((name) => {
      const used = records.get(name);
      return used === undefined || seen.has(name) ? [] : findAll(used, new Set([...seen, name]));
    }),
  ];
  const needed = new Map<string, number>();
  for (const { alert, expr } of alerts)
    needed.set(alert, Math.max(needed.get(alert) ?? 0, ...findAll(expr)));

  it.each([
    ["a[11m]", 11],
    ["a[9d:6h] offset 5d", 14 * 24 * 60],
    ["a[11m] offset 23h45m > b[1h]", 24 * 60 - 4],
    ["a != a offset 14d", 14 * 24 * 60],
    ["a > 1", 0],
  ])("is computed from the ranges and offsets: %s", (expr, minutes) => {
    expect(findLookback(expr)).toBe(minutes);
  });

  it.each([...needed])(
    "fits into the 15 days that Prometheus keeps by default: %s",
    (_name, minutes) => {
      expect(minutes).toBeLessThanOrEqual(15 * 24 * 60);
    },
  );

  it("is in the table of docs/alerts.md", () => {
    const [, table = ""] = page.split("\n## History\n");
    const rows = [...table.matchAll(/^\| \[(\w+)\]\(#\w+\) \| (\d+) (minutes|hours|days?) \|/gm)];
    const listed = rows.map(([, alert, count, unit = ""]) => [
      alert,
      toMinutes(`${count}${unit[0]}`),
    ]);
    expect(listed).toEqual([...needed].filter(([, minutes]) => minutes > 0));
  });
});

const listRecords = (of: readonly Rule[]): string[] =>
  of.flatMap(({ record }) => (record === undefined ? [] : [record]));

describe("every rule", () => {
  /** Prometheus holds a value for 5 minutes. A value with an interval of 5 minutes is missing while the next one is computed. */
  it("that records a value has an interval of at most 4 minutes, or is read with a longer range", () => {
    for (const { name, interval = "5m", rules: own } of groups) {
      const records = listRecords(own);
      if (records.length === 0 || /^[1-4]m$/.test(interval)) continue;
      expect([name, interval]).toEqual(["apsystems-hours", "1h"]);
      for (const record of records) {
        const reads = rules.flatMap(({ expr }) => [
          ...expr.matchAll(new RegExp(`${record}(?![\\w:])(?:\\[(\\d+[mhd])\\])?`, "g")),
        ]);
        expect(reads.length).toBeGreaterThan(0);
        for (const [read, range = "0m"] of reads)
          expect(toMinutes(range), read).toBeGreaterThan(toMinutes(interval));
      }
    }
  });

  /**
   * In vmalert, a value that a rule records is visible from the next evaluation of its group, when it is 5 minutes old. So may be
   * a value of a group with an interval of 4 minutes, in a group that is not evaluated every minute.
   */
  it.each(
    groups.map(
      ({ name, interval = "5m", rules: own }) =>
        [name, /^[2-4]m$/.test(interval) ? rules : own, own] as const,
    ),
  )(
    "of the group %s reads the records of its own group with a range, or all if it is evaluated every 2 to 4 minutes",
    (_name, recording, own) => {
      const records = listRecords(recording);
      for (const { record, alert, expr } of own)
        expect([record ?? alert, records.filter((name) => readsAtOnce(expr, name))]).toEqual([
          record ?? alert,
          [],
        ]);
    },
  );

  const recordNames = listRecords(rules);

  it("has a unique record name of the form level:metric:operation", () => {
    for (const name of recordNames)
      expect(name).toMatch(/^(ecu|inverter|panel):[a-z_]+:[a-z0-9_]+$/);
    expect(new Set(recordNames).size).toBe(recordNames.length);
  });

  it("that records a value is read by another rule or by a dashboard", () => {
    const read = new Set(
      rules.flatMap(({ record, expr }) => [...findMetrics(expr)].filter((name) => name !== record)),
    );
    const dashboards = uids.map(readDashboard).join();
    const isShown = (name: string): boolean => new RegExp(`${name}(?![\\w:])`).test(dashboards);
    expect(recordNames.filter((name) => !read.has(name) && !isShown(name))).toEqual([]);
  });

  it.each(
    rules.map(({ record, alert, expr }, i) => [`${i + 1}. ${record ?? alert}`, expr] as const),
  )(
    "%s uses only metrics of the catalogue, of recording rules, or of Prometheus",
    (_name, expr) => {
      const knownMetrics = new Set([
        ...Object.keys(catalogue),
        ...recordNames,
        "up",
        "ALERTS",
        "apsystems:curtailed", // recorded by the user (docs/alerts.md#switched-off-on-purpose)
      ]);
      expect([...findMetrics(expr)].filter((name) => !knownMetrics.has(name))).toEqual([]);
    },
  );
});
