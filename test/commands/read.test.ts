/** `read` against simulated ECUs: what it prints, for people and for programs, and its exit code. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { readSchema } from "../../src/commands/read/json.ts";
import { read } from "../../src/commands/read/read.ts";
import { encodeReply } from "../../src/protocol/replies.ts";
import type { SimulationOptions } from "../../src/simulator/ecu.ts";
import { createPlant } from "../../src/simulator/plant.ts";
import { createRounds } from "../../src/simulator/rounds.ts";
import { systemClock } from "../../src/time/clock.ts";
import { AFTERNOON, startEcu, usual } from "../simulator/client.ts";
import { paper } from "./screen.ts";

const NIGHT = Date.UTC(2026, 5, 21, 23, 3);
const ajv = new Ajv2020({ allErrors: true });
ajv.addFormat("date-time", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const validate = ajv.compile(JSON.parse(readFileSync("docs/read.schema.json", "utf8")));

interface Way {
  readonly json?: boolean;
  readonly timeout?: number;
  readonly isTerminal?: boolean;
  readonly hasColours?: boolean;
}

const configOf = ({ host, port }: { host: string; port: number }, way: Way) => ({
  ecu: { name: "roof", host, port },
  json: way.json ?? false,
  watch: false,
  every: 60_000,
  timezone: "Europe/Amsterdam",
  timeout: way.timeout ?? 3_000,
  commandPause: 0,
  retries: 0,
});

/** Reads a simulated ECU once. */
const readFrom = async (options: Partial<SimulationOptions>, way: Way = {}) => {
  await using ecu = await startEcu(options);
  const screen = paper(way);
  const code = await read(configOf(ecu, way), { screen });
  expect(ecu.writes).toEqual([]);
  return { code, text: screen.text() };
};

const mixed = [
  ["DS3", 1],
  ["QS1", 1],
  ["QT2", 1],
] as const;

describe("for people", () => {
  it("everything that was read is shown in tables that fit 80 columns, with 0", async () => {
    const { code, text } = await readFrom({ inverters: mixed });
    expect(code).toBe(0);
    expect(text).toMatch(/^ECU +roof {2}read\nId +216200123456\nModel +ECU-R-Pro\n/);
    expect(text).toMatch(/\nFirmware +ECU_R_PRO_2\.1\.27\nTime zone +Europe\/Amsterdam\n/);
    expect(text).toMatch(
      /\nPower +\d+ W\nEnergy today +\d+\.\d\d kWh\nEnergy in all +\d+\.\d kWh\n/,
    );
    expect(text).toMatch(/\nInverters +3 of 3 online\nLast report +2026-06-21 13:00:00 \(/);
    expect(text).toMatch(/\n70\d{10} {2}DS3 +online +\d+ \d+ +\d{3} +\d\d\.\d +\d\d +\d\d %\n/);
    expect(text).toMatch(/\n80\d{10} {2}QS1 +online +(\d+ ){4} *\d{3} /);
    expect(text).toMatch(/\n90\d{10} {2}QT2 +online +(\d+ ){4} *\d{3} \d{3} \d{3} /);
    expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(text).not.toContain("\u001b");
  });

  it("the widest inverter fits 80 columns", async () => {
    const { text } = await readFrom({ inverters: [["YC1000", 2]] });
    const line = text.split("\n").find((one) => one.startsWith("502")) ?? "";
    expect(line).toMatch(/ YC1000 +online +(\d+ ){4}/);
    expect(line.length).toBeLessThanOrEqual(80);
  });

  it("what was not measured is a dash, and never 0", async () => {
    const { code, text } = await readFrom({ start: NIGHT });
    expect(code).toBe(0);
    expect(text).toMatch(/\nInverters +0 of 3 online\n/);
    expect(text).toMatch(/\n70\d{10} {2}DS3 +offline +– +– +– +– +–\n/);
    expect(text).not.toContain("-100");
  });

  it("values that cannot be are left out, and that is told", async () => {
    const { text } = await readFrom({ faults: ["acDisconnected"] });
    expect(text).toMatch(/\n70\d{10} {2}DS3 +online +0 0 +– +– +15 /);
    expect(text).toContain("\nOdd: frequency: not plausible, left out\n");
    expect(text).toContain("\nOdd: voltage: not plausible, left out\n");
  });

  it("counters of a busy database are left out", async () => {
    const { text } = await readFrom({ faults: ["zeroGlitch"] });
    expect(text).toMatch(/\nEnergy today +–\nEnergy in all +–\n/);
  });

  it("a part that was not read is told with its remedy, with 1", async () => {
    const faults = [{ name: "emptyClose", question: "signal" }] as const;
    const { code, text } = await readFrom({ faults });
    expect(code).toBe(1);
    expect(text).toMatch(/\nInverters +3 of 3 online\n/);
    expect(text.replace(/\n {2}/g, " ")).toMatch(
      /\nNot read \(signal\): 127\.0\.0\.1:\d+ closed the connection without a reply; .*unplug the ECU for a minute\.\n/,
    );
  });

  it("an ECU that is not there is told with its remedy, with 2", async () => {
    const { code, text } = await readFrom({ faults: ["refuse"] });
    expect(code).toBe(2);
    expect(text).toMatch(/^ECU +roof {2}not read\nId +–\nModel +–\n/);
    expect(text.replace(/\n {2}/g, " ")).toMatch(
      /\nNot read \(info\): 127\.0\.0\.1:\d+ refused the connection \(ECONNREFUSED\); .*Wi-Fi address/,
    );
  });

  it("an ECU that does not answer in time is told so, with 2", async () => {
    const { code, text } = await readFrom({ faults: ["silent"] }, { timeout: 200 });
    expect(code).toBe(2);
    expect(text.replace(/\n {2}/g, " ")).toContain("the time for this read was over");
  });

  it("an ECU that was just started has no data yet, with 1", async () => {
    const { code, text } = await readFrom({ faults: ["status02"] });
    expect(code).toBe(1);
    expect(text).toMatch(/^ECU +roof {2}no data yet\n/);
    expect(text).toContain("\nNo data yet: ");
    expect(text).not.toContain("Not read");
  });

  it.each([[false], [true]])(
    "nothing that the ECU says reaches the terminal as a control character (JSON: %s)",
    async (json) => {
      const rounds = createRounds({ ...usual, plant: createPlant(usual.inverters, usual.site, 1) });
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
      const screen = paper();
      const code = await read(configOf({ host: "127.0.0.1", port }, { json }), { screen });
      server.close();
      expect(code).toBe(2);
      expect(screen.text()).toContain("is invalid");
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
      expect(screen.text()).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
    },
  );

  it("colours are there where the terminal has them, and nothing else differs", async () => {
    const plain = await readFrom({});
    const coloured = await readFrom({}, { hasColours: true });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the colours are made of them
    const bare = coloured.text.replace(/\u001b\[\d+m/g, "");
    const ageless = (text: string) => text.replace(/\(.* ago\)|\(.* ahead\)/, "");
    expect(coloured.text).toContain("\u001b[32monline\u001b[39m");
    expect(ageless(bare)).toBe(ageless(plain.text));
  });
});

describe("for programs", () => {
  const cases: readonly (Partial<SimulationOptions> & { what: string; code: number })[] = [
    { what: "good", code: 0, inverters: mixed },
    { what: "an ECU-R", code: 0, family: "R" },
    { what: "asleep", code: 0, start: NIGHT },
    { what: "partial", code: 1, faults: [{ name: "truncate", question: "realtime" }] },
    { what: "without data", code: 1, faults: ["status02"] },
    { what: "without inverters", code: 0, inverters: [] },
    { what: "with a record of unknown kind", code: 0, inverters: [["UNKNOWN", 2]] },
    { what: "off the grid", code: 0, faults: ["acDisconnected"] },
    { what: "not there", code: 2, faults: ["refuse"] },
  ];
  it.each(cases)(
    "JSON of an ECU $what is of the schema, with $code",
    async ({ what, code, ...options }) => {
      const told = await readFrom(options, { json: true });
      const object = JSON.parse(told.text);
      validate(object);
      expect(validate.errors ?? []).toEqual([]);
      expect(told.code, what).toBe(code);
      expect(object.result).toBe(["complete", "partial", "nothing"][code]);
      expect(told.text).not.toContain("null");
    },
  );

  it("values are in base units", async () => {
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

  it("what was not measured is absent", async () => {
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

  it("a failed question has the metrics' word for it", async () => {
    const { text } = await readFrom({ faults: ["refuse"] }, { json: true });
    expect(JSON.parse(text)).toMatchObject({
      inverters: [],
      queries: { info: { success: false, reason: "refused" }, realtime: { success: false } },
    });
  });

  it("docs/read.schema.json is made from the schema, and lets in nothing more", () => {
    const schema = JSON.parse(readFileSync("docs/read.schema.json", "utf8"));
    expect(schema).toEqual(JSON.parse(JSON.stringify(z.toJSONSchema(readSchema))));
    expect(schema.additionalProperties).toBe(false);
    expect(validate({ ecu: "roof" })).toBe(false);
  });
});

describe("--watch", () => {
  /** Reads three times, the second time while the ECU is away, then is stopped. */
  const watch = async (way: Way = {}) => {
    await using ecu = await startEcu();
    const screen = paper(way);
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
      { ...configOf(ecu, way), watch: true },
      { screen, clock: { monotonic: systemClock.monotonic, sleep }, waitForStop: () => stopped },
    );
    return { code, text: screen.text(), slept };
  };

  it("shows an ECU that is away, asks it again at the next turn, and ends with 0", async () => {
    const { code, text, slept } = await watch();
    expect(code).toBe(0);
    const states = [...text.matchAll(/^ECU +roof {2}(.*)$/gm)].map(([, state]) => state);
    expect(states).toEqual(["read", "not read", "read"]);
    for (const ms of slept) expect(ms).toBeGreaterThan(50_000);
    expect(text).not.toContain("\u001b");
  });

  it("clears the screen of a terminal before each read", async () => {
    const { text } = await watch({ isTerminal: true });
    expect(text.split("\u001b[2J\u001b[H")).toHaveLength(4);
  });

  it("with --json writes one object a line", async () => {
    const { text } = await watch({ json: true });
    const lines = text.trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line).result)).toEqual([
      "complete",
      "nothing",
      "complete",
    ]);
    for (const line of lines) expect(validate(JSON.parse(line))).toBe(true);
  });

  it("keeps to the exporter's rules from read to read: a counter that falls is left out", async () => {
    await using ecu = await startEcu();
    const screen = paper();
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
      { ...configOf(ecu, {}), watch: true },
      { screen, clock: { monotonic: systemClock.monotonic, sleep }, waitForStop: () => stopped },
    );
    const counters = [...screen.text().matchAll(/^Energy in all +(.*)$/gm)].map(([, kWh]) => kWh);
    expect(counters).toEqual([expect.stringMatching(/^\d+\.\d kWh$/), "–"]);
    expect(screen.text()).toContain("\nOdd: lifetime energy: not plausible, left out\n");
  });
});
