/** The program as its users start it: a process with arguments, a standard error and an exit code. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Server } from "node:net";
import { describe, expect, it } from "vitest";
import { version } from "../src/version.ts";
import { folder } from "./captures/run.ts";
import { ecuIds, queryEcu, startEcu } from "./simulator/client.ts";
import { HERE, runCli as run, startCli as start } from "./support/cli.ts";
import { freePort, poll } from "./support/programs.ts";

const NAME = "apsystems-ecu-exporter";
/** The program stops within 2 s on an idle machine. */
const STOP_LIMIT_MS = 20_000;
/** Without the stop, a read of a mute ECU lasts 50 s: ten attempts of 5 s each. */
const LONG_READ = ["--ecu.timeout=10m", "--ecu.retries=9"];

/** A port of 127.0.0.1 with a listener that takes connections and says nothing. */
const startMuteEcu = async (): Promise<{ server: Server; port: number } & AsyncDisposable> => {
  const server = createServer((socket) => socket.on("error", () => {}).resume());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    server,
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, "close");
      server.close();
      await closed;
    },
  };
};

const lines = (...problems: string[]): string =>
  problems.map((problem) => `${NAME}: ${problem}\n`).join("");

describe.concurrent("wrong usage", () => {
  it.each<[string[], Record<string, string>, string[]]>([
    [
      [],
      {},
      [
        "no ECU is configured; set --ecu.address=192.168.1.50 (or the environment variable ECU_ADDRESS), or try the exporter without an ECU: node dist/main.js demo",
      ],
    ],
    [
      ["serve", "--ecu.adress=10.0.0.1", "--ecu.timeout=5"],
      { ECU_ADDRESS: "10.0.0.500", ECU_TIMEZONE: "Mars/Olympus" },
      [
        "unknown flag --ecu.adress (did you mean --ecu.address?); serve --help lists all flags",
        'ECU_ADDRESS: "10.0.0.500" is not an address; write it as 192.168.1.50, ecu.lan:8899 or [fd00::50]:8899',
        'ECU_TIMEZONE: "Mars/Olympus" is not a time zone; write it as Europe/Amsterdam or America/New_York',
        '--ecu.timeout: "5" is not a duration; write it as 250ms, 9.5s or 10m',
      ],
    ],
    [
      ["serve", "--ecu.address=10.0.0.1"],
      { ECU_TIMEZONE: "a\nb\u001b[31m" },
      [
        'ECU_TIMEZONE: "a\u{fffd}b\u{fffd}[31m" is not a time zone; write it as Europe/Amsterdam or America/New_York',
      ],
    ],
    [
      ["demo", "--web.listen-address=192.0.2.1:0"],
      {},
      ["cannot listen: 192.0.2.1 is not an address of this machine"],
    ],
  ])("%j exits with 2, and one line for each problem", async (args, env, problems) => {
    expect(await run(args, env)).toEqual({ code: 2, stdout: "", stderr: lines(...problems) });
  });

  it.each([
    ["serve", "--ecu.address=127.0.0.1", "--web.listen-address"],
    ["demo", "--web.listen-address"],
    ["simulate", "--listen"],
  ])("%s at a port in use exits with 2 and one line", async (...args) => {
    await using taken = await startMuteEcu();
    const flag = args.pop();
    expect(await run([...args, `${flag}=127.0.0.1:${taken.port}`])).toEqual({
      code: 2,
      stdout: "",
      stderr: lines(
        `cannot listen: port ${taken.port} is in use, possibly by another instance of this program; choose another port with ${flag}`,
      ),
    });
  });

  it("simulate with one address for two purposes exits with 2, and names both flags", async () => {
    const at = `127.0.0.1:${await freePort()}`;
    const { code, stderr } = await run(["simulate", `--listen=${at}`, `--control=${at}`]);
    expect(code).toBe(2);
    expect(stderr).toContain(
      "is in use, possibly by --control or another instance of this program; choose another port with --listen\n",
    );
  });

  it("serve with one address twice exits with 2, and names the flag", async () => {
    const port = await freePort();
    const address = `--web.listen-address=127.0.0.1:${port}`;
    expect(await run(["serve", "--ecu.address=127.0.0.1", address, address])).toEqual({
      code: 2,
      stdout: "",
      stderr: lines(
        `cannot listen: port ${port} is in use, possibly by another --web.listen-address or another instance of this program; choose another port with --web.listen-address`,
      ),
    });
  });
});

it.each([
  [
    "config.file",
    "ecus:\n  - address: 10.0.0.1\n",
    "The configuration is valid: 1 ECU, 0 panels.\n",
  ],
  ["web.config.file", "{}\n", "The web configuration is valid.\n"],
])("check-config of a valid --%s says so", async (flag, text, stdout) => {
  using at = folder();
  writeFileSync(at.file("a.yml"), text);
  expect(await run(["check-config", `--${flag}=${at.file("a.yml")}`])).toEqual({
    code: 0,
    stdout,
    stderr: "",
  });
});

describe.concurrent("a query for help or the version", () => {
  it.each([
    ["--help", /^Usage: node dist\/main\.js \[options\] \[command\]\n/],
    [
      "serve --help",
      /^Usage: node dist\/main\.js serve \[options\]\n(.*\n)*? +--ecu\.address <HOST/,
    ],
    ["help", /^Usage: node dist\/main\.js \[options\] \[command\]\n/],
    ["help demo", /^Usage: node dist\/main\.js demo \[options\]\n/],
    ["--version", new RegExp(`^${version.replaceAll(".", "\\.")}\n$`)],
  ])("%s writes to standard output, and exits with 0", async (args, text) => {
    expect(await run(args.split(" "))).toEqual({
      code: 0,
      stdout: expect.stringMatching(text),
      stderr: "",
    });
  });
});

const get = async (port: number, path: string): Promise<{ status: number; text: string }> => {
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  return { status: response.status, text: await response.text() };
};

describe.concurrent("serve", () => {
  it("starts although its ECU is unreachable, is healthy, reports the ECU as down, and stops", async () => {
    const gone = await startMuteEcu();
    await gone[Symbol.asyncDispose]();
    await using program = start([`--ecu.address=127.0.0.1:${gone.port}`, "--ecu.retries=0", HERE]);
    const port = await program.port;
    expect((await get(port, "/-/healthy")).status).toBe(200);
    expect(await get(port, "/metrics")).toMatchObject({
      status: 200,
      text: expect.stringContaining(`\necu_up{ecu="127.0.0.1:${gone.port}"} 0\n`),
    });
    const { code, ms } = await program.stop();
    expect(code).toBe(0);
    expect(ms).toBeLessThan(STOP_LIMIT_MS);
  });

  it("replies to a scrape in flight before it stops, although its ECU is silent", async () => {
    await using ecu = await startMuteEcu();
    await using program = start([`--ecu.address=127.0.0.1:${ecu.port}`, HERE, ...LONG_READ]);
    const connected = once(ecu.server, "connection");
    const scrape = get(await program.port, "/metrics");
    await connected;
    const { code, ms } = await program.stop();
    expect(await scrape).toMatchObject({
      status: 200,
      text: expect.stringContaining(`\necu_up{ecu="127.0.0.1:${ecu.port}"} 0\n`),
    });
    expect(code).toBe(0);
    expect(ms).toBeLessThan(STOP_LIMIT_MS);
  });

  it("continues to stop after a second signal", async () => {
    await using ecu = await startMuteEcu();
    await using program = start([`--ecu.address=127.0.0.1:${ecu.port}`, HERE, ...LONG_READ]);
    const connected = once(ecu.server, "connection");
    const scrape = get(await program.port, "/metrics");
    await connected;
    const stopping = program.stop();
    await new Promise((resolve) => setTimeout(resolve, 200));
    const [{ code }] = await Promise.all([stopping, program.stop("SIGINT")]);
    expect((await scrape).status).toBe(200);
    expect(code).toBe(0);
  });

  it.each(["", "GMT-3", "Foo/Bar"])(
    "interprets the times of an ECU-R in UTC if TZ is %j",
    async (TZ) => {
      await using ecu = await startEcu({ family: "R" });
      await using program = start([`--ecu.address=127.0.0.1:${ecu.port}`, HERE], { TZ });
      const { status, text } = await get(await program.port, "/metrics");
      expect(status).toBe(200);
      expect(text).toMatch(/^ecu_info\{.*timezone="UTC"\} 1$/m);
    },
  );

  it.each([
    ["text", 1],
    ["json", 2],
  ])("logs as %s what is unexpected in a reply %i times in a line", async (format, times) => {
    await using ecu = await startEcu({ faults: [{ name: "oddText" }] });
    await using program = start([
      `--ecu.address=127.0.0.1:${ecu.port}`,
      HERE,
      `--log.format=${format}`,
    ]);
    await get(await program.port, "/metrics");
    const { stderr } = await program.stop();
    expect(stderr.split("unprintable bytes")).toHaveLength(times + 1);
  });

  it("continues when its log cannot be written", async () => {
    const port = await freePort();
    const child = spawn("sh", [
      "-c",
      'exec "$0" dist/main.js --ecu.address=127.0.0.1:9 "$1" 2>/dev/full',
      process.execPath,
      `--web.listen-address=127.0.0.1:${port}`,
    ]);
    const ended = once(child, "exit");
    // The read fails, of which there is a line to write too.
    const scrape = async () => (await get(port, "/metrics")).text;
    const text = await poll(100, scrape, () => "the exporter does not answer");
    expect(text).toContain('ecu_up{ecu="127.0.0.1:9"} 0');
    child.kill("SIGTERM");
    expect(await ended).toEqual([0, null]);
  });

  it("stops without waiting for the end of a long pause between two queries", async () => {
    await using ecu = await startEcu();
    await using program = start(
      [`--ecu.address=127.0.0.1:${ecu.port}`, HERE, "--ecu.command-pause=1m"],
      { ECU_RETRIES: "0" },
    );
    const scrape = get(await program.port, "/metrics");
    while (ecu.requests.length === 0) await new Promise(setImmediate);
    const { code, ms } = await program.stop("SIGINT");
    expect((await scrape).status).toBe(200);
    expect(code).toBe(0);
    expect(ms).toBeLessThan(STOP_LIMIT_MS);
  });
});

describe.concurrent("without an ECU", () => {
  it("demo simulates one with power at any time of day, and stops", async () => {
    await using program = start(["demo", HERE]);
    const { status, text } = await get(await program.port, "/metrics");
    expect(status).toBe(200);
    expect(text).toContain('\necu_up{ecu="demo"} 1\n');
    expect(Number(/\necu_power_watts\S* (\d+)/.exec(text)?.[1])).toBeGreaterThan(100);
    expect(text).toMatch(/\necu_inverters_online\S* 7\n/);
    const { code, ms } = await program.stop("SIGINT");
    expect(code).toBe(0);
    expect(ms).toBeLessThan(STOP_LIMIT_MS);
  });

  it("simulate replies as an ECU at the given address and time, and stops", async () => {
    await using program = start(
      ["simulate", "--listen=127.0.0.1:0", "--family=R", "--start=2026-06-21T11:03:00Z"],
      { INVERTERS: "QT2=2" },
    );
    const ecu = { host: "127.0.0.1", port: await program.port };
    expect(await queryEcu(ecu, "realtime", ecuIds.R)).toMatchObject({
      count: 2,
      takenAt: "20260621130000",
    });
    const { code, ms } = await program.stop();
    expect(code).toBe(0);
    expect(ms).toBeLessThan(STOP_LIMIT_MS);
  });
});

describe("a reload of a large configuration", () => {
  const panels = Array.from({ length: 12_000 }, (_, i) => {
    const uid = 703_000_000_000 + (i >> 2);
    return `      ${uid}/${(i & 3) + 1}: { panel: A${i}, array: south, row: ${i}, column: 1 }\n`;
  });
  const large = (name: string) =>
    `ecus:\n  - name: ${name}\n    address: 127.0.0.1:1\n    panels:\n${panels.join("")}`;

  it("does not delay other requests, and takes effect", async () => {
    using place = folder();
    const file = place.file("large.yml");
    writeFileSync(file, large("house"));
    const flags = [HERE, `--config.file=${file}`, "--web.enable-lifecycle"];
    await using program = start(["serve", ...flags]);
    const url = `http://127.0.0.1:${await program.port}`;
    writeFileSync(file, large("barn"));
    let isReloaded = false;
    const reloading = fetch(`${url}/-/reload`, { method: "POST" }).then((response) => {
      isReloaded = true;
      return response.status;
    });
    let answers = 0;
    while (!isReloaded) {
      await (await fetch(`${url}/-/healthy`)).text();
      answers++;
    }
    // Two can be answered before the reload starts and after it ends, if it does not let others through.
    expect(answers).toBeGreaterThan(5);
    expect(await reloading).toBe(200);
    expect(await (await fetch(`${url}/sd`)).json()).toMatchObject([{ targets: ["barn"] }]);
    writeFileSync(file, "ecus: 5");
    const invalid = await fetch(`${url}/-/reload`, { method: "POST" });
    expect([invalid.status, await invalid.text()]).toEqual([
      500,
      `The old configuration stays in effect:\n${file}:1: ecus: must be a list, not a number\n`,
    ]);
    expect(await program.stop()).toMatchObject({ code: 0 });
  });
});
