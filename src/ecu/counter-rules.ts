/** The rules for one energy counter (docs/protocol.md#lifetime-energy). They are pure. */
import { type CounterMemory, extendStreak, hasLasted, type Moment, ROUND_MS } from "./memory.ts";
import { toKilowattHours } from "./units.ts";

/** A value of a counter, and what is known about the plant at that moment. */
export interface CounterValue {
  readonly joules: number;
  readonly now: Moment;
  /** Local date of the last report, yyyymmdd. */
  readonly date: string | undefined;
  /** Maximum power of the plant in watts; `undefined` if unknown. */
  readonly limitWatts: number | undefined;
}

export interface CounterRule {
  /** A lower value is accepted at once: a new day has started, or no inverter is online. */
  readonly mayFall: boolean;
  /** Any lower value may be a reset, not only one that is far lower. */
  readonly mayRestart: boolean;
  /** A zero is accepted only after confirmation. */
  readonly rejectsZero: boolean;
  /** The time in which the plant can have produced all of a value that starts anew, in seconds. */
  readonly longestSeconds: number;
}

/** Whether a value is accepted; if not, why, in words that complete «the lifetime energy …». */
export interface CounterResult {
  readonly memory: CounterMemory;
  readonly problem?: string;
}

const ZERO_IS_RESET_AFTER = { replies: 3, ms: 24 * 60 * 60 * 1000 };
const LOWER_IS_RESET_AFTER = { replies: 3, ms: ROUND_MS };
const HIGHER_IS_RIGHT_AFTER = { replies: 2, ms: ROUND_MS };
/** A reset counter is far below its last value. One that is a little lower has lost the energy since it was last stored. */
const RESET_RATIO = 0.1;
/** The larger one of the steps of both counters, 0.1 kWh. */
const STEP_JOULES = 360_000;

/** Validates the value of one counter. */
export const validateCounter = (
  memory: CounterMemory,
  value: CounterValue,
  rule: CounterRule,
): CounterResult => {
  const { joules, now } = value;
  const { good, zero, lower } = memory;
  const { zero: _, lower: __, higher: ___, ...kept } = memory;
  if (joules === 0 && rule.rejectsZero && !rule.mayFall && good !== 0) {
    const streak = extendStreak(zero, now.at);
    if (hasLasted(streak, now.at, ZERO_IS_RESET_AFTER)) return accept(memory, value);
    return { memory: { ...kept, zero: streak }, problem: "is 0" };
  }
  if (joules > findUpperLimit(memory, value, rule)) return holdBackRise(memory, value);
  if (good === undefined || joules >= good || rule.mayFall) return accept(memory, value);
  const was = `${Number(toKilowattHours(good).toFixed(2))} kWh`;
  const canBeReset =
    joules <= good * RESET_RATIO ||
    rule.mayRestart ||
    memory.provisionalSince !== undefined ||
    continuesBeforeRise(memory, value);
  if (!canBeReset) {
    return { memory: kept, problem: `fell below ${was}; it is shown again from that value on` };
  }
  const continues = lower !== undefined && joules >= lower.joules;
  const streak = { ...extendStreak(continues ? lower : undefined, now.at), joules };
  if (hasLasted(streak, now.at, LOWER_IS_RESET_AFTER)) return accept(memory, value);
  return {
    memory: { ...kept, lower: streak },
    problem: `fell below ${was}; it is shown again when a later round confirms the reset`,
  };
};

/** Accepts a value, and ends all streaks. */
const accept = (memory: CounterMemory, value: CounterValue, isConfirmed = true): CounterResult => {
  const { good, goodOn, seen, provisionalSince } = memory;
  const { joules, date, now } = value;
  // A rise since a memory without a time has no limit.
  const isUnlimited = good === undefined || (seen === undefined && joules > good);
  const isFirst = isUnlimited || !isConfirmed;
  const since = isFirst ? now.at : provisionalSince;
  const isProvisional = since !== undefined && (isFirst || now.at - since < ROUND_MS);
  return {
    memory: {
      good: joules,
      // An ECU-R reports yesterday's energy until the first round of the new day with any (docs/protocol.md#energy-of-today).
      goodOn: joules === good ? (goodOn ?? date) : date,
      seen: now,
      ...(isProvisional && { provisionalSince: since }),
      ...findBeforeRise(memory, value, isConfirmed),
    },
  };
};

const findBeforeRise = (
  { good, seen, beforeRise }: CounterMemory,
  { joules, now, limitWatts }: CounterValue,
  isConfirmed: boolean,
): Pick<CounterMemory, "beforeRise"> => {
  if (good === undefined || joules < good) return {};
  if (!isConfirmed && beforeRise === undefined && seen !== undefined)
    return { beforeRise: { joules: good, seen } };
  if (beforeRise === undefined) return {};
  const { joules: from, seen: at } = beforeRise;
  const isPossible = limitWatts !== undefined && joules <= addProduction(from, at, now, limitWatts);
  return isPossible ? {} : { beforeRise };
};

/** Whether a value continues from the one before a rise that was accepted: the rise was wrong. */
const continuesBeforeRise = (
  { beforeRise }: CounterMemory,
  { joules, now, limitWatts }: CounterValue,
): boolean =>
  beforeRise !== undefined &&
  limitWatts !== undefined &&
  joules >= beforeRise.joules &&
  joules <= addProduction(beforeRise.joules, beforeRise.seen, now, limitWatts);

/** The most that the counter can have reached since its last accepted value. */
const findUpperLimit = (
  { good, seen }: CounterMemory,
  { now, limitWatts }: CounterValue,
  { mayFall, longestSeconds }: CounterRule,
): number => {
  if (limitWatts === undefined) return Number.POSITIVE_INFINITY;
  const longest = limitWatts * longestSeconds + STEP_JOULES;
  if (good === undefined) return longest;
  if (seen === undefined) return mayFall ? longest : Number.POSITIVE_INFINITY;
  const most = addProduction(good, seen, now, limitWatts);
  return mayFall ? Math.min(most, longest) : most;
};

/** The most that the counter can be after some time. All energy of a round is counted at its end. */
const addProduction = (joules: number, from: Moment, to: Moment, limitWatts: number): number => {
  const byEcu =
    from.reportAt === undefined || to.reportAt === undefined ? 0 : to.reportAt - from.reportAt;
  const seconds = Math.max((to.at - from.at) / 1000, byEcu) + ROUND_MS / 1000;
  return joules + limitWatts * seconds + STEP_JOULES;
};

/** A value above the limit is accepted if later replies repeat it or continue from it. */
const holdBackRise = (memory: CounterMemory, value: CounterValue): CounterResult => {
  const { joules, now, limitWatts = 0 } = value;
  const { zero: _, lower: __, higher, ...kept } = memory;
  const continues =
    higher !== undefined &&
    joules >= higher.joules &&
    joules <= addProduction(higher.joules, higher.seen, now, limitWatts);
  const streak = { ...extendStreak(continues ? higher : undefined, now.at), joules, seen: now };
  if (hasLasted(streak, now.at, HIGHER_IS_RIGHT_AFTER)) return accept(memory, value, false);
  return {
    memory: { ...kept, higher: streak },
    problem:
      memory.good === undefined
        ? "is more than the inverters can have produced; it is shown when a later round confirms it"
        : "rose by more than the inverters can produce; it is shown again when a later round confirms it",
  };
};
