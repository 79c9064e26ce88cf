/**
 * Snow on the panels of the proof. It falls in cold air, on all panels at once. It melts in warm air and in light, and slides off
 * a panel once some of it has melted. Amounts are in mm of water: 1 mm is about 1 cm of fresh snow.
 */
import { irradianceOn } from "../../src/simulator/irradiance.ts";
import { airTemperatureAt, clearnessAt, type Plant } from "../../src/simulator/plant.ts";
import { random } from "../../src/simulator/random.ts";
import { sunPosition } from "../../src/time/sun.ts";

const HOUR = 3_600_000;
/** Precipitation begins at the start of some intervals of this length, and lasts for all of it. */
const SHOWER_HOURS = 6;
/** Share of the intervals with precipitation, about the 180 days a year of Central Europe. */
const SHOWER_SHARE = 0.12;
/** Mean amount of one interval. */
const SHOWER_MM = 3;
/** Precipitation is snow in air below this. */
const SNOW_CELSIUS = 1.2;
/** Melting per hour and degree above zero. */
const MELT_PER_DEGREE = 0.15;
/** Melting per hour and W/m²: a quarter of the light is absorbed. In air colder than `LIGHT_MELTS_CELSIUS`, it freezes again. */
const MELT_PER_WATT = 0.0027;
const LIGHT_MELTS_CELSIUS = -4;
/** The snow slides off after this much has melted since the last fall, and up to `SLIDE_SPREAD_MM` more on some panels. */
const SLIDE_MM = 0.2;
const SLIDE_SPREAD_MM = 1.5;
/** 1 mm lets a quarter of the light through. */
const LIGHT_LOSS_PER_MM = 1.3;
/** Share of the light that comes through the clouds while snow falls. */
const LIGHT_UNDER_CLOUDS = 0.3;

/**
 * The share of the light that reaches a panel through falling snow and the snow on it, from 0 to 1 (no snow).
 * @param inverter index of the inverter in the plant
 * @param channel index of the panel at the inverter
 * @param at milliseconds since 1970
 */
export const shareThroughSnow = (
  plant: Plant,
  inverter: number,
  channel: number,
  at: number,
): number => {
  const hour = Math.floor(at / HOUR);
  const { firstHour, falls, depths } = findWinter(plant, hour);
  const depth = depths[inverter]?.[channel]?.[hour - firstHour] ?? 0;
  const isSnowing = (falls[hour - firstHour] ?? 0) > 0;
  return (isSnowing ? LIGHT_UNDER_CLOUDS : 1) * Math.exp(-LIGHT_LOSS_PER_MM * depth);
};

/** The snow of a year from one August to the next, in mm. */
interface Winter {
  readonly firstHour: number;
  /** What falls in each hour. */
  readonly falls: Float32Array;
  /** What lies on each panel in each hour, by inverter. */
  readonly depths: readonly (readonly Float32Array[])[];
}

const winters = new WeakMap<Plant, Map<number, Winter>>();

/** Cached, because every hour depends on those before it. */
const findWinter = (plant: Plant, hour: number): Winter => {
  const date = new Date(hour * HOUR);
  const year = date.getUTCFullYear() - (date.getUTCMonth() < 7 ? 1 : 0);
  const byYear = winters.get(plant) ?? new Map<number, Winter>();
  winters.set(plant, byYear);
  const winter = byYear.get(year) ?? simulateWinter(plant, year);
  byYear.set(year, winter);
  return winter;
};

const simulateWinter = (plant: Plant, year: number): Winter => {
  const firstHour = Date.UTC(year, 7, 1) / HOUR;
  const hours = Date.UTC(year + 1, 7, 1) / HOUR - firstHour;
  const falls = new Float32Array(hours);
  const depths = plant.inverters.map(({ panels }) => panels.map(() => new Float32Array(hours)));
  const melted = plant.inverters.map(({ panels }) => panels.map(() => 0));
  for (let i = 0; i < hours; i++) {
    const at = (firstHour + i) * HOUR;
    const celsius = airTemperatureAt(plant, at);
    const fall = celsius < SNOW_CELSIUS ? precipitationAt(plant, at) : 0;
    falls[i] = fall;
    for (const [n, { panels }] of plant.inverters.entries()) {
      for (const [c, panel] of panels.entries()) {
        const [depth, melt] = [depths[n]?.[c], melted[n]];
        if (!depth || !melt) continue;
        const before = i === 0 ? 0 : (depth[i - 1] ?? 0);
        if (before + fall === 0) continue;
        const lost = meltPerHour(plant, panel, celsius, at);
        melt[c] = fall > 0 ? 0 : (melt[c] ?? 0) + lost;
        const slidesAt =
          SLIDE_MM + SLIDE_SPREAD_MM * random(plant.seed, 31, Math.floor(at / HOUR / 48), n, c);
        depth[i] = melt[c] > slidesAt ? 0 : Math.max(0, before + fall - lost);
      }
    }
  }
  return { firstHour, falls, depths };
};

/** Precipitation in mm within the hour. */
const precipitationAt = ({ seed }: Plant, at: number): number => {
  const interval = Math.floor(at / HOUR / SHOWER_HOURS);
  return random(seed, 32, interval) < SHOWER_SHARE
    ? (-SHOWER_MM * Math.log(1 - random(seed, 33, interval))) / SHOWER_HOURS
    : 0;
};

const meltPerHour = (
  plant: Plant,
  panel: Plant["inverters"][number]["panels"][number],
  celsius: number,
  at: number,
): number => {
  const inAir = Math.max(0, celsius) * MELT_PER_DEGREE;
  if (celsius < LIGHT_MELTS_CELSIUS) return inAir;
  const sun = sunPosition(plant.site, at);
  if (sun.elevation <= 0) return inAir;
  return inAir + MELT_PER_WATT * irradianceOn(panel, sun, clearnessAt(plant, at));
};
