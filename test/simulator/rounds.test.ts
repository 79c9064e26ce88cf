import { describe, expect, it } from "vitest";
import { encodeReply, type InverterTable } from "../../src/protocol/replies.ts";
import type { Family } from "../../src/simulator/behaviours.ts";
import type { ModelName } from "../../src/simulator/models.ts";
import { createPlant, inverterStateAt, type Plant } from "../../src/simulator/plant.ts";
import { createRounds, type Rounds } from "../../src/simulator/rounds.ts";

const zone = "Europe/Amsterdam";
const site = { latitude: 52.09, longitude: 5.12 };
/** A moment of 21 June 2026 in Utrecht, by its clocks. */
const local = (hour: number, minute = 0, second = 0): number =>
  Date.UTC(2026, 5, 21, hour - 2, minute, second);
const PERIOD = 300_000;
const STEP = 200; // from one inverter to the next
const KWH = 3_600_000;
const LIFETIME_STEP = 0.1 * KWH;
const TODAY_STEP = 0.01 * KWH;

const createTestPlant = (...inverters: [ModelName, number][]): Plant =>
  createPlant(inverters, site, 1);
const mixed = createTestPlant(["DS3", 2], ["QS1", 2], ["QT2", 2]);

interface World {
  family?: Family;
  plant?: Plant;
  start?: number;
  lifetimeJoules?: number;
  periodMs?: number;
}
const ecu = ({ family = "R", plant = mixed, start = local(12), ...more }: World = {}): Rounds =>
  createRounds({ family, plant, start, zone, ...more });

const readTable = (rounds: Rounds, now: number): InverterTable => {
  const table = rounds.realtime(now);
  if (table.kind !== "01") throw new Error(`the table is of kind ${table.kind}`);
  return { ...table, records: table.records.map((record) => ({ ...record })) };
};
const powersAt = (rounds: Rounds, now: number): number[][] =>
  readTable(rounds, now).records.map(({ powerWatts }) => powerWatts);
/** What the plant does while the round that begins at `at` asks one inverter after another. */
const madeAt = (plant: Plant, at: number): number[][] =>
  plant.inverters.map((inverter, i) => [
    ...inverterStateAt(plant, inverter, at + i * STEP).channelWatts,
  ]);
const sum = (watts: number[][]): number => watts.flat().reduce((total, one) => total + one, 0);

describe.each<Family>(["R", "L"])("an ECU of family %s", (family) => {
  it("has no data and no power before its first round is over", () => {
    const rounds = ecu({ family, start: local(0) });
    expect(rounds.realtime(local(0))).toEqual({ kind: "none" });
    expect(rounds.info(local(0))).toMatchObject({
      powerWatts: 0,
      inverters: 6,
      invertersOnline: 0,
    });
    expect(readTable(rounds, local(0, 4)).takenAt).toBe("20260621000000");
  });

  it("never has data without an inverter", () => {
    expect(ecu({ family, plant: createTestPlant() }).realtime(local(13))).toEqual({ kind: "none" });
  });

  it("reports the values of its plant after each round", () => {
    const rounds = ecu({ family });
    const powers = madeAt(mixed, local(13));
    expect(powersAt(rounds, local(13, 4))).toEqual(powers);
    expect(rounds.info(local(13, 4))).toMatchObject({
      powerWatts: sum(powers),
      invertersOnline: 6,
    });
    expect(sum(powers)).toBeGreaterThan(500);
  });

  it("gives each round the time at which it began, in its zone", () => {
    const rounds = ecu({ family });
    const stamps = [4, 6, 9, 11].map((minute) => readTable(rounds, local(13, minute)).takenAt);
    expect(stamps).toEqual(
      ["130000", "130500", "130500", "131000"].map((time) => `20260621${time}`),
    );
    expect(rounds.clock(local(13, 4, 5))).toBe("20260621130405");
  });

  it("queries each inverter once by day, and the silent ones five times at night", () => {
    const rounds = ecu({ family });
    const stampAt = (at: number) => readTable(rounds, at).takenAt.slice(8);
    expect(stampAt(local(13) + 6 * STEP - 1)).toBe("125500");
    expect(stampAt(local(13) + 6 * STEP)).toBe("130000");
    expect(stampAt(local(23) + 5 * 6 * STEP - 1)).toBe("225500");
    expect(stampAt(local(23) + 7 * 6 * STEP)).toBe("230000");
  });

  it("counts the power of each round as energy for the duration of the round", () => {
    const lifetimeJoules = 1000 * KWH;
    const rounds = ecu({ family, start: local(0), lifetimeJoules });
    let joules = 0;
    for (let at = local(0); at < local(24); at += PERIOD) {
      const { lifetimeEnergyJoules, todayEnergyJoules, powerWatts } = rounds.info(at + PERIOD - 1);
      joules += (powerWatts * PERIOD) / 1000;
      const booked = lifetimeEnergyJoules - lifetimeJoules;
      expect(booked % LIFETIME_STEP).toBe(0);
      expect(joules - booked).toBeGreaterThanOrEqual(0);
      expect(joules - booked).toBeLessThan(LIFETIME_STEP);
      if (at < local(23, 55)) {
        expect(todayEnergyJoules % TODAY_STEP).toBe(0);
        expect(joules - todayEnergyJoules).toBeGreaterThanOrEqual(0);
        expect(joules - todayEnergyJoules).toBeLessThan(TODAY_STEP);
      }
    }
    expect(rounds.producedJoules()).toBe(joules);
    expect(joules).toBeGreaterThan(15 * KWH); // 21 panels of 0.4 kW in June
  });

  it("counts the whole time of a round that is longer than its period", () => {
    const noonAtMidnight = { latitude: 0, longitude: 180 };
    const plant = createPlant([["DS3", 10]], noonAtMidnight, 1);
    const start = Date.UTC(2026, 2, 20);
    const rounds = createRounds({ plant, family, zone: "Etc/GMT", start, periodMs: 1000 });
    const { powerWatts } = rounds.info(start + 3_999); // ten inverters take 2 s, so this is the first round
    expect(readTable(rounds, start + 3_999).takenAt).toBe("20260320000000");
    expect(readTable(rounds, start + 4_000).takenAt).toBe("20260320000002");
    const rest = rounds.info(start + 4_000).powerWatts;
    expect(rounds.producedJoules()).toBe(2 * powerWatts + 2 * rest);
    expect(powerWatts).toBeGreaterThan(1000);
  });

  it("knows today's energy at its start", () => {
    const late = ecu({ family, start: local(18) }).info(local(18));
    const early = ecu({ family, start: local(0) });
    expect(late).toEqual(early.info(local(18)));
  });

  it("receives a signal of each inverter by day, of none at night, and never of an uncontacted one", () => {
    const plant = createTestPlant(["DS3", 2], ["UNCONTACTED", 1]);
    const rounds = ecu({ family, plant });
    const levels = (at: number) => rounds.signal(at).map(({ level }) => level > 0);
    expect(levels(local(13))).toEqual([true, true, false]);
    expect(levels(local(23, 30))).toEqual([false, false, false]);
    expect(rounds.signal(local(23, 31)).map(({ uid }) => uid)).toEqual(
      plant.inverters.map(({ uid }) => uid),
    );
  });
});

describe("while a round runs", () => {
  const during = local(13) + 2.5 * STEP; // three of six inverters have been asked
  const old = madeAt(mixed, local(12, 55));
  const fresh = madeAt(mixed, local(13));

  it.each<[Family, string, number[][]]>([
    ["R", "changes its table inverter by inverter", [...fresh.slice(0, 3), ...old.slice(3)]],
    ["L", "shows the table of the previous round", old],
  ])("family %s %s", (family, _what, powers) => {
    const rounds = ecu({ family });
    expect(powersAt(rounds, during)).toEqual(powers);
    expect(powersAt(rounds, during)).not.toEqual(family === "R" ? old : fresh);
  });

  it.each<Family>(["R", "L"])(
    "family %s keeps time and system power of the previous round",
    (family) => {
      const rounds = ecu({ family });
      expect(readTable(rounds, during).takenAt).toBe("20260621125500");
      expect(rounds.info(during).powerWatts).toBe(sum(old));
      expect(rounds.info(local(13, 1)).powerWatts).toBe(sum(fresh));
    },
  );
});

describe("the record of an offline inverter", () => {
  const night = local(23, 59);
  const cases = createTestPlant(["DS3", 1], ["QS1", 1], ["QT2", 1]);

  it("keeps on family R the values that an ECU-R does not clear: power C and D, and the three voltages", () => {
    const rounds = ecu({ plant: cases });
    let before = readTable(rounds, local(20)).records;
    for (let at = local(20); at < night; at += PERIOD) {
      const now = readTable(rounds, at + PERIOD - 1).records;
      before = before.map((last, i) => (now[i]?.online ? now[i] : last));
    }
    const [ds3, qs1, qt2] = readTable(rounds, night).records;
    const cleared = { online: false, frequencyHertz: 0, temperatureCelsius: 0 };
    expect(ds3).toMatchObject({ ...cleared, powerWatts: [0, 0], gridVolts: [0, 0] });
    expect(qs1).toMatchObject({
      ...cleared,
      powerWatts: [0, 0, ...(before[1]?.powerWatts.slice(2) ?? [])],
      gridVolts: [0],
    });
    expect(qt2).toMatchObject({
      ...cleared,
      powerWatts: [0, 0, ...(before[2]?.powerWatts.slice(2) ?? [])],
      gridVolts: before[2]?.gridVolts,
    });
    expect(qs1?.powerWatts[2]).toBeGreaterThan(0);
    expect(qt2?.gridVolts[0]).toBeGreaterThan(380);
  });

  it("is all zero on family L", () => {
    for (const record of readTable(ecu({ family: "L", plant: cases }), night).records) {
      expect(record).toMatchObject({ online: false, frequencyHertz: 0, temperatureCelsius: -100 });
      expect([...record.powerWatts, ...record.gridVolts].every((value) => value === 0)).toBe(true);
    }
  });

  it.each<[Family, number]>([
    ["R", 100],
    ["L", 0],
  ])("has on family %s the raw temperature %i", (family, raw) => {
    const bytes = encodeReply("realtime", ecu({ family, plant: cases }).realtime(night));
    expect(bytes.readUInt16BE(26 + 11)).toBe(raw);
    expect(bytes.readUInt16BE(26 + 21 + 11)).toBe(raw);
  });
});

it.each<[ModelName, number]>([
  ["UNCONTACTED", 9],
  ["DS3", 21],
  ["DS3D-L", 21],
  ["DS3-H", 21],
  ["UNKNOWN", 21],
  ["QS1", 23],
  ["YC1000", 27],
  ["QT2", 27],
])("the record of a %s has %i bytes", (name, bytes) => {
  const table = ecu({ plant: createTestPlant([name, 3]) }).realtime(local(13));
  expect(encodeReply("realtime", table)).toHaveLength(30 + 3 * bytes);
});

describe("today's energy", () => {
  const midnight = local(24);
  const todayAt = (rounds: Rounds, at: number) => rounds.info(at).todayEnergyJoules;

  it("is still yesterday's on family R after midnight, until the first production", () => {
    const rounds = ecu();
    const yesterday = todayAt(rounds, midnight - 1);
    expect(yesterday).toBeGreaterThan(10 * KWH);
    expect(todayAt(rounds, midnight + 3 * 3_600_000)).toBe(yesterday);
    expect(todayAt(rounds, midnight + 7 * 3_600_000)).toBeLessThan(0.2 * yesterday);
  });

  it("is 0 on family L from midnight on", () => {
    const rounds = ecu({ family: "L" });
    expect(todayAt(rounds, midnight - 1)).toBeGreaterThan(10 * KWH);
    expect(todayAt(rounds, midnight)).toBe(0);
    expect(todayAt(rounds, midnight + 7 * 3_600_000)).toBeGreaterThan(0);
  });
});

describe("the identity of the ECU", () => {
  it("on family R: no cloud contact, a constant zone, no Wi-Fi address", () => {
    expect(ecu().info(local(13))).toMatchObject({
      ecuId: expect.stringMatching(/^2160\d{8}$/),
      lastCloudContact: "d0d0d0d0d0d0d0",
      timezone: "Etc/GMT-8",
      wirelessMac: "000000000000",
      extension: "",
    });
  });

  it("on family L: all of these, and twelve more bytes", () => {
    expect(ecu({ family: "L" }).info(local(13, 4))).toMatchObject({
      ecuId: expect.stringMatching(/^2162\d{8}$/),
      lastCloudContact: "20260621130000",
      timezone: zone,
      wirelessMac: expect.stringMatching(/^60c5a8/),
      extension: "303000000000000000000000",
    });
  });
});

describe("the tables of the history", () => {
  it("have the power of each productive round of a day, and nothing at night", () => {
    const rounds = ecu();
    const curve = rounds.dayPower(local(24) - 1, "20260621");
    const { todayEnergyJoules } = rounds.info(local(24) - 1);
    const joules = curve.reduce((total, { powerWatts }) => total + (powerWatts * PERIOD) / 1000, 0);
    expect(joules - todayEnergyJoules).toBeGreaterThanOrEqual(0);
    expect(joules - todayEnergyJoules).toBeLessThan(TODAY_STEP);
    expect(curve.every(({ powerWatts }) => powerWatts > 0)).toBe(true);
    expect(curve.find(({ time }) => time === "1300")).toEqual({
      time: "1300",
      powerWatts: sum(madeAt(mixed, local(13))),
    });
    expect(curve[0]?.time.slice(0, 2)).toMatch(/05|06/); // the sun rises at 05:18
  });

  it("are empty for a day without data", () => {
    expect(ecu().dayPower(local(13), "20200101")).toEqual([]);
    expect(ecu().dayPower(local(13), "")).toEqual([]);
  });

  it.each([
    ["00", "00", 7, "20260719"],
    ["01", "01", 29, "20260719"],
    ["02", "02", 2, "20260701"],
    ["", "00", 7, "20260719"],
    ["12345", "02", 2, "20260701"],
  ])("have for period %j the energy of %s: %i records", (asked, period, count, last) => {
    const rounds = ecu({ plant: createTestPlant(["DS3", 1]) });
    const table = rounds.energy(local(24 * 29 - 1), asked); // up to 19 July
    expect(table.period).toBe(period);
    expect(table.records).toHaveLength(count);
    expect(table.records.at(-1)?.date).toBe(last);
    const today = rounds.info(local(24 * 29 - 1)).todayEnergyJoules;
    if (period !== "02") expect(table.records.at(-1)?.energyJoules).toBe(today);
    else expect(table.records.at(-1)?.energyJoules).toBeGreaterThan(today);
    expect(encodeReply("energy", table)).toHaveLength(21 + 6 * table.records.length);
  });

  it("wrap at 655.36 kWh, the limit of two bytes", () => {
    const rounds = ecu({ plant: createTestPlant(["QS1", 200]), start: local(23) });
    const { todayEnergyJoules } = rounds.info(local(23));
    const { records } = rounds.energy(local(23), "00");
    expect(todayEnergyJoules).toBeGreaterThan(655.36 * KWH);
    expect(records).toEqual([
      { date: "20260621", energyJoules: todayEnergyJoules % (655.36 * KWH) },
    ]);
    expect(encodeReply("energy", { period: "00", records })).toHaveLength(27);
  });
});
