/** All lives of a proof: the healthy ones, and those in which something goes wrong at a random time. */

import { lightOn } from "../../src/simulator/light.ts";
import { clearnessAt, type Plant } from "../../src/simulator/plant.ts";
import { random } from "../../src/simulator/random.ts";
import { sunPosition } from "../../src/time/sun.ts";
import { DAY, HOUR, type Life, MINUTE, STEP } from "./life.ts";
import { type Place, places, type RoofName, roofs, seedOf } from "./places.ts";
import { isUnderSnow } from "./snow.ts";
import { type TroubleKind, type TroubleName, troubleKinds } from "./troubles.ts";

/** Light that counts as good: this much on the plane of the plant's mean panel, in W/m². */
export const GOOD_LIGHT = 200;
/** A trouble is tried only where the sun will give this much good light soon: in a dark winter nothing is missing. */
const ENOUGH_MS = 3 * HOUR;

/** A life in which something goes wrong. */
export interface Case {
  readonly life: Life;
  readonly kind: TroubleName;
  readonly at: number;
  /** Labels that the alert must carry. */
  readonly labels: Readonly<Record<string, string>>;
}

export interface Span {
  readonly from: number;
  readonly to: number;
}

/** What is left to chance in the proof that `docs/alerts.md` tells of. */
export const USUAL_SEED = 2026;

/** A year of each roof at each place, in which nothing is wrong. */
export const healthyLives = (span: Span, seed: number): Life[] =>
  places.flatMap((place, p) =>
    (Object.keys(roofs) as RoofName[]).map(
      (roof, r): Life => ({
        ecu: `healthy-${place.name}-${roof}`,
        place,
        plant: roofs[roof](place.site, seedOf(seed, 1, p, r)),
        family: (p + r) % 2 === 0 ? "R" : "L",
        ...span,
        showsSun: r % 2 === 0,
      }),
    ),
  );

/** Days that a life has before its trouble, and after it. */
interface Frame {
  readonly before: number;
  readonly after: number;
}

/** `count` lives of each kind of trouble. */
export const cases = (span: Span, count: number, slow: Frame, seed: number): Case[] =>
  (Object.entries(troubleKinds) as [TroubleName, TroubleKind][]).flatMap(([kind, row], k) =>
    Array.from({ length: count }, (_, i) =>
      caseOf(
        kind,
        row,
        i,
        seedOf(seed, 2, k, i),
        span,
        row.isSlow ? slow : { before: 5, after: 4 },
      ),
    ),
  );

const caseOf = (
  kind: TroubleName,
  row: TroubleKind,
  i: number,
  seed: number,
  span: Span,
  { before, after }: Frame,
): Case => {
  const place = places[i % places.length] as Place;
  const roof = row.roofs[Math.floor(i / places.length) % row.roofs.length] as RoofName;
  const plant = roofs[roof](place.site, seed);
  const at = momentOf(plant, seed, { from: span.from + before * DAY, to: span.to - after * DAY });
  const victim = Math.floor(random(seed, 51) * plant.inverters.length);
  const inverter = plant.inverters[victim];
  const channel = Math.floor(random(seed, 52) * (inverter?.panels.length ?? 1));
  const ecu = `${kind}-${i}-${place.name}-${roof}`;
  return {
    kind,
    at,
    life: {
      ecu,
      place,
      plant,
      family: i % 2 === 0 ? "R" : "L",
      from: Math.floor(at / DAY - before) * DAY,
      to: Math.floor(at / DAY + after) * DAY,
      showsSun: Math.floor(i / 2) % 2 === 0,
      trouble: { at, ...row.make(plant, victim, channel) },
    },
    labels: {
      ecu,
      ...(row.names !== "ecu" && { uid: inverter?.uid ?? "" }),
      ...(row.names === "channel" && { channel: String(channel + 1) }),
    },
  };
};

/** A random moment of the span, that good light follows within four days. */
const momentOf = (plant: Plant, seed: number, { from, to }: Span): number => {
  for (let attempt = 0; attempt < 1_000; attempt++) {
    const at = from + Math.floor(random(seed, 53, attempt) * (to - from));
    let good = 0;
    for (let then = at; then < at + 4 * DAY; then += STEP) {
      if (isGoodLight(plant, then)) good += STEP;
      if (good >= ENOUGH_MS) return at;
    }
  }
  throw new Error(`no good light follows any moment of ${new Date(from).toISOString()}`);
};

/** Minutes of good light from one moment to another. */
export const goodMinutes = (plant: Plant, from: number, to: number): number => {
  let minutes = 0;
  for (let at = from; at < to; at += MINUTE) if (isGoodLight(plant, at)) minutes++;
  return minutes;
};

const isGoodLight = (plant: Plant, at: number): boolean => {
  const sun = sunPosition(plant.site, at);
  if (sun.elevation <= 0) return false;
  const clearness = clearnessAt(plant, at);
  const lights = plant.inverters.flatMap((inverter, i) =>
    inverter.panels
      .filter(({ tilt }) => tilt < 180)
      .map((panel, c) => (isUnderSnow(plant, 4 * i + c, at) ? 0 : lightOn(panel, sun, clearness))),
  );
  return lights.reduce((sum, light) => sum + light, 0) / lights.length >= GOOD_LIGHT;
};
