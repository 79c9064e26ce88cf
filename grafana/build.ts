/** Writes the JSON files of all dashboards. */
import { writeFile } from "node:fs/promises";
import { dashboardJson, dashboardPath, dashboards } from "./dashboards.ts";

for (const dashboard of dashboards)
  await writeFile(new URL(dashboardPath(dashboard), import.meta.url), dashboardJson(dashboard));
