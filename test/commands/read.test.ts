/** `read` with simulated ECUs: its tables, its JSON and its exit codes. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { readSchema } from "../../src/commands/read/json.ts";
import { read } from "../../src/commands/read/read.ts";
import { encodeReply } from "../../src/protocol/replies.ts";
import type { SimulationOptions } from "../../src/simulator/ecu.ts";
import { createPlant } from "../../src/simulator/plant.ts";
import { createRounds } from "../../src/simulator/rounds.ts";
import { systemClock } from "../../src/time/clock.ts";
import { AFTERNOON, defaultOptions, startEcu } from "../simulator/client.ts";
import { recordingTerminal } from "./screen.ts";

afterEach(() => vi.unstubAllEnvs());

const NIGHT = Date.UTC(2026, 5, 21, 23, 3);
const ajv = new Ajv2020({ allErrors: true });
ajv.addFormat("date-time", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const validate = ajv.compile(JSON.parse(readFileSync("docs/read.schema.json", "utf8")));

interface ReadCase {
  readonly json?: boolean;
  readonly every?: number;
  readonly timeout?: number;
  readonly isTerminal?: boolean;
  readonly hasColours?: boolean;
}

const createConfig = ({ host, port }: { host: string; port: number }, options: ReadCase) => ({
  ecu: { name: "roof", host, port },
  json: options.json ?? false,
  watch: false,
  every: options.every,
  timezone: "Europe/Amsterdam",
  timeout: options.timeout ?? 3_000,
  commandPause: 0,
  retries: 0,
});

/** Reads a simulated ECU once. */
const readFrom = async (simulation: Partial<SimulationOptions>, options: ReadCase = {}) => {
  await using ecu = await startEcu(simulation);
  const screen = recordingTerminal(options);
  const code = await read(createConfig(ecu, options), { screen });
  expect(ecu.writes).toEqual([]);
  return { code, text: screen.text() };
};

const mixed = [
  ["DS3", 1],
  ["QS1", 1],
  ["QT2", 1],
] as const;

describe("the tables of read", () => {
  it("show every value within 80 columns; exit code 0", async () => {
    const { code, text } = await readFrom({ inverters: mixed });
    expect(code).toBe(0);
    expect(text).toMatch(/^ECU +roof {2}up\nId +216200123456\nModel +ECU-R-Pro\n/);
    expect(text).toMatch(/\nFirmware +ECU_R_PRO_2\.1\.27\nTime zone +Europe\/Amsterdam\n/);
    expect(text).toMatch(
      /\nPower +\d+ W\nEnergy today +\d+\.\d\d kWh\nLifetime energy +\d+\.\d kWh\n/,
    );
    expect(text).toMatch(/\nInverters +3 of 3 online\nLast report +2026-06-21 13:00:00 \(/);
    expect(text).toMatch(/\n70\d{10} {2}DS3 +online +\d+ \d+ +\d{3} +\d\d\.\d +\d\d +\d\d %\n/);
    expect(text).toMatch(/\n80\d{10} {2}QS1 +online +(\d+ ){4} *\d{3} /);
    expect(text).toMatch(/\n90\d{10} {2}QT2 +online +(\d+ ){4} *\d{3} \d{3} \d{3} /);
    expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(text).not.toContain("\u001b");
  });

  it("show the widest inverter within 80 columns", async () => {
    const { text } = await readFrom({ inverters: [["YC1000", 2]] });
    const line = text.split("\n").find((one) => one.startsWith("502")) ?? "";
    expect(line).toMatch(/ YC1000 +online +(\d+ ){4}/);
    expect(line.length).toBeLessThanOrEqual(80);
  });

  it("show a dash for a value that was not measured, never 0", async () => {
    const { code, text } = await readFrom({ start: NIGHT });
    expect(code).toBe(0);
    expect(text).toMatch(/\nInverters +0 of 3 online\n/);
    expect(text).toMatch(/\n70\d{10} {2}DS3 +offline +– +– +– +– +–\n/);
    expect(text).not.toContain("-100");
  });

  it("leave out impossible values, with a note", async () => {
    const { text } = await readFrom({ faults: ["acDisconnected"] });
    expect(text).toMatch(/\n70\d{10} {2}DS3 +online +0 0 +– +– +15 /);
    expect(text).toContain("\nNote: frequency: 1 impossible value left out.\n");
    expect(text).toContain("\nNote: voltage: 1 impossible value left out.\n");
  });

  it("leave out wrong counters", async () => {
    const { text } = await readFrom({ faults: ["zeroGlitch"] });
    expect(text).toMatch(/\nEnergy today +–\nLifetime energy +–\n/);
  });

  it("name a failed query and what to do; exit code 1", async () => {
    const faults = [{ name: "emptyClose", query: "signal" }] as const;
    const { code, text } = await readFrom({ faults });
    expect(code).toBe(1);
    expect(text).toMatch(/\nInverters +3 of 3 online\n/);
    expect(text.replace(/\n {2}/g, " ")).toMatch(
      /\nQuery failed \(signal\): 127\.0\.0\.1:\d+ closed the connection without a reply; .*unplug the ECU for a minute\.\n/,
    );
  });

  it("say why no query succeeded and what to do; exit code 2", async () => {
    const { code, text } = await readFrom({ faults: ["refuse"] });
    expect(code).toBe(2);
    expect(text).toMatch(/^ECU {2}roof {2}down\n\nQuery failed /);
    expect(text).not.toContain("–");
    expect(text.replace(/\n {2}/g, " ")).toMatch(
      /\nQuery failed \(info\): 127\.0\.0\.1:\d+ refused the connection \(ECONNREFUSED\); .*Wi-Fi address/,
    );
  });

  it.each([
    ["Asia/Bangkok", "Asia/Bangkok (assumed: from --ecu.timezone)"],
    [undefined, "Pacific/Auckland (assumed: that of this machine; --ecu.timezone sets another)"],
  ])("say that a time zone is assumed (%s)", async (timezone, shown) => {
    vi.stubEnv("TZ", "Pacific/Auckland");
    await using ecu = await startEcu({ family: "R" });
    const screen = recordingTerminal();
    await read({ ...createConfig(ecu, {}), timezone }, { screen });
    expect(screen.text()).toContain(`\nTime zone        ${shown}\n`);
  });

  it("say that the ECU did not reply in time; exit code 2", async () => {
    const { code, text } = await readFrom({ faults: ["silent"] }, { timeout: 200 });
    expect(code).toBe(2);
    expect(text.replace(/\n {2}/g, " ")).toContain(
      "did not reply within the time limit of this read",
    );
  });

  it("say that an ECU has no data yet; exit code 1", async () => {
    const { code, text } = await readFrom({ faults: ["status02"] });
    expect(code).toBe(1);
    expect(text).toMatch(/^ECU +roof {2}no data yet\n/);
    expect(text).toContain("\nNo data yet: ");
    expect(text).not.toContain("Query failed");
  });

  it.each([[false], [true]])("contain no control character of a reply (JSON: %s)", async (json) => {
    const rounds = createRounds({
      ...defaultOptions,
      plant: createPlant(defaultOptions.inverters, defaultOptions.site, 1),
    });
    const reply = encodeReply("info", rounds.info(AFTERNOON));
    const hostile = Buffer.from("\u001b[2J\u0007\u009b31m", "latin1");
    hostile.copy(reply, reply.indexOf("ECU_R_PRO")); // the firmware
    const server = createServer((socket) =>
      socket
        .on("error", () => {})
        .resume()
        .end(reply),
    );
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const screen = recordingTerminal();
    const code = await read(createConfig({ host: "127.0.0.1", port }, { json }), { screen });
    server.close();
    expect(code).toBe(1);
    expect(screen.text()).toContain("unprintable bytes");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: checks that they are absent
    expect(screen.text()).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  });

  it("are coloured if the terminal has colours, and otherwise the same", async () => {
    const plain = await readFrom({});
    const coloured = await readFrom({}, { hasColours: true });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: removes colours
    const bare = coloured.text.replace(/\u001b\[\d+m/g, "");
    const withoutAge = (text: string) => text.replace(/\(.* ago\)|\(.* ahead\)/, "");
    expect(coloured.text).toContain("\u001b[32monline\u001b[39m");
    expect(withoutAge(bare)).toBe(withoutAge(plain.text));
  });
});

describe("the JSON of read", () => {
  const cases: readonly (Partial<SimulationOptions> & { what: string; code: number })[] = [
    { what: "with three models", code: 0, inverters: mixed },
    { what: "of family R", code: 0, family: "R" },
    { what: "at night", code: 0, start: NIGHT },
    {
      what: "with a truncated reply",
      code: 1,
      faults: [{ name: "truncate", query: "realtime" }],
    },
    { what: "without data", code: 1, faults: ["status02"] },
    { what: "without inverters", code: 0, inverters: [] },
    { what: "with an unknown record type", code: 0, inverters: [["UNKNOWN", 2]] },
    { what: "without grid", code: 0, faults: ["acDisconnected"] },
    { what: "that refuses connections", code: 2, faults: ["refuse"] },
  ];
  it.each(cases)(
    "of an ECU $what matches the schema; exit code $code",
    async ({ what, code, ...options }) => {
      const result = await readFrom(options, { json: true });
      const object = JSON.parse(result.text);
      validate(object);
      expect(validate.errors ?? []).toEqual([]);
      expect(result.code, what).toBe(code);
      expect(object.result).toBe(["complete", "partial", "nothing"][code]);
      expect(result.text).not.toContain("null");
    },
  );

  it("has values in base units", async () => {
    const { text } = await readFrom({}, { json: true });
    const object = JSON.parse(text);
    expect(object).toMatchObject({
      ecu: "roof",
      ecuId: "216200123456",
      registered: 3,
      invertersOnline: 3,
      lastReportAt: "2026-06-21T11:00:00.000Z",
      lastReportLocal: "20260621130000",
      timezone: "Europe/Amsterdam",
      queries: { info: { success: true }, realtime: { success: true }, signal: { success: true } },
      notes: [],
    });
    expect(object.lifetimeEnergyJoules % 360_000).toBe(0);
    const [first] = object.inverters;
    expect(first).toMatchObject({ model: "DS3", online: true });
    expect(first.channels.map(({ channel }: { channel: number }) => channel)).toEqual([1, 2]);
    expect(first.signalRatio).toBeGreaterThan(0);
    expect(first.signalRatio).toBeLessThanOrEqual(1);
  });

  it("has no value that was not measured", async () => {
    const { text } = await readFrom({ start: NIGHT }, { json: true });
    const [first] = JSON.parse(text).inverters;
    expect(Object.keys(first).sort()).toEqual([
      "channels",
      "model",
      "online",
      "phases",
      "typeCode",
      "uid",
    ]);
    expect(first).toMatchObject({ online: false, channels: [], phases: [] });
  });

  it("has the reason of a failed query, as in the metrics", async () => {
    const { text } = await readFrom({ faults: ["refuse"] }, { json: true });
    expect(JSON.parse(text)).toMatchObject({
      inverters: [],
      queries: { info: { success: false, reason: "refused" }, realtime: { success: false } },
    });
  });

  it("has its schema in docs/read.schema.json, without additional properties", () => {
    const schema = JSON.parse(readFileSync("docs/read.schema.json", "utf8"));
    expect(schema).toEqual(JSON.parse(JSON.stringify(z.toJSONSchema(readSchema))));
    expect(schema.additionalProperties).toBe(false);
    expect(validate({ ecu: "roof" })).toBe(false);
  });
});

describe("read --watch", () => {
  /** Reads three times, the second time while the ECU refuses connections, then is stopped. */
  const watch = async (options: ReadCase = {}, simulation: Partial<SimulationOptions> = {}) => {
    await using ecu = await startEcu(simulation);
    const screen = recordingTerminal(options);
    const slept: number[] = [];
    let stop = (): void => {};
    const stopped = new Promise<void>((resolve) => {
      stop = resolve;
    });
    const turns = [() => ecu.faults.add({ name: "refuse" }), () => ecu.faults.clear()];
    const sleep = (ms: number, signal?: AbortSignal): Promise<void> => {
      const turn = turns[slept.length] ?? stop;
      slept.push(ms);
      turn();
      return systemClock.sleep(turn === stop ? 60_000 : 60, signal);
    };
    const code = await read(
      { ...createConfig(ecu, options), watch: options.every === undefined },
      {
        screen,
        clock: { ...systemClock, now: () => AFTERNOON, sleep },
        waitForStop: () => stopped,
      },
    );
    return { code, text: screen.text(), slept };
  };

  it("shows an ECU as down, reads it again at the next interval, and exits with 0", async () => {
    const { code, text, slept } = await watch();
    expect(code).toBe(0);
    const states = [...text.matchAll(/^ECU +roof {2}(.*)$/gm)].map(([, state]) => state);
    expect(states).toEqual(["up", "down", "up"]);
    for (const ms of slept) expect(ms).toBeGreaterThan(50_000);
    for (const ms of slept) expect(ms).toBeLessThanOrEqual(60_000);
    expect(text).not.toContain("\u001b");
  });

  it("--every alone reads repeatedly, at its interval", async () => {
    const { slept } = await watch({ every: 300_000 });
    expect(slept).toHaveLength(3);
    for (const ms of slept) expect(ms).toBeGreaterThan(290_000);
  });

  it("reads an ECU at each interval although all inverters are offline", async () => {
    const { text } = await watch({}, { start: NIGHT });
    const states = [...text.matchAll(/^ECU +roof {2}(.*)$/gm)].map(([, state]) => state);
    expect(states).toEqual(["up", "down", "up"]);
  });

  it("says when it reads next, by this machine's clock", async () => {
    vi.stubEnv("TZ", "America/New_York");
    const { text } = await watch();
    // A minute after each read began, less the fraction of a second that it took.
    expect(text.match(/\n\nNext read at 07:0[34]:\d\d\.\n\n/g)).toHaveLength(3);
  });

  it("clears the screen of a terminal before each read, and says how to stop", async () => {
    const { text } = await watch({ isTerminal: true });
    expect(text).toMatch(/\nNext read at \d\d:\d\d:\d\d; stop with Ctrl\+C\.\n/);
    expect(text.split("\u001b[2J\u001b[H")).toHaveLength(4);
  });

  it("writes one object per line with --json", async () => {
    const { text } = await watch({ json: true });
    const lines = text.trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line).result)).toEqual([
      "complete",
      "nothing",
      "complete",
    ]);
    for (const line of lines) expect(validate(JSON.parse(line))).toBe(true);
  });

  it("validates across reads like the exporter: a counter that falls is left out", async () => {
    await using ecu = await startEcu();
    const screen = recordingTerminal();
    let turn = 0;
    let stop = (): void => {};
    const stopped = new Promise<void>((resolve) => {
      stop = resolve;
    });
    const sleep = (_ms: number, signal?: AbortSignal) => {
      if (++turn === 1) ecu.faults.add({ name: "frozenCounters" });
      else stop();
      return systemClock.sleep(turn === 1 ? 0 : 60_000, signal);
    };
    await read(
      { ...createConfig(ecu, {}), watch: true },
      {
        screen,
        clock: { ...systemClock, now: () => AFTERNOON, sleep },
        waitForStop: () => stopped,
      },
    );
    const counters = [...screen.text().matchAll(/^Lifetime energy +(.*)$/gm)].map(([, kWh]) => kWh);
    expect(counters).toEqual([expect.stringMatching(/^\d+\.\d kWh$/), "–"]);
    expect(screen.text().replaceAll(/\s+/g, " ")).toMatch(
      /Note: the lifetime energy is left out: it fell below [\d.]+ kWh; /,
    );
  });
});
