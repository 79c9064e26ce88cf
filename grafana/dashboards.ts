/** Every dashboard, and the text that is committed of it. */
import type { Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import { exporter } from "./exporter.ts";
import { fleet } from "./fleet.ts";
import { inverter } from "./inverter.ts";
import { plant } from "./plant.ts";

/** In the order in which they are told of. */
export const dashboards: readonly Dashboard[] = [plant, inverter, fleet, exporter];

/** Where a dashboard's JSON is, in this folder. */
export const pathOf = (dashboard: Dashboard): string => `dashboards/${dashboard.uid}.json`;

/** What is in that file; short lists stand in one line, as the formatter would have them. */
export const textOf = (dashboard: Dashboard): string =>
  `${JSON.stringify(dashboard, null, 2).replace(SHORT_LIST, inOneLine)}\n`;

/** A list of words or numbers that JSON.stringify spreads over lines. */
const SHORT_LIST = /\[\n(?: *(?:"[^"\\\n]{0,30}"|\d+),?\n)+ *\]/g;

const inOneLine = (list: string): string =>
  list.replace(/\s*\n\s*/g, " ").replace(/^\[ (.*) \]$/, "[$1]");
