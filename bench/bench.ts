/** Benchmarks of the exporter. Prints the measurements and whether each target was reached. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { Agent, get, type IncomingMessage } from "node:http";
import { cpus } from "node:os";
import { createInterface } from "node:readline";
import autocannon from "autocannon";
import { pino } from "pino";
import { exchange } from "../src/ecu/client.ts";
import { createMonitor } from "../src/ecu/monitor.ts";
import type { Observation } from "../src/ecu/observe.ts";
import { readEcu } from "../src/ecu/read.ts";
import { createProcessMetrics, render } from "../src/metrics/render.ts";
import { decodeReply, encodeReply } from "../src/protocol/replies.ts";
import { encodeRequest } from "../src/protocol/requests.ts";
import { simulateEcu } from "../src/simulator/ecu.ts";
import { createPlant } from "../src/simulator/plant.ts";
import { createRounds } from "../src/simulator/rounds.ts";
import { systemClock } from "../src/time/clock.ts";

const SITE = { latitude: 28, longitude: 0 };
const NOON = Date.parse("2026-06-21T12:00:00Z");
const ECU_ID = "216200123456";

interface Frames {
  readonly info: Buffer;
  readonly realtime: Buffer;
  readonly signal: Buffer;
}

/** The three replies of an ECU at noon. @param inverters number of inverters, each with four channels */
const encodeFrames = (inverters: number): Frames => {
  const plant = createPlant([["QS1", inverters]], SITE, 1);
  const rounds = createRounds({ plant, family: "L", zone: "Etc/GMT", start: NOON });
  return {
    info: encodeReply("info", rounds.info(NOON), "12"),
    realtime: encodeReply("realtime", rounds.realtime(NOON)),
    signal: encodeReply("signal", rounds.signal(NOON)),
  };
};

const decodeAll = (frames: Frames): void => {
  decodeReply("info", frames.info);
  decodeReply("realtime", frames.realtime);
  decodeReply("signal", frames.signal);
};

/** The observation of a monitor that gets these replies. */
const observe = (frames: Frames): Promise<Observation> => {
  const replies = [frames.info, frames.realtime, frames.signal];
  const monitor = createMonitor({
    ecu: "bench",
    read: (options) =>
      readEcu({
        ...options,
        exchange: () =>
          Promise.resolve({
            bytes: replies.shift() ?? Buffer.of(),
            missingLineFeed: false,
            trailingBytes: 0,
          }),
        clock: systemClock,
        retries: 0,
        retryPauseMs: 0,
      }),
    settings: () => ({ minIntervalMs: 0, nightIntervalMs: 0, timeoutMs: 1_000, zone: "Etc/GMT" }),
    clock: systemClock,
    log: pino({ level: "silent" }),
  });
  return monitor.observe(AbortSignal.timeout(1_000));
};

/** Runs a task many times. @returns the time of each run in microseconds, sorted */
const measure = async (
  runs: number,
  warmUp: number,
  task: () => void | Promise<void>,
): Promise<number[]> => {
  for (let i = 0; i < warmUp; i++) await task();
  const times: number[] = [];
  for (let i = 0; i < runs; i++) {
    const startedAt = performance.now();
    await task();
    times.push((performance.now() - startedAt) * 1000);
  }
  return times.sort((a, b) => a - b);
};
const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
const mean = (times: readonly number[]): number =>
  times.reduce((sum, time) => sum + time, 0) / times.length;
const compare = (measured: number, target: number): string =>
  measured <= target ? `reached (target ${target})` : `MISSED (target ${target})`;
/** The printed lines; they are also written to docs/performance.md. */
const lines: string[] = [];
const print = (line: string): void => {
  lines.push(line);
  process.stdout.write(`${line}\n`);
};
const printRow = (...cells: readonly (string | number)[]): void =>
  print(
    cells.map((cell) => (typeof cell === "number" ? cell.toFixed(1) : cell).padStart(14)).join(""),
  );

/** Starts a command of the built program; resolves with its port once it listens. */
const start = async (...args: string[]) => {
  const child = spawn(process.execPath, ["dist/main.js", ...args], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  for await (const line of createInterface(child.stderr)) {
    const { port } = JSON.parse(line) as { port?: number };
    if (port !== undefined) {
      child.stderr.resume();
      return { port, stop: () => stop(child) };
    }
  }
  throw new Error(`${args[0]} did not start`);
};
const stop = async (child: ReturnType<typeof spawn>): Promise<void> => {
  child.kill("SIGTERM");
  await once(child, "exit");
};

/** Starts an exporter that reads the ECU at each scrape, without pauses. */
const startExporter = (ecuPort: number) =>
  start(
    "serve",
    `--ecu.address=127.0.0.1:${ecuPort}`,
    "--ecu.min-interval=0s",
    "--ecu.command-pause=0s",
    "--web.listen-address=127.0.0.1:0",
  );

/** Scrapes like Prometheus: with a persistent connection and compression. */
const agent = new Agent({ keepAlive: true });
const scrape = async (port: number): Promise<void> => {
  const headers = { "accept-encoding": "gzip" };
  const request = get({ host: "127.0.0.1", port, path: "/metrics", agent, headers });
  const [response] = (await once(request, "response")) as [IncomingMessage];
  response.resume();
  await once(response, "end");
};

const benchPure = async (): Promise<void> => {
  print("\nDecoding and rendering one read (four channels per inverter), microseconds");
  printRow("inverters", "decode 0002", "decode all 3", "all 3 p99", "render mean", "render p99");
  const processMetrics = createProcessMetrics();
  const build = { version: "0", revision: "0", nodeVersion: process.version };
  const figures = new Map<number, { decode: number; renderP99: number }>();
  for (const inverters of [1, 10, 50, 100, 200]) {
    const frames = encodeFrames(inverters);
    const table = await measure(5_000, 5_000, () => {
      decodeReply("realtime", frames.realtime);
    });
    const decode = await measure(5_000, 5_000, () => decodeAll(frames));
    const observations = [await observe(frames)];
    const scrape = { observations, build, durationSeconds: 0, locations: new Map() };
    const rendering = await measure(500, 200, async () => {
      await render(scrape, "text", processMetrics);
    });
    printRow(
      String(inverters),
      mean(table),
      mean(decode),
      percentile(decode, 0.99),
      mean(rendering),
      percentile(rendering, 0.99),
    );
    figures.set(inverters, { decode: mean(table), renderP99: percentile(rendering, 0.99) });
  }
  print(
    `decode of 50 inverters (0002), mean in µs: ${compare(figures.get(50)?.decode ?? Number.NaN, 40)}`,
  );
  print(
    `render of 100 inverters, p99 in µs: ${compare(figures.get(100)?.renderP99 ?? Number.NaN, 10_000)}`,
  );
};

const benchScrape = async (): Promise<void> => {
  print(
    "\nScraping one ECU with 20 inverters (exporter and ECU in separate processes), milliseconds",
  );
  const ecu = await start(
    "simulate",
    "--listen=127.0.0.1:0",
    "--inverters=QS1=20",
    "--start=2026-06-21T12:00:00Z",
  );
  const exporter = await startExporter(ecu.port);
  const signal = new AbortController().signal;
  const bare = await measure(1_000, 200, async () => {
    for (const command of ["info", "realtime", "signal"] as const) {
      const request = encodeRequest(command, command === "info" ? undefined : ECU_ID);
      await exchange({ host: "127.0.0.1", port: ecu.port }, request, signal);
    }
  });
  const scrapes = await measure(1_000, 200, async () => {
    await scrape(exporter.port);
  });
  printRow("", "p50", "p99");
  printRow(
    "bare client",
    (percentile(bare, 0.5) / 1000).toFixed(2),
    (percentile(bare, 0.99) / 1000).toFixed(2),
  );
  printRow(
    "scrape",
    (percentile(scrapes, 0.5) / 1000).toFixed(2),
    (percentile(scrapes, 0.99) / 1000).toFixed(2),
  );
  const ratio = percentile(scrapes, 0.5) / percentile(bare, 0.5);
  const overhead = (percentile(scrapes, 0.5) - percentile(bare, 0.5)) / 1000;
  print(
    `ratio ${ratio.toFixed(2)}, overhead p50 in ms: ${overhead.toFixed(2)}, ${compare(overhead, 5)}`,
  );
  await exporter.stop();
  await ecu.stop();
};

/** Starts a simulated ECU in this process, and an exporter in another that reads it at each scrape. */
const startPair = async (inverters: number, replyDelayMs: number) => {
  const ecu = await simulateEcu({
    inverters: [["QS1", inverters]],
    family: "L",
    site: SITE,
    zone: "Etc/GMT",
    seed: 1,
    start: NOON,
    timeScale: 1,
    elapsed: () => performance.now(),
    replyDelayMs,
  });
  const exporter = await startExporter(ecu.port);
  const stopBoth = async (): Promise<void> => {
    await exporter.stop();
    await ecu.close();
  };
  return { port: exporter.port, stop: stopBoth };
};

const benchDelays = async (): Promise<void> => {
  print("\nScraping by number of inverters and delay of each of the three replies, milliseconds");
  printRow("inverters", "delay", "p50", "p99");
  for (const delay of [0, 50]) {
    for (const inverters of [1, 20, 100]) {
      const pair = await startPair(inverters, delay);
      const runs = delay === 0 ? 500 : 60;
      const times = await measure(runs, runs / 5, () => scrape(pair.port));
      const [p50, p99] = [percentile(times, 0.5), percentile(times, 0.99)];
      printRow(String(inverters), String(delay), p50 / 1000, p99 / 1000);
      await pair.stop();
    }
  }
};

const benchShared = async (): Promise<void> => {
  const ecu = await start("simulate", "--listen=127.0.0.1:0", "--inverters=QS1=20");
  const exporter = await start(
    "serve",
    `--ecu.address=127.0.0.1:${ecu.port}`,
    "--ecu.min-interval=1h",
    "--web.listen-address=127.0.0.1:0",
  );
  await scrape(exporter.port);
  const url = `http://127.0.0.1:${exporter.port}/metrics`;
  const { requests, latency, non2xx } = await autocannon({ url, connections: 10, duration: 10 });
  print(
    `\nScrapes that share a read, 20 inverters, 10 connections for 10 s: ${requests.average.toFixed(0)} requests/s, p99 ${latency.p99} ms, ${non2xx} refused`,
  );
  await exporter.stop();
  await ecu.stop();
};

const readResidentMegabytes = async (port: number): Promise<number> => {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return Number(/^process_resident_memory_bytes (\d+)$/m.exec(text)?.[1]) / 1e6;
};

const benchMemory = async (): Promise<void> => {
  const exporter = await start(
    "serve",
    "--ecu.address=127.0.0.1:9",
    "--web.listen-address=127.0.0.1:0",
    "--ecu.retries=0",
  );
  await pause(2_000);
  print(
    `\nResident memory when idle, after 2 s: ${(await readResidentMegabytes(exporter.port)).toFixed(0)} MB`,
  );
  await exporter.stop();

  const pair = await startPair(20, 0);
  for (let i = 0; i < 5_000; i++) await scrape(pair.port);
  const before = await readResidentMegabytes(pair.port);
  for (let i = 0; i < 10_000; i++) await scrape(pair.port);
  const grown = (await readResidentMegabytes(pair.port)) - before;
  print(
    `Growth of resident memory in 10,000 scrapes, after 5,000 to warm up, in MB: ${grown.toFixed(1)}, ${compare(grown, 5)}`,
  );
  await pair.stop();
};

const benchStart = async (): Promise<void> => {
  const times: number[] = [];
  for (let i = 0; i < 5; i++) {
    const startedAt = performance.now();
    const demo = await start("demo", "--web.listen-address=127.0.0.1:0");
    await scrape(demo.port);
    times.push(performance.now() - startedAt);
    await demo.stop();
  }
  const median = percentile(
    times.sort((a, b) => a - b),
    0.5,
  );
  print(
    `\nFrom the start of the demo to its first complete response, median of 5, in ms: ${median.toFixed(0)}, ${compare(median, 500)}`,
  );
};

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

print(`${cpus()[0]?.model}, ${cpus().length} cores, Node ${process.version}`);
await benchPure();
await benchScrape();
await benchDelays();
await benchShared();
await benchMemory();
await benchStart();
agent.destroy();
const otherSections = readFileSync("docs/performance.md", "utf8").replace(/^.*?(?=\n## |$)/s, "");
writeFileSync(
  "docs/performance.md",
  `# Performance\n\nMeasurements, written by \`npm run bench\`.\n\n\`\`\`\n${lines.join("\n")}\n\`\`\`\n${otherSections}`,
);
