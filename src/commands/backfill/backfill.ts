import { assertWritable, writeOutputFile } from "../../files.ts";
import { cachePathOf, type HistoryCache, openCache } from "../../history/cache.ts";
import { HistoryError, historyOf } from "../../history/history.ts";
import { openMetricsOf } from "../../history/openmetrics.ts";
import { createProgress, planOf, type Stream, summaryOf } from "../../history/progress.ts";
import { UnfinishedError } from "../../history/query.ts";
import { datesToAsk, type Today, wantedOf } from "../../history/range.ts";
import { readPast } from "../../history/reader.ts";
import { catalogue } from "../../metrics/catalogue.ts";
import { printable } from "../../text.ts";
import { dateAt, daysBetween } from "../../time/calendar.ts";
import { type Clock, systemClock } from "../../time/clock.ts";
import { resolveMachineZone } from "../../time/zone.ts";
import type { BackfillConfig } from "./command.ts";

/** The world around the command. */
export interface Surroundings {
  readonly clock: Clock;
  /** Stops it: nothing is written then. */
  readonly signal: AbortSignal;
  readonly stdout: Stream;
  readonly stderr: Stream;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** 0001, 0012, and three tables of 0004. */
const OTHER_QUESTIONS = 5;
/** Days that the table of days has, mostly (docs/protocol.md#energy-history). */
const USUAL_TABLE_DAYS = 31;
/** The first zone of all in which a day begins: who can tell what is tomorrow before the ECU has said its zone? */
const EARLIEST_ZONE = "Etc/GMT-14";

/**
 * Writes what an ECU remembers as OpenMetrics with times.
 * @returns exit code: 1 where the ECU did not answer well enough, and nothing was written
 * @throws UsageError for days, or a file to write, that cannot be
 */
export const backfill = async (config: BackfillConfig): Promise<number> => {
  const stopped = new AbortController();
  const stop = (): void => stopped.abort();
  const signals = ["SIGTERM", "SIGINT"] as const;
  for (const signal of signals) process.on(signal, stop);
  try {
    const { stdout, stderr, env } = process;
    return await runBackfill(config, {
      clock: systemClock,
      signal: stopped.signal,
      stdout,
      stderr,
      env,
    });
  } finally {
    for (const signal of signals) process.off(signal, stop);
  }
};

/** The same in surroundings that may be a test's. */
export const runBackfill = async (
  config: BackfillConfig,
  around: Surroundings,
): Promise<number> => {
  const { stderr, clock } = around;
  const now = clock.now();
  const tell = (line: string): void => {
    stderr.write(`${printable(line)}\n`);
  };
  wantedOf(config, { date: dateAt(now, EARLIEST_ZONE), zone: zoneOf(config), now });
  if (config.output !== "-") await assertWritable(config.output); // minutes of reading must not end without
  const cache = await openCache({
    path: config.cache ?? cachePathOf(config.ecu, around.env),
    tell,
    isReadOnly: config.dryRun,
  });
  if (config.dryRun) {
    around.stdout.write(planned(config, cache, now));
    return 0;
  }
  try {
    await write(config, cache, around);
    return 0;
  } catch (error) {
    if (!(error instanceof UnfinishedError || error instanceof HistoryError)) throw error;
    tell(`nothing was written: ${error.message}`);
    return 1;
  }
};

const zoneOf = ({ timezone }: BackfillConfig): string => timezone ?? resolveMachineZone();

const planned = (config: BackfillConfig, cache: HistoryCache, now: number): string => {
  const today: Today = { date: dateAt(now, zoneOf(config)), zone: zoneOf(config), now };
  const wanted = wantedOf(config, today);
  const hasEnergy = (date: string): boolean => daysBetween(date, today.date) < USUAL_TABLE_DAYS;
  const dates = datesToAsk(wanted, today, hasEnergy);
  const kept = dates.filter((date) => date < today.date && cache.curves.has(date)).length;
  return planOf({
    ecu: config.name ?? config.ecu.name,
    wanted,
    days: cache.isUnknown("dayPower") ? 0 : dates.length - kept,
    kept,
    others: OTHER_QUESTIONS,
    paceMs: config.pace,
  });
};

const write = async (
  config: BackfillConfig,
  cache: HistoryCache,
  { clock, signal, stdout, stderr }: Surroundings,
): Promise<void> => {
  const progress = createProgress(stderr, config.pace);
  const read = readPast({
    ecu: config.ecu,
    paceMs: config.pace,
    zone: zoneOf(config),
    isZoneNamed: config.timezone !== undefined,
    clock,
    signal,
    cache,
    wantedOf: (today) => wantedOf(config, today),
    onDays: progress.begin,
    onDay: progress.step,
  });
  const { past, wanted, notes } = await read.finally(progress.end);
  const history = historyOf(past, wanted);
  const text = openMetricsOf({
    samples: history.samples,
    help: {
      ecu_power_watts: catalogue.ecu_power_watts.help,
      ecu_lifetime_energy_joules_total: catalogue.ecu_lifetime_energy_joules_total.help,
    },
    labels: { ecu: config.name ?? config.ecu.name, ...config.labels },
  });
  if (config.output === "-") await said(stdout, text);
  else await writeOutputFile(config.output, text);
  stderr.write(summaryOf(history, config.output, notes));
};

/** Waits for whoever reads: the program ends soon after the command. */
const said = (stream: Stream, text: string): Promise<void> =>
  new Promise((resolve) => {
    stream.write(text, () => resolve());
  });
