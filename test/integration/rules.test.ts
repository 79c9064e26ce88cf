/** The rules as files: what promtool says of them, and that each alert is told, tried and written about. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { findMetrics } from "../../scripts/prove/rules.ts";
import { catalogue } from "../../src/metrics/catalogue.ts";
import { hasProgram, runWithInput } from "../support/programs.ts";

interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
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
    /** Tests of several alerts at once ask Prometheus' own series of alerts instead. */
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
const tried = readdirSync("test/rules").filter((name) => name.endsWith(".test.yml"));
const cases = tried.flatMap((name) =>
  (parse(readFileSync(`test/rules/${name}`, "utf8")) as UnitTests).tests.flatMap((test) =>
    (test.alert_rule_test ?? []).map((one) => ({ name: test.name, ...one })),
  ),
);
const page = readFileSync("docs/alerts.md", "utf8");

describe.skipIf(!hasProgram("promtool", "--version"))("promtool", () => {
  it("has no complaint about the rules", () => {
    const { code, output } = runWithInput("promtool", ["check", "rules", ...files], "");
    expect(code, output).toBe(0);
  });

  it.each(tried)(
    "finds that %s holds",
    (name) => {
      const { code, output } = runWithInput(
        "promtool",
        ["test", "rules", `test/rules/${name}`],
        "",
      );
      expect(code, output).toBe(0);
    },
    180_000,
  );

  it("would say so if an alert did not fire", () => {
    const one = readFileSync("test/rules/watching.test.yml", "utf8")
      .replaceAll("../../prometheus", `${process.cwd()}/prometheus`)
      .replace(/(?<=\ntests:\n)[\s\S]*?(?= {2}- name: UnknownRecords fires)/, "")
      .replace("values: 2+0x40", "values: 0+0x40");
    const folder = mkdtempSync(join(tmpdir(), "rules-"));
    const path = join(folder, "broken.test.yml");
    writeFileSync(path, one);
    const { code, output } = runWithInput("promtool", ["test", "rules", path], "");
    rmSync(folder, { recursive: true });
    expect(code).not.toBe(0);
    expect(output).toContain("alertname: UnknownRecords, time: 30m");
  });
});

describe("every alert", () => {
  /** The watchdog has no quiet case: it always fires. */
  it.each(names.filter((name) => name !== "ApsystemsWatchdog"))(
    "%s is tried in a case in which it fires, and in two or more in which it stays quiet",
    (name) => {
      const own = cases.filter(({ alertname }) => alertname === name);
      const quiet = own.filter(({ exp_alerts }) => exp_alerts.length === 0);
      expect(own.some(({ exp_alerts }) => exp_alerts.length > 0)).toBe(true);
      expect(quiet.length).toBeGreaterThanOrEqual(2);
      expect(new Set(own.map((one) => one.name)).size).toBeGreaterThanOrEqual(2);
    },
  );

  it.each(alerts.map((rule) => [`${rule.alert} (${rule.labels?.["severity"]})`, rule] as const))(
    "%s says its severity, what it is, of whom, and where more is written",
    (_title, { alert, labels, annotations }) => {
      expect(Object.keys(labels ?? {})).toEqual(["severity"]);
      expect(["critical", "warning", "info", "none"]).toContain(labels?.["severity"]);
      expect(Object.keys(annotations ?? {})).toEqual(["summary", "description", "runbook_url"]);
      expect(annotations?.["summary"]).toMatch(/^[A-Z][^{}]*\.$/);
      if (alert !== "ApsystemsWatchdog") expect(annotations?.["description"]).toMatch(/\{\{ \$/);
      const anchor = alert.toLowerCase();
      expect(annotations?.["runbook_url"]).toBe(`docs/alerts.md#${anchor}`);
    },
  );

  it("has a section in docs/alerts.md, in the order of the files, with trigger, remedy and what it cannot detect", () => {
    const sections = page.split("\n### ").slice(1);
    expect(sections.map((text) => text.split("\n")[0])).toEqual(names);
    for (const text of sections.filter((one) => !one.startsWith("ApsystemsWatchdog"))) {
      expect(text).toMatch(/\*\*What to\s+do:\*\*/);
      expect(text).toMatch(/\*\*Cannot\s+detect:\*\*/);
      expect(text).toMatch(/(critical|warning|info)/);
    }
  });
});

describe("every rule", () => {
  /** Prometheus holds a value for 5 minutes; one that comes every 5 minutes is missing while it is being worked out. */
  it("is worked out again before its last value is forgotten, with a minute to spare", () => {
    for (const { name, interval = "1m" } of groups)
      expect([name, interval]).toEqual([name, expect.stringMatching(/^[1-4]m$/)]);
  });

  const recorded = rules.flatMap(({ record }) => (record === undefined ? [] : [record]));

  it("records under a name of the form level:metric:operation, and under one name once", () => {
    for (const name of recorded) expect(name).toMatch(/^(ecu|inverter|panel):[a-z_]+:[a-z0-9_]+$/);
    expect(new Set(recorded).size).toBe(recorded.length);
  });

  it.each(
    rules.map(({ record, alert, expr }, i) => [`${i + 1}. ${record ?? alert}`, expr] as const),
  )(
    "%s asks for metrics of the catalogue, for recorded ones, or for Prometheus' own",
    (_name, expr) => {
      const known = new Set([...Object.keys(catalogue), ...recorded, "up", "ALERTS"]);
      expect([...findMetrics(expr)].filter((name) => !known.has(name))).toEqual([]);
    },
  );
});
