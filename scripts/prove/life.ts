/** A plant and its ECU, lived through at high speed: what the exporter would have shown at each scrape. */

import { createQueryCounters } from "../../src/ecu/counters.ts";
import { QueryError } from "../../src/ecu/errors.ts";
import { observe } from "../../src/ecu/observe.ts";
import type { Outcome } from "../../src/ecu/query.ts";
import type { Replies } from "../../src/ecu/read.ts";
import { type Memory, noMemory } from "../../src/ecu/validate.ts";
import {
  catalogue,
  type Metric,
  type MetricName,
  type Scrape,
} from "../../src/metrics/catalogue.ts";
import type { Family } from "../../src/simulator/behaviours.ts";
import { type Doing, doingAt, type Plant, type PlantInverter } from "../../src/simulator/plant.ts";
import { random } from "../../src/simulator/random.ts";
import { createRounds } from "../../src/simulator/rounds.ts";
import { sunPosition } from "../../src/time/sun.ts";
import { localMinuteOf } from "./local.ts";
import type { Place } from "./places.ts";
import { isUnderSnow } from "./snow.ts";

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
/** Between two scrapes, and between two evaluations of the rules. */
export const STEP = 5 * MINUTE;
/** A scrape comes this long after a round of the ECU began. */
export const AFTER_ROUND = 60_000;

/** What goes wrong in a life, from its moment on. */
export interface Trouble {
  readonly at: number;
  /** Of an inverter. */
  readonly doing?: (doing: Doing, inverter: PlantInverter) => Doing;
  /** Of what the ECU says: `first` is what it said when the trouble began. */
  readonly replies?: (replies: Replies, first: Replies) => Replies;
}

export interface Life {
  /** Name of the ECU, which tells this life from all others. */
  readonly ecu: string;
  readonly place: Place;
  readonly plant: Plant;
  readonly family: Family;
  readonly from: number;
  readonly to: number;
  /** Whether the site is configured, so that the sun's elevation is shown. */
  readonly showsSun: boolean;
  readonly trouble?: Trouble;
}

/** One scrape of a life. */
export interface Moment {
  readonly at: number;
  /** Lines of OpenMetrics. */
  readonly lines: readonly string[];
}

/** Lives through it, scrape by scrape, and tells the metrics of these names. */
export function* living(life: Life, names: readonly MetricName[]): Generator<Moment> {
  const { plant, place, family, trouble } = life;
  const rounds = createRounds({
    plant,
    family,
    zone: place.zone,
    start: life.from,
    doing: (_plant, inverter, at) => doingIn(life, inverter, at),
  });
  const rows = names.map((name) => [name, catalogue[name] as Metric] as const);
  let memory: Memory = noMemory;
  let counters = createQueryCounters();
  let first: Replies | undefined;
  for (let at = life.from + AFTER_ROUND; at < life.to; at += STEP) {
    let replies: Replies = {
      info: answered(rounds.info(at)),
      realtime: answered(rounds.realtime(at)),
      signal: answered(rounds.signal(at)),
    };
    if (isRestarted(plant, at)) [memory, counters] = [noMemory, createQueryCounters()];
    if (trouble !== undefined && at >= trouble.at) {
      first ??= structuredClone(replies); // an ECU-R's table goes on changing
      replies = trouble.replies?.(replies, first) ?? replies;
    }
    replies = disturbed(life, replies, at);
    const {
      memory: next,
      rejected,
      ...observed
    } = observe({
      replies,
      memory,
      zone: place.zone,
      now: at,
      monotonic: at,
    });
    memory = next;
    counters.attempts.info++;
    for (const field of rejected) counters.rejected[field]++;
    const elevation = life.showsSun ? sunPosition(place.site, at).elevation : undefined;
    const scrape: Scrape = {
      observations: [{ ecu: life.ecu, ...observed, readAt: at / 1000, counters }],
      build: { version: "", revision: "", nodeVersion: "" },
      durationSeconds: 0,
      locations: new Map([[life.ecu, { sunElevationDegrees: elevation, panels: [] }]]),
    };
    yield { at, lines: linesOf(scrape, rows, at) };
  }
}

const linesOf = (
  scrape: Scrape,
  rows: readonly (readonly [MetricName, Metric])[],
  at: number,
): string[] => {
  const end = ` ${at / 1000}`;
  const target = `job="apsystems",instance="${scrape.observations[0]?.ecu}:10899"`; // what Prometheus adds
  const lines = [`up{${target}} 1${end}`];
  for (const [name, { samples }] of rows) {
    for (const [labels, value] of samples(scrape)) {
      let text = `${name}{${target}`;
      for (const label in labels) text += `,${label}="${labels[label]}"`;
      lines.push(`${text}} ${value}${end}`);
    }
  }
  return lines;
};

/** What an inverter does: by its plant and the weather, under snow, through a lost answer, and by the trouble. */
const doingIn = ({ plant, trouble }: Life, inverter: PlantInverter, at: number): Doing => {
  const { elevation } = sunPosition(plant.site, at);
  if (elevation < -1) return { ...asleep, channelWatts: inverter.panels.map(() => 0) };
  let doing = snowedOn(plant, inverter, doingAt(plant, inverter, at), at);
  // Now and then an inverter is not heard for a whole round (docs/protocol.md#online-flag).
  if (random(inverter.seed, 41, at / STEP) < 0.01) doing = { ...doing, online: false };
  return trouble !== undefined && at >= trouble.at
    ? (trouble.doing?.(doing, inverter) ?? doing)
    : doing;
};

const asleep = {
  online: false,
  gridVolts: [],
  frequencyHertz: 0,
  temperatureCelsius: 0,
  signal: 0,
};

const snowedOn = (plant: Plant, inverter: PlantInverter, doing: Doing, at: number): Doing => {
  const before = plant.inverters.indexOf(inverter) * 4;
  const under = inverter.panels.map((_, i) => isUnderSnow(plant, before + i, at));
  if (!under.includes(true)) return doing;
  return {
    ...doing,
    online: doing.online && under.includes(false),
    channelWatts: doing.channelWatts.map((watts, i) => (under[i] ? 0 : watts)),
  };
};

const answered = <T>(value: T): Outcome<T> => ({ ok: true, value, durationMs: 20 });
const refused: Outcome<never> = {
  ok: false,
  error: new QueryError("refused", { reason: "refused" }),
  durationMs: 20,
};

/** What every ECU does now and then: its maintenance at night, ten minutes of silence a week, a failed look-up a day. */
const disturbed = ({ plant, place, family }: Life, replies: Replies, at: number): Replies => {
  const minute = localMinuteOf(at, place.zone);
  const isMaintenance = minute >= 165 && minute < 195;
  const week = Math.floor(at / (7 * DAY));
  const hangs = week * 7 * DAY + random(plant.seed, 42, week) * 7 * DAY;
  if (isMaintenance || (at >= hangs && at < hangs + 10 * MINUTE)) return { info: refused };
  const { info } = replies;
  // Only ECUs with a data base fail to look up (docs/protocol.md#energy-of-today).
  if (family === "R") return replies;
  if (random(plant.seed, 43, at / STEP) < STEP / DAY && info?.ok && info.value.layout === "01") {
    const forgot = { lifetimeEnergyJoules: 0, todayEnergyJoules: 0, inverters: 0 };
    return { ...replies, info: answered({ ...info.value, ...forgot }) };
  }
  return replies;
};

/** The exporter begins anew about once a week. */
const isRestarted = (plant: Plant, at: number): boolean =>
  random(plant.seed, 44, at / STEP) < STEP / (7 * DAY);
