/** The rules for values that an ECU says and that cannot be true: what breaks them is withheld, and counted. */
import type { InverterReading, Reading } from "./reading.ts";

/** Fields that a rule may withhold: the closed list that is also the metric's label. */
export const fields = [
  "lifetime_energy",
  "today_energy",
  "channel_power",
  "temperature",
  "frequency",
  "voltage",
] as const;
export type Field = (typeof fields)[number];

/** A reading with the implausible left out, and the name of a field for each value that was withheld. */
export interface Validated {
  readonly reading: Reading;
  readonly rejected: readonly Field[];
}

/** Limits of what an online inverter can measure (docs/protocol.md#offline-records). */
const limits = {
  channel_power: (watts: number) => watts <= 1200,
  temperature: (celsius: number) => celsius >= -40 && celsius <= 110,
  frequency: (hertz: number) => hertz > 45 && hertz < 65,
  voltage: (volts: number) => volts >= 50 && volts <= 500,
};

/** Withholds what no inverter can measure; the rest of its record stays. */
export const dropImplausible = (reading: Reading): Validated => {
  const rejected: Field[] = [];
  const gate = (field: keyof typeof limits, value: number | undefined): number | undefined => {
    if (value === undefined || limits[field](value)) return value;
    rejected.push(field);
    return undefined;
  };
  const judge = (inverter: InverterReading): InverterReading => ({
    ...inverter,
    channelWatts: inverter.channelWatts.map((watts) => gate("channel_power", watts)),
    temperatureCelsius: gate("temperature", inverter.temperatureCelsius),
    frequencyHertz: gate("frequency", inverter.frequencyHertz),
    gridVolts: inverter.gridVolts.map(({ phase, volts }) => ({
      phase,
      volts: gate("voltage", volts),
    })),
  });
  return { reading: { ...reading, inverters: reading.inverters.map(judge) }, rejected };
};

/** What is remembered of one energy counter. Times are monotonic milliseconds. */
export interface CounterMemory {
  /** Joules that were last accepted. */
  readonly good?: number;
  /** Local date, yyyymmdd, on which it was first at that value. */
  readonly goodOn?: string | undefined;
  /** The counter says 0: since when, and how often. */
  readonly zero?: Streak;
  /** A value below the last good one: since when, and how often in a row it has come without falling. */
  readonly lower?: Streak & { readonly joules: number };
}

export interface Streak {
  readonly since: number;
  readonly times: number;
}

/** What is remembered of one ECU. */
export interface EcuMemory {
  /** Local date of its last report, yyyymmdd. */
  readonly date?: string | undefined;
  readonly lifetime: CounterMemory;
  readonly today: CounterMemory;
}

/** What must be remembered from read to read to tell a glitch from a reset (docs/protocol.md#lifetime-energy). */
export interface Memory {
  /** Of the ECU that answered last. */
  readonly ecuId?: string;
  /** Zone that was in effect, for a read in which only other queries succeed. */
  readonly zone?: string;
  /** By ECU id, of the few that answered last: one reply under another id must not make the counters forget. */
  readonly ecus: Readonly<Record<string, EcuMemory>>;
}

/** The memory at the start. */
export const noMemory: Memory = { ecus: {} };

const ECUS_REMEMBERED = 4;
const ZERO_IS_RESET_AFTER_MS = 24 * 60 * 60 * 1000;
/** A round of the ECU: within it, every reply tells the same thing again. */
const LOWER_IS_RESET_AFTER_MS = 5 * 60 * 1000;
const RESET_TIMES = 3;

/**
 * Applies the rules for glitches of the energy counters (docs/protocol.md#lifetime-energy), and two that make them stricter: a
 * confirmation takes at least a round, and an ECU id that was never seen before is believed its counters from the
 * second reply on, unless it is the first of all.
 * @param at monotonic milliseconds
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
  const known = before.ecus[identity.ecuId];
  const isStranger = known === undefined && before.ecuId !== undefined;
  const { lifetime, today } = known ?? { lifetime: {}, today: {} };
  // A stamp that is no date tells no day.
  const stamp = reading.lastReportAt === undefined ? undefined : reading.lastReportLocal;
  const date = stamp?.slice(0, 8) ?? known?.date;
  const withheld = {
    reading: { ...others, identity },
    rejected: ["lifetime_energy", "today_energy"] as const,
  };
  if (isStranger) {
    return { ...withheld, memory: remember(before, reading, { date, lifetime, today }) };
  }
  if (isGlitch(reading)) {
    const interrupted = { date, lifetime: notInARow(lifetime), today: notInARow(today) };
    return { ...withheld, memory: remember(before, reading, interrupted) };
  }
  const isNewDay = date !== undefined && today.goodOn !== undefined && date > today.goodOn;
  const isNight = todayEnergyJoules === 0 && (reading.invertersOnline ?? 0) === 0;
  const life = validateCounter(lifetime, lifetimeEnergyJoules, at, date, {
    mayFall: false,
    zeroIsGlitch: true,
  });
  const day = validateCounter(today, todayEnergyJoules, at, date, {
    mayFall: isNewDay || isNight,
    zeroIsGlitch: today.good !== undefined,
  });
  return {
    reading: {
      ...others,
      identity,
      ...(life.accepted && { lifetimeEnergyJoules }),
      ...(day.accepted && { todayEnergyJoules }),
    },
    rejected: [
      ...(life.accepted ? [] : (["lifetime_energy"] as const)),
      ...(day.accepted ? [] : (["today_energy"] as const)),
    ],
    memory: remember(before, reading, { date, lifetime: life.memory, today: day.memory }),
  };
};

/** The memory with that of this reading's ECU made new, and as the latest. */
const remember = (before: Memory, { identity }: Reading, ecu: EcuMemory): Memory => {
  if (identity === undefined) return before;
  const { ecuId, timezone } = identity;
  const others = Object.entries(before.ecus).filter(([id]) => id !== ecuId);
  const kept = others.slice(1 - ECUS_REMEMBERED);
  return { ecuId, zone: timezone, ecus: Object.fromEntries([...kept, [ecuId, ecu]]) };
};

/**
 * The ECU forgot how many inverters it has, while some answered it: both counters come from the same failed look-up, so
 * neither can be believed (docs/protocol.md#energy-of-today, "transient zero").
 */
const isGlitch = ({ registeredByInfo, invertersOnline = 0 }: Reading): boolean =>
  registeredByInfo === 0 && invertersOnline > 0;

const notInARow = ({ lower: _, ...kept }: CounterMemory): CounterMemory => kept;

interface CounterRule {
  /** A fall is a new day, and no reset. */
  readonly mayFall: boolean;
  /** A zero is not to be believed at once. */
  readonly zeroIsGlitch: boolean;
}

const validateCounter = (
  memory: CounterMemory,
  joules: number,
  at: number,
  date: string | undefined,
  { mayFall, zeroIsGlitch }: CounterRule,
): { accepted: boolean; memory: CounterMemory } => {
  const { good = 0 } = memory;
  // An ECU-R shows yesterday's energy until the new day's first round that yields some (docs/protocol.md#energy-of-today).
  const goodOn = joules === memory.good ? (memory.goodOn ?? date) : date;
  const accept = { accepted: true, memory: { good: joules, goodOn } };
  if (mayFall) return accept;
  if (joules === 0 && zeroIsGlitch && (good > 0 || memory.good === undefined)) {
    const zero = longer(memory.zero, at);
    if (isConfirmed(zero, at, ZERO_IS_RESET_AFTER_MS)) return accept;
    return { accepted: false, memory: { ...notInARow(memory), zero } };
  }
  if (joules >= good) return accept;
  const { zero: _, ...kept } = memory;
  const rises = memory.lower !== undefined && joules >= memory.lower.joules;
  const lower = { ...longer(rises ? memory.lower : undefined, at), joules };
  if (isConfirmed(lower, at, LOWER_IS_RESET_AFTER_MS)) return accept;
  return { accepted: false, memory: { ...kept, lower } };
};

const longer = (streak: Streak | undefined, at: number): Streak => ({
  since: streak?.since ?? at,
  times: (streak?.times ?? 0) + 1,
});

const isConfirmed = ({ since, times }: Streak, at: number, afterMs: number): boolean =>
  times >= RESET_TIMES && at - since >= afterMs;
