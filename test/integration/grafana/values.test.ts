/** Values of the dashboards, computed by a real Prometheus from days that are written by hand. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { committed, listTargets } from "../../grafana/committed.ts";
import { withValues } from "../../grafana/promql.ts";
import { hasProgram, type RunningProgram, runWithInput } from "../../support/programs.ts";
import { startPrometheus } from "../../support/prometheus.ts";

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
    "# TYPE inverter_channel_info gauge",
    ...minutes.map(
      (at) =>
        `inverter_channel_info{ecu="roof",uid="703",channel="2",panel="Chimney",job="apsystems",instance="pi:10899"} 1 ${at}`,
    ),
    "# TYPE ecu_lifetime_energy_joules counter",
    ...minutes.map(
      (at) =>
        `ecu_lifetime_energy_joules_total{ecu="roof",job="apsystems",instance="pi:10899"} ${Math.round(lifetimeKwh(at) * 3.6e6)} ${at}`,
    ),
    "# TYPE ecu_up gauge",
    ...formatEcuUp(),
    "# EOF",
    "",
  ].join("\n");

/** 25 ECUs in the last three hours. Every fifth is unreachable at the end, each for longer than the previous one. */
const getDowntime = (ecu: number): number => (ecu % 5 === 0 ? (ecu + 5) * 60 : 0);
const formatEcuUp = (): string[] =>
  Array.from({ length: 25 }, (_, ecu) =>
    minutes
      .filter((at) => at >= MIDNIGHT + 6 * HOUR)
      .map(
        (at) =>
          `ecu_up{ecu="roof ${ecu}",job="fleet",instance="pi:10899"} ${at < MIDNIGHT + 9 * HOUR - getDowntime(ecu) ? 1 : 0} ${at}`,
      ),
  ).flat();

interface Result {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

const hasPrograms = hasProgram("prometheus", "--version") && hasProgram("promtool", "--version");

describe.skipIf(!hasPrograms)("for days with 12 hours of light, the dashboards show", () => {
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
      "promtool",
      ["tsdb", "create-blocks-from", "openmetrics", text, data],
      "",
    );
    expect(result.code, result.output).toBe(0);
    const running = await startPrometheus({
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

  /** The result of the query of a panel at a time: a label of each series → its value. */
  const runQuery = async (
    dashboard: string,
    title: string,
    { at, by = "name", i = 0, range = "24h", uid = ".+" }: QueryOptions,
  ): Promise<Record<string, number>> => {
    const targets = committed.filter(({ uid: id }) => id === dashboard).flatMap(listTargets);
    const target = targets.find(({ panel, index }) => panel.title === title && index === i)?.target;
    const values = { job: ".+", instance: ".+", ecu: ".+", uid, __range: range };
    const query = withValues(target?.expr ?? "", values);
    const body = new URLSearchParams({ query, time: String(at) });
    const response = await fetch(`${api}/query`, { method: "POST", body });
    const { data } = (await response.json()) as { data: { result: Result[] } };
    return Object.fromEntries(
      data.result.map(({ metric, value }) => [
        metric[by] ?? "",
        Math.round(Number(value[1]) * 100) / 100,
      ]),
    );
  };

  it("the energy of each day at the start of the day, including the current day", async () => {
    const at = async (hour: number) =>
      (
        await runQuery("apsystems-plant", "Energy per day", {
          at: MIDNIGHT + hour * HOUR,
          by: "ecu",
        })
      )["roof"];
    expect(await at(-48)).toBeCloseTo(25.2, 0);
    expect(await at(-24)).toBeCloseTo(25.2, 0);
    expect(await at(0)).toBeCloseTo(6.3, 0); // so far, at 9 o'clock
  });

  it("the energy of the current month", async () => {
    const month = { at: NOON, by: "", range: "129600s" }; // from the first of June to noon of the second
    expect((await runQuery("apsystems-plant", "Energy this month", month))[""]).toBeCloseTo(
      37.8,
      0,
    );
  });

  it("the energy of each panel in 24 hours, highest first, and no panel below its siblings because of its size", async () => {
    const panels = await runQuery("apsystems-plant", "Panels, last 24 hours", {
      at: MIDNIGHT - 60,
    });
    expect(panels).toEqual({
      "702/1": 4.8,
      "702/2": 4.8,
      "703/1": 4.8,
      "501/1": 3.6,
      "501/2": 3.6,
      Chimney: 2.4,
      "404/2": 1.2,
      "404/1": 0,
    });
    expect(Object.values(panels)).toEqual([4.8, 4.8, 4.8, 3.6, 3.6, 2.4, 1.2, 0]);
  });

  it("the panels that are far below their siblings, and their share", async () => {
    const title = "Panels far below their siblings";
    const lagging = { at: MIDNIGHT - 60 };
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

  it("the 20 of many ECUs that were unreachable for the longest time, with their current state", async () => {
    const ecus = await runQuery("apsystems-fleet", "ECUs reachable", {
      at: MIDNIGHT + 9 * HOUR - 60,
      by: "ecu",
      range: "3h",
    });
    expect(Object.keys(ecus)).toHaveLength(20);
    expect(Object.keys(ecus).filter((ecu) => ecus[ecu] === 0)).toEqual(
      expect.arrayContaining(["roof 0", "roof 5", "roof 10", "roof 15", "roof 20"]),
    );
    expect(Object.values(ecus).filter((up) => up === 1)).toHaveLength(15);
  });

  it("the energy of an inverter compared with its siblings", async () => {
    const share = { at: MIDNIGHT - 60, by: "ecu", uid: "703" };
    // Per channel: 4.8, 3.6, 3.6 and 0.6 kWh; the median is 3.6.
    expect(await runQuery("apsystems-inverter", "Share, 24 h", share)).toEqual({
      roof: 1,
    });
    expect(await runQuery("apsystems-inverter", "Energy, 24 h", { ...share, uid: "702" })).toEqual({
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
}
