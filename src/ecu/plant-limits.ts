/** What the inverters of a plant can produce: the upper limit of its power and of the rise of its energy counters. */
import { findRatedWatts } from "./models.ts";
import type { Reading } from "./reading.ts";

/** Rated power of an inverter of an unknown model: more than any known one has. */
const UNKNOWN_RATED_WATTS = 2_400;
/**
 * The ECU reports the power of the panels, which is above the rated power at the grid, and energies that deviate from a
 * meter by up to 20 % (docs/protocol.md#power, #energy-of-today).
 */
const MARGIN = 1.25;

/** The maximum power of the registered inverters in watts; `undefined` if their number is unknown or 0. */
export const findPlantLimit = ({ registered = 0, inverters }: Reading): number | undefined => {
  const listed = inverters.reduce(
    (sum, { uid }) => sum + (findRatedWatts(uid) ?? UNKNOWN_RATED_WATTS),
    0,
  );
  const unlisted = Math.max(0, registered - inverters.length) * UNKNOWN_RATED_WATTS;
  return listed + unlisted === 0 ? undefined : (listed + unlisted) * MARGIN;
};
