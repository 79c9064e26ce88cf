import { describe, expect, it } from "vitest";
import { parseCommandLine } from "../../src/cli/parse.ts";
import {
  type CompleteEcuSettings,
  type ecuSettings,
  resolveEcuSettings,
} from "../../src/config/ecu-settings.ts";
import { readConfigFile } from "../../src/config/file.ts";
import { UsageError } from "../../src/config/usage-error.ts";

/** The configuration of `serve` with one ECU and these flags. */
const fromFlags = async (...flags: string[]): Promise<unknown> => {
  const invocation = await parseCommandLine({
    argv: ["--ecu.address=ecu.lan", ...flags],
    env: {},
    version: "1.2.3",
    program: "apsystems-ecu-exporter",
  });
  return invocation.command === "serve" ? invocation.config : undefined;
};

const isRejected = async (flag: string): Promise<boolean> => {
  try {
    await fromFlags(flag);
    return false;
  } catch (error) {
    return error instanceof UsageError;
  }
};

/** The settings of an ECU in a file, or `undefined` if the file is rejected. */
const fromFile = (line: string): unknown => {
  const read = readConfigFile(`ecus: [{ address: ecu.lan, ${line} }]`, "apsystems.yml");
  return "value" in read ? read.value.ecus[0] : undefined;
};

const panel = { uid: "703000000001", channel: 1, panel: "A1", array: "", row: "", column: "" };

describe("a setting of an ECU has the same meaning on the command line and in the file", () => {
  it.each<[key: keyof typeof ecuSettings, flag: string, line: string, value: unknown]>([
    ["timezone", "--ecu.timezone=Europe/Oslo", "timezone: Europe/Oslo", "Europe/Oslo"],
    [
      "site",
      "--ecu.site=52.09,5.12",
      "coordinates: { latitude: 52.09, longitude: 5.12 }",
      { latitude: 52.09, longitude: 5.12 },
    ],
    [
      "panels",
      "--ecu.panel=703000000001/1=A1",
      "panels: { 703000000001/1: { panel: A1 } }",
      [panel],
    ],
    ["snow", "--ecu.snow=never", "snow: never", "never"],
    ["snow", "--ecu.snow=possible", "snow: possible", "possible"],
    ["minInterval", "--ecu.min-interval=1m", "min_interval: 1m", 60_000],
    ["nightInterval", "--ecu.night-interval=1h", "night_interval: 1h", 3_600_000],
    ["nightInterval", "--ecu.night-interval=0s", "night_interval: 0s", 0],
    ["timeout", "--ecu.timeout=3s", "timeout: 3s", 3_000],
    ["commandPause", "--ecu.command-pause=0s", "command_pause: 0s", 0],
    ["retries", "--ecu.retries=10", "retries: 10", 10],
  ])("%s: %s and %s", async (key, flag, line, value) => {
    expect(await fromFlags(flag)).toHaveProperty([key], value);
    expect(fromFile(line)).toHaveProperty([key], value);
  });

  it.each([
    ["--ecu.timezone=Mars/Olympus", "timezone: Mars/Olympus"],
    ["--ecu.snow=often", "snow: often"],
    ["--ecu.site=90.1,0", "coordinates: { latitude: 90.1, longitude: 0 }"],
    ["--ecu.site=0,180.1", "coordinates: { latitude: 0, longitude: 180.1 }"],
    ["--ecu.panel=703000000001/5=A1", "panels: { 703000000001/5: { panel: A1 } }"],
    ["--ecu.min-interval=25h", "min_interval: 25h"],
    ["--ecu.night-interval=61m", "night_interval: 61m"],
    ["--ecu.timeout=99ms", "timeout: 99ms"],
    ["--ecu.timeout=11m", "timeout: 11m"],
    ["--ecu.command-pause=61s", "command_pause: 61s"],
    ["--ecu.retries=11", "retries: 11"],
  ])("%s and %s are rejected", async (flag, line) => {
    expect(await isRejected(flag)).toBe(true);
    expect(fromFile(line)).toBeUndefined();
  });
});

describe("the settings of an ECU with defaults", () => {
  const defaults: CompleteEcuSettings = {
    timezone: "Europe/Berlin",
    panels: [panel, { ...panel, channel: 2, panel: "A2" }],
    minInterval: 30_000,
    nightInterval: 300_000,
    timeout: 9_500,
    commandPause: 250,
    retries: 2,
  };

  it("are its own, otherwise the defaults", () => {
    const own = { timezone: "Europe/Oslo", retries: 0 };
    expect(resolveEcuSettings(own, defaults)).toEqual({
      ...defaults,
      timezone: "Europe/Oslo",
      retries: 0,
    });
  });

  it("are the fallbacks if neither is set", () => {
    expect(resolveEcuSettings({}, {})).toEqual({
      panels: [],
      minInterval: 30_000,
      nightInterval: 300_000,
      timeout: 9_500,
      commandPause: 250,
      retries: 2,
    });
  });

  it("have the ECU's own panels, and the default panels at other channels", () => {
    const own = { panels: [{ ...panel, panel: "B1" }] };
    expect(resolveEcuSettings(own, defaults).panels).toEqual([
      { ...panel, panel: "B1" },
      { ...panel, channel: 2, panel: "A2" },
    ]);
  });
});
