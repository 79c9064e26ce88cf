/** The rules of Grafana's dashboard-linter, under the same names, reimplemented for every type of panel. */
import type { Dashboard, Panel, Source, Target, Variable } from "./committed.ts";
import { listTargets } from "./committed.ts";
import { findSyntaxErrors, listSelectors, type Selector } from "./promql.ts";

/** A violation of a rule. */
export interface Complaint {
  readonly dashboard: string;
  readonly panel?: string;
  readonly text: string;
}
type Rule = (dashboard: Dashboard) => Complaint[];

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
  "cpm",
  "bytes",
];
/** Custom units for bar gauges and table columns, which the linter does not check. */
const UNITS_ELSEWHERE = [...UNITS, "suffix:kW", "suffix:kWh"];
const ON_TIME_RANGE_CHANGE = 2;
const SELECTED_SOURCES = ["$datasource", `\${datasource}`];
const COUNTING = ["rate", "irate", "increase"];

const isChosen = (source: Source | undefined): boolean =>
  SELECTED_SOURCES.includes(source?.uid ?? "");
const getQuery = ({ query }: Variable): string => (typeof query === "string" ? query : query.query);

const ofDashboard =
  (check: (dashboard: Dashboard) => (string | false | undefined)[]): Rule =>
  (dashboard) =>
    check(dashboard)
      .filter((text) => typeof text === "string")
      .map((text) => ({ dashboard: dashboard.title, text }));

const ofPanels =
  (check: (panel: Panel) => string | false): Rule =>
  (dashboard) =>
    dashboard.panels.flatMap((panel) => {
      const text = check(panel);
      return text === false ? [] : [{ dashboard: dashboard.title, panel: panel.title, text }];
    });

const ofTargets =
  (check: (target: Target) => string | false): Rule =>
  (dashboard) =>
    listTargets(dashboard).flatMap(({ panel, target }) => {
      const text = check(target);
      return text === false ? [] : [{ dashboard: dashboard.title, panel: panel.title, text }];
    });

const ofSelectors = (isWrong: (selector: Selector) => boolean): Rule =>
  ofTargets(({ expr }) => {
    const wrong = listSelectors(expr).find(isWrong);
    return wrong !== undefined && `${wrong.name} in ${expr}`;
  });

const templateRule = (name: string, label: string): Rule =>
  ofDashboard(({ templating }) => {
    const variable = templating.list.find((one) => one.name === name);
    if (variable === undefined) return [`no variable ${name}`];
    return [
      variable.type !== "query" && `${name} is not a query`,
      !isChosen(variable.datasource) && `${name} does not use the selected data source`,
      variable.label !== label && `${name} is not labelled ${label}`,
      variable.multi !== true && `${name} accepts one value only`,
      variable.allValue !== ".+" && `the value for all of ${name} is not .+`,
    ];
  });

const queries = (dashboard: Dashboard): Variable[] =>
  dashboard.templating.list.filter(({ type }) => type === "query");

export const rules = {
  "template-datasource-rule": ofDashboard(({ templating }) => {
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
  "template-label-promql-rule": ofDashboard((dashboard) =>
    queries(dashboard).map((variable) => {
      const [, asked, series] = /^label_values\((.+), (\w+)\)$/.exec(getQuery(variable)) ?? [];
      const isRight =
        asked !== undefined && series !== undefined && findSyntaxErrors(asked).length === 0;
      return !isRight && `${variable.name} has the query ${getQuery(variable)}`;
    }),
  ),
  "template-on-time-change-reload-rule": ofDashboard((dashboard) =>
    queries(dashboard).map(
      ({ name, refresh }) => refresh !== ON_TIME_RANGE_CHANGE && `${name} refreshes ${refresh}`,
    ),
  ),
  "panel-datasource-rule": ofPanels(
    ({ datasource, targets }) =>
      ![datasource, ...targets.map((target) => target.datasource)].every(isChosen) &&
      "not from the chosen data source",
  ),
  "panel-title-description-rule": ofPanels(
    ({ title, description }) => !(title && description) && "no title or no description",
  ),
  "panel-units-rule": ofPanels(({ type, fieldConfig: { defaults, overrides } }) => {
    const known = type === "bargauge" ? UNITS_ELSEWHERE : UNITS;
    const units = overrides
      .flatMap(({ properties }) => properties)
      .filter(({ id }) => id === "unit")
      .map(({ value }) => String(value));
    const unknown =
      [String(defaults.unit)].find((unit) => !known.includes(unit)) ??
      units.find((unit) => !UNITS_ELSEWHERE.includes(unit));
    return unknown !== undefined && `the unit ${unknown}`;
  }),
  "panel-no-targets-rule": ofPanels(({ targets }) => targets.length === 0 && "no query"),
  "target-promql-rule": ofTargets(
    ({ expr }) => (expr === "" || findSyntaxErrors(expr).length > 0) && `invalid PromQL: ${expr}`,
  ),
  "target-rate-interval-rule": ofSelectors(
    ({ range, within }) =>
      range !== undefined && /^i?rate$/.test(within ?? "") && range !== "__rate_interval",
  ),
  "target-job-rule": ofSelectors(({ matchers }) => !matchers.includes('job=~"$job"')),
  "target-instance-rule": ofSelectors(
    ({ matchers }) => !matchers.includes('instance=~"$instance"'),
  ),
  "target-counter-agg-rule": ofSelectors(
    ({ name, within }) => name.endsWith("_total") && !COUNTING.includes(within ?? ""),
  ),
  "uneditable-dashboard-rule": ofDashboard(({ editable }) => [editable && "it can be edited"]),
} satisfies Record<string, Rule>;
export type RuleName = keyof typeof rules;
