import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ModelName, models } from "../../src/simulator/models.ts";
import { clearnessAt, createPlant, inverterStateAt } from "../../src/simulator/plant.ts";
import type { Site } from "../../src/time/sun.ts";

const utrecht: Site = { latitude: 52.09, longitude: 5.12 };
const NOON = Date.UTC(2026, 5, 21, 11, 41); // of the sun, there
const MIDNIGHT = NOON - 12 * 3_600_000;
const one = Object.keys(models).map((name) => [name as ModelName, 1] as const);
const plant = createPlant(one, utrecht, 1);

const doing = (at: number, seed = 1) => {
  const seeded = createPlant(one, utrecht, seed);
  return seeded.inverters.map((inverter) => inverterStateAt(seeded, inverter, at));
};

it("the same seed gives the same plant with the same power", () => {
  expect(createPlant(one, utrecht, 7)).toEqual(createPlant(one, utrecht, 7));
  expect(doing(NOON, 7)).toEqual(doing(NOON, 7));
});

it("another seed gives other serial numbers and another sky", () => {
  const uids = (seed: number) => createPlant(one, utrecht, seed).inverters.map(({ uid }) => uid);
  expect(uids(2)).not.toEqual(uids(1));
  const sky = (seed: number) => clearnessAt(createPlant(one, utrecht, seed), NOON);
  expect(sky(2)).not.toBe(sky(1));
});

it("each inverter has a unique serial number: 12 digits with the prefix of its model", () => {
  const { inverters } = createPlant(
    [
      ["QS1", 150],
      ["DS3", 150],
    ],
    utrecht,
    1,
  );
  expect(new Set(inverters.map(({ uid }) => uid)).size).toBe(300);
  for (const { uid, model } of inverters) {
    expect(uid).toMatch(/^\d{12}$/);
    expect(uid.startsWith(model.prefix)).toBe(true);
  }
});

it("rejects more inverters than a reply can hold", () => {
  expect(() => createPlant([["QS1", 301]], utrecht, 1)).toThrow(RangeError);
});

it("half of the panels face the morning and half the evening, towards the equator", () => {
  const azimuths = (latitude: number) =>
    createPlant([["DS3", 2]], { latitude, longitude: 0 }, 1).inverters.map(
      ({ panels }) => panels[0]?.azimuth,
    );
  expect(azimuths(52)).toEqual([145, 250]);
  expect(azimuths(-34)).toEqual([-35, 70]);
});

it.each<[ModelName, string, number, number]>([
  ["YC600", "01", 2, 1],
  ["DS3", "01", 2, 1],
  ["DS3D-L", "04", 2, 1],
  ["DS3-H", "05", 2, 1],
  ["QS1", "03", 4, 1],
  ["QS1A", "03", 4, 1],
  ["YC1000", "02", 4, 3],
  ["QT2", "02", 4, 3],
  ["UNKNOWN", "77", 2, 1],
])(
  "a %s has type %s, %i channels and %i voltages, and works at noon",
  (name, type, channels, volts) => {
    const [inverter] = createPlant([[name, 1]], utrecht, 1).inverters;
    if (inverter === undefined) throw new Error("no inverter");
    const now = inverterStateAt(plant, inverter, NOON);
    expect(inverter.model.typeCode).toBe(type);
    expect(now.online).toBe(true);
    expect(now.channelWatts).toHaveLength(channels);
    expect(now.gridVolts).toHaveLength(volts);
    for (const watts of now.channelWatts) expect(watts).toBeGreaterThan(0);
  },
);

it("an inverter that was never contacted has no power even at noon", () => {
  const [inverter] = createPlant([["UNCONTACTED", 1]], utrecht, 1).inverters;
  if (inverter === undefined) throw new Error("no inverter");
  expect(inverterStateAt(plant, inverter, NOON)).toMatchObject({
    online: false,
    channelWatts: [],
    gridVolts: [],
  });
});

it("at night no inverter is online, and no channel has power", () => {
  for (const { online, channelWatts } of doing(MIDNIGHT)) {
    expect(online).toBe(false);
    expect(channelWatts.every((watts) => watts === 0)).toBe(true);
  }
});

describe("at any time, with any seed", () => {
  const moment = fc.integer({ min: Date.UTC(2020, 0), max: Date.UTC(2035, 0) });
  const seed = fc.nat(2 ** 31 - 1);

  it("measured values are within the range of the grid, the panels and the roof, in the steps of the protocol", () => {
    fc.assert(
      fc.property(moment, seed, (at, seed) => {
        const seeded = createPlant(one, utrecht, seed);
        for (const inverter of seeded.inverters) {
          const { online, ...now } = inverterStateAt(seeded, inverter, at);
          expect(now.frequencyHertz).toBe(Math.round(now.frequencyHertz * 10) / 10);
          expect(now.frequencyHertz).toBeGreaterThanOrEqual(49.8);
          expect(now.frequencyHertz).toBeLessThanOrEqual(50.2);
          expect(now.temperatureCelsius).toBeGreaterThan(-40);
          expect(now.temperatureCelsius).toBeLessThan(90);
          expect(now.signal).toBeGreaterThan(80);
          expect(now.signal).toBeLessThanOrEqual(255);
          inverter.model.gridVolts.forEach((volts, phase) => {
            expect(Math.abs((now.gridVolts[phase] ?? 0) / volts - 1)).toBeLessThan(0.04);
          });
          for (const watts of now.channelWatts) {
            expect(Number.isInteger(watts)).toBe(true);
            expect(watts).toBeGreaterThanOrEqual(0);
            expect(watts).toBeLessThanOrEqual(1.15 * inverter.model.panelWatts);
            if (!online) expect(watts).toBe(0);
          }
        }
      }),
    );
  });

  it("the sky is between overcast and clear", () => {
    fc.assert(
      fc.property(moment, seed, (at, seed) => {
        const clearness = clearnessAt(createPlant([], utrecht, seed), at);
        expect(clearness).toBeGreaterThanOrEqual(0.05);
        expect(clearness).toBeLessThanOrEqual(1);
      }),
    );
  });
});
