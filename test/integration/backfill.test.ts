/** The history of an ECU, loaded into a real Prometheus and a real VictoriaMetrics, which then scrape the ECU. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Temporal } from "temporal-polyfill";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { simulateEcu } from "../../src/simulator/ecu.ts";
import { createPlant } from "../../src/simulator/plant.ts";
import { createRounds } from "../../src/simulator/rounds.ts";
import { createBackfillFolder } from "../support/backfill.ts";
import { startTestExporter } from "../support/exporter.ts";
import { freePort, poll, runWithInput, startProgram } from "../support/programs.ts";
import { startPrometheus } from "../support/prometheus.ts";
import { describeReleases } from "../support/versions.ts";

const KWH = 3_600_000;
const DAYS = 60;
const ZONE = "Europe/Amsterdam";
/** Simulated seconds per second while the ECU is scraped: four hours. */
const TIME_SCALE = 14_400;
/** Simulated duration of the scrapes. It includes a day and a night at any start time. */
const LIVE_MS = 30 * 3_600_000;
const world = {
  inverters: [["DS3", 2]],
  site: { latitude: 52.09, longitude: 5.12 },
  seed: 7,
  zone: ZONE,
  family: "R",
  lifetimeJoules: 2_000 * KWH,
} as const;
const METRIC = "ecu_lifetime_energy_joules_total";

const PROGRAMS = ["prometheus", "promtool", "victoria-metrics"];

describeReleases(
  PROGRAMS,
  "60 days of history of a simulated ECU, followed by scrapes",
  ({ path }) => {
    const resources: AsyncDisposable[] = [];
    const disposeLater = <T extends AsyncDisposable>(resource: T): T => {
      resources.push(resource);
      return resource;
    };
    const stores: Record<string, string> = {};
    /** Local midnights in Unix seconds. The last one is that of today. */
    let midnights: number[] = [];
    /** Energy that the plant had produced at each midnight, in joules. */
    let producedJoules: number[] = [];
    let joulesAtCutover = 0;
    let joulesAtEnd = 0;
    let cutover = 0;
    let summary = "";

    const evaluate = async (store: string, query: string, at: number): Promise<number> => {
      const parameters = new URLSearchParams({ query, time: String(at) });
      const response = await fetch(`${stores[store]}/api/v1/query?${parameters}`);
      const text = await response.text();
      const { data } = JSON.parse(text) as {
        data: { result: { metric: Record<string, string>; value: [number, string] }[] };
      };
      expect(data.result, `${query} at ${at}: ${text}`).toHaveLength(1);
      return Number(data.result[0]?.value[1]);
    };

    beforeAll(async () => {
      const start = Date.now();
      const today = Temporal.Instant.fromEpochMilliseconds(start).toZonedDateTimeISO(ZONE);
      midnights = Array.from(
        { length: DAYS + 1 },
        (_, i) =>
          today
            .toPlainDate()
            .subtract({ days: DAYS - i })
            .toZonedDateTime(ZONE).epochMilliseconds / 1000,
      );

      // The true energy: the same plant, simulated day by day.
      const plant = createPlant(world.inverters, world.site, world.seed);
      const twin = createRounds({ ...world, plant, start: (midnights[0] ?? 0) * 1000 });
      producedJoules = midnights.map((at) => {
        twin.info(at * 1000);
        return twin.producedJoules();
      });

      let elapsed = (): number => 0;
      const ecu = disposeLater(
        await simulateEcu({
          ...world,
          past: DAYS,
          start,
          timeScale: TIME_SCALE,
          elapsed: () => elapsed(),
        }),
      );
      const exporter = disposeLater(await startTestExporter(ecu));
      const instance = exporter.url.replace("http://", "");
      const backfill = disposeLater(await createBackfillFolder(() => start));
      const {
        code,
        stderr,
        file = "",
      } = await backfill.run(ecu, {
        from: today.toPlainDate().subtract({ days: DAYS }).toString().replaceAll("-", ""),
        labels: { job: "apsystems", instance },
      });
      expect(code, stderr).toBe(0);
      summary = stderr;
      cutover = Math.floor(start / 1000);

      const config = join(backfill.folder, "scrape.yml");
      await writeFile(
        config,
        `global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
  - job_name: apsystems
    static_configs: [{targets: ["${instance}"]}]
`,
      );
      const data = join(backfill.folder, "prometheus");
      await mkdir(data);
      const blocks = ["create-blocks-from", "--max-block-duration=486h", "openmetrics"];
      const result = runWithInput(path("promtool"), ["tsdb", ...blocks, backfill.output, data], "");
      expect(result.code, result.output).toBe(0);
      const [port, victoriaPort] = [await freePort(), await freePort()];
      stores["Prometheus"] = `http://127.0.0.1:${port}`;
      stores["VictoriaMetrics"] = `http://127.0.0.1:${victoriaPort}`;

      const victoria = disposeLater(
        startProgram(path("victoria-metrics"), [
          `-storageDataPath=${backfill.folder}/victoria`,
          `-httpListenAddr=127.0.0.1:${victoriaPort}`,
          "-retentionPeriod=1y",
          "-search.latencyOffset=0s",
          `-promscrape.config=${config}`,
        ]),
      );
      const checkUp = async () =>
        (await fetch(`${stores["VictoriaMetrics"]}/health`)).ok || undefined;
      await poll(30, checkUp, victoria.output);
      const imported = await fetch(`${stores["VictoriaMetrics"]}/api/v1/import/prometheus`, {
        method: "POST",
        body: file,
      });
      expect(imported.status).toBe(204);
      const prometheus = disposeLater(
        await startPrometheus({
          program: path("prometheus"),
          config,
          data,
          port,
          args: ["--storage.tsdb.retention.time=1y"],
        }),
      );

      const startedAt = performance.now();
      elapsed = () => Math.min(LIVE_MS / TIME_SCALE, performance.now() - startedAt);
      twin.info(start);
      joulesAtCutover = twin.producedJoules();
      twin.info(start + LIVE_MS);
      joulesAtEnd = twin.producedJoules();
      const checkScraped = async () => {
        const now = Date.now() / 1000;
        for (const store of Object.keys(stores)) {
          const last = await evaluate(store, METRIC, now);
          if (world.lifetimeJoules + joulesAtEnd - last >= 0.1 * KWH) return undefined;
        }
        return true;
      };
      await poll(30, checkScraped, () => `${victoria.output()}\n${prometheus.output()}`);
    });

    afterAll(async () => {
      for (const resource of resources.toReversed()) await resource[Symbol.asyncDispose]();
    });

    it("contains all days, without warnings", () => {
      expect(summary).not.toContain("has no data");
      expect(midnights).toHaveLength(DAYS + 1);
      expect(producedJoules.slice(1).every((joules, i) => joules > (producedJoules[i] ?? 0))).toBe(
        true,
      );
    });

    /** Whole seconds, as ranges need them. Rounded down, the time could be before the last scrape. */
    const nextSecond = (): number => Math.ceil(Date.now() / 1000);

    describe.each(["Prometheus", "VictoriaMetrics"])("in %s", (store) => {
      it("has the true energy of each day, within the resolution of the table in the ECU", async () => {
        for (const [i, end] of midnights.entries()) {
          const begin = midnights[i - 1];
          if (begin === undefined) continue;
          // Prometheus 3 leaves out a sample at the beginning of a range.
          const range = `${(end - begin) * 1000 + 1}ms`;
          const increase = await evaluate(store, `increase(${METRIC}[${range}])`, end);
          const truth = (producedJoules[i] ?? 0) - (producedJoules[i - 1] ?? 0);
          expect(Math.abs(increase - truth) / KWH, `day ${i}`).toBeLessThanOrEqual(0.01);
        }
      });

      it("continues with the scraped values within one step of the counter of the ECU", async () => {
        const now = nextSecond();
        const begin = midnights.at(-2) ?? 0;
        const increase = await evaluate(store, `increase(${METRIC}[${now - begin}s])`, now);
        const truth = joulesAtEnd - (producedJoules.at(-2) ?? 0);
        expect(Math.abs(increase - truth) / KWH).toBeLessThan(0.13);
        const live = await evaluate(store, `increase(${METRIC}[${now - cutover + 1}s])`, now);
        expect(live / KWH).toBeGreaterThan(0.3);
      });

      it("never falls, is one series, and ends where the scrapes start", async () => {
        const now = nextSecond();
        const all = `[${now - (midnights[0] ?? 0) + 1}s]`;
        expect(await evaluate(store, `resets(${METRIC}${all})`, now)).toBe(0);
        const count = await evaluate(store, `count_over_time(${METRIC}${all})`, now);
        expect(count).toBeGreaterThan(DAYS * 288);
        const shortfall =
          world.lifetimeJoules + joulesAtCutover - (await evaluate(store, METRIC, cutover));
        expect(shortfall).toBeGreaterThanOrEqual(0);
        expect(shortfall).toBeLessThan(0.1 * KWH);
      });

      it("has the past power at the timestamps of the ECU", async () => {
        const noon = (midnights.at(-2) ?? 0) + 12 * 3_600;
        expect(await evaluate(store, "ecu_power_watts", noon)).toBeGreaterThan(0);
        const count = await evaluate(store, "count_over_time(ecu_power_watts[24h])", noon + 43_200);
        expect(count).toBeGreaterThan(60);
        expect(count).toBeLessThan(220);
      });
    });
  },
);
