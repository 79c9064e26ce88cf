/** Two simulated ECUs, the exporter, and a real Prometheus that scrapes it for a simulated day of one minute. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { simulateEcu } from "../../src/simulator/ecu.ts";
import { createPlant } from "../../src/simulator/plant.ts";
import type { Site } from "../../src/time/sun.ts";
import { startTestExporter } from "../support/exporter.ts";
import { poll } from "../support/programs.ts";
import { startPrometheus } from "../support/prometheus.ts";

/** A series: its labels and values. */
export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly (readonly [at: number, value: number])[];
}

export interface ScrapedPlant extends AsyncDisposable {
  /** The uids of the ECU `roof`. */
  readonly uids: readonly string[];
  /** Unix time of the last evaluated scrape, in seconds. */
  readonly end: number;
  /** Values at the end of the day. */
  instant(expr: string): Promise<Series[]>;
  /** Values of every second of the day. */
  range(expr: string): Promise<Series[]>;
}

const site: Site = { latitude: 52.09, longitude: 5.12 };
/** Simulated seconds per second: a day takes a minute. */
const TIME_SCALE = 1440;
export const DAY_SECONDS = 86_400 / TIME_SCALE;
/** From a morning, through the night, to the next noon. */
const START = Date.UTC(2026, 5, 21, 8);
/** One scrape a second, for a little more than a day. */
const SCRAPES = DAY_SECONDS + 8;
/** The last scrapes have no faults, so that every value exists at the end. */
const FAULTLESS_SCRAPES = 8;
/** A place where it is noon while the test runs, because the exporter computes the current position of the sun. */
const findNoonSite = (): Site => ({ latitude: 0, longitude: (12 - new Date().getUTCHours()) * 15 });

// biome-ignore format: one roof per line
const roofs = [
  { seed: 1, family: "L", inverters: [["DS3", 3], ["QS1", 2], ["YC1000", 1]] },
  { seed: 2, family: "R", inverters: [["YC600", 2], ["QT2", 1]] },
] as const;

/** Firing alerts: of an ECU, of an exporter, of something else, and without labels. */
const alerts = {
  EcuAlert: 'ecu_up{ecu="roof"} == 1',
  ExporterAlert: 'up{job="apsystems"} == 1',
  OtherAlert: 'label_replace(vector(1), "job", "printer", "", "")',
  UnlabelledAlert: "vector(1)",
};
const rules = Object.entries(alerts).map(([alert, expr]) => ({
  alert,
  expr,
  labels: { severity: "info" },
}));

/** Starts all programs and returns when the simulated day is over. @param program name or path of Prometheus */
export const scrapePlant = async (program: string): Promise<ScrapedPlant> => {
  const ecus = await Promise.all(
    roofs.map((roof) =>
      simulateEcu({
        ...roof,
        site,
        zone: "Europe/Amsterdam",
        start: START,
        timeScale: TIME_SCALE,
        elapsed: () => performance.now(),
        // Faults for the dashboard of the exporter.
        faults: [
          { name: "wrongCommand", query: "signal", limit: { chance: 0.2 } },
          { name: "zeroGlitch", limit: { chance: 0.2 } },
        ],
      }),
    ),
  );
  const uids = createPlant(roofs[0].inverters, site, roofs[0].seed).inverters.map(({ uid }) => uid);
  const panels = uids.slice(0, 1).flatMap((uid) => [
    { uid, channel: 1, panel: "South 1", array: "South", row: "1", column: "1" },
    { uid, channel: 2, panel: "South 2", array: "South", row: "1", column: "2" },
  ]);
  const exporter = await startTestExporter(ecus, { site: findNoonSite(), panels });
  const folder = await mkdtemp(join(tmpdir(), "grafana-"));
  await writeFile(
    join(folder, "prometheus.yml"),
    [
      "global: { scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }",
      "rule_files: [rules.yml]",
      "scrape_configs:",
      "  - job_name: apsystems",
      `    static_configs: [{ targets: ["${new URL(exporter.url).host}"] }]`,
      "",
    ].join("\n"),
  );
  await writeFile(join(folder, "rules.yml"), JSON.stringify({ groups: [{ name: "x", rules }] }));
  const prometheus = await startPrometheus({
    program,
    config: `${folder}/prometheus.yml`,
    data: `${folder}/data`,
  });
  const query = async (path: string, parameters: Record<string, string>): Promise<Series[]> => {
    const url = `${prometheus.api}/${path}`;
    const response = await fetch(url, { method: "POST", body: new URLSearchParams(parameters) });
    const { data, error } = (await response.json()) as QueryResponse;
    if (data === undefined) throw new Error(`${error} in ${parameters["query"]}`);
    return data.result.map(({ metric, value, values = value === undefined ? [] : [value] }) => ({
      metric,
      values: values.map(([at, text]) => [at, Number(text)]),
    }));
  };
  const checkScrapes = (count: number) => async (): Promise<number | undefined> => {
    const [series] = await query("query", { query: "count_over_time(up[5m])" });
    return (series?.values[0]?.[1] ?? 0) >= count ? Date.now() / 1000 : undefined;
  };
  await poll(SCRAPES + 30, checkScrapes(SCRAPES - FAULTLESS_SCRAPES), () => prometheus.output());
  for (const ecu of ecus) ecu.faults.clear();
  const end = await poll(FAULTLESS_SCRAPES + 30, checkScrapes(SCRAPES), () => prometheus.output());
  return {
    uids,
    end,
    instant: (expr) => query("query", { query: expr, time: String(end) }),
    range: (expr) =>
      query("query_range", {
        query: expr,
        start: String(end - DAY_SECONDS),
        end: String(end),
        step: "1",
      }),
    [Symbol.asyncDispose]: async () => {
      for (const resource of [prometheus, exporter, ...ecus]) await resource[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
};

interface QueryResponse {
  readonly error?: string;
  readonly data?: {
    readonly result: readonly {
      readonly metric: Readonly<Record<string, string>>;
      readonly value?: readonly [number, string];
      readonly values?: readonly (readonly [number, string])[];
    }[];
  };
}
