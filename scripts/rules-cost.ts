/**
 * Measures what the rules cost a real Prometheus. Usage: npm run bench:rules [-- --ecus=10,100] [--prometheus=PROGRAM]
 * Each ECU has 20 inverters with two panels. Fifteen days of history are loaded; then Prometheus scrapes the current values and
 * evaluates the rules for a quarter of an hour. Prints the mean time that each group takes, as a share of its interval, and the
 * slowest rules.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { cpus, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { freePort } from "../test/support/programs.ts";
import { startPrometheus } from "../test/support/prometheus.ts";
import {
  DAY,
  forEcu,
  forInverters,
  forPanels,
  INVERTERS,
  loadHistory,
  MINUTE,
  measured,
  names,
  type Series,
  valueAt,
} from "./plant-history.ts";

const SETTLE = 13 * MINUTE; // until all ranges of the rules are full again after the loading
const MEASURE = 12 * MINUTE; // three evaluations of the slowest group

/** The records that rules look back at for a day. */
const recordedOfDay = (ecu: string): Series[] =>
  forInverters(ecu, { "inverter:signal_ratio:avg1h": 0.6 });

/** The records that rules look back at for days. */
const recorded = (ecu: string): Series[] => [
  ...forEcu(ecu, {
    "ecu:up:max1d": 1,
    "ecu:power_watts:max1d": 8_000,
    "ecu:power_watts:min30m": 8_000,
    "ecu:panel_power_watts:max1d": 200,
    "ecu:panel_power_watts:avg1d": 200,
    "ecu:panels:count3d": INVERTERS * 2,
    "ecu:inverters:count1d": INVERTERS,
    "ecu:inverter_temperature_celsius:min1d": 20,
  }),
];

const recordedHourly = (ecu: string): Series[] => [
  ...forInverters(ecu, {
    "inverter:online:max1d_hourly": 1,
    "inverter:online:max8d": 1,
    "inverter:online:max15d": 1,
    "inverter:voltage_volts:max1d_hourly": 230,
    "inverter:voltage_volts:max8d": 230,
  }),
  ...forPanels(ecu, ["panel:power_watts:max1d_hourly", "panel:power_watts:avg1d"], 200),
  ...forPanels(ecu, ["panel:power_watts:max8d", "panel:power_watts:max15d"], 200),
  ...forPanels(ecu, ["panel:power_share:ratio1d", "panel:power_share_in_light:ratio1d"], 1),
];

const measure = async (count: number, program: string): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), "rules-cost-"));
  const series = names(count).flatMap(measured);
  const exporter = createServer((_request, response) => {
    const at = Math.floor(Date.now() / MINUTE) * MINUTE;
    response.setHeader("Content-Type", "text/plain; version=0.0.4");
    response.end(series.map(([text, value]) => `${text} ${valueAt(value, at)}\n`).join(""));
  }).listen(await freePort(), "127.0.0.1");
  try {
    await new Promise((done) => exporter.once("listening", done));
    const instance = `127.0.0.1:${(exporter.address() as AddressInfo).port}`;
    mkdirSync(join(folder, "data"));
    const now = Date.now();
    await loadHistory(
      folder,
      names(count).map((ecu) => `job="apsystems",instance="${instance}",${ecu}`),
      [
        { series: measured, from: now - DAY, step: MINUTE },
        { series: recorded, from: now - 15 * DAY, step: 4 * MINUTE },
        { series: recordedOfDay, from: now - DAY, step: 4 * MINUTE },
        { series: recordedHourly, from: now - 15 * DAY, step: 60 * MINUTE },
      ],
      now,
    );
    const config = join(folder, "prometheus.yml");
    writeFileSync(
      config,
      JSON.stringify({
        global: { scrape_interval: "60s", evaluation_interval: "60s" },
        rule_files: [resolve("prometheus/rules/*.yml")],
        scrape_configs: [{ job_name: "apsystems", static_configs: [{ targets: [instance] }] }],
      }),
    );
    await using prometheus = await startPrometheus({ program, config, data: join(folder, "data") });
    const page = async (): Promise<string> => (await fetch(`${prometheus.url}/metrics`)).text();
    await new Promise((done) => setTimeout(done, SETTLE));
    const before = await page();
    const durations: Map<string, number>[] = [];
    for (let minutes = 0; minutes < MEASURE / MINUTE; minutes++) {
      await new Promise((done) => setTimeout(done, MINUTE));
      durations.push(read(await page(), "prometheus_rule_group_last_duration_seconds"));
    }
    print(count, before, await page(), durations);
    printSlowest((await (await fetch(`${prometheus.url}/api/v1/rules`)).json()) as Rules);
  } finally {
    exporter.close();
    exporter.closeAllConnections();
    rmSync(folder, { recursive: true, force: true });
  }
};

const read = (page: string, name: string): Map<string, number> =>
  new Map(
    page.split("\n").flatMap((line) => {
      const [, found, group = "", value] =
        /^(\w+)(?:\{.*rule_group="[^"]*;([^"]+)".*\})? (\S+)$/.exec(line) ?? [];
      return found === name ? [[group, Number(value)] as const] : [];
    }),
  );

/** Prints a page after the measurement, compared with one before. @param durations of all groups, once a minute */
const print = (
  count: number,
  before: string,
  after: string,
  durations: readonly Map<string, number>[],
): void => {
  const intervals = read(after, "prometheus_rule_group_interval_seconds");
  process.stdout.write(`${count} ECUs, ${count * INVERTERS} inverters:\n`);
  for (const [group, interval] of intervals) {
    // 0 until the first evaluation, which the hourly group may have late.
    const times = durations.map((groups) => groups.get(group) ?? 0).filter((time) => time > 0);
    if (times.length === 0) {
      process.stdout.write(`  ${group.padEnd(20)} was not evaluated\n`);
      continue;
    }
    const seconds = times.reduce((sum, time) => sum + time, 0) / times.length;
    const share = ((100 * seconds) / interval).toFixed(2);
    process.stdout.write(
      `  ${group.padEnd(20)} ${seconds.toFixed(3)} s of ${interval} s: ${share} %\n`,
    );
  }
  const difference = (name: string): number =>
    [...read(after, name).values()].reduce((sum, value) => sum + value, 0) -
    [...read(before, name).values()].reduce((sum, value) => sum + value, 0);
  const cpu = difference("process_cpu_seconds_total") / (MEASURE / 1000);
  const memory = read(after, "process_resident_memory_bytes").get("") ?? Number.NaN;
  process.stdout.write(
    `  Prometheus as a whole: ${(100 * cpu).toFixed(1)} % of one core, ${Math.round(memory / 1e6)} MB; ` +
      `failed evaluations: ${difference("prometheus_rule_evaluation_failures_total")}, missed: ${difference("prometheus_rule_group_iterations_missed_total")}\n`,
  );
};

interface Rules {
  readonly data: {
    readonly groups: readonly {
      readonly name: string;
      readonly interval: number;
      readonly rules: readonly { readonly name: string; readonly evaluationTime: number }[];
    }[];
  };
}

const SLOWEST = 12;

/** Prints the rules with the largest share of their interval. @param page the answer of /api/v1/rules */
const printSlowest = (page: Rules): void => {
  const rules = page.data.groups.flatMap(({ name: group, interval, rules }) =>
    rules.map(({ name, evaluationTime }) => ({
      title: `${group} ${name}`,
      seconds: evaluationTime,
      share: (100 * evaluationTime) / interval,
    })),
  );
  process.stdout.write("  The slowest rules, at their last evaluation:\n");
  for (const { title, seconds, share } of rules.sort((a, b) => b.share - a.share).slice(0, SLOWEST))
    process.stdout.write(`  ${title.padEnd(55)} ${seconds.toFixed(3)} s: ${share.toFixed(2)} %\n`);
};

const { values } = parseArgs({
  options: {
    ecus: { type: "string", default: "10,100" },
    prometheus: { type: "string", default: "prometheus" },
  },
});
process.stdout.write(`${cpus().length} cores\n`);
for (const count of values.ecus.split(",")) await measure(Number(count), values.prometheus);
