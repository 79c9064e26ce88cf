/** Locations and roofs of the plants of the proof. */
import type { Orientation } from "../../src/simulator/irradiance.ts";
import {
  type Climate,
  createPlant,
  type Plant,
  type PlantInverter,
} from "../../src/simulator/plant.ts";
import { random } from "../../src/simulator/random.ts";
import type { Site } from "../../src/time/sun.ts";

export interface PlantLocation {
  readonly name: string;
  readonly site: Site;
  /** IANA name of a zone with summer time. */
  readonly zone: string;
  readonly climate: Climate;
}

/** Places without winter, with a mild one, with months of frost, and with polar night. Temperatures of 1991 to 2020, rounded. */
export const locations = [
  {
    name: "Las Palmas",
    site: { latitude: 28.1, longitude: -15.4 },
    zone: "Atlantic/Canary",
    climate: { mean: 21, season: 3.5, day: 2.5, weather: 5 },
  },
  {
    name: "Utrecht",
    site: { latitude: 52.09, longitude: 5.12 },
    zone: "Europe/Amsterdam",
    climate: { mean: 10.6, season: 7.4, day: 3, weather: 11 },
  },
  {
    name: "Umeå",
    site: { latitude: 63.8, longitude: 20.3 },
    zone: "Europe/Stockholm",
    climate: { mean: 4.4, season: 11.7, day: 3.5, weather: 15 },
  },
  {
    name: "Berlin",
    site: { latitude: 52.52, longitude: 13.4 },
    zone: "Europe/Berlin",
    climate: { mean: 10.1, season: 9.5, day: 3.5, weather: 14 },
  },
  {
    name: "Munich",
    site: { latitude: 48.14, longitude: 11.58 },
    zone: "Europe/Berlin",
    climate: { mean: 9.3, season: 9.6, day: 4, weather: 14 },
  },
  {
    name: "Oslo",
    site: { latitude: 59.91, longitude: 10.75 },
    zone: "Europe/Oslo",
    climate: { mean: 7, season: 10, day: 3.5, weather: 14 },
  },
  {
    name: "Tromsø",
    site: { latitude: 69.65, longitude: 18.96 },
    zone: "Europe/Oslo",
    climate: { mean: 3.3, season: 7.8, day: 2, weather: 12 },
  },
] as const satisfies readonly PlantLocation[];

export type LocationName = (typeof locations)[number]["name"];

/** A typical roof with this azimuth in degrees. */
const facing = (azimuth: number): Orientation => ({ tilt: 35, azimuth });
const [east, south, west, north] = [facing(90), facing(180), facing(270), facing(0)];

type Roof = (site: Site, seed: number) => Plant;

/** Creates a plant at a location. */
export const createPlantAt = (
  { site, climate }: PlantLocation,
  roof: RoofName,
  seed: number,
): Plant => ({ ...roofs[roof](site, seed), climate });

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
