/** The rules of dashboard-linter of Grafana, with the same names, implemented for every type of panel. */
import type { Dashboard, Panel, Source, Target, Variable } from "./committed.ts";
import { getQuery, listTargets } from "./committed.ts";
import { findSyntaxErrors, listSelectors, type Selector, variableExpr } from "./promql.ts";

/** A violation of a rule. */
export interface Violation {
  readonly dashboard: string;
  readonly panel?: string;
  readonly text: string;
}
type Rule = (dashboard: Dashboard) => Violation[];

/** Units of Grafana that these dashboards may use. Each exists in Grafana 9.4 and 12. */
const UNITS = [
  "none",
  "watt",
  "kwatth",
  "celsius",
  "volt",
  "hertz",
  "degree",
  "percentunit",
  "s",
  "dateTimeFromNow",
  "bytes",
];
/** Custom units for bar gauges, single numbers and table columns, which the linter does not check. Spaces at the end make room. */
const CUSTOM_UNITS = [
  ...UNITS,
  ...["suffix:kW", "suffix:kWh", "time:HH:mm", "time:D MMM", "time:MMM YYYY"],
];
const ON_TIME_RANGE_CHANGE = 2;
const SELECTED_SOURCES = ["$datasource", `\${datasource}`];
const RATE_FUNCTIONS = ["rate", "irate", "increase"];

const isSelected = (source: Source | undefined): boolean =>
  SELECTED_SOURCES.includes(source?.uid ?? "");
const checkDashboard =
  (check: (dashboard: Dashboard) => (string | false | undefined)[]): Rule =>
  (dashboard) =>
    check(dashboard)
      .filter((text) => typeof text === "string")
      .map((text) => ({ dashboard: dashboard.title, text }));

const checkPanels =
  (check: (panel: Panel) => string | false): Rule =>
  (dashboard) =>
    dashboard.panels.flatMap((panel) => {
      const text = check(panel);
      return text === false ? [] : [{ dashboard: dashboard.title, panel: panel.title, text }];
    });

const checkTargets =
  (check: (target: Target) => string | false): Rule =>
  (dashboard) =>
    listTargets(dashboard).flatMap(({ panel, target }) => {
      const text = check(target);
      return text === false ? [] : [{ dashboard: dashboard.title, panel: panel.title, text }];
    });

const checkSelectors = (isWrong: (selector: Selector) => boolean): Rule =>
  checkTargets(({ expr }) => {
    const wrong = listSelectors(expr).find(isWrong);
    return wrong !== undefined && `${wrong.name} in ${expr}`;
  });

const templateRule = (name: string, label: string): Rule =>
  checkDashboard(({ templating }) => {
    const variable = templating.list.find((entry) => entry.name === name);
    if (variable === undefined) return [`no variable ${name}`];
    return [
      variable.type !== "query" && `${name} is not a query`,
      !isSelected(variable.datasource) && `${name} does not use the selected data source`,
      variable.label !== label && `${name} is not labelled ${label}`,
      variable.multi !== true && `${name} accepts one value only`,
      variable.allValue !== ".+" && `the value for all of ${name} is not .+`,
    ];
  });

const listQueryVariables = (dashboard: Dashboard): Variable[] =>
  dashboard.templating.list.filter(({ type }) => type === "query");

export const rules = {
  "template-datasource-rule": checkDashboard(({ templating }) => {
    const sources = templating.list.filter(({ type }) => type === "datasource");
    return [
      sources.length !== 1 && `${sources.length} variables for a data source`,
      ...sources.flatMap(({ name, label, query }) => [
        name !== "datasource" && `it is named ${name}`,
        label !== "Data source" && `it is labelled ${label}`,
        query !== "prometheus" && "it is not for Prometheus",
      ]),
    ];
  }),
  "template-job-rule": templateRule("job", "Job"),
  "template-instance-rule": templateRule("instance", "Instance"),
  "template-label-promql-rule": checkDashboard((dashboard) =>
    listQueryVariables(dashboard).map((variable) => {
      const expr = variableExpr(getQuery(variable));
      const isRight = expr !== undefined && findSyntaxErrors(expr).length === 0;
      return !isRight && `${variable.name} has the query ${getQuery(variable)}`;
    }),
  ),
  "template-on-time-change-reload-rule": checkDashboard((dashboard) =>
    listQueryVariables(dashboard).map(
      ({ name, refresh }) => refresh !== ON_TIME_RANGE_CHANGE && `${name} refreshes ${refresh}`,
    ),
  ),
  "panel-datasource-rule": checkPanels(
    ({ datasource, targets }) =>
      ![datasource, ...targets.map((target) => target.datasource)].every(isSelected) &&
      "not from the selected data source",
  ),
  "panel-title-description-rule": checkPanels(
    ({ title, description }) => !(title && description) && "no title or no description",
  ),
  "panel-units-rule": checkPanels(({ type, fieldConfig: { defaults, overrides } }) => {
    const allowed = type === "bargauge" ? CUSTOM_UNITS : UNITS;
    const units = overrides
      .flatMap(({ properties }) => properties)
      .filter(({ id }) => id === "unit")
      .map(({ value }) => String(value));
    const unknown =
      [String(defaults.unit)].find((unit) => !allowed.includes(unit.trimEnd())) ??
      units.find((unit) => !CUSTOM_UNITS.includes(unit));
    return unknown !== undefined && `the unit ${unknown}`;
  }),
  "panel-no-targets-rule": checkPanels(({ targets }) => targets.length === 0 && "no query"),
  "target-promql-rule": checkTargets(
    ({ expr }) => (expr === "" || findSyntaxErrors(expr).length > 0) && `invalid PromQL: ${expr}`,
  ),
  "target-rate-interval-rule": checkSelectors(
    ({ range, rangeFunction }) =>
      range !== undefined && /^i?rate$/.test(rangeFunction ?? "") && range !== "__rate_interval",
  ),
  "target-job-rule": checkSelectors(({ matchers }) => !matchers.includes('job=~"$job"')),
  "target-instance-rule": checkSelectors(
    ({ matchers }) => !matchers.includes('instance=~"$instance"'),
  ),
  "target-counter-agg-rule": checkSelectors(
    ({ name, rangeFunction }) =>
      name.endsWith("_total") && !RATE_FUNCTIONS.includes(rangeFunction ?? ""),
  ),
  "uneditable-dashboard-rule": checkDashboard(({ editable }) => [editable && "it can be edited"]),
} satisfies Record<string, Rule>;
export type RuleName = keyof typeof rules;
