/** Snow on the panels of the proof: it falls on cold days and slides off one panel after another. */
import { airTemperatureAt, type Plant } from "../../src/simulator/plant.ts";
import { random } from "../../src/simulator/random.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Snow falls only if the morning is colder than this. */
const COLD_CELSIUS = 3;
/** Share of the cold days on which snow falls. */
const SNOWY_SHARE = 0.2;
/** Maximum time that snow stays on the first panel. */
const LIES_MS = 3 * DAY;
/** Maximum additional time until it has left the last panel. */
const STAGGER_MS = 20 * HOUR;

/**
 * Whether a panel is under snow, and so gets no light.
 * @param panel index of the panel in the plant
 * @param at milliseconds since 1970
 */
export const isUnderSnow = (plant: Plant, panel: number, at: number): boolean => {
  const today = Math.floor(at / DAY);
  for (let day = today - 4; day <= today; day++) {
    const fall = fallOn(plant, day);
    if (fall === undefined || at < fall.begins) continue;
    const later = STAGGER_MS * random(plant.seed, 31, day, panel);
    if (at < fall.begins + fall.liesMs + later) return true;
  }
  return false;
};

/** The snow that falls on one day. Cached, because it is needed for every panel at every step. */
const fallOn = (plant: Plant, day: number): { begins: number; liesMs: number } | undefined => {
  const fallByDay = falls.get(plant) ?? new Map<number, ReturnType<typeof fallOn>>();
  falls.set(plant, fallByDay);
  if (fallByDay.has(day)) return fallByDay.get(day);
  const { seed, site } = plant;
  const morning = day * DAY + 6 * HOUR - (site.longitude / 15) * HOUR;
  const isSnowy =
    airTemperatureAt(plant, morning) < COLD_CELSIUS && random(seed, 32, day) < SNOWY_SHARE;
  const fall = isSnowy
    ? {
        begins: day * DAY + random(seed, 33, day) * DAY,
        liesMs: (0.1 + 0.9 * random(seed, 34, day)) * LIES_MS,
      }
    : undefined;
  fallByDay.set(day, fall);
  return fall;
};

const falls = new WeakMap<Plant, Map<number, ReturnType<typeof fallOn>>>();
