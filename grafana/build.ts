/** Writes every dashboard's JSON. */
import { writeFile } from "node:fs/promises";
import { dashboards, pathOf, textOf } from "./dashboards.ts";

for (const dashboard of dashboards)
  await writeFile(new URL(pathOf(dashboard), import.meta.url), textOf(dashboard));
