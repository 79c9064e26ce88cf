/** How light the exporter is: start, memory, CPU and size, each with its goal. */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import {
  expectValues,
  pause,
  percentile,
  scrape,
  serveArgs,
  start,
  startEcu,
  startExporter,
  startPair,
} from "./tools.ts";

/** Figures of the other benchmarks. Times in microseconds, the overhead in milliseconds. */
interface OtherFigures {
  readonly decode50: number;
  readonly renderMean100: number;
  readonly renderP99Of100: number;
  readonly overheadMs: number;
}

/** A figure and its goal; both have the same unit, and less is better. */
interface Goal {
  readonly what: string;
  readonly unit: "×" | "ms" | "MB" | "µs" | "%" | "packages";
  /** Measured before the exporter was made lighter. */
  readonly before?: number;
  readonly goal: number;
  readonly now: number;
}

/** Runs of each start. */
export const START_RUNS = 25;
const PYTHON_DECODE_US = 247; // the original client in Python, with the reply of 50 inverters
const DEMO = ["demo", "--web.listen-address=127.0.0.1:0"];
const DEMO_INVERTERS = 7; // the default of --inverters

/** Other programs only ever make a start slower, so that the lower quartile is nearer to the start alone than the median. */
const lowerQuartile = (values: number[]): number =>
  percentile(
    values.sort((a, b) => a - b),
    0.25,
  );

const timeRun = (...args: string[]): number => {
  const startedAt = performance.now();
  spawnSync(process.execPath, args);
  return performance.now() - startedAt;
};

/** The time from the start to the values of an ECU. */
const timeFirstScrape = async (args: readonly string[], inverters: number): Promise<number> => {
  const startedAt = performance.now();
  const program = await start(...args);
  await scrape(program.port);
  const ms = performance.now() - startedAt;
  await expectValues(program.port, inverters);
  await program.stop();
  return ms;
};

/** Runs that alternate, so that another load of the machine affects all of them. */
const measureStarts = async () => {
  const times = {
    bare: [] as number[],
    version: [] as number[],
    serve: [] as number[],
    demo: [] as number[],
  };
  const ecu = await startEcu(20);
  for (let i = 0; i < START_RUNS; i++) {
    times.bare.push(timeRun("-e", "0"));
    times.version.push(timeRun("dist/main.js", "--version"));
    times.serve.push(await timeFirstScrape(serveArgs(ecu.port), 20));
    times.demo.push(await timeFirstScrape(DEMO, DEMO_INVERTERS));
  }
  await ecu.stop();
  const bare = lowerQuartile(times.bare);
  const [version, serve, demo] = [times.version, times.serve, times.demo].map(lowerQuartile);
  return {
    bare,
    version: version ?? Number.NaN,
    serve: serve ?? Number.NaN,
    demo: demo ?? Number.NaN,
  };
};

/** Resident memory of a process, in megabytes. Linux only. */
const readMegabytes = (pid: number | undefined): number =>
  (Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024) /
  1e6;

const measureIdleMemory = async () => {
  const bare = spawn(process.execPath, ["-e", "setInterval(() => {}, 1e6)"]);
  const serve = await startExporter(1); // an ECU that never replies: nothing is read
  await pause(2_000);
  const megabytes = { bare: readMegabytes(bare.pid), serve: readMegabytes(serve.pid) };
  bare.kill();
  await serve.stop();
  return megabytes;
};

/** Resident memory after numbers of scrapes, each added to the one before. */
const measureMemory = async (inverters: number, steps: readonly number[]): Promise<number[]> => {
  const pair = await startPair(inverters, 0);
  const megabytes: number[] = [];
  for (const scrapes of steps) {
    for (let i = 0; i < scrapes; i++) await scrape(pair.port);
    megabytes.push(readMegabytes(pair.pid));
  }
  await pair.stop();
  return megabytes;
};

/** CPU time of an exporter with one ECU of 20 inverters that is scraped every minute, in percent of a core. */
const measureHomeCpu = async (): Promise<number> => {
  const pair = await startPair(20, 0);
  const readCpu = async (): Promise<number> => {
    const text = await (await fetch(`http://127.0.0.1:${pair.port}/metrics`)).text();
    return Number(/^process_cpu_seconds_total (\S+)$/m.exec(text)?.[1]);
  };
  await readCpu();
  await pause(60_000);
  const before = await readCpu();
  await pause(60_000);
  await readCpu();
  await pause(60_000);
  const seconds = (await readCpu()) - before;
  await pair.stop();
  return (seconds / 120) * 100;
};

/** Bytes on disk of the files of a package, without the packages inside it, which are listed too. */
const sizeOf = (folder: string): number =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((path) => !relative(folder, path).includes("node_modules"))
    .reduce((sum, path) => sum + statSync(path).blocks * 512, 0);

/** The production packages as they are installed, with the exporter itself. */
const measurePackage = () => {
  const lock = JSON.parse(readFileSync("package-lock.json", "utf8")) as {
    packages: Record<string, { dev?: boolean; devOptional?: boolean }>;
  };
  const folders = Object.entries(lock.packages)
    .filter(([folder, { dev, devOptional }]) => folder !== "" && !dev && !devOptional)
    .map(([folder]) => folder);
  const pack = ["pack", "--dry-run", "--json", "--ignore-scripts"];
  const files = JSON.parse(execFileSync("npm", pack, { encoding: "utf8" }))[0];
  const bytes = folders.reduce((sum, folder) => sum + sizeOf(folder), Number(files.unpackedSize));
  return { packages: folders.length, megabytes: bytes / 1e6 };
};

/** Measures everything that has a goal; takes about five minutes. */
export const measureGoals = async (other: OtherFigures): Promise<readonly Goal[]> => {
  const starts = await measureStarts();
  const idle = await measureIdleMemory();
  const [warm = Number.NaN, later = Number.NaN] = await measureMemory(20, [5_000, 20_000]);
  process.env["MALLOC_ARENA_MAX"] = "1"; // as in deploy/systemd and in the Dockerfile; programs inherit it
  const [service = Number.NaN] = await measureMemory(20, [5_000]);
  delete process.env["MALLOC_ARENA_MAX"];
  const [hour = Number.NaN] = await measureMemory(100, [240]);
  const cpu = await measureHomeCpu();
  const { packages, megabytes } = measurePackage();
  return [
    {
      what: "`--version`, start to exit, to bare node",
      unit: "×",
      before: 5.0,
      goal: 2,
      now: starts.version / starts.bare,
    },
    {
      what: `\`serve\`, start to the values of 20 inverters (bare node: ${starts.bare.toFixed(0)} ms)`,
      unit: "ms",
      goal: 250,
      now: starts.serve,
    },
    { what: "the same, to bare node", unit: "×", goal: 4, now: starts.serve / starts.bare },
    {
      what: "`demo`, start to the values of its inverters",
      unit: "ms",
      before: 485,
      goal: 250,
      now: starts.demo,
    },
    { what: "the same, to bare node", unit: "×", goal: 4, now: starts.demo / starts.bare },
    {
      what: "resident memory of `serve` when idle, to bare node",
      unit: "×",
      before: 2.3,
      goal: 1.5,
      now: idle.serve / idle.bare,
    },
    {
      what: "resident memory after 5,000 scrapes of 20 inverters",
      unit: "MB",
      before: 149,
      goal: 85,
      now: warm,
    },
    {
      what: "the same, as a service or in a container (`MALLOC_ARENA_MAX=1`)",
      unit: "MB",
      goal: 85,
      now: service,
    },
    { what: "growth in the next 20,000 scrapes", unit: "MB", goal: 2, now: later - warm },
    {
      what: "resident memory after 240 scrapes of 100 inverters, an hour at 15 s",
      unit: "MB",
      goal: 95,
      now: hour,
    },
    {
      what: "a scrape of 20 inverters beyond the three bare requests, p50",
      unit: "ms",
      before: 4.8,
      goal: 2.5,
      now: other.overheadMs,
    },
    {
      what: "rendering 100 inverters with 4 channels, mean CPU time",
      unit: "ms",
      before: 4.8,
      goal: 2,
      now: other.renderMean100 / 1000,
    },
    {
      what: "the same, p99 of the time",
      unit: "ms",
      before: 11,
      goal: 5,
      now: other.renderP99Of100 / 1000,
    },
    {
      what: "decoding the reply 0002 of 50 inverters, mean CPU time, at most a tenth of the original Python client",
      unit: "µs",
      before: 56,
      goal: PYTHON_DECODE_US / 10,
      now: other.decode50,
    },
    { what: "CPU of 20 inverters scraped every 60 s, of one core", unit: "%", goal: 0.1, now: cpu },
    { what: "installed size", unit: "MB", goal: 5, now: megabytes },
    {
      what: "production packages besides the exporter",
      unit: "packages",
      before: 129,
      goal: 129,
      now: packages,
    },
  ];
};

const format = (value: number | undefined, unit: Goal["unit"]): string => {
  if (value === undefined) return "";
  const digits = unit === "packages" || value >= 100 ? 0 : unit === "%" ? 3 : 1;
  return `${value.toFixed(digits)}${unit === "packages" ? "" : ` ${unit}`}`;
};

/** The goals as a table in Markdown. */
export const formatGoals = (goals: readonly Goal[]): string => {
  const rows = goals.map(
    ({ what, unit, before, goal, now }) =>
      `| ${what} | ${format(before, unit)} | ≤ ${format(goal, unit)} | ${format(now, unit)} | ${now <= goal ? "reached" : "missed"} |`,
  );
  return `| | Before | Goal | Now | |\n| --- | --- | --- | --- | --- |\n${rows.join("\n")}\n`;
};
