/** The committed dashboards, and requirements for all of them. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { dashboardJson, dashboards } from "../../grafana/dashboards.ts";
import { otherMetrics } from "../../grafana/promql.ts";
import { catalogue } from "../../src/metrics/catalogue.ts";
import { committed, getQuery, listTargets, readDashboard, uids } from "./committed.ts";
import {
  dateVariables,
  findSyntaxErrors,
  listSelectors,
  variableExpr,
  withValues,
} from "./promql.ts";

/** The newest schema version of Grafana 9.4. */
const GRAFANA_9_4_SCHEMA = 37;

/** The row of a panel of states that has no state at all: no number, and not a state of anything. */
const NO_DATA_ROW = /or on \(\) label_replace\(vector\(-1\) unless on \(\) .*"No data", "", ""\)$/;

it("the committed JSON files are up to date (npm run generate)", () => {
  expect(dashboards.map(({ uid }) => uid)).toEqual(uids);
  for (const dashboard of dashboards)
    expect(readDashboard(dashboard.uid ?? "")).toBe(dashboardJson(dashboard));
  expect(readdirSync("grafana/dashboards").sort()).toEqual(
    [".lint", ...uids.map((uid) => `${uid}.json`)].sort(),
  );
});

describe.each(committed.map((dashboard) => [dashboard.uid, dashboard] as const))(
  "%s",
  (_uid, dashboard) => {
    it("has a schema version that Grafana 9.4 supports", () => {
      expect(dashboard.schemaVersion).toBeLessThanOrEqual(GRAFANA_9_4_SCHEMA);
    });

    it("places its panels in full rows, in reading order", () => {
      let y = 0;
      for (let i = 0; i < dashboard.panels.length; ) {
        if (dashboard.sections.some(({ gridPos }) => gridPos.y === y)) y += 1;
        const row = dashboard.panels.slice(i).filter(({ gridPos }) => gridPos.y === y);
        expect(row.map(({ gridPos }) => gridPos.x)).toEqual(
          row.map((_panel, k) => row.slice(0, k).reduce((sum, { gridPos }) => sum + gridPos.w, 0)),
        );
        expect(row.reduce((sum, { gridPos }) => sum + gridPos.w, 0)).toBe(24);
        expect(new Set(row.map(({ gridPos }) => gridPos.h)).size).toBe(1);
        expect(dashboard.panels.slice(i, i + row.length)).toEqual(row);
        y += row[0]?.gridPos.h ?? 0;
        i += row.length;
      }
    });

    it("has a different title for each panel", () => {
      const titles = dashboard.panels.map(({ title }) => title);
      expect(new Set(titles).size).toBe(titles.length);
      const ids = dashboard.panels.map(({ id }) => id);
      expect(new Set(ids).size).toBe(ids.length);
    });

    it("lists all dashboards in one menu, whose links keep variables and time range", () => {
      expect(dashboard.tags).toContain("apsystems");
      expect(dashboard.links).toEqual([
        expect.objectContaining({
          type: "dashboards",
          tags: ["apsystems"],
          asDropdown: true,
          includeVars: true,
          keepTime: true,
        }),
      ]);
    });

    it("links from cells only to existing dashboards and variables", () => {
      for (const url of JSON.stringify(dashboard.panels).match(/\/d\/[^"]+\?[^"]+/g) ?? []) {
        const [, uid, query = ""] = /^\/d\/(\S+?)\?(.*)$/.exec(url) ?? [];
        const target = committed.find((other) => other.uid === uid);
        expect(target, url).toBeDefined();
        const variables = [...query.matchAll(/var-(\w+)=/g)].map(([, name]) => name);
        const names = target?.templating.list.map(({ name }) => name);
        expect(names).toEqual(expect.arrayContaining(variables));
        expect(query).toContain(`\${__url_time_range}`);
      }
    });

    it("draws no line and no zero if nothing was measured", () => {
      for (const { type, fieldConfig } of dashboard.panels)
        if (["timeseries", "state-timeline"].includes(type))
          expect(fieldConfig.defaults.custom?.spanNulls).toBe(false);
      for (const { target } of listTargets(dashboard))
        expect(target.expr.replace(NO_DATA_ROW, "")).not.toMatch(
          /\bor (on\b.*?)?vector\(|absent\(/,
        );
    });

    it("shows every state as text", () => {
      for (const { type, title, fieldConfig } of dashboard.panels)
        if (type === "state-timeline") expect(fieldConfig.defaults.mappings, title).toHaveLength(1);
    });

    it("uses valid PromQL, with metrics of the catalogue and a few others", () => {
      const metrics = [...Object.keys(catalogue), ...otherMetrics];
      const expressions = [
        ...listTargets(dashboard).map(({ target }) => target.expr),
        ...(dashboard.annotations.list ?? []).map(({ expr }) => expr ?? ""),
        ...dashboard.templating.list.flatMap((variable) => variableExpr(getQuery(variable)) ?? []),
      ];
      for (const expression of expressions) {
        expect(findSyntaxErrors(expression), expression).toEqual([]);
        expect(listSelectors(expression), expression).not.toHaveLength(0);
        for (const { name } of listSelectors(expression)) expect(metrics).toContain(name);
      }
    });

    it("uses only variables of Grafana and of the dashboard", () => {
      const own = dashboard.templating.list.map(({ name }) => [name, "x"]);
      const grafana = { __rate_interval: "5m", __range: "24h", ...dateVariables(0) };
      const all = { ...Object.fromEntries(own), ...grafana, 1: "x" };
      for (const { target } of listTargets(dashboard))
        expect(withValues(target.expr, all)).not.toContain("$");
    });
  },
);

it("the provisioning files of Grafana load the dashboards and the data source", () => {
  const read = (path: string): unknown =>
    parse(readFileSync(`grafana/provisioning/${path}`, "utf8"));
  expect(read("dashboards/apsystems.yml")).toMatchObject({
    apiVersion: 1,
    providers: [
      {
        type: "file",
        folder: "APsystems",
        allowUiUpdates: false,
        options: { path: "/var/lib/grafana/dashboards" },
      },
    ],
  });
  expect(read("datasources/prometheus.yml")).toMatchObject({
    apiVersion: 1,
    datasources: [{ type: "prometheus", access: "proxy", isDefault: true }],
  });
});
