/** The committed dashboards and their types. */
import { readFileSync } from "node:fs";

export interface Source {
  type?: string;
  uid?: string;
}
export interface Target {
  refId: string;
  expr: string;
  legendFormat?: string;
  format?: string;
  instant?: boolean;
  range?: boolean;
  datasource?: Source;
}
export interface Panel {
  id: number;
  type: string;
  title: string;
  description: string;
  datasource?: Source;
  gridPos: { x: number; y: number; w: number; h: number };
  targets: Target[];
  timeFrom?: string;
  interval?: string;
  repeat?: string;
  repeatDirection?: string;
  options: {
    sizing?: string;
    maxVizHeight?: number;
    showValue?: string;
    perPage?: number;
    graphMode?: string;
    orientation?: string;
    cellHeight?: string;
    text?: { valueSize?: number };
    legend?: { showLegend: boolean };
    sortBy?: { displayName: string; desc: boolean }[];
  };
  transformations?: {
    id: string;
    options: {
      renameByName?: Record<string, string>;
      indexByName?: Record<string, number>;
    };
  }[];
  fieldConfig: {
    defaults: {
      unit?: string;
      noValue?: string;
      displayName?: string;
      color?: { mode: string };
      custom?: { spanNulls?: boolean; axisWidth?: number };
      mappings?: { options: Record<string, { text: string; color: string }> }[];
    };
    overrides: {
      matcher: { id: string; options: string };
      properties: { id: string; value: unknown }[];
    }[];
  };
}
export interface Variable {
  name: string;
  label: string;
  type: string;
  hide?: number;
  query: string | { query: string };
  datasource?: Source;
  refresh?: number;
  sort?: number;
  multi?: boolean;
  includeAll?: boolean;
  allValue?: string;
}
export interface Annotation {
  name: string;
  expr?: string;
  enable: boolean;
  useValueForTime?: boolean;
  filter?: { exclude: boolean; ids: number[] };
}
export interface Dashboard {
  uid: string;
  title: string;
  editable: boolean;
  schemaVersion: number;
  tags: string[];
  links: { title: string; url: string; includeVars: boolean; keepTime: boolean }[];
  templating: { list: Variable[] };
  annotations: { list?: Annotation[] };
  /** Panels that show data. */
  panels: Panel[];
  /** Titles of the panels below them. */
  sections: Pick<Panel, "title" | "repeat" | "repeatDirection" | "gridPos">[];
}

const FOLDER = "grafana/dashboards";

/** The JSON text of a committed dashboard. */
export const readDashboard = (uid: string): string => readFileSync(`${FOLDER}/${uid}.json`, "utf8");

/** The four dashboards, by uid. */
export const uids = [
  "apsystems-plant",
  "apsystems-inverter",
  "apsystems-fleet",
  "apsystems-exporter",
] as const;

export const committed: readonly Dashboard[] = uids.map((uid) => {
  const dashboard = JSON.parse(readDashboard(uid)) as Dashboard;
  const isSection = ({ type }: Panel): boolean => type === "row";
  return {
    ...dashboard,
    panels: dashboard.panels.filter((panel) => !isSection(panel)),
    sections: dashboard.panels.filter(isSection),
  };
});

/** The query that lists the values of a variable. */
export const getQuery = ({ query }: Variable): string =>
  typeof query === "string" ? query : query.query;

/** Every query of every panel. */
export const listTargets = (
  dashboard: Dashboard,
): { dashboard: Dashboard; panel: Panel; target: Target; index: number }[] =>
  dashboard.panels.flatMap((panel) =>
    panel.targets.map((target, index) => ({ dashboard, panel, target, index })),
  );
