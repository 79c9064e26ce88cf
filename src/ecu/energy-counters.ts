/**
 * Validates what an ECU reports about the whole plant: its id, its energy counters and its power
 * (docs/protocol.md#lifetime-energy). A value that may be wrong is left out until later replies confirm it.
 */
import { type CounterResult, validateCounter } from "./counter-rules.ts";
import {
  type CounterMemory,
  type EcuMemory,
  extendStreak,
  hasLasted,
  type Memory,
  type Moment,
  ROUND_MS,
  type Streak,
} from "./memory.ts";
import { findPlantLimit } from "./plant-limits.ts";
import type { Identity, Reading } from "./reading.ts";
import type { Field, Validated } from "./validate.ts";

const ECUS_REMEMBERED = 4;
const NEW_ID_IS_ACCEPTED_AFTER = { replies: 2, ms: ROUND_MS };
/** ECUs that have replied by turns in this time share an address: each change from one to the other would look like a reset. */
const RIVAL_MS = 24 * 60 * 60 * 1000;
const HIGH_POWER_IS_RIGHT_AFTER = { replies: 2, ms: ROUND_MS };
/** No counter of an ECU is older. */
const LONGEST_LIFE_SECONDS = 30 * 366 * 86_400;
/** The day on which summer time ends. */
const LONGEST_DAY_SECONDS = 25 * 3_600;

/** A reading of a whole plant: 0001 succeeded. */
type PlantReading = Reading &
  Required<Pick<Reading, "identity" | "lifetimeEnergyJoules" | "todayEnergyJoules">>;

/**
 * Leaves out wrong values of the energy counters and of the power, and says why in the notes of the reading.
 * @param at time of the reading in monotonic milliseconds
 */
export const validateCounters = (
  before: Memory,
  reading: Reading,
  at: number,
): Validated & { readonly memory: Memory } => {
  if (!isPlantReading(reading)) return { reading, rejected: [], memory: before };
  const now: Moment = {
    at,
    ...(reading.lastReportAt !== undefined && { reportAt: reading.lastReportAt }),
  };
  const stranger = findStranger(before, reading.identity, at);
  if (stranger !== undefined) {
    return {
      ...leaveOut(
        reading,
        ["lifetime_energy", "today_energy", "power"],
        [describeStranger(before, stranger.ecuId, at)],
      ),
      memory: { ...before, stranger },
    };
  }
  return validateAccepted(before, reading, now);
};

const isPlantReading = (reading: Reading): reading is PlantReading =>
  reading.identity !== undefined &&
  reading.lifetimeEnergyJoules !== undefined &&
  reading.todayEnergyJoules !== undefined;

/** Another ECU that replies at this address, and is not accepted yet. The first ECU is accepted at once. */
const findStranger = (memory: Memory, { ecuId }: Identity, at: number): Memory["stranger"] => {
  const { ecuId: accepted, stranger } = memory;
  if (accepted === undefined || accepted === ecuId) return undefined;
  const streak = extendStreak(stranger?.ecuId === ecuId ? stranger : undefined, at);
  const isAccepted = hasLasted(streak, at, NEW_ID_IS_ACCEPTED_AFTER) && !isRival(memory, ecuId, at);
  return isAccepted ? undefined : { ...streak, ecuId };
};

/** Whether this ECU has replied by turns with the one that was there first, in the last 24 hours. */
const isRival = ({ rival }: Memory, ecuId: string, at: number): boolean =>
  rival?.ecuId === ecuId && at - rival.at < RIVAL_MS;

const describeStranger = (memory: Memory, ecuId: string, at: number): string =>
  isRival(memory, ecuId, at)
    ? `two ECUs, ${memory.ecuId} and ${ecuId}, reply at this address by turns; energy and power of ${ecuId} are left out until it has been the only one for 24 hours: give each ECU its own address`
    : `another ECU, ${ecuId}, replies at this address; its energy and power are left out until it has replied for 5 minutes`;

/** Validates a reading of the ECU that is accepted at this address. */
const validateAccepted = (
  before: Memory,
  reading: PlantReading,
  now: Moment,
): Validated & { readonly memory: Memory } => {
  const { identity } = reading;
  const isReplaced = before.ecuId !== undefined && before.ecuId !== identity.ecuId;
  const remembered = before.ecus[identity.ecuId] ?? { lifetime: {}, today: {} };
  const earlier = isReplaced ? endStreaks(remembered) : remembered;
  const date = localReportDate(reading) ?? earlier.date;
  const change = isReplaced
    ? [`the ECU was replaced: its id changed from ${before.ecuId} to ${identity.ecuId}`]
    : [];
  if (hasFailedLookup(reading)) {
    const note =
      "the ECU reports no registered inverters although some are online; its energy is left out";
    const { highPower: _, ...kept } = earlier;
    const [lifetime, today] = [endLowerStreak(earlier.lifetime), endLowerStreak(earlier.today)];
    return {
      ...leaveOut(reading, ["lifetime_energy", "today_energy"], [...change, note]),
      memory: remember(before, identity, { ...kept, date, lifetime, today }, now.at),
    };
  }
  const limitWatts = findPlantLimit(reading);
  const lifetime = validateLifetime(earlier, reading, { now, date, limitWatts });
  const today = validateToday(earlier, reading, { now, date, limitWatts });
  const power = validatePower(earlier.highPower, reading.powerWatts, { now, limitWatts });
  const problems = [
    ["lifetime_energy", "lifetime energy", lifetime.problem],
    ["today_energy", "energy of today", today.problem],
    ["power", "power", power.problem],
  ] as const;
  const rejected = problems.filter(([, , problem]) => problem !== undefined);
  return {
    ...leaveOut(
      reading,
      rejected.map(([field]) => field),
      [...change, ...rejected.map(([, name, problem]) => `the ${name} is left out: it ${problem}`)],
    ),
    memory: remember(
      before,
      identity,
      {
        date,
        lifetime: lifetime.memory,
        today: today.memory,
        ...(power.streak && { highPower: power.streak }),
      },
      now.at,
    ),
  };
};

interface Context {
  readonly now: Moment;
  readonly date: string | undefined;
  readonly limitWatts: number | undefined;
}

const validateLifetime = (
  { lifetime }: EcuMemory,
  { lifetimeEnergyJoules }: PlantReading,
  context: Context,
): CounterResult =>
  validateCounter(
    lifetime,
    { ...context, joules: lifetimeEnergyJoules },
    { mayFall: false, mayRestart: false, rejectsZero: true, longestSeconds: LONGEST_LIFE_SECONDS },
  );

const validateToday = (
  { today }: EcuMemory,
  reading: PlantReading,
  context: Context,
): CounterResult => {
  const { todayEnergyJoules, invertersOnline = 0 } = reading;
  const { date } = context;
  const isOldValue = todayEnergyJoules > 0 && invertersOnline === 0;
  const isNewDay = date !== undefined && today.goodOn !== undefined && date > today.goodOn;
  const isNight = todayEnergyJoules === 0 && invertersOnline === 0;
  return validateCounter(
    today,
    // An ECU-R reports yesterday's energy all night (docs/protocol.md#energy-of-today): its date is that of an earlier reading.
    { ...context, joules: todayEnergyJoules, ...(isOldValue && { date: today.goodOn }) },
    {
      mayFall: (isNewDay && !isOldValue) || isNight,
      // Without a date, or if the ECU's clock was set back, the day may be another one.
      mayRestart: localReportDate(reading) === undefined || date !== today.goodOn,
      rejectsZero: today.good !== undefined,
      longestSeconds: LONGEST_DAY_SECONDS,
    },
  );
};

/** Power that the plant cannot have is left out, unless it lasts: the limit may be wrong for a new model. */
const validatePower = (
  earlier: Streak | undefined,
  watts: number | undefined,
  { now, limitWatts }: Omit<Context, "date">,
): { readonly streak?: Streak; readonly problem?: string } => {
  if (watts === undefined || limitWatts === undefined || watts <= limitWatts) return {};
  const streak = extendStreak(earlier, now.at);
  return hasLasted(streak, now.at, HIGH_POWER_IS_RIGHT_AFTER)
    ? { streak }
    : { streak, problem: "is more than the inverters can produce" };
};

const leaveOut = (
  reading: PlantReading,
  rejected: readonly Field[],
  notes: readonly string[],
): Validated => {
  const { lifetimeEnergyJoules, todayEnergyJoules, powerWatts, ...others } = reading;
  return {
    reading: {
      ...others,
      notes: [...reading.notes, ...notes],
      ...(!rejected.includes("lifetime_energy") && { lifetimeEnergyJoules }),
      ...(!rejected.includes("today_energy") && { todayEnergyJoules }),
      ...(powerWatts !== undefined && !rejected.includes("power") && { powerWatts }),
    },
    rejected,
  };
};

/** Local date of the last report, yyyymmdd; `undefined` without a valid time. */
const localReportDate = ({ lastReportAt, lastReportLocal }: Reading): string | undefined =>
  lastReportAt === undefined ? undefined : lastReportLocal?.slice(0, 8);

/** Replaces the memory of the ECU of this reading, and makes it the accepted one. */
const remember = (
  before: Memory,
  { ecuId, timezone }: Identity,
  ecu: EcuMemory,
  at: number,
): Memory => {
  const rival = findRival(before, ecuId, at);
  const others = Object.entries(before.ecus).filter(([id]) => id !== ecuId);
  const kept = others.slice(1 - ECUS_REMEMBERED);
  return {
    ecuId,
    zone: timezone,
    ...(rival && { rival }),
    ecus: Object.fromEntries([...kept, [ecuId, ecu]]),
  };
};

/** The rival after an accepted reply. An ECU that has replaced another one is a rival of its predecessor for 24 hours. */
const findRival = (before: Memory, ecuId: string, at: number): Memory["rival"] => {
  const { ecuId: accepted = ecuId, stranger, rival } = before;
  const other = accepted === ecuId ? stranger?.ecuId : accepted;
  if (other === undefined) return rival && isRival(before, rival.ecuId, at) ? rival : undefined;
  const second = accepted === ecuId ? other : ecuId;
  return { ecuId: isRival(before, accepted, at) ? accepted : second, at };
};

/**
 * The ECU reports no registered inverters although some are online. Both counters come from the same failed look-up, so
 * both are wrong (docs/protocol.md#energy-of-today, "transient zero").
 */
const hasFailedLookup = ({ registeredByInfo, invertersOnline = 0 }: Reading): boolean =>
  registeredByInfo === 0 && invertersOnline > 0;

/** Replies from before another ECU was accepted are not in a row with those after it. */
const endStreaks = ({ highPower: _, ...ecu }: EcuMemory): EcuMemory => {
  const end = ({ zero: _, lower: __, higher: ___, ...kept }: CounterMemory): CounterMemory => kept;
  return { ...ecu, lifetime: end(ecu.lifetime), today: end(ecu.today) };
};

const endLowerStreak = ({ lower: _, ...kept }: CounterMemory): CounterMemory => kept;
