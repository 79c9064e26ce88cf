/** What the benchmarks share: programs to measure, and statistics. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { Agent, get, type IncomingMessage } from "node:http";
import { createInterface } from "node:readline";
import { simulateEcu } from "../src/simulator/ecu.ts";

/** Settings of node on this machine that programs would inherit: they would be measured with it. */
for (const name of ["NODE_EXTRA_CA_CERTS", "NODE_OPTIONS"]) delete process.env[name];

export const SITE = { latitude: 28, longitude: 0 };
export const NOON = Date.parse("2026-06-21T12:00:00Z");

/** Runs a task many times. @returns the time of each run in microseconds, sorted */
export const measure = async (
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
/** Rounds of a measurement that other programs can disturb. */
export const ROUNDS = 5;
/**
 * Measures in several rounds.
 * @returns the times of the round with the lowest mean, which other programs disturbed least
 */
export const measureRounds = async (
  runs: number,
  warmUp: number,
  task: () => void | Promise<void>,
): Promise<number[]> => {
  const rounds: number[][] = [];
  for (let i = 0; i < ROUNDS; i++) rounds.push(await measure(runs, i === 0 ? warmUp : 0, task));
  return rounds.reduce((best, round) => (mean(round) < mean(best) ? round : best));
};
/**
 * Measures a task that does not wait by the CPU time of this process, which does not depend on other programs.
 * @returns the mean of the best round, in microseconds
 */
export const measureCpu = async (
  runs: number,
  task: () => void | Promise<void>,
): Promise<number> => {
  const rounds: number[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    const before = process.cpuUsage();
    for (let run = 0; run < runs; run++) await task();
    const { user, system } = process.cpuUsage(before);
    rounds.push((user + system) / runs);
  }
  return Math.min(...rounds);
};
export const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
export const mean = (times: readonly number[]): number =>
  times.reduce((sum, time) => sum + time, 0) / times.length;
export const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, ms));

/** Starts a command of the built program; resolves with its port once it listens. */
export const start = async (...args: string[]) => {
  const child = spawn(process.execPath, ["dist/main.js", ...args], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  for await (const line of createInterface(child.stderr)) {
    const { port } = JSON.parse(line) as { port?: number };
    if (port !== undefined) {
      child.stderr.resume();
      return { port, pid: child.pid ?? 0, stop: () => stop(child) };
    }
  }
  throw new Error(`${args[0]} did not start`);
};
const stop = async (child: ReturnType<typeof spawn>): Promise<void> => {
  child.kill("SIGTERM");
  await once(child, "exit");
};

/** The arguments of an exporter that reads the ECU at each scrape, without pauses. */
export const serveArgs = (ecuPort: number): readonly string[] => [
  "serve",
  `--ecu.address=127.0.0.1:${ecuPort}`,
  "--ecu.min-interval=0s",
  "--ecu.command-pause=0s",
  "--web.listen-address=127.0.0.1:0",
];
export const startExporter = (ecuPort: number) => start(...serveArgs(ecuPort));

/** Starts a simulated ECU at noon in a process of its own. */
export const startEcu = (inverters: number) =>
  start(
    "simulate",
    "--listen=127.0.0.1:0",
    `--inverters=QS1=${inverters}`,
    `--start=${new Date(NOON).toISOString()}`,
  );

/** The connections of all scrapes; to be destroyed at the end. */
export const agent = new Agent({ keepAlive: true });
/** Scrapes like Prometheus: with a persistent connection and compression. @throws Error if the status is not 200 */
export const scrape = async (port: number): Promise<void> => {
  const headers = { "accept-encoding": "gzip" };
  const request = get({ host: "127.0.0.1", port, path: "/metrics", agent, headers });
  const [response] = (await once(request, "response")) as [IncomingMessage];
  response.resume();
  await once(response, "end");
  if (response.statusCode !== 200) throw new Error(`a scrape got status ${response.statusCode}`);
};

/** @throws Error unless a scrape has the values of its only ECU, with the number of inverters: otherwise nothing was measured */
export const expectValues = async (port: number, inverters: number): Promise<void> => {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const found = text.match(/^inverter_online\{.*\} 1$/gm)?.length ?? 0;
  if (!/^ecu_up\{.*\} 1$/m.test(text) || found !== inverters)
    throw new Error(`a scrape has ${found} inverters online instead of ${inverters}`);
};

/** Starts a simulated ECU in this process, and an exporter in another that reads it at each scrape. */
export const startPair = async (inverters: number, replyDelayMs: number) => {
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
  await expectValues(exporter.port, inverters);
  const stopBoth = async (): Promise<void> => {
    await expectValues(exporter.port, inverters);
    await exporter.stop();
    await ecu.close();
  };
  return { port: exporter.port, pid: exporter.pid, stop: stopBoth };
};
