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
export interface Judged {
  readonly reading: Reading;
  readonly rejected: readonly Field[];
}

/** Limits of what an online inverter can measure (protocol document, 4.2). */
const limits = {
  channel_power: (watts: number) => watts <= 1200,
  temperature: (celsius: number) => celsius >= -40 && celsius <= 110,
  frequency: (hertz: number) => hertz > 45 && hertz < 65,
  voltage: (volts: number) => volts >= 50 && volts <= 500,
};

/** Withholds what no inverter can measure; the rest of its record stays. */
export const withholdImplausible = (reading: Reading): Judged => {
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

/** What is remembered of one energy counter. */
interface CounterMemory {
  /** Joules that were last accepted. */
  readonly good?: number;
  /** Local date, yyyymmdd, on which it was first at that value. */
  readonly goodOn?: string | undefined;
  /** Monotonic milliseconds since which the counter says 0. */
  readonly zeroSince?: number;
  /** A value below the last good one, and how often in a row it has come without falling. */
  readonly lower?: { readonly joules: number; readonly times: number };
}

/** What must be remembered from read to read to tell a glitch from a reset (protocol document, 4.7). */
export interface Memory {
  readonly ecuId?: string;
  /** Zone that was in effect, for a read in which only other queries succeed. */
  readonly zone?: string;
  readonly date?: string | undefined;
  readonly lifetime: CounterMemory;
  readonly today: CounterMemory;
}

/** The memory at the start, and of an ECU that was replaced. */
export const noMemory: Memory = { lifetime: {}, today: {} };

const ZERO_IS_RESET_AFTER_MS = 24 * 60 * 60 * 1000;
const LOWER_IS_RESET_AFTER = 3;

/**
 * Applies the rules for glitches of the energy counters (protocol document, 4.7).
 * @param at monotonic milliseconds
 */
export const judgeCounters = (
  before: Memory,
  reading: Reading,
  at: number,
): Judged & { readonly memory: Memory } => {
  const { identity, lifetimeEnergyJoules, todayEnergyJoules, ...others } = reading;
  if (
    identity === undefined ||
    lifetimeEnergyJoules === undefined ||
    todayEnergyJoules === undefined
  ) {
    return { reading, rejected: [], memory: before };
  }
  const known = before.ecuId === identity.ecuId ? before : noMemory;
  const date = reading.lastReportLocal?.slice(0, 8) ?? known.date;
  const shared = { ecuId: identity.ecuId, zone: identity.timezone, date };
  const online = reading.invertersOnline ?? 0;
  // Both counters come from the same failed look-up as this count, so neither can be believed.
  if (isGlitch(reading)) {
    return {
      reading: { ...others, identity },
      rejected: ["lifetime_energy", "today_energy"],
      memory: { ...known, ...shared },
    };
  }
  const isNewDay =
    date !== undefined && known.today.goodOn !== undefined && date !== known.today.goodOn;
  const lifetime = judgeCounter(known.lifetime, lifetimeEnergyJoules, at, date, {
    mayFall: false,
    zeroIsGlitch: true,
  });
  const today = judgeCounter(known.today, todayEnergyJoules, at, date, {
    mayFall: isNewDay || (todayEnergyJoules === 0 && online === 0),
    zeroIsGlitch: known.today.good !== undefined,
  });
  return {
    reading: {
      ...others,
      identity,
      ...(lifetime.accepted && { lifetimeEnergyJoules }),
      ...(today.accepted && { todayEnergyJoules }),
    },
    rejected: [
      ...(lifetime.accepted ? [] : (["lifetime_energy"] as const)),
      ...(today.accepted ? [] : (["today_energy"] as const)),
    ],
    memory: { ...shared, lifetime: lifetime.memory, today: today.memory },
  };
};

/** The ECU forgot how many inverters it has, while some answered it (protocol document, 4.6, "transient zero"). */
const isGlitch = ({ registeredByInfo, invertersOnline = 0 }: Reading): boolean =>
  registeredByInfo === 0 && invertersOnline > 0;

interface CounterRule {
  /** A fall is a new day, and no reset. */
  readonly mayFall: boolean;
  /** A zero is not to be believed at once. */
  readonly zeroIsGlitch: boolean;
}

const judgeCounter = (
  memory: CounterMemory,
  joules: number,
  at: number,
  date: string | undefined,
  { mayFall, zeroIsGlitch }: CounterRule,
): { accepted: boolean; memory: CounterMemory } => {
  const { good = 0 } = memory;
  // An ECU-R shows yesterday's energy until the new day's first round that yields some (4.6).
  const goodOn = joules === memory.good ? (memory.goodOn ?? date) : date;
  const accept = { accepted: true, memory: { good: joules, goodOn } };
  if (mayFall) return accept;
  if (joules === 0 && zeroIsGlitch && (good > 0 || memory.good === undefined)) {
    const { lower: _, ...kept } = memory;
    const zeroSince = memory.zeroSince ?? at;
    if (at - zeroSince >= ZERO_IS_RESET_AFTER_MS) return accept;
    return { accepted: false, memory: { ...kept, zeroSince } };
  }
  if (joules >= good) return accept;
  const { zeroSince: _, ...kept } = memory;
  const rises = memory.lower !== undefined && joules >= memory.lower.joules;
  const times = rises ? (memory.lower?.times ?? 0) + 1 : 1;
  if (times >= LOWER_IS_RESET_AFTER) return accept;
  return { accepted: false, memory: { ...kept, lower: { joules, times } } };
};
