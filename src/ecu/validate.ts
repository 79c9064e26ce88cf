/** The rules for impossible values and wrong energy counters. A value that breaks a rule is left out and counted. */
import type { InverterReading, Reading } from "./reading.ts";

/** The fields that a rule may leave out. This closed list is also that of the metric's label `field`. */
export const fields = [
  "lifetime_energy",
  "today_energy",
  "channel_power",
  "temperature",
  "frequency",
  "voltage",
] as const;
export type Field = (typeof fields)[number];

/** A reading without the values that break a rule, and one field name for each of these. */
export interface Validated {
  readonly reading: Reading;
  readonly rejected: readonly Field[];
}

/** The values that an online inverter can measure (docs/protocol.md#offline-records). */
const limits = {
  channel_power: (watts: number) => watts <= 1200,
  temperature: (celsius: number) => celsius >= -40 && celsius <= 110,
  frequency: (hertz: number) => hertz > 45 && hertz < 65,
  voltage: (volts: number) => volts >= 50 && volts <= 500,
};

/** Leaves out the values that no inverter can measure. The rest of the record stays. */
export const dropImplausible = (reading: Reading): Validated => {
  const rejected: Field[] = [];
  const check = (field: keyof typeof limits, value: number | undefined): number | undefined => {
    if (value === undefined || limits[field](value)) return value;
    rejected.push(field);
    return undefined;
  };
  const validate = (inverter: InverterReading): InverterReading => ({
    ...inverter,
    channelWatts: inverter.channelWatts.map((watts) => check("channel_power", watts)),
    temperatureCelsius: check("temperature", inverter.temperatureCelsius),
    frequencyHertz: check("frequency", inverter.frequencyHertz),
    gridVolts: inverter.gridVolts.map(({ phase, volts }) => ({
      phase,
      volts: check("voltage", volts),
    })),
  });
  return { reading: { ...reading, inverters: reading.inverters.map(validate) }, rejected };
};

/** The memory of one energy counter. Times are monotonic milliseconds, energies joules. */
export interface CounterMemory {
  /** The last accepted value. */
  readonly good?: number;
  /** Local date on which the counter first had this value, yyyymmdd. */
  readonly goodOn?: string | undefined;
  /** The replies in a row with the value 0. */
  readonly zero?: Streak;
  /** The replies in a row below the last accepted value, in which the counter did not fall; `joules` is the latest. */
  readonly lower?: Streak & { readonly joules: number };
}

/** Replies in a row. */
export interface Streak {
  /** Time of the first one, in monotonic milliseconds. */
  readonly since: number;
  readonly times: number;
}

/** The memory of one ECU. */
export interface EcuMemory {
  /** Local date of its last report, yyyymmdd. */
  readonly date?: string | undefined;
  readonly lifetime: CounterMemory;
  readonly today: CounterMemory;
}

/** What is kept from read to read to distinguish a wrong counter value from a reset (docs/protocol.md#lifetime-energy). */
export interface Memory {
  /** Id of the ECU that replied last. */
  readonly ecuId?: string;
  /** Time zone that was in effect, for a read in which 0001 fails but 0002 succeeds. */
  readonly zone?: string;
  /** By ECU id, of the last few: one reply with another id must not clear the memory of the counters. */
  readonly ecus: Readonly<Record<string, EcuMemory>>;
}

/** The memory before the first read. */
export const noMemory: Memory = { ecus: {} };

const ECUS_REMEMBERED = 4;
const ZERO_IS_RESET_AFTER_MS = 24 * 60 * 60 * 1000;
/** One round of the ECU: during a round, all replies are the same. */
const LOWER_IS_RESET_AFTER_MS = 5 * 60 * 1000;
const RESET_TIMES = 3;

/**
 * Leaves out wrong values of the energy counters by the rules of docs/protocol.md#lifetime-energy, with two stricter
 * ones: a reset is confirmed after at least one round, and the counters of an ECU id that was never seen before are
 * accepted from the second reply on, except for the very first id.
 * @param at time of the reading in monotonic milliseconds
 */
export const validateCounters = (
  before: Memory,
  reading: Reading,
  at: number,
): Validated & { readonly memory: Memory } => {
  const { identity, lifetimeEnergyJoules, todayEnergyJoules, ...others } = reading;
  if (
    identity === undefined ||
    lifetimeEnergyJoules === undefined ||
    todayEnergyJoules === undefined
  ) {
    return { reading, rejected: [], memory: before };
  }
  const earlier = before.ecus[identity.ecuId];
  const { lifetime, today } = earlier ?? { lifetime: {}, today: {} };
  const date = localReportDate(reading) ?? earlier?.date;
  const leaveOutBoth = (ecu: EcuMemory) => ({
    reading: { ...others, identity },
    rejected: ["lifetime_energy", "today_energy"] as const,
    memory: remember(before, reading, ecu),
  });
  const isNewId = earlier === undefined && before.ecuId !== undefined;
  if (isNewId) return leaveOutBoth({ date, lifetime, today });
  if (hasFailedLookup(reading)) {
    const [endedLifetime, endedToday] = [endLowerStreak(lifetime), endLowerStreak(today)];
    return leaveOutBoth({ date, lifetime: endedLifetime, today: endedToday });
  }
  const isNewDay = date !== undefined && today.goodOn !== undefined && date > today.goodOn;
  const isNight = todayEnergyJoules === 0 && (reading.invertersOnline ?? 0) === 0;
  const forLifetime = validateCounter(lifetime, lifetimeEnergyJoules, at, date, {
    mayFall: false,
    rejectsZero: true,
  });
  const forToday = validateCounter(today, todayEnergyJoules, at, date, {
    mayFall: isNewDay || isNight,
    rejectsZero: today.good !== undefined,
  });
  const rejected: Field[] = [];
  if (!forLifetime.accepted) rejected.push("lifetime_energy");
  if (!forToday.accepted) rejected.push("today_energy");
  return {
    reading: {
      ...others,
      identity,
      ...(forLifetime.accepted && { lifetimeEnergyJoules }),
      ...(forToday.accepted && { todayEnergyJoules }),
    },
    rejected,
    memory: remember(before, reading, {
      date,
      lifetime: forLifetime.memory,
      today: forToday.memory,
    }),
  };
};

/** Local date of the last report, yyyymmdd; `undefined` without a valid time. */
const localReportDate = ({ lastReportAt, lastReportLocal }: Reading): string | undefined =>
  lastReportAt === undefined ? undefined : lastReportLocal?.slice(0, 8);

/** Replaces the memory of the ECU of this reading, and makes it the latest. */
const remember = (before: Memory, { identity }: Reading, ecu: EcuMemory): Memory => {
  if (identity === undefined) return before;
  const { ecuId, timezone } = identity;
  const others = Object.entries(before.ecus).filter(([id]) => id !== ecuId);
  const kept = others.slice(1 - ECUS_REMEMBERED);
  return { ecuId, zone: timezone, ecus: Object.fromEntries([...kept, [ecuId, ecu]]) };
};

/**
 * The ECU reports no registered inverters although some are online. Both counters come from the same failed look-up, so
 * both are wrong (docs/protocol.md#energy-of-today, "transient zero").
 */
const hasFailedLookup = ({ registeredByInfo, invertersOnline = 0 }: Reading): boolean =>
  registeredByInfo === 0 && invertersOnline > 0;

const endLowerStreak = ({ lower: _, ...kept }: CounterMemory): CounterMemory => kept;

interface CounterRule {
  /** A lower value is accepted at once: a new day has started, or no inverter is online. */
  readonly mayFall: boolean;
  /** A zero is accepted only after confirmation. */
  readonly rejectsZero: boolean;
}

const validateCounter = (
  memory: CounterMemory,
  joules: number,
  at: number,
  date: string | undefined,
  { mayFall, rejectsZero }: CounterRule,
): { accepted: boolean; memory: CounterMemory } => {
  const { good = 0 } = memory;
  // An ECU-R reports yesterday's energy until the first round of the new day with any (docs/protocol.md#energy-of-today).
  const goodOn = joules === memory.good ? (memory.goodOn ?? date) : date;
  const accept = { accepted: true, memory: { good: joules, goodOn } };
  if (mayFall) return accept;
  if (joules === 0 && rejectsZero && (good > 0 || memory.good === undefined)) {
    const zero = extend(memory.zero, at);
    if (isConfirmed(zero, at, ZERO_IS_RESET_AFTER_MS)) return accept;
    return { accepted: false, memory: { ...endLowerStreak(memory), zero } };
  }
  if (joules >= good) return accept;
  const { zero: _, ...kept } = memory;
  const rises = memory.lower !== undefined && joules >= memory.lower.joules;
  const lower = { ...extend(rises ? memory.lower : undefined, at), joules };
  if (isConfirmed(lower, at, LOWER_IS_RESET_AFTER_MS)) return accept;
  return { accepted: false, memory: { ...kept, lower } };
};

const extend = (streak: Streak | undefined, at: number): Streak => ({
  since: streak?.since ?? at,
  times: (streak?.times ?? 0) + 1,
});

const isConfirmed = ({ since, times }: Streak, at: number, afterMs: number): boolean =>
  times >= RESET_TIMES && at - since >= afterMs;
