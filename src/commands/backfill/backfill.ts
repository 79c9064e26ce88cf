import { assertWritable, writeOutputFile } from "../../files.ts";
import { defaultCachePath, type HistoryCache, openCache } from "../../history/cache.ts";
import { buildHistory, HistoryError } from "../../history/history.ts";
import { formatOpenMetrics } from "../../history/openmetrics.ts";
import {
  createProgress,
  describePlan,
  describeResult,
  type Stream,
} from "../../history/progress.ts";
import { UnfinishedError } from "../../history/query.ts";
import { listQueryDates, resolveRange, type Today } from "../../history/range.ts";
import { readHistory } from "../../history/reader.ts";
import { catalogue } from "../../metrics/catalogue.ts";
import { printable } from "../../text.ts";
import { daysBetween, localDate } from "../../time/calendar.ts";
import { type Clock, systemClock } from "../../time/clock.ts";
import { resolveMachineZone } from "../../time/zone.ts";
import type { BackfillConfig } from "./command.ts";

/** What tests replace. */
export interface BackfillEnvironment {
  readonly clock: Clock;
  /** Stops the command; nothing is written then. */
  readonly signal: AbortSignal;
  readonly stdout: Stream;
  readonly stderr: Stream;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** 0001, 0012, and three tables of 0004. */
const OTHER_REQUESTS = 5;
/** Days that the table of days usually has (docs/protocol.md#energy-history). */
const USUAL_TABLE_DAYS = 31;
/** The first zone in which a day begins: before the ECU reports its zone, any later date may be today. */
const EARLIEST_ZONE = "Etc/GMT-14";

/**
 * Writes the history of an ECU as OpenMetrics with times.
 * @returns the exit code: 1 where the history could not be read and nothing was written
 * @throws UsageError for an impossible range, or a file that cannot be written
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

/** The same with an environment that a test may replace. */
export const runBackfill = async (
  config: BackfillConfig,
  around: BackfillEnvironment,
): Promise<number> => {
  const { stderr, clock } = around;
  const now = clock.now();
  const report = (line: string): void => {
    stderr.write(`${printable(line)}\n`);
  };
  resolveRange(config, { date: localDate(now, EARLIEST_ZONE), zone: resolveZone(config), now });
  if (config.output !== "-") await assertWritable(config.output); // before minutes of reading
  const cache = await openCache({
    path: config.cache ?? defaultCachePath(config.ecu, around.env),
    report,
    isReadOnly: config.dryRun,
  });
  if (config.dryRun) {
    around.stdout.write(describeDryRun(config, cache, now));
    return 0;
  }
  try {
    await write(config, cache, around);
    return 0;
  } catch (error) {
    if (!(error instanceof UnfinishedError || error instanceof HistoryError)) throw error;
    report(`nothing was written: ${error.message}`);
    return 1;
  }
};

const resolveZone = ({ timezone }: BackfillConfig): string => timezone ?? resolveMachineZone();

const describeDryRun = (config: BackfillConfig, cache: HistoryCache, now: number): string => {
  const today: Today = {
    date: localDate(now, resolveZone(config)),
    zone: resolveZone(config),
    now,
  };
  const wanted = resolveRange(config, today);
  const hasEnergy = (date: string): boolean => daysBetween(date, today.date) < USUAL_TABLE_DAYS;
  const dates = listQueryDates(wanted, today, hasEnergy);
  const kept = dates.filter((date) => date < today.date && cache.curves.has(date)).length;
  return describePlan({
    ecu: config.name ?? config.ecu.name,
    wanted,
    days: cache.isUnsupported("dayPower") ? 0 : dates.length - kept,
    kept,
    others: OTHER_REQUESTS,
    paceMs: config.pace,
  });
};

const write = async (
  config: BackfillConfig,
  cache: HistoryCache,
  { clock, signal, stdout, stderr }: BackfillEnvironment,
): Promise<void> => {
  const progress = createProgress(stderr, config.pace);
  const read = readHistory({
    ecu: config.ecu,
    paceMs: config.pace,
    zone: resolveZone(config),
    isZoneNamed: config.timezone !== undefined,
    clock,
    signal,
    cache,
    resolveRange: (today) => resolveRange(config, today),
    onDays: progress.begin,
    onDay: progress.step,
  });
  const { history: past, range: wanted, notes } = await read.finally(progress.end);
  const history = buildHistory(past, wanted);
  const text = formatOpenMetrics({
    samples: history.samples,
    help: {
      ecu_power_watts: catalogue.ecu_power_watts.help,
      ecu_lifetime_energy_joules_total: catalogue.ecu_lifetime_energy_joules_total.help,
    },
    labels: { ecu: config.name ?? config.ecu.name, ...config.labels },
  });
  if (config.output === "-") await writeTo(stdout, text);
  else await writeOutputFile(config.output, text);
  stderr.write(describeResult(history, config.output, notes));
};

/** Waits until the text is written: the program ends soon after the command. */
const writeTo = (stream: Stream, text: string): Promise<void> =>
  new Promise((resolve) => {
    stream.write(text, () => resolve());
  });
