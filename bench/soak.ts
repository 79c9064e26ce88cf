/**
 * Runs the exporter for simulated days with random faults and two scraping clients, and reports leaks and failures.
 * Usage: npm run soak -- --minutes=10 [--seed=1]
 */

import { writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { pino } from "pino";
import { startExporter } from "../src/exporter/exporter.ts";
import { simulateEcu } from "../src/simulator/ecu.ts";
import { type FaultName, faults } from "../src/simulator/faults.ts";
import { random } from "../src/simulator/random.ts";

const { values } = parseArgs({
  options: { minutes: { type: "string", default: "10" }, seed: { type: "string", default: "1" } },
});
const minutes = Number(values.minutes);
const seed = Number(values.seed);
const TIME_SCALE = 600; // a simulated day in 2.4 minutes
const TIMEOUT_SECONDS = 3;
const SCRAPE_EVERY_MS = 100;
const SAMPLE_EVERY_MS = 2_000;
const FAULT_EVERY_MS = 1_500;
const names = Object.keys(faults) as FaultName[];
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

let rejections = 0;
process.on("unhandledRejection", () => rejections++);
const handlesBefore = process.getActiveResourcesInfo();

const ecu = await simulateEcu({
  inverters: [
    ["QS1", 3],
    ["DS3", 4],
    ["QT2", 2],
    ["UNKNOWN", 1],
  ],
  family: "R",
  site: { latitude: 40, longitude: 0 },
  zone: "Etc/GMT",
  seed,
  start: Date.parse("2026-06-21T05:00:00Z"),
  timeScale: TIME_SCALE,
  elapsed: () => performance.now(),
});
const exporter = await startExporter({
  ecus: [{ name: "soak", host: ecu.host, port: ecu.port }],
  timezone: "Etc/GMT",
  minInterval: 50,
  nightInterval: 300_000 / TIME_SCALE,
  timeout: 2_500,
  commandPause: 20, // an ECU notices a closed connection a little later
  retries: 1,
  listenAt: [{ host: "127.0.0.1", port: 0 }],
  telemetryPath: "/metrics",
  maxRequests: 40,
  log: pino({ level: "silent" }),
});

const endsAt = performance.now() + minutes * 60_000;
const counts = { scrapes: 0, up: 0, late: 0, failed: 0, decreases: 0, faults: 0, slowestMs: 0 };
let lifetimeJoules = 0;

const url = `http://127.0.0.1:${(exporter.addresses[0] as AddressInfo).port}/metrics`;

/** Scrapes like Prometheus, one scrape after another. */
const scrape = async (): Promise<void> => {
  const headers = { "X-Prometheus-Scrape-Timeout-Seconds": String(TIMEOUT_SECONDS) };
  while (performance.now() < endsAt) {
    const startedAt = performance.now();
    const response = await fetch(url, { headers });
    const text = await response.text();
    const ms = performance.now() - startedAt;
    counts.scrapes++;
    counts.slowestMs = Math.max(counts.slowestMs, ms);
    if (ms > TIMEOUT_SECONDS * 1000) counts.late++;
    if (response.status !== 200) counts.failed++;
    if (/^ecu_up\{.*\} 1$/m.test(text)) counts.up++;
    const joules = Number(
      /^ecu_lifetime_energy_joules_total\{.*\} (\d+)$/m.exec(text)?.[1] ?? lifetimeJoules,
    );
    if (joules < lifetimeJoules) counts.decreases++;
    lifetimeJoules = joules;
    await pause(SCRAPE_EVERY_MS);
  }
};

/** Activates one random fault for a while, then none for a while. */
const injectFaults = async (): Promise<void> => {
  for (let turn = 0; performance.now() < endsAt; turn++) {
    const name = names[Math.floor(random(seed, 1, turn) * names.length)];
    // A counter may fall only after a confirmed reset. Frozen counters below the true values look like one.
    if (name !== undefined && name !== "frozenCounters") {
      ecu.faults.add(name);
      counts.faults++;
    }
    await pause(FAULT_EVERY_MS * random(seed, 2, turn));
    ecu.faults.clear();
    await pause(FAULT_EVERY_MS * random(seed, 3, turn));
  }
};

const samples: { readonly minute: number; readonly heap: number; readonly resident: number }[] = [];
const sample = async (): Promise<void> => {
  while (performance.now() < endsAt) {
    globalThis.gc?.();
    const { heapUsed, rss } = process.memoryUsage();
    const minute = minutes - (endsAt - performance.now()) / 60_000;
    samples.push({ minute, heap: heapUsed / 2 ** 20, resident: rss / 2 ** 20 });
    await pause(SAMPLE_EVERY_MS);
  }
};

/** Least-squares slope in MiB per minute. */
const fitSlope = (points: readonly { x: number; y: number }[]): number => {
  const mean = (value: (point: { x: number; y: number }) => number): number =>
    points.reduce((sum, point) => sum + value(point), 0) / points.length;
  const [x, y] = [mean((point) => point.x), mean((point) => point.y)];
  return mean((point) => (point.x - x) * (point.y - y)) / mean((point) => (point.x - x) ** 2);
};

await Promise.all([scrape(), scrape(), injectFaults(), sample()]);
await exporter.stop();
const { peak, total } = ecu.connections;
const { writes } = ecu;
await ecu.close();
await pause(6_000); // until fetch has closed its idle connections
const openHandles = process
  .getActiveResourcesInfo()
  .filter((kind) => !handlesBefore.includes(kind) && kind !== "Timeout");

const half = samples.slice(Math.floor(samples.length / 2));
const heapSlope = fitSlope(half.map(({ minute, heap }) => ({ x: minute, y: heap })));
const last = samples.at(-1);
const rows: readonly (readonly [string, string])[] = [
  ["machine", `${cpus()[0]?.model}, ${cpus().length} cores, Node ${process.version}`],
  ["duration", `${minutes} min, ${((minutes * TIME_SCALE) / 1440).toFixed(1)} simulated days`],
  ["scrapes", String(counts.scrapes)],
  ["with ecu_up 1", String(counts.up)],
  ["faults activated", String(counts.faults)],
  ["slowest scrape", `${counts.slowestMs.toFixed(0)} ms of ${TIMEOUT_SECONDS * 1000} ms`],
  ["scrapes after their deadline", String(counts.late)],
  ["responses other than 200", String(counts.failed)],
  ["decreases of the lifetime counter", String(counts.decreases)],
  ["unhandled rejections", String(rejections)],
  ["connections to the ECU: total / maximum at the same time", `${total} / ${peak}`],
  ["write commands sent", String(writes.length)],
  ["heap at the end", `${last?.heap.toFixed(1)} MiB`],
  ["resident memory at the end", `${last?.resident.toFixed(0)} MiB`],
  ["heap slope over the second half", `${heapSlope.toFixed(4)} MiB/min`],
  [
    "open handles and sockets at the end",
    openHandles.length === 0 ? "none" : openHandles.join(", "),
  ],
];
const table = ["| | |", "|---|---|", ...rows.map(([name, value]) => `| ${name} | ${value} |`)].join(
  "\n",
);
process.stdout.write(`${table}\n`);
const isPassed =
  counts.late +
    counts.failed +
    counts.decreases +
    rejections +
    writes.length +
    openHandles.length ===
  0;
process.stdout.write(isPassed ? "passed\n" : "FAILED\n");
if (values.minutes !== undefined && minutes >= 10) {
  writeFileSync(
    "docs/reliability.md",
    `# Reliability\n\nWritten by \`npm run soak -- --minutes=${minutes} --seed=${seed}\`. The exporter reads a simulated ECU for several days at high speed, with one\nrandom fault after another, while two clients scrape all the time. Exporter, ECU and clients share one process.\n\n${table}\n`,
  );
}
process.exitCode = isPassed ? 0 : 1;
