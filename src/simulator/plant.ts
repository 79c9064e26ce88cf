import { type Site, sunPosition } from "../time/sun.ts";
import { irradianceOn, type Orientation } from "./irradiance.ts";
import { MAX_INVERTERS, type Model, type ModelName, models } from "./models.ts";
import { drift, random } from "./random.ts";

/** A roof with inverters. Their state depends only on this and on the time. */
export interface Plant {
  readonly site: Site;
  readonly seed: number;
  readonly inverters: readonly PlantInverter[];
  /** Without it, the climate is derived from the latitude. */
  readonly climate?: Climate;
}

/** Air temperatures of a place, in °C. */
export interface Climate {
  /** Mean of the year. */
  readonly mean: number;
  /** Difference between the mean of the warmest day and that of the year. */
  readonly season: number;
  /** Half of the difference between afternoon and night. */
  readonly day: number;
  /** Range of the changes with the weather, within a few days. */
  readonly weather: number;
}

export interface PlantInverter {
  readonly uid: string;
  readonly model: Model;
  readonly panels: readonly Orientation[];
  /** Irradiance on its best panel at which it wakes up, in W/m². */
  readonly wakeIrradiance: number;
  /** Average level of its signal at the ECU, 0 to 255. */
  readonly signal: number;
  readonly seed: number;
}

/** The state of an inverter at a moment, in the units of the protocol. */
export interface InverterState {
  /** Whether it is awake and replies. */
  readonly online: boolean;
  readonly channelWatts: readonly number[];
  readonly gridVolts: readonly number[];
  readonly frequencyHertz: number;
  readonly temperatureCelsius: number;
  readonly signal: number;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Azimuths of the two faces of the roof, relative to the direction of the equator. */
const FACES = [-35, 70];

/**
 * Creates a plant with half of its inverters on each face of the roof.
 * @throws RangeError for more inverters than a reply has room for
 */
export const createPlant = (
  counts: readonly (readonly [ModelName, number])[],
  site: Site,
  seed: number,
): Plant => {
  const names = counts.flatMap(([name, count]) => Array<ModelName>(count).fill(name));
  if (names.length > MAX_INVERTERS) {
    throw new RangeError(`${names.length} inverters are more than ${MAX_INVERTERS}`);
  }
  const towardsEquator = site.latitude >= 0 ? 180 : 0;
  const inverters = names.map((name, i): PlantInverter => {
    const model: Model = models[name];
    const inverterSeed = Math.floor(random(seed, 1, i) * 2 ** 31);
    const face = FACES[i < names.length / 2 ? 0 : 1] ?? 0;
    const panel = { tilt: 35, azimuth: towardsEquator + face };
    const serial = String(Math.floor(random(seed, 2, i) * 1e6)).padStart(6, "0");
    return {
      uid: `${model.prefix}${String(i).padStart(3, "0")}${serial}`,
      model,
      panels: Array.from({ length: model.channels }, () => panel),
      wakeIrradiance: 8 + 14 * random(inverterSeed, 3),
      signal: Math.round(110 + 110 * random(inverterSeed, 4)),
      seed: inverterSeed,
    };
  });
  return { site, seed, inverters };
};

/** Clearness of the sky, 0 to 1: some days are clear, and every day has some clouds. */
export const clearnessAt = (plant: Plant, at: number): number => {
  const day = drift(plant.seed + 11, at, 1.3 * DAY);
  const cloud =
    drift(plant.seed + 12, at, 17 * MINUTE) * 0.7 + drift(plant.seed + 13, at, 4 * MINUTE) * 0.3;
  return 1 - Math.min(0.95, Math.max(0, 1.25 * (1 - day) * cloud));
};

/** Air temperature in °C: seasons, weather, and a maximum in the afternoon. */
export const airTemperatureAt = (plant: Plant, at: number): number => {
  const { site, seed } = plant;
  const { mean, season, day, weather } = plant.climate ?? climateAt(site);
  const summer =
    Math.cos(((at / DAY - 201) / 365.25) * 2 * Math.PI) * Math.sign(site.latitude || 1);
  const solarHour = (((at / HOUR + site.longitude / 15) % 24) + 24) % 24;
  const afternoon = Math.cos(((solarHour - 15) / 24) * 2 * Math.PI);
  return mean + season * summer + day * afternoon + weather * (drift(seed + 14, at, 2 * DAY) - 0.5);
};

/** A mild climate of a latitude. */
const climateAt = ({ latitude }: Site): Climate => {
  const cold = Math.abs(latitude) / 90;
  return { mean: 27 - 24 * cold, season: 12 * cold, day: 4, weather: 6 };
};

/** The state of an inverter of the plant at a moment (milliseconds since 1970). */
export const inverterStateAt = (
  plant: Plant,
  inverter: PlantInverter,
  at: number,
): InverterState => {
  const { model, panels, seed } = inverter;
  const sun = sunPosition(plant.site, at);
  const clearness = clearnessAt(plant, at);
  const irradiances = panels.map((panel) => irradianceOn(panel, sun, clearness));
  const online = model.channels > 0 && Math.max(...irradiances) > inverter.wakeIrradiance;
  const channelWatts = irradiances.map((irradiance, i) => {
    const quality = 0.94 + 0.06 * random(seed, 5, i);
    const noise = 0.99 + 0.02 * random(seed, 6, i, at / MINUTE);
    return online ? Math.round((model.panelWatts * irradiance * quality * noise) / 1000) : 0;
  });
  const load = Math.max(0, ...irradiances) / 1000;
  return {
    online,
    channelWatts,
    gridVolts: model.gridVolts.map((volts, i) =>
      Math.round(
        volts * (0.985 + 0.03 * drift(plant.seed + 20 + i, at, 11 * MINUTE) + 0.01 * load),
      ),
    ),
    frequencyHertz: Math.round(10 * (49.92 + 0.16 * drift(plant.seed + 15, at, 3 * MINUTE))) / 10,
    temperatureCelsius: Math.round(airTemperatureAt(plant, at) + 28 * load + 3 * random(seed, 7)),
    signal: Math.round(inverter.signal + 12 * (drift(seed + 16, at, HOUR) - 0.5)),
  };
};
