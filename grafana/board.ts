/** What the four dashboards have in common: variables, links between them, and the grid. */

import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import {
  CustomVariableBuilder,
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkType,
  DatasourceVariableBuilder,
  type Panel,
  QueryVariableBuilder,
  TextBoxVariableBuilder,
  VariableHide,
  type VariableModel,
  type VariableOption,
  VariableRefresh,
  VariableSort,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { ecuSeries, targetSeries } from "./promql.ts";

/** The data source selected on the dashboard. */
export const datasource = { type: "prometheus", uid: `\${datasource}` };

/** Titles of the dashboards by uid. The uid is a part of the URL and never changes. */
export const titles = {
  "apsystems-plant": "APsystems plant",
  "apsystems-inverter": "APsystems inverter",
  "apsystems-fleet": "APsystems fleet",
  "apsystems-exporter": "APsystems exporter",
} as const;
export type Uid = keyof typeof titles;

/** The newest schema of Grafana 9.4. Newer versions of Grafana migrate it when they load it. */
const SCHEMA_VERSION = 37;

export interface DashboardOptions {
  readonly uid: Uid;
  readonly description: string;
  readonly tags: readonly string[];
  /** Start of the default time range, such as `now-24h`. The end is always now. */
  readonly from: string;
  /** Whether the dashboard shows one inverter, selected by the variable `uid`. */
  readonly oneInverter?: boolean;
  /** Whether jobs and instances can be selected. If not, all are shown. */
  readonly showsTargets?: boolean;
  readonly annotations?: Dashboard["annotations"];
  /** Variables after those of every dashboard. */
  readonly variables?: readonly Builder<VariableModel>[];
  /** Rows of 24 columns from the top. On a phone, the panels form a single column in this order. */
  readonly rows: readonly (readonly Placed[])[];
}

/** A panel and its size, in columns of 24 and rows of 38 pixels. */
export type Placed = readonly [width: number, height: number, panel: Panel];

/** The title of the panels below it, up to the next one. @param repeat variable; the panels are repeated for each of its values */
export const section = (title: string, repeat?: string): Placed => [
  24,
  1,
  {
    type: "row",
    title,
    collapsed: false,
    panels: [],
    ...(repeat !== undefined && { repeat }),
  } as Panel,
];

/** Builds a dashboard. */
export const buildDashboard = (options: DashboardOptions): Dashboard => {
  const builder = new DashboardBuilder(titles[options.uid])
    .uid(options.uid)
    .description(options.description)
    .tags(["apsystems", ...options.tags])
    .readonly()
    .tooltip(DashboardCursorSync.Crosshair)
    .time({ from: options.from, to: "now" })
    .refresh("1m")
    .timezone("browser")
    .variables(variables(options))
    .links([dashboardList]);
  let id = 1;
  for (const [w, h, panel] of options.rows.flat())
    builder.withPanel({
      build: () => ({ ...withoutDirection(panel), id: id++, gridPos: { x: 0, y: 0, w, h } }),
    });
  const built = builder.build();
  return {
    ...built,
    schemaVersion: SCHEMA_VERSION,
    ...(options.annotations !== undefined && { annotations: options.annotations }),
  };
};

/**
 * The SDK sets a direction of repetition for every panel. Grafana 11.0 to 11.4 makes each panel that has one as wide as the
 * screen. No panel is repeated; sections are.
 */
const withoutDirection = ({ repeatDirection: _, ...panel }: Panel): Panel => panel;

const ALL = { selected: true, text: ["All"], value: ["$__all"] };

/** A variable with the values of a label. @param query `label_values(…)` */
const choice = (name: string, label: string, query: string): QueryVariableBuilder =>
  new QueryVariableBuilder(name)
    .label(label)
    .datasource(datasource)
    .definition(query)
    .query({ query, refId: "Variable" })
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc); // natural sort runs backwards in several versions of Grafana

/** The same, of which several values or all can be selected. */
export const multiChoice = (name: string, label: string, query: string): QueryVariableBuilder =>
  choice(name, label, query).multi(true).includeAll(true).allValue(".+").current(ALL);

/** A text box. @param value initial text */
export const textBox = (name: string, label: string, value: string): TextBoxVariableBuilder =>
  new TextBoxVariableBuilder(name).label(label).defaultValue(value);

/** A choice from a list. @param values the first is selected at first */
export const listChoice = (
  name: string,
  label: string,
  values: readonly string[],
): CustomVariableBuilder => {
  const options = values.map((value, i) => ({ text: value, value, selected: i === 0 }));
  return new CustomVariableBuilder(name)
    .label(label)
    .values(values.join(","))
    .options(options)
    .current(options[0] as VariableOption);
};

const variables = (options: DashboardOptions): Builder<VariableModel>[] => {
  const { oneInverter, showsTargets, variables: more = [] } = options;
  const hide = showsTargets ? VariableHide.DontHide : VariableHide.HideVariable;
  return [
    // Its value needs no label, and saves the room for the list of dashboards at 1280 pixels.
    new DatasourceVariableBuilder("datasource")
      .label("Data source")
      .type("prometheus")
      .hide(VariableHide.HideLabel),
    multiChoice("ecu", "ECU", `label_values(${targetSeries("ecu_up")}, ecu)`),
    ...(oneInverter
      ? [
          choice("uid", "Inverter", `label_values(${ecuSeries("inverter_online")}, uid)`).hide(
            VariableHide.HideLabel,
          ),
        ]
      : []),
    multiChoice("job", "Job", "label_values(ecu_up, job)").hide(VariableHide.HideVariable),
    multiChoice("instance", "Instance", 'label_values(ecu_up{job=~"$job"}, instance)').hide(hide),
    ...more,
  ];
};

/** A list of all dashboards. The links keep the variables and the time range. One short button fits beside the variables at 1280 pixels. */
const dashboardList = {
  build: () => ({
    title: "Go to",
    type: DashboardLinkType.Dashboards,
    icon: "dashboard",
    tooltip: "All dashboards of APsystems ECUs",
    url: "",
    tags: ["apsystems"],
    asDropdown: true,
    targetBlank: false,
    includeVars: true,
    keepTime: true,
  }),
};
