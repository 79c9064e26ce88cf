/** The snow of the simulated year: where it falls, that it covers all panels at once, and that they become free one by one. */
import { describe, expect, it } from "vitest";
import { createPlantAt, type LocationName, locations } from "../../scripts/prove/plants.ts";
import { shareThroughSnow } from "../../scripts/prove/snow.ts";
import type { Plant } from "../../src/simulator/plant.ts";

const HOUR = 3_600_000;
const hours = (from: number, to: number): number[] =>
  Array.from({ length: (to - from) / HOUR }, (_, i) => from + i * HOUR);
const winter = hours(Date.UTC(2025, 0, 1), Date.UTC(2025, 2, 1));
const summer = hours(Date.UTC(2025, 5, 1), Date.UTC(2025, 7, 1));

const createHouse = (name: LocationName): Plant => {
  const location = locations.find((one) => one.name === name);
  if (location === undefined) throw new Error(`no location ${name}`);
  return createPlantAt(location, "house", 1);
};

/** The share of light at each panel of the plant. */
const sharesAt = (plant: Plant, at: number): number[] =>
  plant.inverters.flatMap(({ panels }, i) =>
    panels.map((_, channel) => shareThroughSnow(plant, i, channel, at)),
  );

describe("snow", () => {
  it.each<[LocationName, boolean]>([
    ["Las Palmas", false],
    ["Berlin", true],
    ["Umeå", true],
  ])("in %s falls in winter: %j, and never in summer", (name, isSnowy) => {
    const plant = createHouse(name);
    expect(winter.some((at) => sharesAt(plant, at).some((share) => share < 1))).toBe(isSnowy);
    expect(summer.some((at) => sharesAt(plant, at).some((share) => share < 1))).toBe(false);
  });

  it("covers all panels in the same hour, and leaves one after the other", () => {
    const plant = createHouse("Umeå");
    let beginnings = 0;
    let partly = 0;
    for (const [i, at] of winter.entries()) {
      const covered = sharesAt(plant, at).filter((share) => share < 1).length;
      const before = sharesAt(plant, winter[i - 1] ?? at - HOUR).filter((share) => share < 1);
      if (before.length === 0 && covered > 0) {
        beginnings++;
        expect(covered).toBe(14);
      }
      if (covered > 0 && covered < 14) partly++;
    }
    expect(beginnings).toBeGreaterThan(0);
    expect(partly).toBeGreaterThan(0);
  });

  it("lets less light through the more there is, and none of a deep layer", () => {
    const plant = createHouse("Umeå");
    const darkest = Math.min(...winter.flatMap((at) => sharesAt(plant, at)));
    expect(darkest).toBeGreaterThan(0);
    expect(darkest).toBeLessThan(0.01);
  });
});
