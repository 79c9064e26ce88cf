/** What the four dashboards have in common: variables, links between them, and the grid. */
import {
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkType,
  DatasourceVariableBuilder,
  type Panel,
  QueryVariableBuilder,
  VariableHide,
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
  /** Rows of 24 columns from the top. On a phone, the panels form a single column in this order. */
  readonly rows: readonly (readonly Placed[])[];
}

/** A panel and its size, in columns of 24 and rows of 38 pixels. */
export type Placed = readonly [width: number, height: number, panel: Panel];

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
    .links(links(options.uid));
  let id = 1;
  for (const [w, h, panel] of options.rows.flat())
    builder.withPanel({ build: () => ({ ...panel, id: id++, gridPos: { x: 0, y: 0, w, h } }) });
  const built = builder.build();
  return {
    ...built,
    schemaVersion: SCHEMA_VERSION,
    ...(options.annotations !== undefined && { annotations: options.annotations }),
  };
};

const ALL = { selected: true, text: ["All"], value: ["$__all"] };

const choice = (name: string, label: string, query: string): QueryVariableBuilder =>
  new QueryVariableBuilder(name)
    .label(label)
    .datasource(datasource)
    .definition(query)
    .query({ query, refId: "Variable" })
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.NaturalAsc);

const multiChoice = (name: string, label: string, query: string): QueryVariableBuilder =>
  choice(name, label, query).multi(true).includeAll(true).allValue(".+").current(ALL);

const variables = ({ oneInverter, showsTargets }: DashboardOptions) => {
  const hide = showsTargets ? VariableHide.DontHide : VariableHide.HideVariable;
  return [
    new DatasourceVariableBuilder("datasource").label("Data source").type("prometheus"),
    multiChoice("ecu", "ECU", `label_values(${targetSeries("ecu_up")}, ecu)`),
    ...(oneInverter
      ? [choice("uid", "Inverter", `label_values(${ecuSeries("inverter_online")}, uid)`)]
      : []),
    multiChoice("job", "Job", "label_values(ecu_up, job)").hide(hide),
    multiChoice("instance", "Instance", 'label_values(ecu_up{job=~"$job"}, instance)').hide(hide),
  ];
};

/** Links to all other dashboards. They keep the variables and the time range. */
const links = (from: Uid) =>
  Object.entries(titles)
    .filter(([uid]) => uid !== from)
    .map(([uid, title]) => ({
      build: () => ({
        title: title.replace("APsystems ", "").replace(/^./, (letter) => letter.toUpperCase()),
        type: DashboardLinkType.Link,
        icon: "dashboard",
        tooltip: title,
        url: `/d/${uid}`,
        tags: [],
        asDropdown: false,
        targetBlank: false,
        includeVars: true,
        keepTime: true,
      }),
    }));
