/** Values of the dashboards, computed by a real Prometheus from days that are written by hand. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { committed, listTargets } from "../../grafana/committed.ts";
import { dateVariables, withValues } from "../../grafana/promql.ts";
import { type RunningProgram, runWithInput } from "../../support/programs.ts";
import { startPrometheus } from "../../support/prometheus.ts";
import { describeReleases } from "../../support/versions.ts";

const HOUR = 3600;
/** Midnight in UTC. Prometheus has the two days before it and nine hours after it. */
const MIDNIGHT = Date.UTC(2026, 5, 3) / 1000;
const NOON = MIDNIGHT - 12 * HOUR;
const labels = (uid: string, channel: number) =>
  `{ecu="roof",uid="${uid}",channel="${channel}",job="apsystems",instance="pi:10899"}`;

/** Watts of each channel from 6:00 to 18:00 on each day. There are no samples at night. */
const watts: readonly (readonly [uid: string, channel: number, watts: number])[] = [
  ["702", 1, 400],
  ["702", 2, 400],
  ["703", 1, 400],
  ["703", 2, 200], // half of the other panel of its inverter
  ["501", 1, 300],
  ["501", 2, 300], // smaller panels, but none below its siblings
  ["404", 1, 0], // an input without a panel
  ["404", 2, 100], // a third of the median panel: no other panel of its inverter gives power
];

/** Places of two panels on the roof. */
const places = [
  ["702", 1, 'panel="Ridge",array="South",row="1",column="2"'],
  ["703", 2, 'panel="Chimney",array="South",row="1",column="10"'],
] as const;
const target = 'job="apsystems",instance="pi:10899"';
/** A panel of the shed at the place of a panel of the roof, with power in the first hour of the first day only. */
const shedPanel = labels("801", 1).replace("roof", "shed");
/** From 10:00 to 10:59 on the second day. */
const isPeak = (at: number): boolean => at >= NOON - 2 * HOUR && at < NOON - HOUR;

/** 2.1 kW for 12 hours are 25.2 kWh. The counter has steps of 0.1 kWh. */
const lifetimeKwh = (at: number): number => {
  const day = Math.floor((at - MIDNIGHT) / (24 * HOUR));
  const hours = Math.min(12, Math.max(0, (at - MIDNIGHT - day * 24 * HOUR) / HOUR - 6));
  return Math.floor((1000 + (day + 2) * 25.2 + hours * 2.1) * 10 + 1e-6) / 10;
};

const minutes = Array.from({ length: (48 + 9) * 60 }, (_, i) => MIDNIGHT - 48 * HOUR + i * 60);
/** Until 17:54: these samples have no stale marker, so Prometheus holds the last one for 5 minutes. */
const isDay = (at: number): boolean => {
  const minute = ((((at - MIDNIGHT) / 60) % 1440) + 1440) % 1440;
  return minute >= 6 * 60 && minute < 18 * 60 - 5;
};

const openMetrics = (): string =>
  [
    "# TYPE inverter_channel_power_watts gauge",
    ...watts.flatMap(([uid, channel, value]) =>
      minutes
        .filter(isDay)
        .map((at) => `inverter_channel_power_watts${labels(uid, channel)} ${value} ${at}`),
    ),
    ...minutes
      .filter((at) => isDay(at) && at < MIDNIGHT - 41 * HOUR)
      .map((at) => `inverter_channel_power_watts${shedPanel} 100 ${at}`),
    ...minutes
      .filter((at) => isRead(at) && at < MIDNIGHT - 47 * HOUR)
      .map(
        (at) => `inverter_channel_power_watts${labels("901", 1).replace("roof", "gap")} 9 ${at}`,
      ),
    ...cabinMinutes.map(
      (at) => `inverter_channel_power_watts${labels("611", 1).replace("roof", "cabin")} 100 ${at}`,
    ),
    "# TYPE inverter_channel_info gauge",
    ...minutes
      .filter((at) => at < MIDNIGHT - 24 * HOUR)
      .map(
        (at) =>
          `inverter_channel_info${shedPanel.replace("}", ',array="South",row="1",column="2"}')} 1 ${at}`,
      ),
    ...places.flatMap(([uid, channel, place]) =>
      minutes.map(
        (at) => `inverter_channel_info${labels(uid, channel).replace("}", `,${place}}`)} 1 ${at}`,
      ),
    ),
    ...["611", "612"].flatMap((uid, i) =>
      cabinMinutes.map(
        (at) =>
          `inverter_channel_info${labels(uid, 1)
            .replace("roof", "cabin")
            .replace("}", `,array="South",row="1",column="${i + 1}"}`)} 1 ${at}`,
      ),
    ),
    "# TYPE inverter_online gauge",
    // 404 was online on the first day only.
    ...["702", "404"].flatMap((uid) =>
      minutes.map(
        (at) =>
          `inverter_online{ecu="roof",uid="${uid}",${target}} ${isDay(at) && (uid === "702" || at < MIDNIGHT - 24 * HOUR) ? 1 : 0} ${at}`,
      ),
    ),
    ...["611", "612"].flatMap((uid) =>
      cabinMinutes.map(
        (at) =>
          `inverter_online{ecu="cabin",uid="${uid}",${target}} ${uid === "611" ? 1 : 0} ${at}`,
      ),
    ),
    ...minutes
      .flatMap((at) => [
        ...(at < MIDNIGHT + happened.removed * HOUR ? [formatOnline("111", at)] : []),
        ...(at >= MIDNIGHT + happened.added * HOUR ? [formatOnline("222", at)] : []),
      ])
      .sort(),
    "# TYPE ecu_power_watts gauge",
    ...minutes
      .filter(isDay)
      .map((at) => `ecu_power_watts{ecu="roof",${target}} ${isPeak(at) ? 3000 : 2100} ${at}`),
    "# TYPE ecu_lifetime_energy_joules counter",
    ...minutes.map((at) => formatCounter("roof", lifetimeKwh(at), at)),
    ...minutes.filter(isRead).map((at) => formatCounter("gap", at < NOON ? 100 : 148, at)),
    // Rises by 10 kWh on the first day, and is not reachable from 18:00 on.
    ...minutes
      .filter((at) => at < MIDNIGHT - 30 * HOUR)
      .map((at) => formatCounter("gone", at < MIDNIGHT - 40 * HOUR ? 500 : 510, at)),
    ...imported.map(([date, kwh]) => formatCounter("imported", kwh, Date.parse(date) / 1000)),
    "# TYPE ecu_up gauge",
    ...formatEcuUp(),
    ...minutes.map((at) => `ecu_up{ecu="gone",${target}} 0 ${at}`),
    ...formatEvents(),
    "# EOF",
    "",
  ].join("\n");

/** 25 ECUs in the last three hours. Every fifth is unreachable at the end, each for longer than the previous one. */
const getDowntime = (ecu: number): number => (ecu % 5 === 0 ? (ecu + 5) * 60 : 0);
const formatEcuUp = (): string[] => [
  // The shed is unreachable from 8:00 on the last day.
  ...["roof", "shed"].flatMap((ecu) =>
    minutes.map(
      (at) =>
        `ecu_up{ecu="${ecu}",${target}} ${ecu === "roof" || at < MIDNIGHT + 8 * HOUR ? 1 : 0} ${at}`,
    ),
  ),
  ...Array.from({ length: 25 }, (_, ecu) =>
    minutes
      .filter((at) => at >= MIDNIGHT + 6 * HOUR)
      .map(
        (at) =>
          `ecu_up{ecu="roof ${ecu}",job="fleet",instance="pi:10899"} ${at < MIDNIGHT + 9 * HOUR - getDowntime(ecu) ? 1 : 0} ${at}`,
      ),
  ).flat(),
];

/** A cabin has two inverters, of which one is dead. Only its hours around noon are known. */
const cabinMinutes = minutes.filter((at) => at > NOON - 2 * HOUR && at < NOON + HOUR);

const formatCounter = (ecu: string, kwh: number, at: number): string =>
  `ecu_lifetime_energy_joules_total{ecu="${ecu}",${target}} ${Math.round(kwh * 3.6e6)} ${at}`;

/** Whether the ECU "gap" was read: for three hours at the start of the first day and two hours at the end of the second. */
const isRead = (at: number): boolean =>
  at < MIDNIGHT - 45 * HOUR || (at >= MIDNIGHT - 2 * HOUR && at < MIDNIGHT);

/** Counter of an ECU at starts of months, as an import brings them, in kWh. */
const imported = [
  ["2025-05-01", 1000],
  ["2025-06-01", 1300],
  ["2026-05-01", 5000],
  ["2026-06-01", 5350],
] as const;

const formatOnline = (uid: string, at: number): string =>
  `inverter_online{ecu="barn",uid="${uid}",${target}} 1 ${at}`;

/** What happens to the ECU "barn": hours from midnight at which it begins. */
const happened = {
  firmware: -20,
  removed: -15,
  added: -12,
  withheld: -8,
  alert: -5,
};
const formatEvents = (): string[] => {
  const barn = `ecu="barn",${target}`;
  const alert = `alertname="PlantDown",severity="critical",${barn}`;
  const since = MIDNIGHT + happened.alert * HOUR;
  const from = (hours: number, at: number) => at >= MIDNIGHT + hours * HOUR;
  const list = (name: string, line: (at: number) => string | false): string[] => [
    `# TYPE ${name} ${name.startsWith("apsystems_exporter_") ? "counter" : "gauge"}`,
    ...minutes.flatMap((at) => line(at) || []).sort(),
  ];
  return [
    ...minutes.map((at) => `ecu_up{${barn}} 1 ${at}`),
    ...list(
      "ecu_info",
      (at) => `ecu_info{firmware="${from(happened.firmware, at) ? 2 : 1}",${barn}} 1 ${at}`,
    ),
    ...list(
      "apsystems_exporter_rejected_values",
      (at) =>
        `apsystems_exporter_rejected_values_total{field="lifetime_energy",${barn}} ${from(happened.withheld, at) ? 1 : 0} ${at}`,
    ),
    ...list("ALERTS_FOR_STATE", (at) => at >= since && `ALERTS_FOR_STATE{${alert}} ${since} ${at}`),
    ...list("ALERTS", (at) => at >= since && `ALERTS{alertstate="firing",${alert}} 1 ${at}`),
    // The rules are loaded from midnight on.
    ...list("ecu:history:start", (at) => at >= MIDNIGHT && `ecu:history:start ${MIDNIGHT} ${at}`),
  ];
};

type Point = readonly [at: number, value: string];
interface Result {
  readonly metric: Readonly<Record<string, string>>;
  readonly value?: Point;
  /** Of a range vector. */
  readonly values?: readonly Point[];
}

const PROGRAMS = ["prometheus", "promtool"];

describeReleases(PROGRAMS, "for days with 12 hours of light, dashboards show", ({ path }) => {
  let server: RunningProgram | undefined;
  let folder = "";
  let api = "";

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "grafana-values-"));
    const [text, config, data] = ["days.txt", "prometheus.yml", "data"].map((name) =>
      join(folder, name),
    ) as [string, string, string];
    await writeFile(text, openMetrics());
    await writeFile(config, "global: {}\n");
    const result = runWithInput(
      path("promtool"),
      ["tsdb", "create-blocks-from", "openmetrics", text, data],
      "",
    );
    expect(result.code, result.output).toBe(0);
    const running = await startPrometheus({
      program: path("prometheus"),
      config,
      data,
      args: ["--storage.tsdb.retention.time=100y"],
    });
    server = running;
    api = running.api;
  });

  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const request = async (
    dashboard: string,
    title: string,
    { at, i = 0, range = "24h", uid = ".+", ecu = ".+", price = "" }: QueryOptions,
    seconds = 0,
  ): Promise<Result[]> => {
    const targets = committed.filter(({ uid: id }) => id === dashboard).flatMap(listTargets);
    const target = targets.find(({ panel, index }) => panel.title === title && index === i)?.target;
    const values = { job: ".+", instance: ".+", ecu, uid, array: "South", price, __range: range };
    if (target === undefined) return [];
    return await evaluate(target.expr, { ...values, ...dateVariables(at) }, at, seconds);
  };
  const evaluate = async (
    expr: string,
    values: Readonly<Record<string, string>>,
    at: number,
    seconds: number,
    step = 300,
  ): Promise<Result[]> => {
    const query = withValues(expr, values);
    const path = seconds === 0 ? "query" : "query_range";
    const times = { time: at, start: at - seconds, end: at, step };
    const body = new URLSearchParams({
      query,
      ...Object.fromEntries(Object.entries(times).map(([name, time]) => [name, String(time)])),
    });
    const response = await fetch(`${api}/${path}`, { method: "POST", body });
    const { data } = (await response.json()) as { data: { result: Result[] } };
    return data.result;
  };
  const round = (value: string | undefined): number => Math.round(Number(value) * 100) / 100;
  /** The result of the query of a panel at a time: a label of each series → its value. */
  const runQuery = async (
    dashboard: string,
    title: string,
    options: QueryOptions,
  ): Promise<Record<string, number>> =>
    Object.fromEntries(
      (await request(dashboard, title, options)).map(({ metric, value }) => [
        metric[options.by ?? "name"] ?? "",
        round(value?.[1]),
      ]),
    );
  /** The bars of a chart: hours from midnight → value. */
  const readBars = async (
    title: string,
    at: number,
    ecu = "roof",
    i = 0,
  ): Promise<Record<string, number>> => {
    const [series] = await request("apsystems-plant", title, { at, i, ecu, range: "1h" });
    return Object.fromEntries(
      (series?.values ?? []).map(([start, value]) => [(start - MIDNIGHT) / HOUR, round(value)]),
    );
  };
  /** The single numbers of a panel of the roof; undefined if a number is not shown. */
  const readNumbers = async (title: string, options: QueryOptions): Promise<unknown[]> => {
    const numbers = [0, 1, 2].map((i) =>
      request("apsystems-plant", title, { ecu: "roof", ...options, i }),
    );
    return (await Promise.all(numbers)).map(([result]) => result?.value && round(result.value[1]));
  };

  it("the energy of each day at its midnight, whatever the time range is", async () => {
    expect(await readBars("Energy per day", MIDNIGHT + 9 * HOUR - 60)).toEqual({
      "-48": 25.2,
      "-24": 25.2,
      "0": 6.2, // so far, a minute before 9 o'clock
    });
    // After a zoom into a past day, that day is whole.
    expect(await readBars("Energy per day", NOON)).toEqual({ "-48": 25.2, "-24": 25.2 });
  });

  it("the energy of the month, whatever the time range is", async () => {
    for (const range of ["1h", "24h"])
      expect((await readNumbers("Power and energy", { at: NOON, range }))[2]).toBeCloseTo(37.8);
    expect(await readBars("Energy per month", NOON)).toEqual({ "-48": 37.8 });
    expect((await readNumbers("Totals", { at: NOON }))[0]).toBeCloseTo(37.8);
  });

  it("the energy of the month of an ECU that has been unreachable for more than a day", async () => {
    const at = MIDNIGHT + 9 * HOUR - 60;
    expect((await readNumbers("Power and energy", { at, ecu: "gone" }))[2]).toBeCloseTo(10);
    expect(await readBars("Energy per month", at, "gone")).toEqual({ "-48": 10 });
  });

  it("the energy of imported months, and of the same month one year before", async () => {
    const may = String((Date.UTC(2026, 4, 1) / 1000 - MIDNIGHT) / HOUR);
    const june = "-48";
    expect(await readBars("Energy per month", NOON, "imported")).toEqual({ [may]: 350, [june]: 0 });
    expect(await readBars("Energy per month", NOON, "imported", 1)).toEqual({
      [may]: 300,
    });
  });

  it("what the energy of the month is worth, if there is a price", async () => {
    // 37.8 kWh. A number that begins with 0 is octal in PromQL: 010 is 8.
    for (const [price, worth] of [
      ["0.25", 9.45],
      [".25", 9.45],
      ["10", 378],
      ["36", 1360.8],
    ] as const) {
      const [, month] = await readNumbers("Earned", { at: NOON, price });
      expect(month, price).toBeCloseTo(worth);
    }
    expect(await readNumbers("Earned", { at: NOON, price: "" })).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it("the peak, the best hour and the light of the day", async () => {
    const clock = (hours: number, minutes: number) =>
      (MIDNIGHT - 24 * HOUR + hours * HOUR + minutes * 60) * 1000;
    const numbers = async (title: string, at: number) =>
      (await readNumbers(title, { at })).slice(0, 2);
    expect(await numbers("Peak of the day", NOON)).toEqual([3000, clock(10, 55)]);
    expect(await numbers("Best hour of the day", NOON)).toEqual([3, clock(10, 0)]);
    expect(await numbers("Light of the day", NOON)).toEqual([clock(6, 0), undefined]);
    expect(await numbers("Light of the day", MIDNIGHT - HOUR)).toEqual([
      clock(6, 0),
      clock(17, 55),
    ]);
  });

  it("an inverter as missing while the others give power, and as asleep while they sleep too", async () => {
    const states = (at: number) =>
      runQuery("apsystems-plant", "All inverters", { at, by: "uid", ecu: "roof" });
    expect(await states(NOON)).toEqual({ 702: 3, 404: 0 });
    expect(await states(MIDNIGHT - HOUR)).toEqual({ 702: 2, 404: 2 });
    expect((await readNumbers("Inverters", { at: NOON })).slice(0, 2)).toEqual([1, 1]);
  });

  it("since when the ECU is unreachable, and that its power is unknown", async () => {
    const shed = { ecu: "shed", at: MIDNIGHT + 9 * HOUR - 60 };
    // The last of the steps of five minutes with a reply.
    expect((await readNumbers("ECU", shed)).slice(0, 2)).toEqual([
      undefined,
      (MIDNIGHT + 7 * HOUR + 55 * 60) * 1000,
    ]);
    expect((await readNumbers("ECU", { ...shed, ecu: "roof" })).slice(0, 2)).toEqual([
      1,
      undefined,
    ]);
    expect((await readNumbers("Power and energy", shed)).slice(0, 2)).toEqual([NaN, NaN]);
  });

  it("the states of inverters as unknown, and the names of panels, while the ECU is unreachable", async () => {
    const later = { at: MIDNIGHT + 11 * HOUR, ecu: "roof" }; // two hours after the last sample
    expect(await runQuery("apsystems-plant", "All inverters", { ...later, by: "uid" })).toEqual({
      702: 1,
      404: 1,
    });
    expect(Object.keys(await runQuery("apsystems-plant", "Panels, 24 hours", later))).toContain(
      "Chimney",
    );
  });

  it("each panel of an array at its column, relative to the best one", async () => {
    const roof = { by: "column", ecu: "roof" };
    const now = { ...roof, at: NOON };
    expect(await runQuery("apsystems-plant", "$array now", now)).toEqual({ "02": 1, "10": 0.5 });
    expect(await runQuery("apsystems-plant", `$array, \${__to:date:D MMMM}`, now)).toEqual({
      "02": 1,
      "10": 0.5,
    });
    const night = { ...roof, at: MIDNIGHT - HOUR };
    expect(await runQuery("apsystems-plant", "$array now", night)).toEqual({
      "02": NaN,
      "10": NaN,
    });
    // 73 steps of five minutes, from 6:00 to 12:00, at 600 W.
    const arrays = { at: NOON, by: "array", ecu: "roof" };
    expect(await runQuery("apsystems-plant", "Energy by array", arrays)).toEqual({ South: 3.65 });
  });

  it("a panel of an array whose inverter is missing", async () => {
    const now = { by: "column", ecu: "cabin", at: NOON };
    expect(await runQuery("apsystems-plant", "$array now", now)).toEqual({ "01": 1, "02": -1 });
  });

  it("the arrays of two ECUs with the same name as two grids", async () => {
    const at = MIDNIGHT - 41.5 * HOUR;
    const panels = await request("apsystems-plant", "$array now", { at, ecu: "roof|shed" });
    expect(
      Object.fromEntries(
        panels.map(({ metric, value }) => [`${metric["place"]}/${metric["column"]}`, value?.[1]]),
      ),
    ).toEqual({ "roof 01/02": "1", "roof 01/10": "0.5", "shed 01/02": "1" });
  });

  it("the energy of each panel in 24 hours, lowest first, and no panel below its siblings because of its size", async () => {
    const panels = await runQuery("apsystems-plant", "Panels, 24 hours", {
      at: MIDNIGHT - 60,
      ecu: "roof",
    });
    expect(panels).toEqual({
      Ridge: 4.8,
      "702/2": 4.8,
      "703/1": 4.8,
      "501/1": 3.6,
      "501/2": 3.6,
      Chimney: 2.4,
      "404/2": 1.2,
      "404/1": 0,
    });
    expect(Object.values(panels)).toEqual([0, 1.2, 2.4, 3.6, 3.6, 4.8, 4.8, 4.8]);
  });

  it("the panels that are far below their siblings, and their share", async () => {
    const title = "Panels far below their siblings";
    const lagging = { at: MIDNIGHT - 60, ecu: "roof" };
    // The median of 4.8, 4.8, 4.8, 3.6, 3.6, 2.4 and 1.2 kWh is 3.6.
    expect(await runQuery("apsystems-plant", title, lagging)).toEqual({
      Chimney: 0.5,
      "404/2": 0.33,
    });
    expect(await runQuery("apsystems-plant", title, { ...lagging, i: 1, by: "uid" })).toEqual({
      703: 0.67,
      404: 0.33,
    });
  });

  it("the 12 of many ECUs that were unreachable for the longest time, with their current state", async () => {
    const ecus = await runQuery("apsystems-fleet", "ECUs reachable", {
      at: MIDNIGHT + 9 * HOUR - 60,
      by: "ecu",
      ecu: "roof .+",
      range: "3h",
    });
    expect(Object.keys(ecus)).toHaveLength(12);
    expect(Object.keys(ecus).filter((ecu) => ecus[ecu] === 0)).toEqual(
      expect.arrayContaining(["roof 0", "roof 5", "roof 10", "roof 15", "roof 20"]),
    );
    expect(Object.values(ecus).filter((up) => up === 1)).toHaveLength(7);
  });

  /** The rows of a panel of states over three hours, in order, with the states that each has. */
  const readRows = async (ecu: string): Promise<Record<string, string[]>> => {
    const options = { at: MIDNIGHT + 9 * HOUR - 60, ecu, range: "3h" };
    const rows = await request("apsystems-fleet", "ECUs reachable", options, 3 * HOUR);
    return Object.fromEntries(
      rows.map(({ metric, values = [] }) => [
        metric["ecu"],
        [...new Set(values.map(([, value]) => value))],
      ]),
    );
  };

  it("the ECU first that was unreachable for the longest time", async () => {
    const names = Object.keys(await readRows("roof .+"));
    const worst = ["roof 20", "roof 15", "roof 10", "roof 5", "roof 0"];
    expect(names.slice(0, 5)).toEqual(worst);
    // The others were always reachable, and are in the order of their names.
    expect(names.slice(5)).toEqual(names.slice(5).toSorted());
    expect(names).toHaveLength(12);
  });

  it("one row without a state if there are no data, and no such row otherwise", async () => {
    expect(await readRows("garage")).toEqual({ "No data": ["-1"] });
    expect(await readRows("shed")).toEqual({ shed: ["1", "0"] });
  });

  it("the daily energy per panel of the last week, also after an outage", async () => {
    const perPanel = (ecu: string) =>
      runQuery("apsystems-fleet", "Plants", { at: MIDNIGHT - 60, i: 5, by: "ecu", ecu });
    // 25.2 kWh on each day, from seven panels: one of the eight inputs gave nothing.
    expect(await perPanel("roof")).toEqual({ roof: 3.6 });
    // 48 kWh in two days. Prometheus extrapolates the increase by half of the mean interval of the samples, 0.2 %.
    expect((await perPanel("gap"))["gap"]).toBeCloseTo(24, 1);
  });

  it("what is unknown as unknown, and that there is none if it is known", async () => {
    const firstCells = async (dashboard: string, title: string, options: QueryOptions) =>
      Object.keys(await runQuery(dashboard, title, options));
    const below = (options: QueryOptions) =>
      firstCells("apsystems-plant", "Panels far below their siblings", options);
    expect(await below({ at: MIDNIGHT - 40 * HOUR, ecu: "shed" })).toEqual(["None"]);
    expect(await below({ at: NOON, ecu: "gone" })).toEqual(["Unknown"]);
    const missing = (options: QueryOptions) =>
      firstCells("apsystems-fleet", "Inverters missing", { ...options, by: "ecu" });
    expect(await missing({ at: NOON, ecu: "roof" })).toEqual(["roof"]);
    expect(await missing({ at: MIDNIGHT - HOUR, ecu: "roof" })).toEqual(["None"]);
    expect(await missing({ at: NOON, ecu: "gone" })).toEqual(["Unknown"]);
    // Before midnight, the rules are not loaded.
    const alerts = (options: QueryOptions) =>
      firstCells("apsystems-fleet", "Firing alerts", { ...options, by: "alertname" });
    const roof = { at: MIDNIGHT + HOUR, ecu: "roof" };
    expect(await alerts(roof)).toEqual(["None"]);
    expect(await alerts({ ...roof, ecu: "barn" })).toEqual(["PlantDown"]);
    expect(await alerts({ ...roof, at: NOON })).toEqual(["Unknown"]);
    const count = (options: QueryOptions) =>
      runQuery("apsystems-fleet", "Attention", { ...options, i: 1 });
    expect(await count(roof)).toEqual({ "": 0 });
    expect(await count({ ...roof, ecu: "barn" })).toEqual({ "": 1 });
    expect(await count({ ...roof, at: NOON })).toEqual({ "": NaN });
  });

  it("each event and each alert as one mark", async () => {
    const { annotations } = committed.find(({ uid }) => uid === "apsystems-plant") ?? {};
    const [alerts, events] = annotations?.list ?? [];
    const values = { job: ".+", instance: ".+", ecu: "barn" };
    const marks = await evaluate(events?.expr ?? "", values, MIDNIGHT, 24 * HOUR, 900);
    /** Hours from midnight at which each event is first seen. Grafana joins marks that follow each other. */
    const seen = marks.map(({ metric, values: points = [] }) => {
      const times = points.map(([at]) => at);
      const isOne = times.every((at, i) => i === 0 || at === (times[i - 1] ?? 0) + 900);
      return [
        metric["event"],
        metric["uid"] ?? metric["firmware"] ?? "",
        isOne,
        Math.floor(((times[0] ?? 0) - MIDNIGHT) / HOUR),
      ];
    });
    expect(seen.toSorted()).toEqual([
      ["Energy counter withheld", "", true, happened.withheld],
      ["Firmware changed", "2", true, happened.firmware],
      ["Inverter added", "222", true, happened.added],
      ["Inverter gone", "111", true, happened.removed],
    ]);
    const starts = await evaluate(alerts?.expr ?? "", values, MIDNIGHT, 24 * HOUR, 60);
    expect(starts).toHaveLength(1);
    const [{ metric, values: points = [] } = { metric: {} }] = starts;
    expect(metric["alertname"]).toBe("PlantDown");
    const since = (MIDNIGHT + happened.alert * HOUR) * 1000;
    expect([...new Set(points.map(([, value]) => Number(value)))]).toEqual([since]);
  });

  it("the energy of an inverter compared with its siblings", async () => {
    const share = { at: MIDNIGHT - 60, by: "ecu", uid: "703", ecu: "roof" };
    // Per channel: 4.8, 3.6, 3.6 and 0.6 kWh; the median is 3.6.
    expect(await runQuery("apsystems-inverter", "Power and energy", { ...share, i: 2 })).toEqual({
      roof: 1,
    });
    expect(
      await runQuery("apsystems-inverter", "Power and energy", { ...share, i: 1, uid: "702" }),
    ).toEqual({
      roof: 9.6,
    });
  });
});

interface QueryOptions {
  /** Unix time in seconds. */
  readonly at: number;
  readonly by?: string;
  readonly i?: number;
  readonly range?: string;
  readonly uid?: string;
  readonly ecu?: string;
  /** Price per kWh in the text box. */
  readonly price?: string;
}
