/** Where the plants of the proof stand, and what is on their roofs. */

import type { Orientation } from "../../src/simulator/light.ts";
import { createPlant, type Plant, type PlantInverter } from "../../src/simulator/plant.ts";
import { random } from "../../src/simulator/random.ts";
import type { Site } from "../../src/time/sun.ts";

export interface Place {
  readonly name: string;
  readonly site: Site;
  /** IANA name; each has summer time. */
  readonly zone: string;
}

/** Three latitudes: no winter, a mild one, and a dark one. */
export const places: readonly Place[] = [
  { name: "28", site: { latitude: 28.1, longitude: -15.4 }, zone: "Atlantic/Canary" },
  { name: "52", site: { latitude: 52.09, longitude: 5.12 }, zone: "Europe/Amsterdam" },
  { name: "64", site: { latitude: 63.8, longitude: 20.3 }, zone: "Europe/Stockholm" },
];

/** East, south, west and north, as roofs go. */
const facing = (azimuth: number): Orientation => ({ tilt: 35, azimuth });
const [east, south, west, north] = [facing(90), facing(180), facing(270), facing(0)];

type Roof = (site: Site, seed: number) => Plant;

const withPanels = (
  plant: Plant,
  panelsOf: (inverter: PlantInverter, i: number) => readonly Orientation[],
): Plant => ({
  ...plant,
  inverters: plant.inverters.map((one, i) => ({ ...one, panels: panelsOf(one, i) })),
});

/** What stands on the roofs. A channel without a panel is one that gets no light. */
export const roofs = {
  /** Five inverters and fourteen panels on two faces. */
  house: (site, seed) =>
    createPlant(
      [
        ["QS1", 2],
        ["DS3", 3],
      ],
      site,
      seed,
    ),
  /** One inverter with two panels. */
  shed: (site, seed) => createPlant([["DS3", 1]], site, seed),
  /** One inverter with one panel; its other channel is empty. */
  balcony: (site, seed) =>
    withPanels(createPlant([["YC600", 1]], site, seed), () => [south, { tilt: 180, azimuth: 0 }]),
  /** Panels that look in all four directions, at one inverter and at several, of one and of three phases. */
  mixed: (site, seed) =>
    withPanels(
      createPlant(
        [
          ["YC1000", 1],
          ["DS3", 4],
        ],
        site,
        seed,
      ),
      (_inverter, i) =>
        [
          [east, south, west, north],
          [east, east],
          [west, west],
          [east, west],
          [north, north],
        ][i] ?? [],
    ),
} as const satisfies Record<string, Roof>;

export type RoofName = keyof typeof roofs;

/** A seed of its own for each of the things that are left to chance, by the seed of the whole. */
export const seedOf = (seed: number, ...keys: readonly number[]): number =>
  Math.floor(random(seed, ...keys) * 2 ** 31);
