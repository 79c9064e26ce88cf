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
  "-1": { text: "No data", color: "#6b6d76" },
};

describe.each(committed.map((dashboard) => [dashboard.uid, dashboard] as const))(
  "%s",
  (uid, { panels, sections, templating, annotations, links }) => {
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
      const power = panels.find(({ title }) => /^Power( by channel)?$/.test(title));
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
          expect(fieldConfig.defaults.custom?.axisWidth, title).toBe(72);
    });

    it("has few controls, so that they fit beside a time range with two dates at 1280 pixels", () => {
      const shown = templating.list.filter(({ hide }) => hide !== 2);
      const most = uid === "apsystems-plant" ? 4 : 3;
      expect(shown.length).toBeLessThanOrEqual(most);
      // Only these two need their label besides the ECU: text boxes are wide.
      const labels = shown.filter(({ hide }) => !hide).map(({ label }) => label);
      expect(["ECU", "Price/kWh", "Instance"]).toEqual(expect.arrayContaining(labels));
      for (const { title } of links) expect(title.length).toBeLessThanOrEqual(5);
    });

    it("uses only colour modes that Grafana 9.4 has (another one leaves the panel empty)", () => {
      const modes = ["fixed", "thresholds", "palette-classic"];
      for (const { title, fieldConfig } of panels) {
        const overridden = fieldConfig.overrides
          .flatMap(({ properties }) => properties)
          .filter(({ id }) => id === "color")
          .map(({ value }) => (value as { mode: string }).mode);
        const { color } = fieldConfig.defaults;
        for (const mode of [...overridden, ...(color ? [color.mode] : [])])
          expect(modes, title).toContain(mode);
      }
    });

    it("replaces missing values in columns of numbers only (before 10.2, a text counts as NaN)", () => {
      for (const { type, title, fieldConfig, transformations } of panels) {
        if (type !== "table" || transformations?.at(-1)?.id !== "organize") continue;
        expect(fieldConfig.defaults.mappings, title).toBeUndefined();
        for (const { matcher, properties } of fieldConfig.overrides)
          if (JSON.stringify(properties).includes("null+nan"))
            expect(matcher, title).toEqual({ id: "byType", options: "number" });
      }
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
    expect(fieldConfig.defaults.noValue, title).toMatch(/^No.{0,34}$/); // at 400 pixels, longer texts are cut off
    const label = /^\{\{(\w+)\}\}$/.exec(targets[0]?.legendFormat ?? "")?.[1];
    expect(fieldConfig.defaults.displayName, title).toBe(
      // Without spaces, serial numbers of the same length are cut off if their digits are wider.
      `\${__field.labels.${label}}    `,
    );
  }
});

it("a table that may have no rows says so in its first column, because an empty table loses its header", () => {
  for (const [uid, title] of [
    ["apsystems-plant", "Panels far below their siblings"],
    ["apsystems-fleet", "Inverters missing"],
    ["apsystems-fleet", "Firing alerts"],
  ] as const) {
    const { targets, transformations } = getPanel(uid, title);
    const label = /"(\w+)", "None"/.exec(targets[0]?.expr ?? "")?.[1] ?? "";
    expect(targets[0]?.expr, title).toContain(`"${label}", "Unknown"`);
    expect(transformations?.at(-1)?.options.indexByName?.[label], title).toBe(0);
  }
});

it("the dashboard of an inverter marks the alerts and events of this inverter only", () => {
  const { list = [] } = getDashboard("apsystems-inverter").annotations;
  expect(list.map(({ name }) => name)).toEqual(["Alerts", "Events"]);
  for (const { name, expr } of list) expect(expr, name).toContain('uid=~"$uid"');
});

it("numbers are readable on a white page (large text needs a contrast of 3:1)", () => {
  // Colours by name are darker in the light theme, except yellow: its contrast is 1.5.
  const used = ofType("stat").flatMap(({ fieldConfig }) =>
    fieldConfig.overrides
      .flatMap(({ properties }) => properties)
      .filter(({ id }) => id === "color"),
  );
  expect(used.length).toBeGreaterThan(10);
  const colours = used.map(({ value }) => (value as { fixedColor?: string }).fixedColor ?? "");
  expect(colours).not.toContain("yellow");
  for (const colour of colours.filter((each) => each.startsWith("#"))) {
    const [red, green, blue] = [1, 3, 5].map((at) => {
      const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    }) as [number, number, number];
    const luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    expect(1.05 / (luminance + 0.05), colour).toBeGreaterThan(3);
  }
});

it("no panel claims that nothing happened if it has no data", () => {
  const texts = committed
    .flatMap(({ panels }) => panels)
    .flatMap(({ fieldConfig }) => fieldConfig.defaults.noValue?.replaceAll("\u00a0", " ") ?? []);
  // What was not measured is unknown. Other texts say what was not seen, or what to do.
  const allowed =
    /^(Unknown|No data|Not scraped|Not registered|Offline in this time range\b.*|No measurement now|No power now: night, or no reply|No \w+( \w+)? (seen|known)\b.*|Enter a price .*|No panel of the roof has .*)$/;
  for (const text of texts) expect(text).toMatch(allowed);
});

it("bar gauges do not break the text that they show without data, of which Grafana 11 would hide a part", () => {
  const texts = committed
    .flatMap(({ panels }) => panels.filter(({ type }) => type === "bargauge"))
    .map(({ fieldConfig }) => fieldConfig.defaults.noValue ?? "");
  expect(texts.length).toBeGreaterThan(3);
  for (const text of texts) expect(text).toMatch(/^[^ ]+$/);
});

it("each query of the panels far below their siblings returns a row if there are none", () => {
  const { targets } = getPanel("apsystems-plant", "Panels far below their siblings");
  for (const { expr } of targets) expect(expr).toContain('"name", "None"');
});

it("a serial number with a link is not cut off (12.0 needs 145 pixels)", () => {
  const columns = ofType("table").flatMap(({ fieldConfig }) =>
    fieldConfig.overrides.filter(({ matcher }) => matcher.options === "Inverter"),
  );
  const linked = columns.filter(({ properties }) => properties.some(({ id }) => id === "links"));
  expect(linked).toHaveLength(2);
  for (const { properties } of linked) {
    const width = properties.find(({ id }) => id === "custom.width")?.value;
    expect(width).toBeGreaterThanOrEqual(145);
  }
});

it("the columns of alerts fit in their panel at 1280 pixels", () => {
  const { fieldConfig, gridPos } = getPanel("apsystems-fleet", "Firing alerts");
  const widths = fieldConfig.overrides
    .flatMap(({ properties }) => properties)
    .filter(({ id }) => /^custom\.(minW|w)idth$/.test(id))
    .map(({ value }) => value as number);
  const channel = 80; // the least width of a column
  expect(widths).toHaveLength(4);
  expect(widths.reduce((sum, width) => sum + width, channel)).toBeLessThanOrEqual(
    (gridPos.w / 24) * 1240,
  );
});

it("a roof of three rows fills its panel to more than half", () => {
  for (const title of ["$array now", `$array, \${__to:date:D MMMM}`]) {
    const { options, gridPos } = getPanel("apsystems-plant", title);
    expect(options.cellHeight, title).toBe("md"); // 42 pixels
    const pixels = gridPos.h * 38 - 8 - 36; // without the title
    expect((3 * 42) / pixels, title).toBeGreaterThan(0.5);
  }
});

it("tables are sorted by columns without NaN, at which Grafana stops to compare", () => {
  const { options, targets, transformations } = getPanel("apsystems-fleet", "Plants");
  const names = transformations?.at(-1)?.options.renameByName ?? {};
  for (const { displayName } of options.sortBy ?? []) {
    const field = Object.keys(names).find((name) => names[name] === displayName) ?? "";
    const index = /^Value #([A-Z])$/.exec(field)?.[1]?.charCodeAt(0);
    if (index !== undefined) expect(targets[index - 65]?.expr, displayName).not.toContain("NaN");
  }
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
