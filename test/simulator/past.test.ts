import { describe, expect, it } from "vitest";
import { exchange } from "../../src/ecu/client.ts";
import { decodeReply } from "../../src/protocol/replies.ts";
import { encodeRequest } from "../../src/protocol/requests.ts";
import { type SimulationOptions, simulateEcu } from "../../src/simulator/ecu.ts";
import { createPlant } from "../../src/simulator/plant.ts";
import { createRounds, type Rounds } from "../../src/simulator/rounds.ts";

const KWH = 3_600_000;
const site = { latitude: 28, longitude: 0 };
const zone = "Etc/GMT";
/** Noon of 10 January 2026. */
const NOON = Date.UTC(2026, 0, 10, 12);
const DAY = 86_400_000;
const one = createPlant([["DS3", 1]], site, 1);
const lived = (past: number, plant = one): Rounds =>
  createRounds({ plant, family: "R", zone, start: NOON, past, lifetimeJoules: 100 * KWH });

describe("an ECU with a history", () => {
  it("has the same history as an ECU that ran through it", () => {
    const rounds = lived(40);
    const twin = createRounds({
      plant: one,
      family: "R",
      zone,
      start: NOON - 40 * DAY,
      lifetimeJoules: 100 * KWH,
    });
    for (const period of ["00", "01", "02"])
      expect(rounds.energy(NOON, period)).toEqual(twin.energy(NOON, period));
    for (const date of ["20251202", "20260109", "20260110"])
      expect(rounds.dayPower(NOON, date)).toEqual(twin.dayPower(NOON, date));
    expect(rounds.info(NOON)).toEqual(twin.info(NOON));
    expect(rounds.dayPower(NOON, "20251202").length).toBeGreaterThan(80);
    expect(rounds.dayPower(NOON, "20251130")).toEqual([]);
  });

  it("has months of two years, each the sum of its days", () => {
    const rounds = lived(40);
    const days = new Map<string, number>();
    for (let day = 40; day >= 0; day--) {
      const date = new Date(NOON - day * DAY).toISOString().slice(0, 10).replaceAll("-", "");
      const joules = rounds
        .dayPower(NOON, date)
        .reduce((sum, { powerWatts }) => sum + powerWatts * 300, 0);
      days.set(date.slice(0, 6), (days.get(date.slice(0, 6)) ?? 0) + joules);
    }
    const { records } = rounds.energy(NOON, "02");
    expect(records.map(({ date }) => date)).toEqual(["20251201", "20260101"]);
    for (const { date, energyJoules } of records) {
      const short = (days.get(date.slice(0, 6)) ?? 0) - energyJoules;
      expect(short).toBeGreaterThanOrEqual(0);
      expect(short).toBeLessThan(0.01 * KWH);
    }
  });

  it("has the last 7 days, 31 days and 62 curves", () => {
    const rounds = lived(70);
    expect(rounds.energy(NOON, "00").records).toHaveLength(7);
    expect(rounds.energy(NOON, "01").records).toHaveLength(31);
    const curves = Array.from({ length: 71 }, (_, day) =>
      new Date(NOON - day * DAY).toISOString().slice(0, 10).replaceAll("-", ""),
    ).filter((date) => rounds.dayPower(NOON, date).length > 0);
    expect(curves).toHaveLength(62);
  });
});

describe("the reply with its history", () => {
  const queryPast = async (change: Partial<SimulationOptions>, command: "dayPower" | "energy") => {
    await using ecu = await simulateEcu({
      inverters: [["DS3", 30]],
      family: "R",
      site,
      zone,
      seed: 1,
      start: NOON,
      past: 11,
      timeScale: 1,
      elapsed: () => 0,
      ...change,
    });
    const ecuId = change.family === "L" ? "216200123456" : "216000123456";
    const parameter = command === "energy" ? "02" : "20260109";
    const request = encodeRequest(command, ecuId, parameter);
    const { bytes } = await exchange(ecu, request, new AbortController().signal);
    return bytes;
  };

  it.each([
    ["R", undefined, "11", 6],
    ["R", "12", "12", 8],
    ["L", "11", "11", 6],
    ["L", "12", "12", 8],
  ] as const)(
    "is of family %s with %s in version %s: records of %i bytes",
    async (family, history, version, size) => {
      const bytes = await queryPast({ family, history }, "energy");
      expect(bytes.toString("latin1", 3, 5)).toBe(version);
      expect(bytes.length).toBe(21 + size * 2);
      const { records } = decodeReply("energy", bytes);
      const [, january] = records.map(({ energyJoules }) => energyJoules / KWH);
      // 30 inverters make more than two bytes can say.
      if (size === 6) expect(january).toBeLessThan(655.36);
      else expect(january).toBeGreaterThan(655.36);
    },
  );

  it.each([
    ["L", undefined],
    ["L", "none"],
  ] as const)(
    "is missing for family %s with %s: the connection is closed",
    async (family, history) => {
      const asking = queryPast({ family, history, inverters: [["DS3", 1]] }, "dayPower");
      await expect(asking).rejects.toMatchObject({ reason: "closed" });
    },
  );
});
