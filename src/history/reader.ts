/** Asking an ECU for its past: gently, one question at a time, and no day twice. */
import { describeError, type QueryError } from "../ecu/errors.ts";
import { findEcuFamily, reportsOwnZone } from "../ecu/models.ts";
import { joinReplies, type Reading } from "../ecu/reading.ts";
import { commands } from "../protocol/requests.ts";
import { dateAt, formatDate } from "../time/calendar.ts";
import { parseLocalTime } from "../time/zone.ts";
import type { HistoryCache } from "./cache.ts";
import type { Past } from "./days.ts";
import type { Wanted } from "./history.ts";
import {
  AGAIN,
  type Asking,
  type AskingOptions,
  createAsking,
  infoOf,
  localTimeOf,
  UnfinishedError,
} from "./query.ts";
import { datesToAsk, type Today } from "./range.ts";
import { monthsOf, type TableEnergy, tableOf } from "./table.ts";

export interface ReadOptions extends AskingOptions {
  /** Zone of an ECU that does not tell its own, and whether the user named it. */
  readonly zone: string;
  readonly isZoneNamed: boolean;
  readonly cache: HistoryCache;
  /** Judges what is wanted, once the ECU's own day is known. @throws UsageError */
  readonly wantedOf: (today: Today) => Wanted;
  /** Told how many days there are to ask for, and of each one that was. */
  readonly onDays: (total: number) => void;
  readonly onDay: () => void;
}

export interface ReadPast {
  readonly past: Past;
  readonly wanted: Wanted;
  readonly notes: readonly string[];
}

const REMEMBERED = " (this is remembered; --cache with another file asks again)";
const FAILURES_IN_A_ROW = 5;
/** How far the ECU's clock may be off before people are told, in milliseconds. */
const CLOCK_TOLERANCE_MS = 600_000;
/** No zone is so far away. */
const CLOCK_WRONG_MS = 27 * 3_600_000;

/**
 * Reads what an ECU remembers.
 * @throws UnfinishedError, and what `wantedOf` throws
 */
export const readPast = async (options: ReadOptions): Promise<ReadPast> => {
  const { cache, clock } = options;
  const line = createAsking(options);
  const notes: string[] = [];
  const info = await infoOf(line);
  const now = clock.now();
  const identity = joinReplies({ info }, { zone: options.zone, now });
  const { ecuId, firmware } = info.value;
  const zone = identity.identity?.timezone ?? options.zone;
  cache.meet(ecuId, firmware);
  /** An ECU-R or ECU-B knows its past (docs/protocol.md#commands): one that does not answer has trouble of another kind. */
  const learn = async (question: "energy" | "dayPower"): Promise<void> => {
    if (findEcuFamily(ecuId, undefined).kind === "R")
      throw new UnfinishedError(
        `the ECU answers, but not when it is asked for its past (${commands[question].code}); let no other program ask it; then ${AGAIN}`,
      );
    await cache.learnUnknown(question);
  };
  const local = await localTimeOf(line, cache, ecuId);
  const isAssumed = !options.isZoneNamed && !reportsOwnZone(info.value);
  const date = dateOf(local, { zone, now }, { isAssumed, notes });
  const today: Today = { date, zone, now };
  const wanted = options.wantedOf(today);
  const tables = await tablesOf(line, cache, { ecuId, learn, notes });
  const dates = datesToAsk(wanted, today, (one) => tables.days.has(one));
  const energyOf = (one: string): number | undefined => tables.days.get(one)?.joules;
  const curves = await curvesOf(line, options, {
    ecuId,
    today: date,
    dates,
    energyOf,
    learn,
    notes,
  });
  if (cache.isUnknown("energy") && cache.isUnknown("dayPower"))
    throw new UnfinishedError(
      "this ECU does not tell of its past: it knows neither 0003 nor 0004 (an update of its firmware may change that)",
    );
  const past = { zone, today: date, reading: readingOf(identity, now), ...tables, curves };
  return { past, wanted, notes };
};

/** The ECU's own date. @throws UnfinishedError where its clock is of no use */
const dateOf = (
  local: string | undefined,
  { zone, now }: Omit<Today, "date">,
  { isAssumed, notes }: { readonly isAssumed: boolean; readonly notes: string[] },
): string => {
  const at = local === undefined ? undefined : parseLocalTime(local, zone, now);
  if (local === undefined || at === undefined) return dateAt(now, zone);
  const aheadMs = at * 1000 - now;
  const date = local.slice(0, 8);
  if (Math.abs(aheadMs) > CLOCK_WRONG_MS)
    throw new UnfinishedError(
      `the ECU's clock says ${formatDate(date)}, so that its days cannot be told; set its clock, or wait until it has set itself`,
    );
  // A past that is an hour off, once imported, is hard to take back.
  if (Math.abs(aheadMs) > CLOCK_TOLERANCE_MS && isAssumed)
    throw new UnfinishedError(
      `the ECU's clock is ${Math.round(Math.abs(aheadMs) / 60_000)} min ${aheadMs > 0 ? "ahead of" : "behind"} that of ${zone}, this machine's zone; name the ECU's: --ecu.timezone=Europe/Amsterdam, for example`,
    );
  if (Math.abs(aheadMs) > CLOCK_TOLERANCE_MS)
    notes.push(
      `the ECU's clock is ${Math.round(Math.abs(aheadMs) / 60_000)} min ${aheadMs > 0 ? "ahead" : "behind"}, or its zone is not ${zone} (--ecu.timezone): its past is shifted by as much`,
    );
  return date;
};

const readingOf = (
  { lifetimeEnergyJoules = 0, todayEnergyJoules = 0 }: Reading,
  now: number,
): Past["reading"] => ({
  at: Math.floor(now / 1000),
  lifetimeJoules: lifetimeEnergyJoules,
  todayJoules: todayEnergyJoules,
});

type Tables = Pick<Past, "days" | "months">;

const tablesOf = async (
  line: Asking,
  cache: HistoryCache,
  { ecuId, learn, notes }: Pick<CurvesWanted, "ecuId" | "learn" | "notes">,
): Promise<Tables> => {
  const days = new Map<string, TableEnergy>();
  let months = new Map<string, TableEnergy>();
  for (const parameter of ["01", "00", "02"]) {
    if (cache.isUnknown("energy")) break;
    const outcome = await line.askDoubtful("energy", { ecuId, parameter });
    if (outcome?.ok && parameter === "02") months = monthsOf(outcome.value, line.bytes());
    else if (outcome?.ok) {
      for (const [date, energy] of tableOf(outcome.value, line.bytes()))
        if (!days.has(date)) days.set(date, energy);
    } else if (outcome === undefined && parameter === "01") await learn("energy");
    else if (outcome === undefined || outcome.error.reason === "status")
      notes.push(`the ECU does not answer 0004/${parameter}`);
    else throw new UnfinishedError(`${describeError(outcome.error)}; then ${AGAIN}`);
  }
  if (cache.isUnknown("energy"))
    notes.push(`this ECU does not know 0004: energies are those of the power curves${REMEMBERED}`);
  return { days, months };
};

interface CurvesWanted {
  readonly ecuId: string;
  readonly today: string;
  readonly dates: readonly string[];
  /** Of the table of days, in joules; `undefined` where it has no such day. */
  readonly energyOf: (date: string) => number | undefined;
  /** Remembers that the ECU does not know a question. @throws UnfinishedError where such an ECU knows it */
  readonly learn: (question: "energy" | "dayPower") => Promise<void>;
  readonly notes: string[];
}

const curvesOf = async (
  line: Asking,
  { cache, onDays, onDay }: ReadOptions,
  { ecuId, today, dates, energyOf, learn, notes }: CurvesWanted,
): Promise<Past["curves"]> => {
  const unfinished = dates.filter((date) => date >= today || !cache.curves.has(date));
  const curves = new Map([...cache.curves].filter(([date]) => dates.includes(date)));
  const failed = new Map<string, QueryError>();
  let inARow = 0;
  onDays(cache.isUnknown("dayPower") ? 0 : unfinished.length);
  for (const date of unfinished) {
    if (cache.isUnknown("dayPower")) break;
    const asked = { ecuId, parameter: date };
    const isDoubtful = cache.curves.size === 0 && curves.size === 0 && failed.size === 0;
    const outcome = await (isDoubtful
      ? line.askDoubtful("dayPower", asked)
      : line.ask("dayPower", asked));
    onDay();
    if (outcome === undefined) await learn("dayPower");
    else if (outcome.ok) {
      inARow = 0;
      curves.set(date, outcome.value);
      // No power on a day with energy: it may be there the next time.
      const isWhole = outcome.value.length > 0 || !energyOf(date);
      if (date < today && isWhole) await cache.keep(date, outcome.value);
    } else {
      failed.set(date, outcome.error);
      if (++inARow >= FAILURES_IN_A_ROW)
        throw new UnfinishedError(`${describeError(outcome.error)}; then ${AGAIN}`);
    }
  }
  if (cache.isUnknown("dayPower"))
    notes.push(
      `this ECU does not know 0003: there is no power, and the energy of days at their ends${REMEMBERED}`,
    );
  for (const [date, error] of failed) {
    if (energyOf(date) === undefined)
      throw new UnfinishedError(
        `the power of ${formatDate(date)} could not be read: ${error.message}; ${AGAIN}`,
      );
    notes.push(
      `${formatDate(date)}: its power could not be read (${error.reason}), its energy could`,
    );
  }
  return curves;
};
