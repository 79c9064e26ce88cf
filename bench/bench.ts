/** Benchmarks of the exporter. Prints the measurements and whether each target was reached. */
import { readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import autocannon from "autocannon";
import { pino } from "pino";
import { exchange } from "../src/ecu/client.ts";
import { createMonitor } from "../src/ecu/monitor.ts";
import type { Observation } from "../src/ecu/observe.ts";
import { readEcu } from "../src/ecu/read.ts";
import { createProcessMetrics, render } from "../src/metrics/render.ts";
import { decodeReply, encodeReply } from "../src/protocol/replies.ts";
import { encodeRequest } from "../src/protocol/requests.ts";
import { createPlant } from "../src/simulator/plant.ts";
import { createRounds } from "../src/simulator/rounds.ts";
import { systemClock } from "../src/time/clock.ts";
import { formatGoals, measureGoals, START_RUNS } from "./goals.ts";
import {
  agent,
  expectValues,
  measure,
  measureCpu,
  measureRounds,
  NOON,
  percentile,
  ROUNDS,
  SITE,
  scrape,
  start,
  startEcu,
  startExporter,
  startPair,
} from "./tools.ts";

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

/** @returns figures in microseconds */
const benchPure = async () => {
  print("\nDecoding and rendering one read (four channels per inverter), microseconds of CPU");
  printRow("inverters", "decode 0002", "decode all 3", "render", "p99 (time)");
  const processMetrics = createProcessMetrics();
  const build = { version: "0", revision: "0", nodeVersion: process.version };
  const figures = new Map<number, { decode: number; renderMean: number; renderP99: number }>();
  for (const inverters of [1, 10, 50, 100, 200]) {
    const frames = encodeFrames(inverters);
    const decode = await measureCpu(5_000, () => {
      decodeReply("realtime", frames.realtime);
    });
    const decodeThree = await measureCpu(5_000, () => decodeAll(frames));
    const observations = [await observe(frames)];
    const scrape = { observations, build, durationSeconds: 0, locations: new Map() };
    const renderText = async () => {
      await render(scrape, "text", processMetrics);
    };
    const renderMean = await measureCpu(500, renderText);
    const renderP99 = percentile(await measureRounds(500, 0, renderText), 0.99);
    printRow(String(inverters), decode, decodeThree, renderMean, renderP99);
    figures.set(inverters, { decode, renderMean, renderP99 });
  }
  return {
    decode50: figures.get(50)?.decode ?? Number.NaN,
    renderMean100: figures.get(100)?.renderMean ?? Number.NaN,
    renderP99Of100: figures.get(100)?.renderP99 ?? Number.NaN,
  };
};

/** @returns the median time of a scrape beyond that of the bare requests, in milliseconds */
const benchScrape = async (): Promise<number> => {
  print(
    "\nScraping one ECU with 20 inverters (exporter and ECU in separate processes), milliseconds",
  );
  const ecu = await startEcu(20);
  const exporter = await startExporter(ecu.port);
  const signal = new AbortController().signal;
  const readBare = async () => {
    for (const command of ["info", "realtime", "signal"] as const) {
      const request = encodeRequest(command, command === "info" ? undefined : ECU_ID);
      await exchange({ host: "127.0.0.1", port: ecu.port }, request, signal);
    }
  };
  const bare = await measureRounds(500, 200, readBare);
  const scrapes = await measureRounds(500, 200, () => scrape(exporter.port));
  await expectValues(exporter.port, 20);
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
  print(`ratio ${ratio.toFixed(2)}, overhead p50 in ms: ${overhead.toFixed(2)}`);
  await exporter.stop();
  await ecu.stop();
  return overhead;
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
  const ecu = await startEcu(20);
  const exporter = await start(
    "serve",
    `--ecu.address=127.0.0.1:${ecu.port}`,
    "--ecu.min-interval=1h",
    "--web.listen-address=127.0.0.1:0",
  );
  await expectValues(exporter.port, 20);
  const url = `http://127.0.0.1:${exporter.port}/metrics`;
  const { requests, latency, non2xx } = await autocannon({ url, connections: 10, duration: 10 });
  print(
    `\nScrapes that share a read, 20 inverters, 10 connections for 10 s: ${requests.average.toFixed(0)} requests/s, p99 ${latency.p99} ms, ${non2xx} refused`,
  );
  await exporter.stop();
  await ecu.stop();
};

const [load = 0] = loadavg();
const machine = `${cpus()[0]?.model}, ${cpus().length} cores, Node ${process.version}`;
print(`${machine}, load of other programs at the start: ${load.toFixed(1)}`);
const pure = await benchPure();
const overheadMs = await benchScrape();
await benchDelays();
await benchShared();
const goals = formatGoals(await measureGoals({ ...pure, overheadMs }));
process.stdout.write(`\n${goals}`);
agent.destroy();

/** The sections of the page before, each with its title. */
const sections = readFileSync("docs/performance.md", "utf8")
  .split(/^(?=## )/m)
  .slice(1);
const title = `## Node.js ${process.versions.node.split(".")[0]}\n`;
const section = `${title}
${goals}
\`\`\`
${lines.join("\n")}
\`\`\`

`;
const byNode = [
  ...sections.filter((other) => /^## Node/.test(other) && !other.startsWith(title)),
  section,
];
const others = sections.filter((other) => !/^## (Node|Goals|Times)/.test(other));
writeFileSync(
  "docs/performance.md",
  `# Performance

Measurements, written by \`npm run bench\` with each version of Node.js. Ratios are to \`node -e 0\` in the same run. The times of
starts are the lower quartile of ${START_RUNS} runs; the means of decoding and rendering are CPU time; these, the p99 and the overhead are
from the least disturbed of ${ROUNDS} rounds. Everything else depends on the load of other programs, which each section states. "Before"
and the time of the original Python client are older measurements, not of the same run; "Before" is with Node.js 20.

${[...byNode.toSorted(), ...others].join("")}`,
);
