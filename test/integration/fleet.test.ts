/** A small fleet: two exporters, two Prometheus servers that share their ECUs, and one VictoriaMetrics that stores all samples. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { simulateEcu } from "../../src/simulator/ecu.ts";
import type { SimulatedEcu } from "../../src/simulator/server.ts";
import { committed, listTargets } from "../grafana/committed.ts";
import { dateVariables, withValues } from "../grafana/promql.ts";
import { startTestExporter, type TestExporter } from "../support/exporter.ts";
import {
  freePort,
  hasProgram,
  poll,
  type RunningProgram,
  startProgram,
} from "../support/programs.ts";
import { startPrometheus } from "../support/prometheus.ts";

const ECUS = 6;
/** Simulated seconds per second. */
const TIME_SCALE = 600;
/** Scrapes of each ECU, one a second. */
const SCRAPES = 25;
const hasPrograms =
  hasProgram("prometheus", "--version") && hasProgram("victoria-metrics", "--version");

/** A place where it is noon while the test runs, because the exporter computes the current position of the sun. */
const noon = () => ({ latitude: 0, longitude: (12 - new Date().getUTCHours()) * 15 });

/** Panels that may be empty in a fleet without faults. */
const possiblyEmpty = new Set([
  "Panels far below their siblings",
  "Firing alerts",
  "Alerts",
  "Inverters missing",
  "Energy per day", // in steps of half an hour
]);
/** The other dashboards need a roof, a price, months or an inverter that has light; grafana/queries.test.ts has them. */
const dashboardsOfFleets = new Set(["APsystems fleet", "APsystems exporter"]);

describe.skipIf(!hasPrograms)("two exporters, two shards of Prometheus and one store", () => {
  const ecus: SimulatedEcu[] = [];
  const exporters: TestExporter[] = [];
  const programs: RunningProgram[] = [];
  let folder = "";
  let store = "";

  const request = async (path: string, parameters: Record<string, string>) => {
    const response = await fetch(`${store}/api/v1/${path}?${new URLSearchParams(parameters)}`);
    const text = await response.text();
    if (!response.ok) throw new Error(text);
    return (JSON.parse(text) as { data: { result: { metric: Record<string, string> }[] } }).data
      .result;
  };
  const queryInstant = (query: string) => request("query", { query });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "fleet-"));
    for (let i = 0; i < ECUS; i++) {
      ecus.push(
        await simulateEcu({
          inverters: [["DS3", 2]],
          family: i % 2 === 0 ? "R" : "L",
          site: { latitude: 28, longitude: 0 },
          zone: "Etc/GMT",
          seed: i + 1,
          start: Date.parse("2026-06-21T08:00:00Z"),
          timeScale: TIME_SCALE,
          elapsed: () => performance.now(),
          // Faults for the dashboard of the exporter.
          faults: [
            { name: "wrongCommand", query: "signal", limit: { chance: 0.2 } },
            { name: "zeroGlitch", limit: { chance: 0.2 } },
          ],
        }),
      );
    }
    for (const half of [0, 1]) {
      const own = ecus
        .map(({ host, port }, i) => ({ name: `ecu-${i + 1}`, host, port }))
        .filter((_, i) => i % 2 === half);
      const [first] = own;
      if (first === undefined) throw new Error("no ECU");
      exporters.push(
        await startTestExporter(first, { ecus: own, commandPause: 500, site: noon() }),
      );
    }
    const storePort = await freePort();
    store = `http://127.0.0.1:${storePort}`;
    programs.push(
      startProgram("victoria-metrics", [
        `-storageDataPath=${folder}/store`,
        `-httpListenAddr=127.0.0.1:${storePort}`,
        "-search.latencyOffset=0s",
      ]),
    );
    for (const shard of [0, 1]) {
      const config = join(folder, `shard-${shard}.yml`);
      await writeFile(config, await createShardConfig(shard));
      programs.push(await startPrometheus({ config, data: `${folder}/shard-${shard}` }));
    }
    const checkScraped = async () => {
      const counts = await queryInstant("count_over_time(ecu_up[10m])");
      const all = await queryInstant(`count_over_time(ecu_up[10m]) >= ${SCRAPES}`);
      return counts.length === ECUS && all.length === ECUS ? true : undefined;
    };
    await poll(120, checkScraped, () => programs.map((program) => program.output()).join("\n"));
  });

  afterAll(async () => {
    // The store is stopped last, because Prometheus sends it the remaining samples before it exits.
    for (const program of programs.toReversed()) await program[Symbol.asyncDispose]();
    for (const exporter of exporters) await exporter[Symbol.asyncDispose]();
    for (const ecu of ecus) await ecu.close();
    // The store may still write its memory to disk.
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  });

  /** The configuration in docs/fleet.md, with the addresses of this test and one scrape per second. */
  const createShardConfig = async (shard: number): Promise<string> => {
    const page = await readFile("docs/fleet.md", "utf8");
    const [, example = ""] = /```yaml\n(global:[\s\S]*?)```/.exec(page) ?? [];
    const hosts = exporters.map(({ url }) => url);
    const replaced = example
      .replaceAll("http://exporter-1:10899", hosts[0] ?? "")
      .replaceAll("http://exporter-2:10899", hosts[1] ?? "")
      .replaceAll("exporter-1:10899", (hosts[0] ?? "").replace("http://", ""))
      .replaceAll("exporter-2:10899", (hosts[1] ?? "").replace("http://", ""))
      .replace("http://store:8428", store)
      .replace(/scrape_interval: 60s/, "scrape_interval: 1s")
      .replace(/scrape_timeout: 10s/, "scrape_timeout: 1s")
      .replace(/regex: 0 # .*/, `regex: ${shard}`);
    expect(replaced).not.toMatch(/exporter-\d|store:/);
    return replaced;
  };

  it("store every ECU, each scraped by one shard, and each shard scrapes some", async () => {
    const up = await queryInstant("ecu_up");
    expect(up.map(({ metric }) => metric["ecu"]).sort()).toEqual(
      Array.from({ length: ECUS }, (_, i) => `ecu-${i + 1}`),
    );
    const shards = up.map(({ metric }) => metric["shard"]);
    expect([...new Set(shards)].sort()).toEqual(["0", "1"]);
  });

  it("use one connection at a time to each ECU", () => {
    for (const { connections } of ecus) expect(connections.peak).toBe(1);
  });

  it.each(
    committed.flatMap((dashboard) =>
      dashboard.panels.map((panel) => [dashboard.title, panel.title, dashboard, panel] as const),
    ),
  )(
    "run for %s: %s, and the dashboards of fleets have data",
    async (_, title, dashboard, panel) => {
      const [uid] = (await queryInstant("inverter_online")).map(
        ({ metric }) => metric["uid"] ?? "",
      );
      for (const { target } of listTargets(dashboard).filter((entry) => entry.panel === panel)) {
        const query = withValues(target.expr, {
          job: ".+",
          instance: ".+",
          ecu: ".+",
          uid: uid ?? "",
          array: ".*",
          price: "",
          ...dateVariables(Math.floor(Date.now() / 1000)),
          __rate_interval: "10s",
          __range: `${SCRAPES}s`,
        }).replaceAll(/\[\w+:\d+[mh]\]/g, `[${SCRAPES}s:1s]`);
        const end = Math.floor(Date.now() / 1000);
        const result = target.instant
          ? await queryInstant(query)
          : await request("query_range", {
              query,
              start: String(end - SCRAPES),
              end: String(end),
              step: "1",
            });
        // The rules are not loaded here, so alerts are unknown: NaN, which VictoriaMetrics does not return.
        if (query.includes("ecu:history:start")) expect(result, query).toEqual([]);
        else if (dashboardsOfFleets.has(dashboard.title) && !possiblyEmpty.has(title))
          expect(result.length, query).toBeGreaterThan(0);
      }
    },
  );
});
