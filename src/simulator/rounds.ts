/** The round engine: what a simulated ECU knows, and when (docs/protocol.md#online-flag, #power, #energy-of-today, #what-a-simulated-ecu-does). */

import { Temporal } from "temporal-polyfill";
import {
  DAY_STEP_JOULES,
  LIFETIME_STEP_JOULES,
  recordFormats,
  recordLayouts,
} from "../protocol/layouts.ts";
import type {
  DayPower,
  Energy,
  Info,
  InverterRecord,
  Realtime,
  Signals,
  Version,
} from "../protocol/replies.ts";
import type { Family } from "./behaviours.ts";
import { type InverterState, inverterStateAt, type Plant, type PlantInverter } from "./plant.ts";

/** Families of ECUs: R is a microcontroller behind a Wi-Fi module, L is Linux (docs/protocol.md#ecu-families). */

export interface RoundsOptions {
  readonly plant: Plant;
  readonly family: Family;
  /** IANA zone of the ECU's clock. */
  readonly zone: string;
  /** Simulated time at which the ECU begins, in milliseconds since 1970. */
  readonly start: number;
  /** Time between the starts of two rounds. */
  readonly periodMs?: number;
  /** Energy on the counter before its first day. */
  readonly lifetimeJoules?: number;
  /** Days before that of `start` through which it has lived. */
  readonly past?: number;
  /** Version of its answers to 0004: 11 has two bytes for an energy, 12 has four (docs/protocol.md#energy-history). */
  readonly energyVersion?: Version | undefined;
  /** What an inverter does at a moment, where that is not what its model and the weather make of it. */
  readonly stateAt?: typeof inverterStateAt;
}

/** What the ECU answers at a moment; each call moves its time on to `now`, which never runs back. */
export interface Rounds {
  info(now: number): Info;
  realtime(now: number): Realtime;
  signal(now: number): Signals;
  /** Power curve of a day, yyyymmdd. */
  dayPower(now: number, date: string): DayPower;
  /** Energy of each day that is known. */
  energy(now: number, period: string): Energy;
  /** yyyymmddhhmmss */
  clock(now: number): string;
  /** What the plant has really produced since the engine began, in joules. */
  producedJoules(): number;
}

const PERIOD_MS = 300_000;
const PER_INVERTER_MS = 200;
const PASSES = 5; // an inverter that does not answer is asked again, up to this often in all
const ENERGY_OVERFLOW_JOULES = 65_536 * DAY_STEP_JOULES; // a record of 0004 in version 11 has two bytes for it
const CURVES_KEPT = 62;
const DAYS_KEPT = 366;
/** Most records of 0004, by what is asked for: a week or a month by day, a year by month. */
const recordsOf = { "00": 7, "01": 31, "02": 12 } as const;
const energyPeriods = Object.keys(recordsOf) as (keyof typeof recordsOf)[];
const identities = {
  R: {
    ecuId: "216000123456",
    firmware: "ECU_R_1.3.14",
    ethernetMac: "80971b0a0b0c",
    wirelessMac: "000000000000",
    extension: "",
  },
  L: {
    ecuId: "216200123456",
    firmware: "ECU_R_PRO_2.1.27",
    ethernetMac: "80971b0a0b0c",
    wirelessMac: "60c5a80a0b0c",
    extension: "303000000000000000000000",
  },
} as const;
const UNKNOWN_TIME = "d0d0d0d0d0d0d0"; // an ECU-R's last contact with the cloud
const CONSTANT_ZONE = "Etc/GMT-8"; // what an ECU-R reports, whatever it is set to

/**
 * Starts an ECU. Its past, and the hours of the day of `start` before that, are lived through at once, so that its
 * tables and today's energy are right.
 */
export const createRounds = (options: RoundsOptions): Rounds => {
  const {
    plant,
    family,
    zone,
    start,
    periodMs = PERIOD_MS,
    stateAt: doingOf = inverterStateAt,
  } = options;
  const local = (at: number): string => localDigits(at, zone);
  const live = plant.inverters.map(neverHeard);
  const signals = new Map(plant.inverters.map(({ uid }) => [uid, 0]));
  const curves = new Map<string, DayPower>();
  const days = new Map<string, number>();
  let snapshot: InverterRecord[] = [];
  let takenAt: number | undefined;
  let powerWatts = 0;
  let online = 0;
  let produced = 0;
  let today = { date: "", joules: 0 };
  const overflowJoules =
    options.energyVersion === "12" ? Number.POSITIVE_INFINITY : ENERGY_OVERFLOW_JOULES;
  const before = options.lifetimeJoules ?? 4_321.5 * 3_600_000;

  let roundStart = Math.ceil(localMidnight(start, zone, options.past) / periodMs) * periodMs;
  let queue = [...plant.inverters.keys()];
  let asked = 0;
  let silent: number[] = [];
  let pass = 1;

  /** Asks the next inverter of the round; at the end of the round its totals are booked. */
  const step = (at: number): void => {
    const index = queue[asked];
    const inverter = index === undefined ? undefined : plant.inverters[index];
    if (index !== undefined && inverter !== undefined) {
      asked++;
      const doing = doingOf(plant, inverter, at);
      live[index] = recordOf(inverter, doing, live[index] ?? neverHeard(inverter), family);
      signals.set(inverter.uid, doing.online ? doing.signal : 0);
      if (!doing.online) silent.push(index);
      return;
    }
    if (silent.length > 0 && pass < PASSES) {
      [queue, silent, asked, pass] = [silent, [], 0, pass + 1];
      return;
    }
    // A round that took longer than its period skips the next ones (docs/protocol.md#time-limits).
    const lastedMs = periodMs * Math.max(1, Math.ceil((spent * PER_INVERTER_MS) / periodMs));
    book(lastedMs);
    [queue, silent, asked, pass] = [[...plant.inverters.keys()], [], 0, 1];
    roundStart += lastedMs;
  };

  const book = (lastedMs: number): void => {
    const answered = live.filter((record) => record.online);
    online = answered.length;
    powerWatts = answered
      .flatMap((record) => record.powerWatts)
      .reduce((sum, watts) => sum + watts, 0);
    const joules = (powerWatts * lastedMs) / 1000;
    produced += joules;
    const stamp = local(roundStart);
    const date = stamp.slice(0, 8);
    if (joules > 0) {
      today = { date, joules: (today.date === date ? today.joules : 0) + joules };
      days.set(date, today.joules);
      forget(days, DAYS_KEPT);
      const curve = curves.get(date) ?? [];
      curves.set(date, curve);
      forget(curves, CURVES_KEPT);
      curve.push({ time: stamp.slice(8, 12), powerWatts: Math.min(65_535, powerWatts) });
    }
    takenAt = roundStart;
    snapshot = live.map((record) => ({ ...record }));
  };

  /** When the next step is due: one inverter after another from the start of the round. */
  let spent = 0;
  const advance = (now: number): void => {
    for (;;) {
      const due = roundStart + spent * PER_INVERTER_MS;
      if (due > now) return;
      const round = roundStart;
      step(due);
      spent = roundStart === round ? spent + 1 : 0;
    }
  };
  advance(start);

  return {
    info: (now) => {
      advance(now);
      const todayIsKnown = family === "R" || today.date === local(now).slice(0, 8);
      return {
        ...identities[family],
        layout: "01",
        lifetimeEnergyJoules: stepped(before + produced, LIFETIME_STEP_JOULES),
        powerWatts,
        todayEnergyJoules: todayIsKnown ? stepped(today.joules, DAY_STEP_JOULES) : 0,
        lastCloudContact: family === "R" ? UNKNOWN_TIME : local(takenAt ?? now),
        inverters: plant.inverters.length,
        invertersOnline: online,
        zigbeeChannel: "10",
        timezone: family === "R" ? CONSTANT_ZONE : zone,
      };
    },
    realtime: (now) => {
      advance(now);
      if (takenAt === undefined || live.length === 0) return { kind: "none" };
      return {
        kind: "01",
        count: live.length,
        takenAt: local(takenAt),
        records: family === "R" ? live : snapshot,
        lost: 0,
        surplus: 0,
        ambiguous: false,
      };
    },
    signal: (now) => {
      advance(now);
      return plant.inverters.map(({ uid }) => ({ uid, level: signals.get(uid) ?? 0 }));
    },
    dayPower: (now, date) => {
      advance(now);
      return curves.get(date) ?? [];
    },
    energy: (now, asked) => {
      advance(now);
      const period = energyPeriods.find((one) => one.endsWith(asked.charAt(1))) ?? "00";
      const totals = period === "02" ? byMonth(days) : days;
      const records = [...totals].map(([date, joules]) => ({
        date,
        energyJoules: stepped(joules, DAY_STEP_JOULES) % overflowJoules,
      }));
      return { period, records: records.slice(-recordsOf[period]) };
    },
    clock: local,
    producedJoules: () => produced,
  };
};

/** Forgets the oldest entries beyond `most`. */
const forget = (entries: Map<string, unknown>, most: number): void => {
  for (const key of [...entries.keys()].slice(0, -most)) entries.delete(key);
};

const byMonth = (days: ReadonlyMap<string, number>): Map<string, number> => {
  const months = new Map<string, number>();
  for (const [day, joules] of days) {
    const month = `${day.slice(0, 6)}01`;
    months.set(month, (months.get(month) ?? 0) + joules);
  }
  return months;
};

const stepped = (joules: number, step: number): number => Math.floor(joules / step) * step;

const neverHeard = ({ uid, model }: PlantInverter): InverterRecord => ({
  uid,
  online: false,
  typeCode: model.typeCode,
  layout: model.layout,
  guessed: false,
  frequencyHertz: 0,
  temperatureCelsius: -100,
  powerWatts: Array<number>(model.channels).fill(0),
  gridVolts: Array<number>(recordFormats[model.layout].voltages).fill(0),
});

/** The record of one inverter after it was asked; `last` is what stood there before. */
const recordOf = (
  inverter: PlantInverter,
  doing: InverterState,
  last: InverterRecord,
  family: Family,
): InverterRecord => {
  const { model } = inverter;
  if (model.layout === "none") return last;
  if (!doing.online) return family === "L" ? neverHeard(inverter) : staleRecord(last);
  const [first = 0] = doing.gridVolts;
  return {
    ...last,
    online: true,
    frequencyHertz: doing.frequencyHertz,
    temperatureCelsius: doing.temperatureCelsius,
    powerWatts: [...doing.channelWatts],
    gridVolts:
      recordLayouts[model.layout].phases === 1
        ? last.gridVolts.map(() => first)
        : [...doing.gridVolts],
  };
};

/** An ECU-R clears only some fields of an inverter that is silent; the others keep what they said (docs/protocol.md#offline-records). */
const staleRecord = (last: InverterRecord): InverterRecord => ({
  ...last,
  online: false,
  frequencyHertz: 0,
  temperatureCelsius: 0,
  powerWatts: last.powerWatts.map((watts, i) => (i < 2 ? 0 : watts)),
  gridVolts:
    last.layout !== undefined && recordLayouts[last.layout].phases > 1
      ? last.gridVolts
      : last.gridVolts.map(() => 0),
});

const zoned = (at: number, zone: string): Temporal.ZonedDateTime =>
  Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone);

/** yyyymmddhhmmss of a moment, as clocks in the zone show it. */
const localDigits = (at: number, zone: string): string =>
  zoned(Math.floor(at), zone)
    .toPlainDateTime()
    .toString({ smallestUnit: "second" })
    .replace(/\D/g, "");

/** The midnight before a moment, or that of some days earlier. */
const localMidnight = (at: number, zone: string, daysEarlier = 0): number =>
  zoned(Math.floor(at), zone).subtract({ days: daysEarlier }).startOfDay().epochMilliseconds;
