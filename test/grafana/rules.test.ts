/** The dashboards comply with the rules of dashboard-linter, and each check can fail. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { committed, type Dashboard, type Panel, type Target, type Variable } from "./committed.ts";
import { type RuleName, rules, type Violation } from "./rules.ts";

interface Exclusions {
  readonly reason: string;
  readonly entries: readonly { readonly dashboard: string; readonly panel: string }[];
}
/** The exclusion file of the linter; each exclusion has a reason. */
const { exclusions } = parse(readFileSync("grafana/dashboards/.lint", "utf8")) as {
  exclusions: Readonly<Record<string, Exclusions>>;
};

const isExcluded = (rule: string, violation: Violation): boolean =>
  exclusions[rule]?.entries.some(
    ({ dashboard, panel }) => dashboard === violation.dashboard && panel === violation.panel,
  ) ?? false;

const names = Object.keys(rules) as RuleName[];

describe("every dashboard complies with", () => {
  for (const rule of names)
    it(rule, () => {
      const violations = committed.flatMap((dashboard) => rules[rule](dashboard));
      expect(violations.filter((violation) => !isExcluded(rule, violation))).toEqual([]);
    });
});

it("has only exclusions that are needed and have a reason", () => {
  for (const [rule, { reason, entries }] of Object.entries(exclusions)) {
    expect(names).toContain(rule);
    expect(reason).toMatch(/^[A-Z].+\.$/);
    const violations = committed.flatMap((dashboard) => rules[rule as RuleName](dashboard));
    for (const { dashboard, panel } of entries)
      expect(violations).toContainEqual(expect.objectContaining({ dashboard, panel }));
  }
});

/** Changes that break a dashboard, with the rule that each violates. */
const broken: readonly (readonly [RuleName, string, (dashboard: Dashboard) => void])[] = [
  ["template-datasource-rule", "no variable", (d) => removeVariable(d, "datasource")],
  ["template-datasource-rule", "another name", (d) => (getVariable(d, "datasource").name = "ds")],
  ["template-datasource-rule", "another label", (d) => (getVariable(d, "datasource").label = "DS")],
  [
    "template-datasource-rule",
    "not Prometheus",
    (d) => (getVariable(d, "datasource").query = "loki"),
  ],
  ["template-job-rule", "no variable", (d) => removeVariable(d, "job")],
  ["template-job-rule", "one value only", (d) => (getVariable(d, "job").multi = false)],
  ["template-job-rule", "all is .*", (d) => (getVariable(d, "job").allValue = ".*")],
  ["template-job-rule", "no label", (d) => (getVariable(d, "job").label = "")],
  ["template-job-rule", "a fixed source", (d) => (getVariable(d, "job").datasource = { uid: "p" })],
  ["template-instance-rule", "no variable", (d) => removeVariable(d, "instance")],
  ["template-instance-rule", "a constant", (d) => (getVariable(d, "instance").type = "constant")],
  ["template-label-promql-rule", "no function", (d) => (getVariable(d, "ecu").query = "ecu_up")],
  [
    "template-label-promql-rule",
    "invalid PromQL",
    (d) => (getVariable(d, "ecu").query = "label_values(ecu_up{, ecu)"),
  ],
  ["template-on-time-change-reload-rule", "on load", (d) => (getVariable(d, "ecu").refresh = 1)],
  ["panel-datasource-rule", "a fixed one", (d) => (getPanel(d).datasource = { uid: "abc" })],
  ["panel-datasource-rule", "a fixed one in a query", (d) => (getTarget(d).datasource = {})],
  ["panel-title-description-rule", "no title", (d) => (getPanel(d).title = "")],
  ["panel-title-description-rule", "no description", (d) => (getPanel(d).description = "")],
  ["panel-units-rule", "none", (d) => delete getPanel(d).fieldConfig.defaults.unit],
  [
    "panel-units-rule",
    "a custom suffix in a panel that the linter checks",
    (d) => (getPanel(d).fieldConfig.defaults.unit = "suffix:kWh"),
  ],
  ["panel-units-rule", "an unknown one", (d) => (getPanel(d).fieldConfig.defaults.unit = "joules")],
  [
    "panel-units-rule",
    "an unknown one in a column",
    (d) =>
      getPanel(d).fieldConfig.overrides.push({
        matcher: { id: "byName", options: "Power" },
        properties: [{ id: "unit", value: "wat" }],
      }),
  ],
  ["panel-no-targets-rule", "no query", (d) => (getPanel(d).targets = [])],
  ["target-promql-rule", "an empty query", (d) => (getTarget(d).expr = "")],
  ["target-promql-rule", "a missing bracket", (d) => (getTarget(d).expr = "sum(ecu_up")],
  [
    "target-rate-interval-rule",
    "a fixed window",
    (d) => (getTarget(d).expr = "rate(apsystems_exporter_queries_total[5m])"),
  ],
  ["target-job-rule", "no job", (d) => (getTarget(d).expr = 'ecu_up{instance=~"$instance"}')],
  ["target-job-rule", "a fixed job", (d) => (getTarget(d).expr = 'ecu_up{job="$job"}')],
  ["target-instance-rule", "no instance", (d) => (getTarget(d).expr = 'ecu_up{job=~"$job"}')],
  [
    "target-counter-agg-rule",
    "a plain counter",
    (d) => (getTarget(d).expr = 'apsystems_exporter_queries_total{job=~"$job"}'),
  ],
  [
    "target-counter-agg-rule",
    "the mean of a counter",
    (d) => (getTarget(d).expr = "avg_over_time(apsystems_exporter_queries_total[5m])"),
  ],
  ["uneditable-dashboard-rule", "editable", (d) => (d.editable = true)],
];

describe("a broken dashboard violates", () => {
  for (const [rule, how, mutate] of broken)
    it(`${rule}: ${how}`, () => {
      const copy = structuredClone(getFirst());
      expect(rules[rule](copy).filter((violation) => !isExcluded(rule, violation))).toEqual([]);
      mutate(copy);
      expect(rules[rule](copy).filter((violation) => !isExcluded(rule, violation))).toHaveLength(1);
    });

  it("each rule in at least one case", () => {
    expect(new Set(broken.map(([rule]) => rule))).toEqual(new Set(names));
  });
});

const getFirst = (): Dashboard => {
  const [dashboard] = committed;
  if (dashboard === undefined) throw new Error("there is no dashboard");
  return dashboard;
};
const getVariable = (dashboard: Dashboard, name: string): Variable => {
  const found = dashboard.templating.list.find((entry) => entry.name === name);
  if (found === undefined) throw new Error(`there is no variable ${name}`);
  return found;
};
const removeVariable = (dashboard: Dashboard, name: string): void => {
  dashboard.templating.list = dashboard.templating.list.filter((entry) => entry.name !== name);
};
const getPanel = (dashboard: Dashboard): Panel => {
  const [found] = dashboard.panels;
  if (found === undefined) throw new Error("there is no panel");
  return found;
};
const getTarget = (dashboard: Dashboard): Target => {
  const [found] = getPanel(dashboard).targets;
  if (found === undefined) throw new Error("there is no query");
  return found;
};
