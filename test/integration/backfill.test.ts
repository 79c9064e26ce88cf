/** The past of an ECU in a real Prometheus and a real VictoriaMetrics, which then go on scraping it. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Temporal } from "temporal-polyfill";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { simulateEcu } from "../../src/simulator/ecu.ts";
import { createPlant } from "../../src/simulator/plant.ts";
import { createRounds } from "../../src/simulator/rounds.ts";
import { createBackfillFolder } from "../support/backfill.ts";
import { startTestExporter } from "../support/exporter.ts";
import { freePort, hasProgram, poll, runWithInput, startProgram } from "../support/programs.ts";
import { startPrometheus } from "../support/prometheus.ts";

const KWH = 3_600_000;
const DAYS = 60;
const ZONE = "Europe/Amsterdam";
/** Simulated seconds in a second, once it is scraped: four hours. */
const TIME_SCALE = 14_400;
/** Simulated time that is scraped: a day and a night, whenever the test runs. */
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

const isThere =
  hasProgram("prometheus", "--version") &&
  hasProgram("promtool", "--version") &&
  hasProgram("victoria-metrics", "--version");

describe.skipIf(!isThere)("60 days of a simulated ECU, and its days after them", () => {
  const opened: AsyncDisposable[] = [];
  const keep = <T extends AsyncDisposable>(one: T): T => {
    opened.push(one);
    return one;
  };
  const stores: Record<string, string> = {};
  /** Local midnights in seconds, the last one that of today. */
  let midnights: number[] = [];
  /** What the plant had made at each midnight, and in the end. */
  let made: number[] = [];
  let madeAtSeam = 0;
  let madeInAll = 0;
  let seam = 0;
  let summary = "";

  const evaluated = async (store: string, query: string, at: number): Promise<number> => {
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

    // The truth: the same plant, watched as its days go by.
    const plant = createPlant(world.inverters, world.site, world.seed);
    const twin = createRounds({ ...world, plant, start: (midnights[0] ?? 0) * 1000 });
    made = midnights.map((at) => {
      twin.info(at * 1000);
      return twin.producedJoules();
    });

    let elapsed = (): number => 0;
    const ecu = keep(
      await simulateEcu({
        ...world,
        past: DAYS,
        start,
        timeScale: TIME_SCALE,
        elapsed: () => elapsed(),
      }),
    );
    const exporter = keep(await startTestExporter(ecu));
    const instance = exporter.url.replace("http://", "");
    const shop = keep(await createBackfillFolder(() => start));
    const {
      code,
      stderr,
      file = "",
    } = await shop.run(ecu, {
      from: today.toPlainDate().subtract({ days: DAYS }).toString().replaceAll("-", ""),
      labels: { job: "apsystems", instance },
    });
    expect(code, stderr).toBe(0);
    summary = stderr;
    seam = Math.floor(start / 1000);

    const config = join(shop.folder, "scrape.yml");
    await writeFile(
      config,
      `global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
  - job_name: apsystems
    static_configs: [{targets: ["${instance}"]}]
`,
    );
    const data = join(shop.folder, "prometheus");
    await mkdir(data);
    const blocks = ["create-blocks-from", "--max-block-duration=486h", "openmetrics"];
    const loaded = runWithInput("promtool", ["tsdb", ...blocks, shop.output, data], "");
    expect(loaded.code, loaded.output).toBe(0);
    const [port, victoriaPort] = [await freePort(), await freePort()];
    stores["Prometheus"] = `http://127.0.0.1:${port}`;
    stores["VictoriaMetrics"] = `http://127.0.0.1:${victoriaPort}`;

    const victoria = keep(
      startProgram("victoria-metrics", [
        `-storageDataPath=${shop.folder}/victoria`,
        `-httpListenAddr=127.0.0.1:${victoriaPort}`,
        "-retentionPeriod=1y",
        "-search.latencyOffset=0s",
        `-promscrape.config=${config}`,
      ]),
    );
    const isUp = async () => (await fetch(`${stores["VictoriaMetrics"]}/health`)).ok || undefined;
    await poll(30, isUp, victoria.output);
    const imported = await fetch(`${stores["VictoriaMetrics"]}/api/v1/import/prometheus`, {
      method: "POST",
      body: file,
    });
    expect(imported.status).toBe(204);
    const prometheus = keep(
      await startPrometheus({ config, data, port, args: ["--storage.tsdb.retention.time=1y"] }),
    );

    const begun = performance.now();
    elapsed = () => Math.min(LIVE_MS / TIME_SCALE, performance.now() - begun);
    twin.info(start);
    madeAtSeam = twin.producedJoules();
    twin.info(start + LIVE_MS);
    madeInAll = twin.producedJoules();
    const isScraped = async () => {
      const now = Date.now() / 1000;
      for (const store of Object.keys(stores)) {
        const last = await evaluated(store, METRIC, now);
        if (world.lifetimeJoules + madeInAll - last >= 0.1 * KWH) return undefined;
      }
      return true;
    };
    await poll(30, isScraped, () => `${victoria.output()}\n${prometheus.output()}`);
  }, 90_000);

  afterAll(async () => {
    for (const one of opened.toReversed()) await one[Symbol.asyncDispose]();
  }, 30_000);

  it("makes a history of all days, and leaves nothing to be told", () => {
    expect(summary).not.toContain("knows nothing");
    expect(midnights).toHaveLength(DAYS + 1);
    expect(made.slice(1).every((joules, i) => joules > (made[i] ?? 0))).toBe(true);
  });

  describe.each(["Prometheus", "VictoriaMetrics"])("in %s", (store) => {
    it("gives each day the plant's true energy, within the steps of the ECU's own table", async () => {
      for (const [i, end] of midnights.entries()) {
        const begin = midnights[i - 1];
        if (begin === undefined) continue;
        const increased = await evaluated(store, `increase(${METRIC}[${end - begin}s])`, end);
        const truth = (made[i] ?? 0) - (made[i - 1] ?? 0);
        expect(Math.abs(increased - truth) / KWH, `day ${i}`).toBeLessThanOrEqual(0.01);
      }
    });

    it("goes through the seam to what is scraped within a step of the ECU's counter", async () => {
      const now = Math.floor(Date.now() / 1000);
      const begin = midnights.at(-2) ?? 0;
      const increased = await evaluated(store, `increase(${METRIC}[${now - begin}s])`, now);
      const truth = madeInAll - (made.at(-2) ?? 0);
      expect(Math.abs(increased - truth) / KWH).toBeLessThan(0.13);
      const live = await evaluated(store, `increase(${METRIC}[${now - seam + 1}s])`, now);
      expect(live / KWH).toBeGreaterThan(0.3);
    });

    it("never falls, is one series through all of it, and ends history where scrapes begin", async () => {
      const now = Math.floor(Date.now() / 1000);
      const all = `[${now - (midnights[0] ?? 0) + 1}s]`;
      expect(await evaluated(store, `resets(${METRIC}${all})`, now)).toBe(0);
      const count = await evaluated(store, `count_over_time(${METRIC}${all})`, now);
      expect(count).toBeGreaterThan(DAYS * 288);
      const short = world.lifetimeJoules + madeAtSeam - (await evaluated(store, METRIC, seam));
      expect(short).toBeGreaterThanOrEqual(0);
      expect(short).toBeLessThan(0.1 * KWH);
    });

    it("has the power of the past at the ECU's stamps", async () => {
      const noon = (midnights.at(-2) ?? 0) + 12 * 3_600;
      expect(await evaluated(store, "ecu_power_watts", noon)).toBeGreaterThan(0);
      const count = await evaluated(store, "count_over_time(ecu_power_watts[24h])", noon + 43_200);
      expect(count).toBeGreaterThan(60);
      expect(count).toBeLessThan(220);
    });
  });
});
