/**
 * How long users with the right password wait while nine connections send wrong ones without a pause.
 * Usage: npm run bench:flood [-- --program=dist/main.js]
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Agent, get, type IncomingMessage } from "node:http";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import bcrypt from "bcryptjs";

const { values } = parseArgs({
  options: { program: { type: "string", default: "dist/main.js" } },
});
const PAGE = "docs/performance.md";
const TITLE = "## A flood of wrong passwords";
const FLOODING_CONNECTIONS = 9;
const COST = 10; // of htpasswd -B, and of the examples of Prometheus
const NEW_USERS = 20;
const KNOWN_REQUESTS = 151;
const USER_ADDRESS = "127.0.0.1";

interface Figures {
  readonly accepted: number;
  readonly medianMs: number;
  readonly maxMs: number;
}

/** Starts the exporter, with users that all have the password "right". */
const startExporter = async (folder: string) => {
  const hash = bcrypt.hashSync("right", COST);
  const users = Array.from({ length: 3 * NEW_USERS }, (_, i) => `  user${i}: ${hash}\n`);
  const file = join(folder, "web.yml");
  writeFileSync(file, `basic_auth_users:\n${users.join("")}`);
  const child = spawn(
    process.execPath,
    [
      ...[values.program, "serve", "--ecu.address=127.0.0.1:9", "--web.listen-address=127.0.0.1:0"],
      `--web.config.file=${file}`,
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  for await (const line of createInterface(child.stderr)) {
    const { port } = JSON.parse(line) as { port?: number };
    if (port === undefined) continue;
    child.stderr.resume();
    return { child, port };
  }
  throw new Error("the exporter did not start");
};

/** Sends a request. @returns the status */
const send = async (
  port: number,
  credentials: string,
  from: string,
  agent: Agent | false,
): Promise<number> => {
  const request = get({
    ...{ host: "127.0.0.1", port, path: "/self", auth: credentials },
    ...{ localAddress: from, agent },
  });
  const [response] = (await once(request, "response")) as [IncomingMessage];
  response.resume();
  await once(response, "end");
  return response.statusCode ?? 0;
};

/** Sends wrong passwords on persistent connections until it is stopped. */
const startFlood = (port: number, from: string) => {
  let isStopped = false;
  const flood = Array.from({ length: FLOODING_CONNECTIONS }, async (_, i) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let n = 0; !isStopped; n++) await send(port, `stranger${i}:${n}`, from, agent);
    agent.destroy();
  });
  return async (): Promise<void> => {
    isStopped = true;
    await Promise.all(flood);
  };
};

/** Sends requests on new connections, one after another. */
const measure = async (port: number, users: readonly string[]): Promise<Figures> => {
  const times: number[] = [];
  let accepted = 0;
  for (const user of users) {
    const startedAt = performance.now();
    if ((await send(port, `${user}:right`, USER_ADDRESS, false)) === 200) accepted++;
    times.push(performance.now() - startedAt);
  }
  times.sort((a, b) => a - b);
  return {
    accepted,
    medianMs: times[Math.floor(times.length / 2)] ?? Number.NaN,
    maxMs: times.at(-1) ?? Number.NaN,
  };
};

const formatRow = (flood: string, users: string, count: number, figures: Figures): string =>
  `| ${flood} | ${users} | ${figures.accepted} of ${count} | ${figures.medianMs.toFixed(1)} ms | ${figures.maxMs.toFixed(1)} ms |`;

const measureAll = async (): Promise<string[]> => {
  const folder = mkdtempSync(join(tmpdir(), "flood-"));
  const { child, port } = await startExporter(folder);
  const rows: string[] = [];
  try {
    for (const [index, [flood, from]] of (
      [
        ["none", undefined],
        ["from another address", "127.0.0.2"],
        ["from the same address", USER_ADDRESS],
      ] as const
    ).entries()) {
      const newUsers = Array.from({ length: NEW_USERS }, (_, i) => `user${index * NEW_USERS + i}`);
      await send(port, "user0:right", USER_ADDRESS, false);
      const stop = from === undefined ? async () => {} : startFlood(port, from);
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      const known = Array<string>(KNOWN_REQUESTS).fill("user0");
      rows.push(formatRow(flood, "accepted before", KNOWN_REQUESTS, await measure(port, known)));
      rows.push(formatRow(flood, "new", NEW_USERS, await measure(port, newUsers)));
      await stop();
    }
  } finally {
    child.kill("SIGTERM");
    rmSync(folder, { recursive: true, force: true });
  }
  return rows;
};

const section = [
  TITLE,
  "",
  `Measurements, written by \`npm run bench:flood\`. ${FLOODING_CONNECTIONS} connections send wrong passwords without a pause; each password costs a bcrypt hash`,
  `of cost ${COST}. Users send requests with the right password on new connections (${cpus()[0]?.model}, ${cpus().length} cores, Node ${process.version}).`,
  "",
  "| Flood | Users | Accepted | Median | Slowest |",
  "| --- | --- | --- | --- | --- |",
  ...(await measureAll()),
].join("\n");
process.stdout.write(`${section}\n`);
const others = readFileSync(PAGE, "utf8")
  .trimEnd()
  .split(/\n\n(?=## )/)
  .filter((text) => !text.startsWith(TITLE));
writeFileSync(PAGE, `${[...others.slice(0, 1), section, ...others.slice(1)].join("\n\n")}\n`);
