import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseCommandLine } from "../../src/cli/parse.ts";
import { validateCounters } from "../../src/ecu/energy-counters.ts";
import { type Memory, noMemory } from "../../src/ecu/memory.ts";
import type { Reading } from "../../src/ecu/reading.ts";
import { openStateFile } from "../../src/exporter/state-file.ts";
import { formatState, parseState } from "../../src/exporter/state-format.ts";
import { encodeReply } from "../../src/protocol/replies.ts";
import { fakeLog } from "../ecu/fake-log.ts";
import { createInfo, createSignals, createTable, ECU_ID, KWH } from "../ecu/messages.ts";
import { startTestExporter } from "../support/exporter.ts";
import { createFakeClock, type FakeClock } from "../support/fake-clock.ts";
import { startReplyingEcu } from "../support/replay.ts";

const START = Date.UTC(2025, 5, 21, 12);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const OTHER_ID = "216000000002";

/** A temporary folder, and the path of the state file in it. */
const folder = () => {
  const path = mkdtempSync(join(tmpdir(), "state-"));
  return {
    path,
    file: join(path, "state.json"),
    [Symbol.dispose]: () => rmSync(path, { recursive: true }),
  };
};

/** Like a new process: the monotonic clock starts again, the wall clock continues. */
const opened = async (path: string, clock = createFakeClock(START)) => {
  const { log, lines } = fakeLog();
  return { state: await openStateFile({ path, clock, log }), lines, clock };
};

/** Writes one memory, like a process that ends then. */
const kept = async (path: string, ecu: string, memory: Memory, clock?: FakeClock) => {
  const { state } = await opened(path, clock);
  state.remember(ecu, memory);
  await state.close();
};

const memory: Memory = {
  ecuId: ECU_ID,
  zone: "Europe/Amsterdam",
  stranger: { since: -MINUTE, times: 1, ecuId: OTHER_ID },
  ecus: {
    [OTHER_ID]: { lifetime: { zero: { since: -HOUR, times: 7 } }, today: {} },
    [ECU_ID]: {
      date: "20250621",
      lifetime: {
        good: 1000 * KWH,
        goodOn: "20250621",
        seen: { at: -MINUTE, reportAt: 1_750_500_000 },
        provisionalSince: -MINUTE,
        higher: { since: -MINUTE, times: 1, joules: 9000 * KWH, seen: { at: -MINUTE } },
      },
      today: {
        good: 5 * KWH,
        goodOn: "20250621",
        lower: { since: -MINUTE, times: 2, joules: KWH },
      },
      highPower: { since: -MINUTE, times: 1 },
    },
  },
};
const createMemory = (lifetime: number): Memory => ({
  ecuId: ECU_ID,
  ecus: { [ECU_ID]: { lifetime: { good: lifetime }, today: {} } },
});

describe("the state file", () => {
  it("returns the memory of each ECU, and nothing for an unknown one", async () => {
    using at = folder();
    await using first = (await opened(at.file)).state;
    first.remember("roof", memory);
    first.remember("barn", createMemory(7));
    await first.close();
    const { state, lines } = await opened(at.file);
    expect(state.recall("roof")).toEqual(memory);
    expect(state.recall("barn")).toEqual(createMemory(7));
    expect(state.recall("shed")).toBe(noMemory);
    expect(lines).toEqual([]);
  });

  it("has this content, is readable only by its owner, and leaves no other files", async () => {
    using at = folder();
    await kept(at.file, "roof", memory);
    expect(JSON.parse(await readFile(at.file, "utf8"))).toEqual({
      format: "apsystems-ecu-exporter state",
      version: 1,
      ecus: {
        roof: {
          ecuId: "216200000001",
          zone: "Europe/Amsterdam",
          stranger: { since: "2025-06-21T11:59:00.000Z", times: 1, ecuId: "216000000002" },
          ecus: {
            "216000000002": {
              lifetime: { zero: { since: "2025-06-21T11:00:00.000Z", times: 7 } },
              today: {},
            },
            "216200000001": {
              date: "20250621",
              lifetime: {
                good: 3_600_000_000,
                goodOn: "20250621",
                seen: { at: "2025-06-21T11:59:00.000Z", reportAt: 1_750_500_000 },
                provisionalSince: "2025-06-21T11:59:00.000Z",
                higher: {
                  since: "2025-06-21T11:59:00.000Z",
                  times: 1,
                  joules: 32_400_000_000,
                  seen: { at: "2025-06-21T11:59:00.000Z" },
                },
              },
              today: {
                good: 18_000_000,
                goodOn: "20250621",
                lower: { since: "2025-06-21T11:59:00.000Z", times: 2, joules: 3_600_000 },
              },
              highPower: { since: "2025-06-21T11:59:00.000Z", times: 1 },
            },
          },
        },
      },
    });
    expect((await stat(at.file)).mode & 0o777).toBe(0o600);
    expect(await readdir(at.path)).toEqual(["state.json"]);
  });

  it("keeps the memory of an ECU that is no longer read", async () => {
    using at = folder();
    await kept(at.file, "barn", createMemory(7));
    await kept(at.file, "roof", createMemory(8));
    const { state } = await opened(at.file);
    expect([state.recall("barn"), state.recall("roof")]).toEqual([
      createMemory(7),
      createMemory(8),
    ]);
  });

  it("is written if the memory has changed, and not otherwise", async () => {
    using at = folder();
    await kept(at.file, "roof", createMemory(1));
    const { ino } = await stat(at.file); // each write makes another file
    await kept(at.file, "roof", createMemory(1));
    expect((await stat(at.file)).ino).toBe(ino);
    await kept(at.file, "roof", createMemory(2));
    expect((await stat(at.file)).ino).not.toBe(ino);
  });

  it("ends with the latest memory, even if many follow each other fast", async () => {
    using at = folder();
    const { state } = await opened(at.file);
    for (let joules = 1; joules <= 1_000; joules++) state.remember("roof", createMemory(joules));
    await state.close();
    expect((await opened(at.file)).state.recall("roof")).toEqual(createMemory(1_000));
  });

  it("is no longer written after it was closed", async () => {
    using at = folder();
    const { state } = await opened(at.file);
    await state.close();
    state.remember("roof", memory);
    await state.close();
    expect(await readdir(at.path)).toEqual([]);
  });

  it("is complete whenever the process is killed", async () => {
    using at = folder();
    for (const afterMs of [1, 5, 20, 50]) {
      const code = `
        import { openStateFile } from "./src/exporter/state-file.ts";
        const clock = { now: Date.now, monotonic: () => performance.now() };
        const state = await openStateFile({ path: ${JSON.stringify(at.file)}, clock, log: console });
        process.stdout.write("begun");
        for (let good = 1; ; good++) {
          state.remember("roof", { ecus: { "${ECU_ID}": { lifetime: { good }, today: {} } } });
          await new Promise((resolve) => setTimeout(resolve));
        }`;
      const child = spawn(process.execPath, [
        "--import=tsx",
        "--input-type=module",
        "--eval",
        code,
      ]);
      await once(child.stdout, "data");
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      child.kill("SIGKILL");
      await once(child, "exit");
      const { lines, state } = await opened(at.file);
      expect(lines).toEqual([]);
      await state.close();
    }
    await kept(at.file, "roof", createMemory(3)); // a leftover temporary file does not matter
    expect(await readdir(at.path)).toEqual(["state.json"]);
  });
});

const version1 = (roof: unknown) =>
  JSON.stringify({ format: "apsystems-ecu-exporter state", version: 1, ecus: { roof } });
const withLifetime = (lifetime: unknown) =>
  version1({ ecus: { [ECU_ID]: { lifetime, today: {} } } });

describe("a state file that is invalid", () => {
  it.each([
    ["is empty", ""],
    ["was cut", version1({ ecus: {} }).slice(0, -3)],
    ["is not JSON", "a = 1"],
    ["is null", "null"],
    ["is a list", "[]"],
    ["is of another program", '{"name":"apsystems-ecu-exporter","version":"0.1.0"}'],
    ["is of the next version", version1({}).replace('"version":1', '"version":2')],
    ["has no ECUs", '{"format":"apsystems-ecu-exporter state","version":1}'],
    ["has a number instead of an ECU", version1(5)],
    ["has an unknown zone", version1({ zone: "Mars/Olympus", ecus: {} })],
    ["has an invalid id", version1({ ecuId: "roof", ecus: {} })],
    ["has an invalid date", version1({ ecus: { [ECU_ID]: { date: "today" } } })],
    ["lacks a counter", version1({ ecus: { [ECU_ID]: { lifetime: {} } } })],
    ["has a text for an energy", withLifetime({ good: "1" })],
    ["has a negative energy", withLifetime({ good: -1 })],
    ["has an infinite energy", withLifetime({ good: 1 }).replace("1}", "1e999}")],
    ["has a streak without a count", withLifetime({ zero: { since: "2025-06-21T12:00:00Z" } })],
    ["has a streak without a time", withLifetime({ zero: { since: "never", times: 1 } })],
    [
      "has a streak with a fractional count",
      withLifetime({ zero: { since: "2025-06-21", times: 0.5 } }),
    ],
    ["has a fall without an energy", withLifetime({ lower: { since: "2025-06-21", times: 1 } })],
    ["has more than a megabyte", " ".repeat(2 ** 20 + 1)],
  ])("because it %s is renamed with one warning, and the state starts empty", async (_, text) => {
    using at = folder();
    await writeFile(at.file, text);
    const { state, lines } = await opened(at.file);
    expect(lines).toEqual([
      [
        "warn",
        { path: at.file, err: expect.any(Error) },
        expect.stringMatching(/^the state file is invalid: .*; starting with an empty state$/s),
      ],
    ]);
    expect(state.recall("roof")).toBe(noMemory);
    state.remember("roof", memory);
    await state.close();
    expect(await readFile(`${at.file}.unusable`, "utf8")).toBe(text);
    expect((await opened(at.file)).state.recall("roof")).toEqual(memory);
  });

  it.each<[string, (path: string) => unknown]>([
    ["a folder", (path) => mkdir(path)],
    ["a device", (path) => symlink("/dev/null", path)],
    ["a pipe without a writer", (path) => spawnSync("mkfifo", [path])],
  ])(
    "because it is %s stays as it is, with one warning, and no state is saved",
    async (_, make) => {
      using at = folder();
      await make(at.file);
      const before = await stat(at.file);
      const { state, lines } = await opened(at.file);
      state.remember("roof", memory);
      state.remember("roof", createMemory(1));
      await state.close();
      const message = "the state file is invalid: it is not a regular file; no state will be saved";
      expect(lines).toEqual([["warn", expect.anything(), message]]);
      expect(await stat(at.file)).toMatchObject({ ino: before.ino, mode: before.mode });
      expect(await readdir(at.path)).toEqual(["state.json"]);
    },
  );

  it("because its folder is a file gives one warning, and no state is saved", async () => {
    using at = folder();
    await writeFile(at.file, "");
    const { state, lines } = await opened(join(at.file, "state.json"));
    state.remember("roof", memory);
    await state.close();
    expect(lines).toHaveLength(1);
    expect(lines[0]?.[0]).toBe("warn");
  });

  it("because its folder is missing gives one warning until it exists", async () => {
    using at = folder();
    const path = join(at.path, "var", "state.json");
    const { state, lines } = await opened(path);
    const write = async (joules: number) => {
      state.remember("roof", createMemory(joules));
      while (lines.length < joules) await new Promise((resolve) => setTimeout(resolve, 1));
    };
    await write(1);
    await write(2);
    await mkdir(join(at.path, "var"));
    await write(3);
    expect(lines.map(([level, , message]) => [level, message])).toEqual([
      ["warn", "the state file cannot be written: there is no such folder"],
      ["debug", "the state file cannot be written: there is no such folder"],
      ["info", "the state file can be written again"],
    ]);
    await state.close();
    expect((await opened(path)).state.recall("roof")).toEqual(createMemory(3));
  });

  it("because any byte has changed never prevents the start of the exporter", async () => {
    using at = folder();
    await kept(at.file, "roof", memory);
    const good = await readFile(at.file);
    for (let place = 0; place < good.length; place++) {
      const spoilt = Buffer.from(good);
      spoilt.writeUInt8(spoilt.readUInt8(place) ^ (1 << (place % 8)), place);
      await writeFile(at.file, spoilt);
      const { state, lines } = await opened(at.file);
      const { reading } = validateCounters(state.recall("roof"), saying(1001 * KWH), 0);
      expect(lines.length, `byte ${place}`).toBeLessThanOrEqual(1);
      expect(reading.inverters).toEqual([]);
    }
  });
});

const saying = (lifetimeEnergyJoules: number): Reading => ({
  identity: { ecuId: ECU_ID, model: "", firmware: "", timezone: "UTC" },
  lifetimeEnergyJoules,
  todayEnergyJoules: KWH,
  registeredByInfo: 6,
  invertersOnline: 6,
  inverters: [],
  notes: [],
});

describe("a restart", () => {
  /** What is shown of lifetime energies, one every 6 hours, with a restart before some of them. */
  const shown = (lives: readonly number[], restarts: readonly number[], setBackMs = 0) => {
    let memory = noMemory;
    let wall = START;
    let began = START;
    const clock = { now: () => wall, monotonic: () => wall - began };
    return lives.map((joules, i) => {
      if (restarts.includes(i)) {
        const text = formatState(new Map([["roof", memory]]), clock);
        wall -= setBackMs;
        began = wall;
        memory = parseState(text, clock).get("roof") ?? noMemory;
      }
      const judged = validateCounters(memory, saying(joules), clock.monotonic());
      memory = judged.memory;
      wall += 6 * HOUR;
      return judged.reading.lifetimeEnergyJoules;
    });
  };
  const none = undefined;

  it("within 24 hours of zeros does not change their duration", () => {
    expect(shown([9, 0, 0, 0, 0, 0, 1], [3])).toEqual([9, none, none, none, none, 0, 1]);
  });

  it("after the clock was set back makes the duration of zeros longer, never shorter", () => {
    const zeros = [9, 0, 0, 0, 0, 0, 0, 0];
    const late = [9, none, none, none, none, none, none, 0];
    expect(shown(zeros, [3], 6 * HOUR)).toEqual([9, none, none, none, none, none, 0, 0]);
    expect(shown(zeros, [3], 1_000 * HOUR)).toEqual(late);
  });

  it("changes no exported value, for any replies and at any time", () => {
    const lives = fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 30 });
    const restarts = fc.array(fc.nat(30), { maxLength: 5 });
    fc.assert(
      fc.property(lives, restarts, (said, at) => {
        expect(shown(said, at)).toEqual(shown(said, []));
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ["with its state file leaves out the first, lower counter of two ECUs", true],
    ["without a state file accepts that counter", false],
  ])("of the exporter %s", async (_, isKept) => {
    using at = folder();
    const encodeReplies = (lifetimeEnergyJoules: number) => ({
      info: encodeReply("info", createInfo({ lifetimeEnergyJoules })),
      realtime: encodeReply("realtime", createTable()),
      signal: encodeReply("signal", createSignals()),
    });
    await using roof = await startReplyingEcu(encodeReplies(1000 * KWH));
    await using barn = await startReplyingEcu(encodeReplies(2000 * KWH));
    const lifetimes = async () => {
      const options = isKept ? { stateFile: at.file } : {};
      await using exporter = await startTestExporter([roof, barn], options);
      const lines = (await exporter.get()).split("\n");
      return lines.filter((line) => line.startsWith("ecu_lifetime_energy_joules_total{"));
    };
    const sample = (ecu: string, kwh: number) =>
      `ecu_lifetime_energy_joules_total{ecu="${ecu}"} ${kwh * KWH}`;
    expect(await lifetimes()).toEqual([sample("roof", 1000), sample("roof2", 2000)]);
    Object.assign(roof.replies, encodeReplies(999 * KWH));
    Object.assign(barn.replies, encodeReplies(2000.1 * KWH));
    const both = [sample("roof", 999), sample("roof2", 2000.1)];
    expect(await lifetimes()).toEqual(isKept ? both.slice(1) : both);
  });
});

describe("the setting --state.file", () => {
  const parsed = (...argv: string[]) =>
    parseCommandLine({
      argv: ["--ecu.address=ecu.lan", ...argv],
      env: {},
      version: "",
      program: "",
    });

  it("is off by default", () => {
    expect(parsed()).toMatchObject({ config: { stateFile: undefined } });
  });

  it.each(["/var/lib/apsystems/state.json", "state.json", "../été", "C:\\state", ".state"])(
    "can be %s",
    (path) => {
      expect(parsed(`--state.file=${path}`)).toMatchObject({ config: { stateFile: path } });
    },
  );

  it.each(["/var/lib/", "..", ".", "a*", "a\0b"])("cannot be %j", (path) => {
    expect(() => parsed(`--state.file=${path}`)).toThrow("is not a file path such as");
  });
});
