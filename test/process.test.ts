/** The process: its standard error, the signals it gets, and its end. */
import { execFileSync } from "node:child_process";
import { closeSync, constants, openSync } from "node:fs";
import { Agent, request } from "node:http";
import { Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { folder } from "./captures/run.ts";
import { startEcu } from "./simulator/client.ts";
import { HERE, startCli } from "./support/cli.ts";
import { parseSamples } from "./support/exporter.ts";
import { freePort, poll } from "./support/programs.ts";

/** It stops within 2 s on an idle machine. Each test would wait forever for a program that does not stop. */
const STOP_LIMIT_MS = 20_000;
const DROPPED = "apsystems_exporter_log_lines_dropped_total";

const get = async (port: number, path: string): Promise<string> => {
  const signal = AbortSignal.timeout(STOP_LIMIT_MS);
  return await (await fetch(`http://127.0.0.1:${port}${path}`, { signal })).text();
};

/** A pipe as standard error. Nobody reads it until `read`. */
const createUnreadPipe = () => {
  const at = folder();
  const path = at.file("log");
  execFileSync("mkfifo", [path]);
  const readEnd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writeEnd = openSync(path, "w");
  const socket = new Socket({ fd: readEnd, readable: true, writable: false }).pause();
  let text = "";
  socket.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  socket.pause();
  return {
    writeEnd,
    read: () => void socket.resume(),
    text: () => text,
    [Symbol.dispose]: () => {
      socket.destroy();
      closeSync(writeEnd);
      at[Symbol.dispose]();
    },
  };
};

describe("a log that nobody reads", () => {
  const startLogging = async (writeEnd: number) => {
    const ecu = await startEcu({ inverters: [["DS3", 100]] });
    const port = await freePort();
    const flags = ["--log.level=debug", "--ecu.min-interval=0s", "--ecu.command-pause=0s"];
    const program = startCli(
      [`--ecu.address=127.0.0.1:${ecu.port}`, `--web.listen-address=127.0.0.1:${port}`, ...flags],
      {},
      { stderr: writeEnd },
    );
    await poll(
      100,
      () => get(port, "/-/ready"),
      () => "the exporter does not answer",
    );
    const scrapeUntilDropped = async (): Promise<void> => {
      while ((parseSamples(await get(port, "/metrics"), DROPPED)[""] ?? 0) === 0);
    };
    return {
      port,
      program,
      scrapeUntilDropped,
      [Symbol.asyncDispose]: async () => {
        await program[Symbol.asyncDispose]();
        await ecu[Symbol.asyncDispose]();
      },
    };
  };

  it("does not delay scrapes, drops lines and counts them, and says how many when it is read", async () => {
    using pipe = createUnreadPipe();
    await using exporter = await startLogging(pipe.writeEnd);
    await exporter.scrapeUntilDropped();
    const text = await get(exporter.port, "/metrics");
    expect(text).toContain('ecu_up{ecu="127.0.0.1:');
    expect(await get(exporter.port, "/-/healthy")).toBe("The exporter is running.\n");

    pipe.read();
    const reports = () => [...pipe.text().matchAll(/"lines":(\d+),"msg":"log lines were dropped/g)];
    await poll(
      100,
      async () => reports()[0],
      () => "the log does not mention dropped lines",
    );
    const reported = reports().reduce((sum, [, lines]) => sum + Number(lines), 0);
    expect(parseSamples(await get(exporter.port, "/self"), DROPPED)).toEqual({ "": reported });
    expect(pipe.text().split("\n").slice(0, -1).every(isJson)).toBe(true);
  });

  it("does not keep the program from stopping", async () => {
    using pipe = createUnreadPipe();
    await using exporter = await startLogging(pipe.writeEnd);
    await exporter.scrapeUntilDropped();
    const { code, ms } = await exporter.program.stop();
    // The thread may be in a call of the operating system. Node.js before 22.15 then ends without an exit code.
    expect("execve" in process ? [0] : [0, "SIGTERM"]).toContain(code);
    expect(ms).toBeLessThan(STOP_LIMIT_MS);
  });
});

const isJson = (line: string): boolean => {
  JSON.parse(line);
  return true;
};

it("stops while the lookup of a host name blocks a thread", async () => {
  using at = folder();
  const pipe = at.file("blocked");
  execFileSync("mkfifo", [pipe]);
  await using program = startCli(
    ["--ecu.address=ecu.example", HERE],
    { BLOCKED: pipe },
    { nodeArgs: ["--import", "./test/support/block-lookups.mjs"] },
  );
  const scrape = get(await program.port, "/metrics");
  await new Promise((resolve) => setTimeout(resolve, 500));
  const { code, ms } = await program.stop();
  expect(await scrape).toContain('ecu_up{ecu="ecu.example"} 0');
  // Node.js before 22.15 cannot end with an exit code while a thread is blocked.
  expect(code).toBe("execve" in process ? 0 : "SIGTERM");
  expect(ms).toBeLessThan(STOP_LIMIT_MS);
});

it("names the limit of open files as the reason why ECUs are down", async () => {
  const limit = ["sh", "-c", 'ulimit -n 256; exec "$0" "$@"'];
  const flags = ["--ecu.address=127.0.0.1:9", "--ecu.address=localhost:9", "--ecu.retries=0"];
  await using program = startCli(
    [...flags, HERE],
    {},
    { nodeArgs: ["--import", "./test/support/use-up-files.mjs"], wrapper: limit },
  );
  const port = await program.port;
  const agent = new Agent({ keepAlive: true });
  await getKeepAlive(agent, port, "/-/healthy");
  program.send("SIGUSR2");
  await poll(
    100,
    async () => program.output().stdout || undefined,
    () => "the files are not open",
  );
  const text = await getKeepAlive(agent, port, "/metrics");
  expect(text).toContain('ecu_up{ecu="127.0.0.1:9"} 0');
  agent.destroy();
  const { code, stderr } = await program.stop();
  expect(code).toBe(0);
  for (const ecu of ["127.0.0.1:9", "localhost:9"])
    expect(stderr).toContain(
      `${ecu} was not contacted: this process has too many open files (EMFILE); raise its limit`,
    );
});

/** Sends a request over the one connection of an agent: the program cannot accept another. */
const getKeepAlive = (agent: Agent, port: number, path: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const query = request({ host: "127.0.0.1", port, path, agent }, async (response) => {
      let text = "";
      for await (const chunk of response) text += chunk;
      resolve(text);
    });
    query.on("error", reject).end();
  });

describe("SIGHUP while the program starts", () => {
  const nodeArgs = ["--import", "./test/support/early-hangup.mjs"];

  it("reloads the configuration once serve has started", async () => {
    await using program = startCli(["--ecu.address=127.0.0.1:9", HERE], {}, { nodeArgs });
    expect(await get(await program.port, "/-/healthy")).toBe("The exporter is running.\n");
    const reloads = () => program.output().stderr.match(/"the configuration was reloaded"/g);
    await poll(
      100,
      async () => reloads() ?? undefined,
      () => program.output().stderr,
    );
    expect((await program.stop()).code).toBe(0);
    expect(reloads()).toHaveLength(1);
  });

  it("ends every other command", async () => {
    await using program = startCli(["simulate", "--listen=127.0.0.1:0"], {}, { nodeArgs });
    expect(await program.ended).toMatchObject({ code: "SIGHUP" });
  });
});
