/** Locations and roofs of the plants of the proof. */
import type { Orientation } from "../../src/simulator/irradiance.ts";
import { createPlant, type Plant, type PlantInverter } from "../../src/simulator/plant.ts";
import { random } from "../../src/simulator/random.ts";
import type { Site } from "../../src/time/sun.ts";

export interface PlantLocation {
  readonly name: string;
  readonly site: Site;
  /** IANA name of a zone with summer time. */
  readonly zone: string;
}

/** Three latitudes: without winter, with a mild winter, with a dark winter. */
export const locations: readonly PlantLocation[] = [
  { name: "28", site: { latitude: 28.1, longitude: -15.4 }, zone: "Atlantic/Canary" },
  { name: "52", site: { latitude: 52.09, longitude: 5.12 }, zone: "Europe/Amsterdam" },
  { name: "64", site: { latitude: 63.8, longitude: 20.3 }, zone: "Europe/Stockholm" },
];

/** A typical roof with this azimuth in degrees. */
const facing = (azimuth: number): Orientation => ({ tilt: 35, azimuth });
const [east, south, west, north] = [facing(90), facing(180), facing(270), facing(0)];

type Roof = (site: Site, seed: number) => Plant;

const withPanels = (
  plant: Plant,
  panelsOf: (inverter: PlantInverter, i: number) => readonly Orientation[],
): Plant => ({
  ...plant,
  inverters: plant.inverters.map((inverter, i) => ({ ...inverter, panels: panelsOf(inverter, i) })),
});

/** Panels and inverters of each roof. A channel without a panel is simulated as a panel without light. */
export const roofs = {
  /** Five inverters and fourteen panels in two directions. */
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
  /** Panels in all four directions, on one inverter and on several, with one phase and with three. */
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

/** Derives an independent seed for each random part of the proof. */
export const deriveSeed = (seed: number, ...keys: readonly number[]): number =>
  Math.floor(random(seed, ...keys) * 2 ** 31);
