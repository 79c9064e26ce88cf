/**
 * The cost of a fleet: simulated ECUs with 20 inverters each, scraped every 60 s through /probe by a real Prometheus.
 * The figures of the exporter are those that Prometheus stored.
 * Usage: npm run bench:fleet [-- --minutes=8]
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

const { values } = parseArgs({ options: { minutes: { type: "string", default: "8" } } });
const MINUTES = Number(values.minutes);
const SIZES = [100, 1000];
/** The first scrapes of all targets are spread over this time; they are not counted. */
const WARM_UP_MINUTES = 2;
const PAGE = "docs/performance.md";
const EXPORTER_PORT = 10_898;
const PROMETHEUS_PORT = 19_090;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const prometheusConfig = `
global: { scrape_interval: 60s, scrape_timeout: 10s }
scrape_configs:
  - job_name: apsystems
    metrics_path: /probe
    http_sd_configs: [{ url: "http://127.0.0.1:${EXPORTER_PORT}/sd" }]
    relabel_configs:
      - { source_labels: [__address__], target_label: __param_target }
      - { source_labels: [__address__], target_label: instance }
      - { target_label: __address__, replacement: "127.0.0.1:${EXPORTER_PORT}" }
  - job_name: exporter
    metrics_path: /self
    static_configs: [{ targets: ["127.0.0.1:${EXPORTER_PORT}"] }]
`;

interface Figures {
  readonly ecus: number;
  readonly scrapes: number;
  readonly failed: number;
  readonly slowestSeconds: number;
  readonly coreShare: number;
  readonly residentMegabytes: number;
}

const start = (command: string, args: readonly string[]): ChildProcess =>
  spawn(command, args, { stdio: ["ignore", "pipe", "ignore"] });
const stop = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  await exited;
};

const query = async (expression: string): Promise<number> => {
  const url = `http://127.0.0.1:${PROMETHEUS_PORT}/api/v1/query?query=${encodeURIComponent(expression)}`;
  const { data } = (await (await fetch(url)).json()) as {
    data: { result: { value: [number, string] }[] };
  };
  return Number(data.result[0]?.value[1] ?? Number.NaN);
};

const measure = async (ecus: number): Promise<Figures> => {
  const folder = mkdtempSync(join(tmpdir(), "fleet-"));
  const list = Array.from(
    { length: ecus },
    (_, n) =>
      `  - { name: ecu-${n + 1}, address: 127.1.${Math.floor(n / 250)}.${(n % 250) + 1}, timezone: Etc/GMT }\n`,
  );
  writeFileSync(join(folder, "apsystems.yml"), `ecus:\n${list.join("")}`);
  writeFileSync(join(folder, "prometheus.yml"), prometheusConfig);
  const fleet = start(process.execPath, ["build/bench/fleet-ecus.js", String(ecus)]);
  const children = [fleet];
  try {
    if (fleet.stdout !== null) await once(fleet.stdout, "data");
    children.push(
      start(process.execPath, [
        "dist/main.js",
        "serve",
        `--config.file=${join(folder, "apsystems.yml")}`,
        `--web.listen-address=127.0.0.1:${EXPORTER_PORT}`,
        "--log.level=error",
      ]),
    );
    await pause(3_000);
    children.push(
      start("prometheus", [
        `--config.file=${join(folder, "prometheus.yml")}`,
        `--storage.tsdb.path=${join(folder, "data")}`,
        `--web.listen-address=127.0.0.1:${PROMETHEUS_PORT}`,
        "--log.level=error",
      ]),
    );
    await pause((WARM_UP_MINUTES + MINUTES) * 60_000);
    const window = `[${MINUTES}m]`;
    const targets = await query('count(up{job="apsystems"})');
    if (targets !== ecus) throw new Error(`Prometheus has ${targets} targets instead of ${ecus}`);
    const scrapes = await query(`sum(count_over_time(probe_success${window}))`);
    const succeeded = await query(`sum(sum_over_time(probe_success${window}))`);
    const down = await query(
      `sum(count_over_time(up{job="apsystems"}${window}) - sum_over_time(up{job="apsystems"}${window}))`,
    );
    return {
      ecus,
      scrapes: scrapes + down,
      failed: scrapes - succeeded + down,
      slowestSeconds: await query(
        `max(max_over_time(scrape_duration_seconds{job="apsystems"}${window}))`,
      ),
      coreShare: await query(`rate(process_cpu_seconds_total{job="exporter"}${window})`),
      residentMegabytes:
        (await query(`max_over_time(process_resident_memory_bytes{job="exporter"}${window})`)) /
        1e6,
    };
  } finally {
    for (const child of children) await stop(child);
    rmSync(folder, { recursive: true, force: true });
  }
};

const figures: Figures[] = [];
for (const ecus of SIZES) figures.push(await measure(ecus));
const perEcu = ({ coreShare, ecus }: Figures): number => (coreShare / ecus) * 1000;
const [few, many] = figures;
if (few === undefined || many === undefined) throw new Error("no measurements");
const slope = perEcu(many) / perEcu(few) - 1;
const compare = (isMet: boolean): string => (isMet ? "reached" : "MISSED");
const page = [
  "## A fleet",
  "",
  `Measurements, written by \`npm run bench:fleet -- --minutes=${MINUTES}\`. One process simulates ECUs with 20 inverters each (14 DS3, 6 QS1). A real`,
  `Prometheus discovers them at \`/sd\` and scrapes each through \`/probe\` every 60 s. All programs share ${cpus().length} cores (${cpus()[0]?.model}, Node ${process.version}).`,
  "The values of the exporter are those that Prometheus stored.",
  "",
  "| ECUs | Scrapes | Failed | Slowest | CPU, of one core | CPU per ECU | Maximum memory |",
  "| --- | --- | --- | --- | --- | --- | --- |",
  ...figures.map(
    (row) =>
      `| ${row.ecus} | ${row.scrapes} | ${row.failed} | ${row.slowestSeconds.toFixed(2)} s | ${(row.coreShare * 100).toFixed(1)} % | ${perEcu(row).toFixed(3)} ms/s | ${row.residentMegabytes.toFixed(0)} MB |`,
  ),
  "",
  "| Target | Measured | |",
  "| --- | --- | --- |",
  `| all scrapes succeed within their timeout | ${many.failed + few.failed} failed | ${compare(many.failed + few.failed === 0)} |`,
  `| less than half a core with 1,000 ECUs | ${(many.coreShare * 100).toFixed(1)} % | ${compare(many.coreShare < 0.5)} |`,
  `| less than 300 MB with 1,000 ECUs | ${many.residentMegabytes.toFixed(0)} MB | ${compare(many.residentMegabytes < 300)} |`,
  `| CPU per ECU with 1,000 ECUs, compared with 100 ECUs: at most 10 % more | ${(slope * 100).toFixed(0)} % | ${compare(slope < 0.1)} |`,
].join("\n");
process.stdout.write(`${page}\n`);
const before = readFileSync(PAGE, "utf8").split("\n## A fleet")[0]?.trimEnd();
writeFileSync(PAGE, `${before}\n\n${page}\n`);
