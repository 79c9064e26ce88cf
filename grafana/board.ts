/** What the four dashboards have in common: variables, links among them, and the grid. */
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
import { chosen, scraped } from "./promql.ts";

/** The data source that is chosen on the page. */
export const datasource = { type: "prometheus", uid: `\${datasource}` };

/** The dashboards by their uid, which is a part of their address and never changes. */
export const titles = {
  "apsystems-plant": "APsystems plant",
  "apsystems-inverter": "APsystems inverter",
  "apsystems-fleet": "APsystems fleet",
  "apsystems-exporter": "APsystems exporter",
} as const;
export type Uid = keyof typeof titles;

/** The newest schema that Grafana 9.4 knows; newer ones migrate it as they load it. */
const SCHEMA_VERSION = 37;

export interface Board {
  readonly uid: Uid;
  readonly description: string;
  readonly tags: readonly string[];
  /** Such as `now-24h`; all end now. */
  readonly from: string;
  /** Whether it is about one inverter, chosen by `uid`. */
  readonly oneInverter?: boolean;
  /** Whether jobs and instances can be chosen on the page; where not, all are shown. */
  readonly showsTargets?: boolean;
  readonly annotations?: Dashboard["annotations"];
  /** Lines of the 24 columns from the top; the order is also that of the single column on a phone. */
  readonly lines: readonly (readonly Placed[])[];
}

/** A panel and its size, in columns of 24 and rows of 38 pixels. */
export type Placed = readonly [width: number, height: number, panel: Panel];

/** Builds a dashboard. */
export const board = (about: Board): Dashboard => {
  const builder = new DashboardBuilder(titles[about.uid])
    .uid(about.uid)
    .description(about.description)
    .tags(["apsystems", ...about.tags])
    .readonly()
    .tooltip(DashboardCursorSync.Crosshair)
    .time({ from: about.from, to: "now" })
    .refresh("1m")
    .timezone("browser")
    .variables(variables(about))
    .links(links(about.uid));
  let id = 1;
  for (const [w, h, panel] of about.lines.flat())
    builder.withPanel({ build: () => ({ ...panel, id: id++, gridPos: { x: 0, y: 0, w, h } }) });
  const built = builder.build();
  return {
    ...built,
    schemaVersion: SCHEMA_VERSION,
    ...(about.annotations !== undefined && { annotations: about.annotations }),
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

const several = (name: string, label: string, query: string): QueryVariableBuilder =>
  choice(name, label, query).multi(true).includeAll(true).allValue(".+").current(ALL);

const variables = ({ oneInverter, showsTargets }: Board) => {
  const hide = showsTargets ? VariableHide.DontHide : VariableHide.HideVariable;
  return [
    new DatasourceVariableBuilder("datasource").label("Data source").type("prometheus"),
    several("ecu", "ECU", `label_values(${scraped("ecu_up")}, ecu)`),
    ...(oneInverter
      ? [choice("uid", "Inverter", `label_values(${chosen("inverter_online")}, uid)`)]
      : []),
    several("job", "Job", "label_values(ecu_up, job)").hide(hide),
    several("instance", "Instance", 'label_values(ecu_up{job=~"$job"}, instance)').hide(hide),
  ];
};

/** To every other dashboard, with the chosen variables and time. */
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
