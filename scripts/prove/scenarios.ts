/** All scenarios of a proof: healthy plants, and faults at random times. */

import { irradianceOn } from "../../src/simulator/irradiance.ts";
import { clearnessAt, type Plant } from "../../src/simulator/plant.ts";
import { random } from "../../src/simulator/random.ts";
import { sunPosition } from "../../src/time/sun.ts";
import { type FaultKind, type FaultKindName, faultKinds } from "./fault-kinds.ts";
import {
  createPlantAt,
  deriveSeed,
  type LocationName,
  locations,
  type PlantLocation,
  type RoofName,
  roofs,
} from "./plants.ts";
import { DAY, HOUR, MINUTE, type Period, type Scenario, STEP } from "./scenario.ts";
import { shareThroughSnow } from "./snow.ts";

/** Good light: at least this irradiance on the mean panel of the plant, in W/m². */
export const GOOD_IRRADIANCE = 200;
/** A fault starts only if this much good light follows soon: in a dark winter, a fault has no effect. */
const LIGHT_NEEDED_MS = 3 * HOUR;

/** A scenario with a fault, and the alert that must fire. */
export interface FaultCase {
  readonly scenario: Scenario;
  readonly kind: FaultKindName;
  /** Start of the fault in milliseconds since 1970. */
  readonly at: number;
  /** Labels that the alert must have. */
  readonly labels: Readonly<Record<string, string>>;
  /** Where and when, for the severities by place and month. */
  readonly season?: Season;
}

export interface Season {
  readonly location: LocationName;
  /** From 0 for January. */
  readonly month: number;
}

/** The seed of the results in docs/alerts.md. */
export const DEFAULT_SEED = 2026;

/** Creates a scenario without a fault for each roof at each location. */
export const createHealthyScenarios = (
  places: readonly PlantLocation[],
  period: Period,
  seed: number,
): Scenario[] =>
  places.flatMap((location, l) =>
    (Object.keys(roofs) as RoofName[]).map(
      (roof, r): Scenario => ({
        ecu: `healthy-${location.name}-${roof}`,
        location,
        plant: createPlantAt(location, roof, deriveSeed(seed, 1, l, r)),
        family: (l + r) % 2 === 0 ? "R" : "L",
        ...period,
        showsSun: r % 2 === 0,
      }),
    ),
  );

/** Days of a scenario before and after the start of its fault. */
interface Margin {
  readonly before: number;
  readonly after: number;
}

/** Creates `count` scenarios for each kind of fault, at random times in the period. @param slow days for slow faults */
export const createFaultCases = (
  places: readonly PlantLocation[],
  period: Period,
  count: number,
  slow: Margin,
  seed: number,
): FaultCase[] =>
  (Object.entries(faultKinds) as [FaultKindName, FaultKind][]).flatMap(([kind, row], k) =>
    Array.from({ length: count }, (_, i) => {
      const location = places[i % places.length] as PlantLocation;
      const roof = row.roofs[Math.floor(i / places.length) % row.roofs.length] as RoofName;
      const caseSeed = deriveSeed(seed, 2, k, i);
      const { before, after } = row.isSlow ? slow : SOON;
      const moments = { from: period.from + before * DAY, to: period.to - after * DAY };
      const plant = createPlantAt(location, roof, caseSeed);
      const at = pickFaultTime(plant, caseSeed, moments);
      if (at === undefined)
        throw new Error(`no good light in ${location.name} follows any moment of the period`);
      const variant = { number: i, location, roof, plant, at, margin: { before, after } };
      return createFaultCase(kind, caseSeed, variant);
    }),
  );

const SOON: Margin = { before: 5, after: 4 };

/** Faults with a severity that depends on the snow, on the roof of a house. */
export const seasonalFaults = ["inverterDead", "plantSilent"] as const satisfies FaultKindName[];

/** Creates `count` scenarios for each seasonal fault, location and month of the period that has good light. */
export const createSeasonCases = (period: Period, count: number, seed: number): FaultCase[] =>
  seasonalFaults.flatMap((kind, k) =>
    locations.flatMap((location, l) =>
      listMonths(period).flatMap(({ month, ...moments }) =>
        Array.from({ length: count }, (_, i): FaultCase | undefined => {
          const caseSeed = deriveSeed(seed, 3, k, l, month, i);
          const plant = createPlantAt(location, "house", caseSeed);
          const at = pickFaultTime(plant, caseSeed, moments);
          if (at === undefined) return undefined;
          const number = 1000 + month * count + i;
          const variant = { number, location, roof: "house", plant, at, margin: SOON } as const;
          return {
            ...createFaultCase(kind, caseSeed, variant),
            season: { location: location.name, month },
          };
        }).filter((faultCase) => faultCase !== undefined),
      ),
    ),
  );

/** The months of the period, without the days that a scenario needs at its ends. */
const listMonths = ({ from, to }: Period): (Period & { month: number })[] => {
  const year = new Date(from).getUTCFullYear();
  return Array.from({ length: 12 }, (_, month) => ({
    month,
    from: Math.max(from + SOON.before * DAY, Date.UTC(year, month, 1)),
    to: Math.min(to - SOON.after * DAY, Date.UTC(year, month + 1, 1)),
  })).filter((month) => month.from < month.to);
};

interface Variant {
  /** Different for each variant of a kind at a location. */
  readonly number: number;
  readonly location: PlantLocation;
  readonly roof: RoofName;
  readonly plant: Plant;
  readonly at: number;
  readonly margin: Margin;
}

const createFaultCase = (
  kind: FaultKindName,
  seed: number,
  { number, location, roof, plant, at, margin }: Variant,
): FaultCase => {
  const row: FaultKind = faultKinds[kind];
  const victim = Math.floor(random(seed, 51) * plant.inverters.length);
  const inverter = plant.inverters[victim];
  const channel = Math.floor(random(seed, 52) * (inverter?.panels.length ?? 1));
  const ecu = `${kind}-${number}-${location.name}-${roof}`;
  return {
    kind,
    at,
    scenario: {
      ecu,
      location,
      plant,
      family: number % 2 === 0 ? "R" : "L",
      from: Math.floor(at / DAY - margin.before) * DAY,
      to: Math.floor(at / DAY + margin.after) * DAY,
      showsSun: Math.floor(number / 2) % 2 === 0,
      fault: { at, ...row.create(plant, victim, channel) },
    },
    labels: {
      ecu,
      ...(row.scope !== "ecu" && { uid: inverter?.uid ?? "" }),
      ...(row.scope === "channel" && { channel: String(channel + 1) }),
    },
  };
};

/** Picks a random moment of the period that is followed by enough good light within four days, if there is one. */
const pickFaultTime = (plant: Plant, seed: number, { from, to }: Period): number | undefined => {
  for (let attempt = 0; attempt < 100; attempt++) {
    const at = from + Math.floor(random(seed, 53, attempt) * (to - from));
    let good = 0;
    for (let then = at; then < at + 4 * DAY; then += STEP) {
      if (isGoodLight(plant, then)) good += STEP;
      if (good >= LIGHT_NEEDED_MS) return at;
    }
  }
  return undefined;
};

/** Counts the minutes of good light between two moments. */
export const countGoodMinutes = (plant: Plant, from: number, to: number): number => {
  let minutes = 0;
  for (let at = from; at < to; at += MINUTE) if (isGoodLight(plant, at)) minutes++;
  return minutes;
};

const isGoodLight = (plant: Plant, at: number): boolean => {
  const sun = sunPosition(plant.site, at);
  if (sun.elevation <= 0) return false;
  const clearness = clearnessAt(plant, at);
  const irradiances = plant.inverters.flatMap((inverter, i) =>
    inverter.panels
      .filter(({ tilt }) => tilt < 180)
      .map((panel, c) => shareThroughSnow(plant, i, c, at) * irradianceOn(panel, sun, clearness)),
  );
  return irradiances.reduce((sum, value) => sum + value, 0) / irradiances.length >= GOOD_IRRADIANCE;
};
