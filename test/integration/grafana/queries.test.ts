/** Every query of every panel, executed by a real Prometheus after a simulated day of two ECUs. */
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  committed,
  getQuery,
  listTargets,
  type Target,
  type Variable,
} from "../../grafana/committed.ts";
import { DAY_SECONDS, type ScrapedPlant, type Series, scrapePlant } from "../../grafana/plant.ts";
import { dateVariables, variableExpr, withValues } from "../../grafana/promql.ts";
import { describeReleases } from "../../support/versions.ts";

/** Names of the labels of the result of a query, or the reason for an empty result. */
type Expected = string | { readonly mayBeEmpty: string };

/** Without the row that says "None". */
const level = { mayBeEmpty: "no panel of the simulated plant lags behind the others" };
const reachable = { mayBeEmpty: "the ECUs are reachable" };
const free = { mayBeEmpty: "no price is entered" };
const short = { mayBeEmpty: "the simulated day lasts a minute, and these steps are longer" };
const awake = { mayBeEmpty: "no inverter sleeps, or the light was less than half an hour ago" };

/** The queries of each panel, in order. */
const expected: Readonly<Record<string, Readonly<Record<string, readonly Expected[]>>>> = {
  "apsystems-plant": {
    ECU: ["", reachable],
    "Power and energy": ["", "", ""],
    Inverters: ["", "", awake, ""],
    Power: ["ecu uid", "", ""],
    "Energy per day": [short],
    "Peak of the day": ["", ""],
    "Best hour of the day": ["", ""],
    "Light of the day": ["", awake],
    "$array now": ["column place"],
    "$array, ${__to:date:D MMMM}": ["column place"],
    Totals: ["", ""],
    Earned: [free, free, free],
    "Energy by array": ["array"],
    "Energy per month": [short, { mayBeEmpty: "there are no data of the year before" }],
    "Panels far below their siblings": ["name", level],
    "Panels now": ["channel ecu name panel uid"],
    "Panels, 24 hours": ["channel ecu name panel uid"],
    "Inverters over time": ["_rank ecu uid"],
    "All inverters": [
      ...["ecu uid", "ecu uid", "ecu uid", "ecu uid", "ecu uid", "ecu uid"],
      "ecu model uid",
    ],
  },
  "apsystems-inverter": {
    Inverter: ["ecu model uid"],
    "Power and energy": ["ecu uid", "ecu uid", "ecu uid"],
    Measurements: ["ecu uid", "ecu uid", "ecu uid"],
    "Power by channel": ["channel ecu name panel uid"],
    "Compared with its siblings": ["ecu uid", "ecu"],
    "Energy by channel, last 24 hours": ["channel ecu name panel uid"],
    "State over time": ["_rank ecu uid"],
    "Temperature over time": ["ecu uid"],
    "Signal over time": ["ecu uid"],
    "Grid voltage over time": ["ecu phase uid"],
    "Grid frequency over time": ["ecu uid"],
  },
  "apsystems-fleet": {
    ECUs: ["", ""],
    "Power and energy": ["", "", ""],
    Attention: ["", ""],
    Plants: [
      ...["ecu", "ecu", "ecu", "ecu", "ecu", "ecu", "ecu", "ecu"],
      "ecu ecu_id firmware instance job model timezone",
    ],
    "Inverters missing": ["ecu"],
    "Firing alerts": ["alertname ecu severity"],
    "ECUs reachable": ["_rank ecu"],
    Power: ["ecu", ""],
    "Energy per day": [short],
  },
  "apsystems-exporter": {
    Exporter: ["version"],
    "Last read": ["", ""],
    Failures: ["", ""],
    "Scrape duration": ["instance job"],
    "Query duration": ["command ecu"],
    Queries: ["_rank command ecu"],
    "Failed queries per minute": ["ecu reason"],
    "Failed queries in the time range": ["reason"],
    "Rejected values per minute": ["ecu field"],
    "Queries per minute": ["ecu"],
    "Shared reads per minute": ["ecu"],
    Memory: ["instance job", "instance job"],
    CPU: ["instance job"],
    "Event loop lag": ["instance job"],
  },
};

const formatLabelNames = (series: readonly Series[]): string => {
  const names = series.flatMap(({ metric }) => Object.keys(metric));
  return [...new Set(names)]
    .filter((name) => name !== "__name__")
    .sort()
    .join(" ");
};

describeReleases(["prometheus"], "after a day of two ECUs", ({ path }) => {
  let plant: ScrapedPlant;

  beforeAll(async () => {
    plant = await scrapePlant(path("prometheus"));
  });
  afterAll(async () => {
    await plant?.[Symbol.asyncDispose]();
  });

  /** A query for all ECUs and the first inverter. A simulated day takes a minute. */
  const fillVariables = (query: string): string =>
    withValues(query, {
      job: ".+",
      instance: ".+",
      ecu: ".+",
      uid: plant.uids[0] ?? "",
      array: ".+",
      price: "",
      __rate_interval: "20s",
      __range: `${DAY_SECONDS}s`,
      ...dateVariables(Math.floor(plant.end)),
    }).replaceAll(/\[\w+:\d+[mh]\]/g, `[${DAY_SECONDS}s:1s]`);
  const findTarget = (title: string, i = 0): Target => {
    const found = committed.flatMap(listTargets).find(({ panel }) => panel.title === title);
    const target = found?.panel.targets[i];
    if (target === undefined) throw new Error(`there is no query ${i} of ${title}`);
    return target;
  };
  const runQuery = (title: string, i = 0): Promise<Series[]> => {
    const target = findTarget(title, i);
    return target.instant
      ? plant.instant(fillVariables(target.expr))
      : plant.range(fillVariables(target.expr));
  };

  it.each(
    committed.flatMap(({ uid, panels }) =>
      panels.map((panel) => ({ uid, title: panel.title, panel })),
    ),
  )("$uid, $title: returns the expected series", async ({ uid, title, panel }) => {
    const panelExpected = expected[uid]?.[title] ?? [];
    expect(panel.targets).toHaveLength(panelExpected.length);
    for (const [i, { expr, instant }] of panel.targets.entries()) {
      const series = await (instant
        ? plant.instant(fillVariables(expr))
        : plant.range(fillVariables(expr)));
      const labels = panelExpected[i];
      if (typeof labels === "object") continue;
      expect(series, expr).not.toHaveLength(0);
      expect(formatLabelNames(series)).toBe(labels);
      if (expr.includes("NaN")) continue;
      for (const { values } of series) for (const [, value] of values) expect(value).not.toBeNaN();
    }
  });

  it("the table of expected results has only existing panels", () => {
    for (const { uid, panels } of committed)
      expect(Object.keys(expected[uid] ?? {})).toEqual(panels.map(({ title }) => title));
  });

  it.each(
    committed.flatMap(({ uid, annotations }) =>
      (annotations.list ?? []).map(({ name, expr = "" }) => ({ uid, name, expr })),
    ),
  )("$uid, annotation $name: is a valid query", async ({ expr }) => {
    for (const { values } of await plant.range(fillVariables(expr)))
      for (const [, value] of values) expect(value).toBeGreaterThan(0);
  });

  it("there is no power at night, neither a line nor a zero, while the inverters are asleep and none is missing", async () => {
    const state = await plant.range(
      // A simulated day takes a minute, so 15 and 30 minutes would be longer than the night.
      fillVariables(findTarget("Inverters over time").expr).replaceAll(/\[(15|30)m\]/g, "[1s]"),
    );
    expect(state).toHaveLength(9);
    const night = state[0]?.values.filter(([, value]) => value === 2).map(([at]) => at) ?? [];
    expect(night.length).toBeGreaterThan(10); // of 60 seconds, at midsummer
    const uid = state[0]?.metric["uid"];
    const power = (await runQuery("Power")).find(({ metric }) => metric["uid"] === uid);
    expect(power?.values.length).toBeGreaterThan(20);
    for (const [at] of power?.values ?? []) expect(night).not.toContain(at);
  });

  it("panels have their configured names, or inverter and channel, lowest power first", async () => {
    const panels = await runQuery("Panels now");
    expect(panels).toHaveLength(26); // 3 DS3, 2 QS1 and 1 YC1000; 2 YC600 and 1 QT2
    const [uid] = plant.uids;
    const findName = (channel: string, inverter: string | undefined) =>
      panels.find(({ metric }) => metric["uid"] === inverter && metric["channel"] === channel)
        ?.metric["name"];
    expect([findName("1", uid), findName("2", uid)]).toEqual(["South 1", "South 2"]);
    expect(findName("2", plant.uids[1])).toBe(`${plant.uids[1]}/2`);
    const watts = panels.map(({ values }) => values[0]?.[1] ?? 0);
    expect(watts).toEqual(watts.toSorted((a, b) => a - b));
  });

  it("alerts of the selected ECUs and exporters are shown, and no others", async () => {
    const firing = await runQuery("Firing alerts");
    expect(firing.map(({ metric }) => metric["alertname"]).sort()).toEqual([
      "EcuAlert",
      "ExporterAlert",
    ]);
    expect((await runQuery("Attention", 1))[0]?.values[0]?.[1]).toBe(2);
  });

  it("every ECU, inverter, job and instance can be selected", async () => {
    const listOptions = async (variable: Variable): Promise<string[]> => {
      const query = getQuery(variable);
      const label = /, (\w+)\)$/.exec(query)?.[1] ?? variable.name;
      const result = await plant.instant(fillVariables(variableExpr(query) ?? ""));
      return [...new Set(result.map(({ metric }) => metric[label] ?? ""))].sort();
    };
    const variables = committed.flatMap(({ templating }) => templating.list);
    for (const variable of variables.filter(({ type }) => type === "query")) {
      const values = await listOptions(variable);
      if (variable.name === "ecu") expect(values).toEqual(["roof", "roof2"]);
      if (variable.name === "uid") expect(values).toHaveLength(9);
      if (variable.name === "array") expect(values).toEqual(["South"]);
      if (variable.name === "job") expect(values).toEqual(["apsystems"]);
      if (variable.name === "instance") expect(values).toEqual([expect.stringMatching(/^127/)]);
    }
  });

  it("there is an array to repeat the row of the roof for, even if no roof is described", async () => {
    const variables = committed.flatMap(({ templating }) => templating.list);
    const variable = variables.find(({ name }) => name === "array");
    const query = (variable && variableExpr(getQuery(variable))) ?? "";
    const expr = query.replaceAll("$ecu", "another");
    expect((await plant.instant(fillVariables(expr))).map(({ metric }) => metric)).toEqual([
      { array: "not described" },
    ]);
  });
});
