import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, unlinkSync } from "node:fs";
import { mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { parseCommandLine } from "../../src/cli/parse.ts";
import { UsageError } from "../../src/config/usage-error.ts";
import { validateCounters } from "../../src/ecu/energy-counters.ts";
import { type Memory, noMemory } from "../../src/ecu/memory.ts";
import type { Reading } from "../../src/ecu/reading.ts";
import { lockFile } from "../../src/exporter/file-lock.ts";
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
  const file = await openStateFile({ path, clock, log });
  const state = {
    recall: (ecu: string) => file.memories.select(ecu).recall(),
    remember: (ecu: string, memory: Memory) => file.memories.select(ecu).remember(memory),
    setConfigured: file.memories.setConfigured,
    close: file.close,
    [Symbol.asyncDispose]: file.close,
  };
  return { state, lines, clock };
};
const recall = async (path: string, ...ecus: string[]): Promise<Memory[]> => {
  await using state = (await opened(path)).state;
  return ecus.map(state.recall);
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
  rival: { ecuId: OTHER_ID, at: -MINUTE },
  ecus: {
    [OTHER_ID]: { lifetime: { zero: { since: -HOUR, times: 7 } }, today: {} },
    [ECU_ID]: {
      date: "20250621",
      lifetime: {
        good: 1000 * KWH,
        goodOn: "20250621",
        seen: { at: -MINUTE, reportAt: 1_750_500_000 },
        provisionalSince: -MINUTE,
        beforeRise: { joules: 900 * KWH, seen: { at: -HOUR } },
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
    const { state: second, lines } = await opened(at.file);
    await using state = second;
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
          rival: { ecuId: "216000000002", at: "2025-06-21T11:59:00.000Z" },
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
                beforeRise: { joules: 3_240_000_000, seen: { at: "2025-06-21T11:00:00.000Z" } },
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
    expect(await recall(at.file, "barn", "roof")).toEqual([createMemory(7), createMemory(8)]);
  });

  it("is written if the memory has changed, and not otherwise", async () => {
    using at = folder();
    await kept(at.file, "roof", createMemory(1));
    const { ino } = await stat(at.file); // each write makes another file
    await kept(at.file, "roof", createMemory(1));
    expect((await stat(at.file)).ino).toBe(ino);
    const seen = (at: number): Memory => ({
      ecuId: ECU_ID,
      ecus: { [ECU_ID]: { lifetime: { good: 1, seen: { at } }, today: {} } },
    });
    await kept(at.file, "roof", seen(1)); // each read of a whole night: a memory card wears out
    await kept(at.file, "roof", seen(2));
    expect((await stat(at.file)).ino).toBe(ino);
    await kept(at.file, "roof", createMemory(2));
    expect((await stat(at.file)).ino).not.toBe(ino);
  });

  it("ends with the latest memory, even if many follow each other fast", async () => {
    using at = folder();
    const { state } = await opened(at.file);
    for (let joules = 1; joules <= 1_000; joules++) state.remember("roof", createMemory(joules));
    await state.close();
    expect(await recall(at.file, "roof")).toEqual([createMemory(1_000)]);
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
          state.memories.select("roof").remember({ ecus: { "${ECU_ID}": { lifetime: { good }, today: {} } } });
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

/** Opens the file in another process, and kills it. */
const killWhileOpen = async (path: string): Promise<void> => {
  const code = `
    import { openStateFile } from "./src/exporter/state-file.ts";
    const clock = { now: Date.now, monotonic: () => performance.now() };
    await openStateFile({ path: ${JSON.stringify(path)}, clock, log: console });
    process.stdout.write("open");
    setInterval(() => {}, 1000);`;
  const flags = ["--import=tsx", "--input-type=module", "--eval", code];
  const child = spawn(process.execPath, flags);
  await once(child.stdout, "data");
  child.kill("SIGKILL");
  await once(child, "exit");
};

const version1 = (roof: unknown) =>
  JSON.stringify({ format: "apsystems-ecu-exporter state", version: 1, ecus: { roof } });
const withLifetime = (lifetime: unknown) =>
  version1({ ecus: { [ECU_ID]: { lifetime, today: {} } } });

describe("a state file that is invalid", () => {
  it.each([
    ["is empty", ""],
    ["was cut", version1({ ecus: {} }).slice(0, -3)],
    ["has only zeros, after a loss of power", "\0".repeat(512)],
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
    ["has more than 8 MiB", version1({}).replace('ecus":{', `ecus":{${" ".repeat(9 * 2 ** 20)}`)],
  ])("because it %s is renamed with one warning, and the state starts empty", async (_, text) => {
    using at = folder();
    await writeFile(at.file, text);
    const { state, lines } = await opened(at.file);
    expect(lines).toEqual([
      [
        "warn",
        { path: at.file },
        expect.stringMatching(
          /^the state file is invalid: .*; starting with an empty state; the invalid file is now .*\/state\.json\.unusable$/s,
        ),
      ],
    ]);
    expect(state.recall("roof")).toBe(noMemory);
    state.remember("roof", memory);
    await state.close();
    expect(await readFile(`${at.file}.unusable`, "utf8")).toBe(text);
    expect(await recall(at.file, "roof")).toEqual([memory]);
  });

  it("because its folder is a file gives one warning, and no state is saved", async () => {
    using at = folder();
    await writeFile(at.file, "");
    const { state, lines } = await opened(join(at.file, "state.json"));
    state.remember("roof", memory);
    await state.close();
    expect(lines.map(([level]) => level)).toEqual(["warn", "debug"]);
  });

  it("because its folder is missing gives one warning until it exists", async () => {
    using at = folder();
    const path = join(at.path, "var", "state.json");
    const { state, lines } = await opened(path);
    expect(lines).toHaveLength(1); // before the first write
    const write = async (joules: number) => {
      state.remember("roof", createMemory(joules));
      while (lines.length < joules + 1) await new Promise((resolve) => setTimeout(resolve, 1));
    };
    await write(1);
    await write(2);
    await mkdir(join(at.path, "var"));
    await write(3);
    const problem =
      "the state file cannot be written: there is no such folder; correct this, or set another path";
    expect(lines.map(([level, , message]) => [level, message])).toEqual([
      ["warn", problem],
      ["debug", problem],
      ["debug", problem],
      ["info", "the state file can be written again"],
    ]);
    await state.close();
    expect(await recall(path, "roof")).toEqual([createMemory(3)]);
  });

  it("is written a minute after the disk was full, even if no value changes at night", async () => {
    using at = folder();
    const path = join(at.path, "var", "state.json");
    const { state, lines, clock } = await opened(path);
    state.remember("roof", memory);
    await vi.waitUntil(() => clock.sleepers === 1); // the write failed
    await mkdir(join(at.path, "var"));
    await clock.advance(MINUTE - 1);
    expect(await readdir(join(at.path, "var"))).toEqual([]);
    await clock.advance(1);
    await vi.waitUntil(() => lines.at(-1)?.[0] === "info");
    expect(lines.at(-1)?.slice(0, 2)).toEqual(["info", { path }]);
    await state.close();
    expect(await recall(path, "roof")).toEqual([memory]);
  });

  it("is written when the exporter stops, if the last write failed", async () => {
    using at = folder();
    const path = join(at.path, "var", "state.json");
    const { state, clock } = await opened(path);
    state.remember("roof", memory);
    await vi.waitUntil(() => clock.sleepers === 1); // the write failed
    await mkdir(join(at.path, "var"));
    await state.close();
    expect(clock.sleepers).toBe(0);
    expect(await recall(path, "roof")).toEqual([memory]);
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
      await state.close();
    }
  });
});

describe("a file that is not a state file", () => {
  const refusal = (path: string) =>
    `--state.file: ${path} cannot be used: it is not a state file of this exporter; set another path`;

  it.each([
    ["a configuration file", "ecus:\n  - address: ecu.lan\n"],
    ["a configuration file in flow style", '{"ecus": {"address": "ecu.lan"}}'],
    ["a package of npm", '{"name":"apsystems-ecu-exporter","version":"0.1.0"}'],
    ["a capture", '{"format":"apsystems-ecu-capture","version":1,"queries":[]}'],
    ["a text", "a = 1"],
    ["null", "null"],
    ["a list", "[]"],
  ])("because it is %s stops the start, and stays as it is", async (_, text) => {
    using at = folder();
    await writeFile(at.file, text);
    const { ino } = await stat(at.file);
    await expect(opened(at.file)).rejects.toThrow(new UsageError([refusal(at.file)]));
    expect(await readFile(at.file, "utf8")).toBe(text);
    expect((await stat(at.file)).ino).toBe(ino);
    expect(await readdir(at.path)).toEqual(["state.json"]);
  });

  it.each<[string, (path: string) => unknown]>([
    ["a folder", (path) => mkdir(path)],
    ["a device", (path) => symlink("/dev/null", path)],
    ["a pipe without a writer", (path) => spawnSync("mkfifo", [path])],
  ])("because it is %s stops the start, and stays as it is", async (_, make) => {
    using at = folder();
    await make(at.file);
    const before = await stat(at.file);
    await expect(opened(at.file)).rejects.toThrow(new UsageError([refusal(at.file)]));
    expect(await stat(at.file)).toMatchObject({ ino: before.ino, mode: before.mode });
    expect(await readdir(at.path)).toEqual(["state.json"]);
  });

  it("is not replaced either if it appears while the exporter runs", async () => {
    using at = folder();
    const { state, lines } = await opened(at.file);
    await writeFile(at.file, "ecus: []");
    state.remember("roof", memory);
    await state.close();
    expect(await readFile(at.file, "utf8")).toBe("ecus: []");
    expect(lines.map(([level, , message]) => [level, message])).toEqual([
      [
        "warn",
        "the state file cannot be written: it is not a state file of this exporter; set another path",
      ],
    ]);
  });
});

describe("the lock of a state file", () => {
  const inUse = (path: string) =>
    new UsageError([
      `--state.file: ${path} cannot be used: another exporter is using it; give each exporter its own file`,
    ]);

  it("lets one exporter use it, and the next one after that has ended", async () => {
    using at = folder();
    const { state } = await opened(at.file);
    state.remember("roof", memory);
    await expect(opened(at.file)).rejects.toThrow(inUse(at.file));
    await state.close();
    expect(await recall(at.file, "roof")).toEqual([memory]);
  });

  it("is never given to two of several exporters that start at the same time", async () => {
    using at = folder();
    await killWhileOpen(at.file);
    const starts = Array.from({ length: 8 }, () => opened(at.file));
    const results = await Promise.allSettled(starts);
    const good = results.filter((result) => result.status === "fulfilled");
    expect(good.length).toBeLessThanOrEqual(1);
    await good[0]?.value.state.close();
    await (await opened(at.file)).state.close();
    expect(await readdir(at.path)).toEqual([]);
  });

  it("is not held by a process that cannot be noticed, because its socket was removed before it listened", async () => {
    using at = folder();
    const starting = lockFile(at.file);
    for (const name of readdirSync(at.path)) unlinkSync(join(at.path, name));
    const first = await starting;
    expect(first).toBeDefined();
    expect(await lockFile(at.file)).toBeUndefined();
    await first?.release();
  });

  it("of a process that was killed does not stop the next start", async () => {
    using at = folder();
    await killWhileOpen(at.file);
    expect(await readdir(at.path)).toEqual([expect.stringMatching(/^state\.json\.\w+\.lock$/)]);
    await kept(at.file, "roof", memory);
    expect(await readdir(at.path)).toEqual(["state.json"]);
  });

  it("is taken when the folder appears, and another exporter is noticed then", async () => {
    using at = folder();
    const path = join(at.path, "var", "state.json");
    const first = await opened(path);
    const second = await opened(path);
    await mkdir(join(at.path, "var"));
    first.state.remember("roof", memory);
    await vi.waitUntil(async () => (await readdir(join(at.path, "var"))).includes("state.json"));
    second.state.remember("roof", createMemory(1));
    await second.state.close();
    await first.state.close();
    expect(second.lines.map(([, , message]) => message)).toEqual([
      "the state file cannot be written: there is no such folder; correct this, or set another path",
      "the state file cannot be written: another exporter is using it; give each exporter its own file",
    ]);
    expect(await recall(path, "roof")).toEqual([memory]);
  });

  it("is left out with a warning if its path is too long for a socket", async () => {
    using at = folder();
    const path = join(at.path, "s".repeat(100));
    const { state, lines } = await opened(path);
    state.remember("roof", memory);
    await state.close();
    const message =
      "the state file cannot be locked: its path is too long; make sure that no other exporter uses it";
    expect(lines).toEqual([["warn", { path }, message]]);
    expect(await recall(path, "roof")).toEqual([memory]);
  });

  it("does not remove what is not a socket", async () => {
    using at = folder();
    const others = ["state.json.lock", "state.json.0123456789ab.lock"];
    for (const name of others) await writeFile(join(at.path, name), "mine");
    await kept(at.file, "roof", memory);
    expect((await readdir(at.path)).sort()).toEqual(["state.json", ...others].sort());
  });
});

it("a temporary file that any process left does not stop the next write", async () => {
  using at = folder();
  await mkdir(`${at.file}.tmp`);
  await mkdir(`${at.file}.${process.pid}.tmp`);
  await writeFile(`${at.file}.0123456789ab.tmp`, "cut");
  await kept(at.file, "roof", memory);
  const others = [`state.json.${process.pid}.tmp`, "state.json.tmp"];
  expect((await readdir(at.path)).sort()).toEqual(["state.json", ...others].sort());
});

describe("the name of an ECU that is no longer configured", () => {
  const DAY = 24 * HOUR;

  it("leaves the file after 90 days, across restarts, and not before", async () => {
    using at = folder();
    const readNames = async (day: number, ...configured: string[]) => {
      const { state } = await opened(at.file, createFakeClock(START + day * DAY));
      state.setConfigured(configured);
      state.remember("roof", createMemory(day + 1));
      await state.close();
      return Object.keys(JSON.parse(await readFile(at.file, "utf8")).ecus);
    };
    await kept(at.file, "barn", createMemory(7));
    expect(await readNames(0, "barn", "roof")).toEqual(["barn", "roof"]);
    expect(await readNames(100, "barn", "roof")).toEqual(["barn", "roof"]);
    expect(await readNames(101, "roof")).toEqual(["barn", "roof"]);
    expect(await readNames(150, "barn", "roof")).toEqual(["barn", "roof"]);
    expect(await readNames(200, "roof")).toEqual(["barn", "roof"]);
    expect(await readNames(290, "roof")).toEqual(["barn", "roof"]);
    expect(await readNames(291, "roof")).toEqual(["roof"]);
  });

  it("leaves the file of an exporter that runs all the time", async () => {
    using at = folder();
    const { state, clock } = await opened(at.file);
    state.remember("barn", createMemory(1));
    state.setConfigured(["roof"]);
    await clock.advance(91 * DAY);
    state.remember("roof", createMemory(2));
    await state.close();
    expect(await recall(at.file, "barn", "roof")).toEqual([noMemory, createMemory(2)]);
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
        const text = formatState(new Map([["roof", { memory }]]), clock);
        wall -= setBackMs;
        began = wall;
        memory = parseState(text, clock).get("roof")?.memory ?? noMemory;
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

  it("is off by default", async () => {
    expect(await parsed()).toMatchObject({ config: { stateFile: undefined } });
  });

  it.each(["/var/lib/apsystems/state.json", "state.json", "../été", "C:\\state", ".state"])(
    "can be %s",
    async (path) => {
      expect(await parsed(`--state.file=${path}`)).toMatchObject({ config: { stateFile: path } });
    },
  );

  it.each(["/var/lib/", "..", ".", "a*", "a\0b"])("cannot be %j", async (path) => {
    await expect(parsed(`--state.file=${path}`)).rejects.toThrow("is not a file path such as");
  });
});
