/** Snow on the roofs of the proof: it falls when it is cold, and slides off one panel after another. */

import { airAt, type Plant } from "../../src/simulator/plant.ts";
import { random } from "../../src/simulator/random.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Colder than this in the morning, in °C, and what falls is snow. */
const COLD = 3;
/** Part of the cold days on which it falls. */
const SNOWY = 0.2;
/** Snow lies for up to this long on the first panel … */
const LIES_MS = 3 * DAY;
/** … and up to this much longer on the last. */
const STAGGER_MS = 20 * HOUR;

/**
 * Whether a panel is under snow at a moment: it is then dark.
 * @param panel number of the panel among all of the plant
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

/** The snow of one day; kept, because it is asked for again and again. */
const fallOn = (plant: Plant, day: number): { begins: number; liesMs: number } | undefined => {
  const known = falls.get(plant) ?? new Map<number, ReturnType<typeof fallOn>>();
  falls.set(plant, known);
  if (known.has(day)) return known.get(day);
  const { seed, site } = plant;
  const morning = day * DAY + 6 * HOUR - (site.longitude / 15) * HOUR;
  const isSnowy = airAt(plant, morning) < COLD && random(seed, 32, day) < SNOWY;
  const fall = isSnowy
    ? {
        begins: day * DAY + random(seed, 33, day) * DAY,
        liesMs: (0.1 + 0.9 * random(seed, 34, day)) * LIES_MS,
      }
    : undefined;
  known.set(day, fall);
  return fall;
};

const falls = new WeakMap<Plant, Map<number, ReturnType<typeof fallOn>>>();
