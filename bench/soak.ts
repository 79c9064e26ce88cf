/**
 * Runs the built exporter as a process of its own for simulated days, with random faults of the ECU and two scraping clients, and
 * reports leaks and failures. The simulated ECU and the clients are in this process.
 * Usage: npm run soak -- --minutes=60 [--seed=1] [--node=PATH] [--program=dist/main.js]
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { simulateEcu } from "../src/simulator/ecu.ts";
import { type FaultName, faults } from "../src/simulator/faults.ts";
import { random } from "../src/simulator/random.ts";
import { type Memory, startSoakProgram } from "./soak-program.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    seed: { type: "string", default: "1" },
    node: { type: "string", default: process.execPath },
    program: { type: "string", default: "dist/main.js" },
  },
});
const minutes = Number(values.minutes);
const seed = Number(values.seed);
const nodeVersion = execFileSync(values.node, ["--version"], { encoding: "utf8" }).trim();
const PAGE = "docs/reliability.md";
/** The page gets the result of a run of this length, and memory must not grow in it. */
const FULL_MINUTES = 60;
const MAX_SLOPE = 0.01; // MiB per minute
const TIME_SCALE = 600; // a simulated day in 2.4 minutes
const TIMEOUT_SECONDS = 3;
const SCRAPE_EVERY_MS = 400;
const SAMPLE_EVERY_MS = 5_000;
const FAULT_EVERY_MS = 4_000;
const names = Object.keys(faults) as FaultName[];
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

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
const exporter = await startSoakProgram(values.node, values.program, [
  `--ecu.address=127.0.0.1:${ecu.port}`,
  "--ecu.timezone=Etc/GMT",
  "--ecu.min-interval=50ms",
  `--ecu.night-interval=${300_000 / TIME_SCALE}ms`,
  "--ecu.timeout=2.5s",
  "--ecu.command-pause=20ms", // an ECU notices a closed connection a little later
  "--ecu.retries=1",
]);

const startedAt = performance.now();
const endsAt = startedAt + minutes * 60_000;
const counts = { scrapes: 0, up: 0, late: 0, failed: 0, decreases: 0, faults: 0, slowestMs: 0 };
let lifetimeJoules = 0;
/** The metrics of the last scrape. */
let lastText = "";

/** The value of a metric without labels, or with one label, in a text. */
const readValue = (text: string, name: string): number | undefined => {
  const match = new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, "m").exec(text);
  return match === null ? undefined : Number(match[1]);
};

/** Scrapes like Prometheus, one scrape after another. */
const scrape = async (): Promise<void> => {
  const headers = { "X-Prometheus-Scrape-Timeout-Seconds": String(TIMEOUT_SECONDS) };
  while (performance.now() < endsAt) {
    const sentAt = performance.now();
    const response = await fetch(`${exporter.url}/metrics`, { headers });
    lastText = await response.text();
    const ms = performance.now() - sentAt;
    counts.scrapes++;
    counts.slowestMs = Math.max(counts.slowestMs, ms);
    if (ms > TIMEOUT_SECONDS * 1000) counts.late++;
    if (response.status !== 200) counts.failed++;
    if (readValue(lastText, "ecu_up") === 1) counts.up++;
    const joules = readValue(lastText, "ecu_lifetime_energy_joules_total") ?? lifetimeJoules;
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

const samples: (Memory & { readonly minute: number })[] = [];
const sample = async (): Promise<void> => {
  while (performance.now() < endsAt) {
    const minute = (performance.now() - startedAt) / 60_000;
    samples.push({ minute, ...(await exporter.readMemory()) });
    await pause(SAMPLE_EVERY_MS);
  }
};

/** Least-squares slope over the second half of the run, in MiB per minute. */
const fitSlope = (pick: (memory: Memory) => number): number => {
  const points = samples
    .slice(Math.floor(samples.length / 2))
    .map((memory) => ({ x: memory.minute, y: pick(memory) }));
  const mean = (value: (point: { x: number; y: number }) => number): number =>
    points.reduce((sum, point) => sum + value(point), 0) / points.length;
  const [x, y] = [mean((point) => point.x), mean((point) => point.y)];
  return mean((point) => (point.x - x) * (point.y - y)) / mean((point) => (point.x - x) ** 2);
};

await Promise.all([scrape(), scrape(), injectFaults(), sample()]);
const { code, ms } = await exporter.stop();
const { peak, total } = ecu.connections;
const { writes } = ecu;
await ecu.close();

const heapSlope = fitSlope(({ heap }) => heap);
const residentSlope = fitSlope(({ resident }) => resident);
const half = samples[Math.floor(samples.length / 2)];
const last = samples.at(-1);
const coreShare = (readValue(lastText, "process_cpu_seconds_total") ?? 0) / (minutes * 60);
const isFull = minutes >= FULL_MINUTES;
/** What must be 0 for the run to pass. */
const problems: readonly (readonly [string, number])[] = [
  ["scrapes after their deadline", counts.late],
  ["responses other than 200", counts.failed],
  ["decreases of the lifetime counter", counts.decreases],
  ["log lines with an error", exporter.errors.length],
  ["write commands sent", writes.length],
];
const rows: readonly (readonly [string, string])[] = [
  ["machine", `${cpus()[0]?.model}, ${cpus().length} cores`],
  ["duration", `${minutes} min, ${((minutes * TIME_SCALE) / 1440).toFixed(1)} simulated days`],
  ["scrapes", String(counts.scrapes)],
  ["with ecu_up 1", String(counts.up)],
  ["faults activated", String(counts.faults)],
  ["slowest scrape", `${counts.slowestMs.toFixed(0)} ms of ${TIMEOUT_SECONDS * 1000} ms`],
  ...problems.map(([name, count]) => [name, String(count)] as const),
  ["connections to the ECU: total / maximum at the same time", `${total} / ${peak}`],
  [
    "heap in the middle and at the end",
    `${half?.heap.toFixed(2)} MiB, ${last?.heap.toFixed(2)} MiB`,
  ],
  ["heap slope over the second half", `${heapSlope.toFixed(4)} MiB/min (limit ${MAX_SLOPE})`],
  [
    "resident memory in the middle and at the end",
    `${half?.resident.toFixed(1)} MiB, ${last?.resident.toFixed(1)} MiB`,
  ],
  ["slope of the resident memory over the second half", `${residentSlope.toFixed(4)} MiB/min`],
  ["open files and sockets at the last scrape", String(readValue(lastText, "process_open_fds"))],
  ["CPU time of the exporter", `${(coreShare * 100).toFixed(1)} % of a core`],
  ["exit after SIGTERM", `${ms.toFixed(0)} ms, code ${code}`],
];
const table = ["| | |", "|---|---|", ...rows.map(([name, value]) => `| ${name} | ${value} |`)].join(
  "\n",
);
process.stdout.write(`${table}\n`);
for (const line of exporter.errors.slice(0, 20)) process.stdout.write(`${line}\n`);
const isPassed =
  code === 0 &&
  ms < 1_000 &&
  problems.every(([, count]) => count === 0) &&
  (!isFull || heapSlope <= MAX_SLOPE);
process.stdout.write(isPassed ? "passed\n" : "FAILED\n");

const INTRODUCTION = `# Reliability

Written by \`npm run soak -- --minutes=${FULL_MINUTES}\`, once per version of Node.js (\`--node=PATH\` chooses it). The built exporter runs as a process of
its own and reads a simulated ECU for several days at high speed, with one random fault after another, while two clients
scrape it with a pause of ${SCRAPE_EVERY_MS} ms. Its memory is measured every ${SAMPLE_EVERY_MS / 1000} s after a garbage collection. The slope is a least-squares fit.
`;
if (isFull) {
  const old = existsSync(PAGE) ? readFileSync(PAGE, "utf8") : "";
  const major = (section: string): number => Number(/^## Node\.js v(\d+)/.exec(section)?.[1]);
  const own = `## Node.js ${nodeVersion}\n\n${table}\n`;
  const others = old
    .split(/^(?=## )/m)
    .filter((text) => /^## Node/.test(text) && major(text) !== major(own));
  const sections = [...others.map((text) => `${text.trim()}\n`), own].toSorted(
    (a, b) => major(a) - major(b),
  );
  writeFileSync(PAGE, [INTRODUCTION, ...sections].join("\n"));
}
process.exitCode = isPassed ? 0 : 1;
