/** How the dashboards are drawn: faults that were seen in Grafana, each with the versions or situations that show it. */
import { readdirSync, statSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { committed, type Dashboard, listTargets, type Panel } from "./committed.ts";

const getDashboard = (uid: string): Dashboard => {
  const found = committed.find((dashboard) => dashboard.uid === uid);
  if (found === undefined) throw new Error(`there is no dashboard ${uid}`);
  return found;
};
const getPanel = (uid: string, title: string): Panel => {
  const found = getDashboard(uid).panels.find((panel) => panel.title === title);
  if (found === undefined) throw new Error(`there is no panel ${title}`);
  return found;
};
const ofType = (type: string): Panel[] =>
  committed.flatMap(({ panels }) => panels).filter((panel) => panel.type === type);

/** The state of an inverter → its text and colour. */
const inverterStates = {
  "0": { text: "Missing", color: "dark-red" },
  "1": { text: "Unknown", color: "#7d7f8c" },
  "2": { text: "Asleep", color: "#3b4863" },
  "3": { text: "Online", color: "dark-green" },
};

describe.each(committed.map((dashboard) => [dashboard.uid, dashboard] as const))(
  "%s",
  (_uid, { panels, sections, templating, annotations }) => {
    it("has no repeat direction without repetition (such panels fill the width in 11.0 to 11.4)", () => {
      for (const { title, repeat, repeatDirection } of [...panels, ...sections])
        if (repeat === undefined) expect(repeatDirection, title).toBeUndefined();
    });

    it("has no time range of a panel, which Grafana ignores after a zoom", () => {
      for (const { title, timeFrom } of panels) expect(timeFrom, title).toBeUndefined();
    });

    it("does not depend on the selected range in numbers that are named after a period", () => {
      for (const { title, targets } of panels) {
        const isPeriod = /per (day|month)|of the day|Totals|Earned|Power and energy/.test(title);
        for (const { expr } of targets) if (isPeriod) expect(expr, title).not.toContain("__range");
      }
    });

    it("sorts the options of variables alphabetically (natural sort runs backwards in several versions)", () => {
      for (const { name, type, sort } of templating.list)
        if (type === "query") expect(sort, name).toBe(1);
    });

    it("marks each alert once, where it started, and only in the chart of power", () => {
      const [alerts, events, ...others] = annotations.list ?? [];
      if (alerts === undefined) return;
      expect(others).toEqual([]);
      expect(alerts.useValueForTime).toBe(true);
      expect(alerts.expr).toContain("ALERTS_FOR_STATE");
      const power = panels.find(({ title }) => title === "Power");
      for (const annotation of [alerts, events ?? alerts])
        expect(annotation.filter).toEqual({ exclude: false, ids: [power?.id] });
    });

    it("gives numbers room for their title, and text of one size", () => {
      for (const { type, title, gridPos, options, targets } of panels) {
        if (type !== "stat") continue;
        expect(gridPos.w, title).toBeGreaterThanOrEqual(4);
        expect(options.text?.valueSize, title).toBe(20);
        const always = targets.filter(({ expr }) => !/> 0$/.test(expr));
        expect(always.length, title).toBeLessThanOrEqual(3); // 400 pixels have room for three
      }
    });

    it("shows the first table or chart on the first screen of a phone, below low panels of numbers", () => {
      const first = panels.findIndex(({ type }) => type !== "stat");
      const heights = panels.slice(0, first).map(({ gridPos }) => gridPos.h);
      expect(heights).toEqual([3, 3, 3]);
    });

    it("aligns the times of all charts", () => {
      for (const { type, title, fieldConfig } of panels)
        if (["timeseries", "barchart"].includes(type))
          expect(fieldConfig.defaults.custom?.axisWidth, title).toBe(64);
    });

    it("has no legend for a single series", () => {
      for (const { type, title, targets, options } of panels) {
        const isSingle = targets.length === 1 && !targets[0]?.legendFormat?.includes("{{");
        if (["timeseries", "barchart"].includes(type) && isSingle)
          expect(options.legend?.showLegend, title).toBe(false);
      }
    });
  },
);

it("bars have fixed heights, a name even if there is one, and a sentence for no data", () => {
  expect(ofType("bargauge")).toHaveLength(5);
  for (const { title, options, fieldConfig, targets } of ofType("bargauge")) {
    expect(options.sizing, title).toBe("manual");
    expect(options.maxVizHeight, title).toBe(24);
    expect(fieldConfig.defaults.noValue, title).toMatch(/^No/);
    const label = /^\{\{(\w+)\}\}$/.exec(targets[0]?.legendFormat ?? "")?.[1];
    expect(fieldConfig.defaults.displayName, title).toBe(`\${__field.labels.${label}}`);
  }
});

it("a table that may have no rows says so in a row, because an empty table loses its header", () => {
  for (const [uid, title] of [
    ["apsystems-plant", "Panels far below their siblings"],
    ["apsystems-fleet", "Inverters missing"],
    ["apsystems-fleet", "Firing alerts"],
  ] as const)
    expect(getPanel(uid, title).targets[0]?.expr, title).toContain('"None"');
});

it("bars over time stand upright, on a phone too", () => {
  expect(ofType("barchart")).toHaveLength(3);
  for (const { title, options } of ofType("barchart"))
    expect(options.orientation, title).toBe("vertical");
});

it("no number has a sparkline, whose last value is old in an outage", () => {
  for (const { options } of ofType("stat")) expect(options.graphMode).toBe("none");
});

it("states are colours with a legend, in at most 12 rows", () => {
  expect(ofType("state-timeline")).toHaveLength(4);
  for (const { title, options, targets } of ofType("state-timeline")) {
    expect(options.showValue, title).toBe("never");
    expect(options.perPage, title).toBe(0);
    expect(options.legend?.showLegend, title).toBe(true);
    expect(targets[0]?.expr, title).toMatch(/bottomk\((12|1), /);
  }
});

it("a missing inverter is not a sleeping one", () => {
  const panels = [
    getPanel("apsystems-plant", "Inverters over time"),
    getPanel("apsystems-inverter", "Inverter"),
    getPanel("apsystems-inverter", "State over time"),
  ];
  for (const { title, fieldConfig } of panels)
    expect(fieldConfig.defaults.mappings?.[0]?.options, title).toMatchObject(inverterStates);
  const table = getPanel("apsystems-plant", "All inverters");
  expect(table.options.sortBy?.[0]).toEqual({ displayName: "State", desc: false });
});

it("the state of the ECU comes first on the dashboard of a plant", () => {
  const [first] = getDashboard("apsystems-plant").panels;
  expect(first?.title).toBe("ECU");
  expect(first?.targets.map(({ legendFormat }) => legendFormat)).toEqual([
    "Now",
    "Unreachable since",
  ]);
});

it("the stacked chart of power has a line with the total", () => {
  for (const [uid, total] of [
    ["apsystems-plant", "Plant"],
    ["apsystems-fleet", "All plants"],
  ] as const)
    expect(getPanel(uid, "Power").targets.map(({ legendFormat }) => legendFormat)).toContain(total);
});

it("names of panels are kept for a day while the ECU is unreachable", () => {
  const named = committed
    .flatMap(listTargets)
    .filter(({ target }) => target.expr.includes("inverter_channel_info"));
  expect(named.length).toBeGreaterThan(6);
  for (const { panel, target } of named)
    expect(target.expr, panel.title).toMatch(
      /last_over_time\(inverter_channel_info\{[^}]*\}\[1d\] @ end\(\)\)/,
    );
});

it("the pictures in the documentation are small", () => {
  const pictures = readdirSync("docs/images");
  expect(pictures).toEqual(
    expect.arrayContaining(["fleet.png", "inverter.png", "plant.png", "roof.png"]),
  );
  for (const picture of pictures)
    expect(statSync(`docs/images/${picture}`).size, picture).toBeLessThan(150_000);
});
