/** Reads the history of an ECU: slowly, one request at a time, and no day twice. */
import { describeError, type QueryError } from "../ecu/errors.ts";
import { findEcuFamily, reportsOwnZone } from "../ecu/models.ts";
import { joinReplies, type Reading } from "../ecu/reading.ts";
import { commands } from "../protocol/requests.ts";
import { formatDate, localDate } from "../time/calendar.ts";
import { parseLocalTime } from "../time/zone.ts";
import type { HistoryCache } from "./cache.ts";
import type { EcuHistory } from "./days.ts";
import type { HistoryRange } from "./history.ts";
import {
  createHistoryQuerier,
  type HistoryQuerier,
  type HistoryQuerierOptions,
  queryInfo,
  queryLocalTime,
  RESUME_HINT,
  UnfinishedError,
} from "./query.ts";
import { listQueryDates, type Today } from "./range.ts";
import { readMonths, readTable, type TableEnergy } from "./table.ts";

export interface HistoryReadOptions extends HistoryQuerierOptions {
  /** Zone of an ECU that does not report its own, and whether the user named it. */
  readonly zone: string;
  readonly isZoneNamed: boolean;
  readonly cache: HistoryCache;
  /** Resolves the range once the ECU's own date is known. @throws UsageError */
  readonly resolveRange: (today: Today) => HistoryRange;
  /** Called with the number of days to request, and after each of them. */
  readonly onDays: (total: number) => void;
  readonly onDay: () => void;
}

export interface HistoryRead {
  readonly history: EcuHistory;
  readonly range: HistoryRange;
  readonly notes: readonly string[];
}

const REMEMBERED_HINT = " (remembered; set another --cache to try again)";
const FAILURES_IN_A_ROW = 5;
/** How far the ECU's clock may be off without a note, in milliseconds. */
const CLOCK_TOLERANCE_MS = 600_000;
/** No time zone is that far away. */
const CLOCK_WRONG_MS = 27 * 3_600_000;

/**
 * Reads the history that an ECU keeps.
 * @throws UnfinishedError, and what `wantedOf` throws
 */
export const readHistory = async (options: HistoryReadOptions): Promise<HistoryRead> => {
  const { cache, clock } = options;
  const line = createHistoryQuerier(options);
  const notes: string[] = [];
  const info = await queryInfo(line);
  const now = clock.now();
  const identity = joinReplies(
    { info },
    { zone: options.zone, isZoneSet: options.isZoneNamed, now },
  );
  notes.push(...identity.notes);
  const { ecuId, firmware } = info.value;
  const zone = identity.identity?.timezone ?? options.zone;
  cache.bindTo(ecuId, firmware);
  /** An ECU-R or ECU-B supports these commands (docs/protocol.md#commands): if it does not reply, there is another problem. */
  const learn = async (command: "energy" | "dayPower"): Promise<void> => {
    if (findEcuFamily(ecuId, undefined).kind === "R")
      throw new UnfinishedError(
        `the ECU replies, but not to requests for its history (${commands[command].code}); let no other program read it; then ${RESUME_HINT}`,
      );
    await cache.markUnsupported(command);
  };
  const local = await queryLocalTime(line, cache, ecuId);
  const isAssumed = !options.isZoneNamed && !reportsOwnZone(info.value);
  const date = resolveDate(local, { zone, now }, { isAssumed, notes });
  const today: Today = { date, zone, now };
  const range = options.resolveRange(today);
  const tables = await readTables(line, cache, { ecuId, learn, notes });
  const dates = listQueryDates(range, today, (one) => tables.days.has(one));
  const getEnergy = (one: string): number | undefined => tables.days.get(one)?.joules;
  const curves = await readCurves(line, options, {
    ecuId,
    today: date,
    dates,
    getEnergy,
    learn,
    notes,
  });
  if (cache.isUnsupported("energy") && cache.isUnsupported("dayPower"))
    throw new UnfinishedError(
      "this ECU does not report its history: it supports neither 0003 nor 0004 (a firmware update may change that)",
    );
  const past = { zone, today: date, reading: counterReading(identity, now), ...tables, curves };
  return { history: past, range, notes };
};

/** The ECU's own date. @throws UnfinishedError where its clock is too far off */
const resolveDate = (
  local: string | undefined,
  { zone, now }: Omit<Today, "date">,
  { isAssumed, notes }: { readonly isAssumed: boolean; readonly notes: string[] },
): string => {
  const at = local === undefined ? undefined : parseLocalTime(local, zone, now);
  if (local === undefined || at === undefined) return localDate(now, zone);
  const aheadMs = at * 1000 - now;
  const date = local.slice(0, 8);
  if (Math.abs(aheadMs) > CLOCK_WRONG_MS)
    throw new UnfinishedError(
      `the ECU's clock shows ${formatDate(date)}, so its days cannot be assigned; set its clock, or wait until it is set automatically`,
    );
  // A history that is an hour off is hard to remove once it was imported.
  if (Math.abs(aheadMs) > CLOCK_TOLERANCE_MS && isAssumed)
    throw new UnfinishedError(
      `the ECU's clock is ${Math.round(Math.abs(aheadMs) / 60_000)} min ${aheadMs > 0 ? "ahead of" : "behind"} that of ${zone}, this machine's zone; set the ECU's zone, such as --ecu.timezone=Europe/Amsterdam`,
    );
  if (Math.abs(aheadMs) > CLOCK_TOLERANCE_MS)
    notes.push(
      `the ECU's clock is ${Math.round(Math.abs(aheadMs) / 60_000)} min ${aheadMs > 0 ? "ahead" : "behind"}, or its zone is not ${zone} (--ecu.timezone); its history is shifted by that much`,
    );
  return date;
};

const counterReading = (
  { lifetimeEnergyJoules = 0, todayEnergyJoules = 0 }: Reading,
  now: number,
): EcuHistory["reading"] => ({
  at: Math.floor(now / 1000),
  lifetimeJoules: lifetimeEnergyJoules,
  todayJoules: todayEnergyJoules,
});

type Tables = Pick<EcuHistory, "days" | "months">;

const readTables = async (
  line: HistoryQuerier,
  cache: HistoryCache,
  { ecuId, learn, notes }: Pick<CurveQuery, "ecuId" | "learn" | "notes">,
): Promise<Tables> => {
  const days = new Map<string, TableEnergy>();
  let months = new Map<string, TableEnergy>();
  for (const parameter of ["01", "00", "02"]) {
    if (cache.isUnsupported("energy")) break;
    const outcome = await line.queryOptional("energy", { ecuId, parameter });
    if (outcome?.ok && parameter === "02") months = readMonths(outcome.value, line.bytes());
    else if (outcome?.ok) {
      for (const [date, energy] of readTable(outcome.value, line.bytes()))
        if (!days.has(date)) days.set(date, energy);
    } else if (outcome === undefined && parameter === "01") await learn("energy");
    else if (outcome === undefined || outcome.error.reason === "status")
      notes.push(`the ECU does not reply to 0004/${parameter}`);
    else throw new UnfinishedError(`${describeError(outcome.error)}; then ${RESUME_HINT}`);
  }
  if (cache.isUnsupported("energy"))
    notes.push(
      `this ECU does not support 0004; the energy is that of the power curves${REMEMBERED_HINT}`,
    );
  return { days, months };
};

interface CurveQuery {
  readonly ecuId: string;
  readonly today: string;
  readonly dates: readonly string[];
  /** Energy in the table of days, in joules; `undefined` where the table does not have the day. */
  readonly getEnergy: (date: string) => number | undefined;
  /** Remembers that the ECU does not support a command. @throws UnfinishedError where ECUs of its family support it */
  readonly learn: (command: "energy" | "dayPower") => Promise<void>;
  readonly notes: string[];
}

const readCurves = async (
  line: HistoryQuerier,
  { cache, onDays, onDay }: HistoryReadOptions,
  { ecuId, today, dates, getEnergy, learn, notes }: CurveQuery,
): Promise<EcuHistory["curves"]> => {
  const unfinished = dates.filter((date) => date >= today || !cache.curves.has(date));
  const curves = new Map([...cache.curves].filter(([date]) => dates.includes(date)));
  const failed = new Map<string, QueryError>();
  let inARow = 0;
  onDays(cache.isUnsupported("dayPower") ? 0 : unfinished.length);
  for (const date of unfinished) {
    if (cache.isUnsupported("dayPower")) break;
    const params = { ecuId, parameter: date };
    const isDoubtful = cache.curves.size === 0 && curves.size === 0 && failed.size === 0;
    const outcome = await (isDoubtful
      ? line.queryOptional("dayPower", params)
      : line.query("dayPower", params));
    onDay();
    if (outcome === undefined) await learn("dayPower");
    else if (outcome.ok) {
      inARow = 0;
      curves.set(date, outcome.value);
      // A day with energy but without power may be complete the next time.
      const isWhole = outcome.value.length > 0 || !getEnergy(date);
      if (date < today && isWhole) await cache.keep(date, outcome.value);
    } else {
      failed.set(date, outcome.error);
      if (++inARow >= FAILURES_IN_A_ROW)
        throw new UnfinishedError(`${describeError(outcome.error)}; then ${RESUME_HINT}`);
    }
  }
  if (cache.isUnsupported("dayPower"))
    notes.push(
      `this ECU does not support 0003; there is no power, and the energy of each day counts at its end${REMEMBERED_HINT}`,
    );
  for (const [date, error] of failed) {
    if (getEnergy(date) === undefined)
      throw new UnfinishedError(
        `the power of ${formatDate(date)} could not be read: ${error.message}; ${RESUME_HINT}`,
      );
    notes.push(
      `${formatDate(date)}: its power could not be read (${error.reason}); its energy could`,
    );
  }
  return curves;
};
