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
  transformations?: { id: string; options: { renameByName?: Record<string, string> } }[];
  fieldConfig: {
    defaults: { unit?: string; custom?: { spanNulls?: boolean }; mappings?: unknown[] };
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
  multi?: boolean;
  includeAll?: boolean;
  allValue?: string;
}
export interface Dashboard {
  uid: string;
  title: string;
  editable: boolean;
  schemaVersion: number;
  links: { title: string; url: string; includeVars: boolean; keepTime: boolean }[];
  templating: { list: Variable[] };
  annotations: { list?: { name: string; expr?: string; enable: boolean }[] };
  panels: Panel[];
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

export const committed: readonly Dashboard[] = uids.map(
  (uid) => JSON.parse(readDashboard(uid)) as Dashboard,
);

/** Every query of every panel. */
export const listTargets = (
  dashboard: Dashboard,
): { dashboard: Dashboard; panel: Panel; target: Target; index: number }[] =>
  dashboard.panels.flatMap((panel) =>
    panel.targets.map((target, index) => ({ dashboard, panel, target, index })),
  );
