/** What a simulated ECU keeps of its rounds: power, energy of days, power curves (docs/protocol.md#power, #energy-of-today). */
import { DAY_STEP_JOULES, LIFETIME_STEP_JOULES } from "../protocol/layouts.ts";
import type { DayPower, Energy } from "../protocol/replies.ts";
import { formatLocalDigits } from "./local-time.ts";
import type { RoundsOptions } from "./rounds.ts";

/** The result of a round. */
interface Round {
  readonly startedAt: number;
  readonly durationMs: number;
  readonly powerWatts: number;
}

const INITIAL_LIFETIME_JOULES = 4_321.5 * 3_600_000;
/** Two bytes for an energy, in replies to 0004 of version 11. */
const WRAP_JOULES = 65_536 * DAY_STEP_JOULES;
const MAX_WATTS = 65_535;
const KEPT_CURVES = 62;
const KEPT_DAYS = 366;
/** Maximum number of records in 0004 by period: a week by day, a month by day, a year by month. */
const maxRecords = { "00": 7, "01": 31, "02": 12 } as const;
const periods = Object.keys(maxRecords) as (keyof typeof maxRecords)[];

/** Creates the totals of an ECU; they are empty until a round is booked. */
export const createEnergyTotals = ({
  zone,
  energyVersion,
  lifetimeJoules: initialJoules = INITIAL_LIFETIME_JOULES,
}: Pick<RoundsOptions, "zone" | "energyVersion" | "lifetimeJoules">) => {
  const curves = new Map<string, { time: string; powerWatts: number }[]>();
  const days = new Map<string, number>();
  const wrap = (joules: number): number => (energyVersion === "12" ? joules : joules % WRAP_JOULES);
  let produced = 0;
  let powerWatts = 0;
  /** The last day with energy. */
  let lastDay = "";

  return {
    book: (round: Round): void => {
      powerWatts = round.powerWatts;
      const joules = (powerWatts * round.durationMs) / 1000;
      if (joules === 0) return;
      produced += joules;
      const digits = formatLocalDigits(round.startedAt, zone);
      lastDay = digits.slice(0, 8);
      days.set(lastDay, (days.get(lastDay) ?? 0) + joules);
      const curve = curves.get(lastDay) ?? [];
      curve.push({ time: digits.slice(8, 12), powerWatts: Math.min(MAX_WATTS, powerWatts) });
      curves.set(lastDay, curve);
      dropOldest(days, KEPT_DAYS);
      dropOldest(curves, KEPT_CURVES);
    },
    /** @param isStaleTodayKept whether yesterday's energy is shown until the first round with power */
    current: (today: string, { isStaleTodayKept }: { readonly isStaleTodayKept: boolean }) => ({
      lifetimeEnergyJoules: roundDown(initialJoules + produced, LIFETIME_STEP_JOULES),
      powerWatts,
      todayEnergyJoules:
        isStaleTodayKept || lastDay === today
          ? roundDown(days.get(lastDay) ?? 0, DAY_STEP_JOULES)
          : 0,
    }),
    dayPower: (date: string): DayPower => curves.get(date) ?? [],
    /** @param requested the parameter of 0004; only its second digit counts */
    energy: (requested: string): Energy => {
      const period = periods.find((candidate) => candidate.endsWith(requested.charAt(1))) ?? "00";
      const sums = period === "02" ? sumByMonth(days) : days;
      const records = [...sums].map(([date, joules]) => ({
        date,
        energyJoules: wrap(roundDown(joules, DAY_STEP_JOULES)),
      }));
      return { period, records: records.slice(-maxRecords[period]) };
    },
    producedJoules: (): number => produced,
  };
};

/** Deletes the oldest entries beyond the maximum. */
const dropOldest = (entries: Map<string, unknown>, max: number): void => {
  for (const key of [...entries.keys()].slice(0, -max)) entries.delete(key);
};

const sumByMonth = (days: ReadonlyMap<string, number>): Map<string, number> => {
  const months = new Map<string, number>();
  for (const [day, joules] of days) {
    const month = `${day.slice(0, 6)}01`;
    months.set(month, (months.get(month) ?? 0) + joules);
  }
  return months;
};

const roundDown = (joules: number, step: number): number => Math.floor(joules / step) * step;
