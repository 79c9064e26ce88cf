/** All dashboards, and their JSON files. */
import type { Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import { exporter } from "./exporter.ts";
import { fleet } from "./fleet.ts";
import { inverter } from "./inverter.ts";
import { plant } from "./plant.ts";

/** In the order of docs/dashboards.md. */
export const dashboards: readonly Dashboard[] = [plant, inverter, fleet, exporter];

/** Path of the JSON file of a dashboard, relative to this folder. */
export const dashboardPath = (dashboard: Dashboard): string => `dashboards/${dashboard.uid}.json`;

/** Content of that file. Short lists are on one line, as the formatter writes them. */
export const dashboardJson = (dashboard: Dashboard): string =>
  `${JSON.stringify(dashboard, null, 2).replace(SHORT_LIST, inOneLine)}\n`;

/** A list of words or numbers that JSON.stringify writes on several lines. */
const SHORT_LIST = /\[\n(?: *(?:"[^"\\\n]{0,30}"|\d+),?\n)+ *\]/g;

const inOneLine = (list: string): string =>
  list.replace(/\s*\n\s*/g, " ").replace(/^\[ (.*) \]$/, "[$1]");
