import { runUntilSignal } from "../../cli/shutdown.ts";
import { assertWritable, writeOutputFile } from "../../files.ts";
import { defaultCachePath, type HistoryCache, openCache } from "../../history/cache.ts";
import { buildHistory, HistoryError } from "../../history/history.ts";
import { formatOpenMetrics } from "../../history/openmetrics.ts";
import { describePlan } from "../../history/plan.ts";
import { createProgress, describeResult, type Stream } from "../../history/progress.ts";
import { UnfinishedError } from "../../history/query.ts";
import { resolveRange } from "../../history/range.ts";
import { readHistory } from "../../history/reader.ts";
import { catalogue } from "../../metrics/catalogue.ts";
import { printable } from "../../text.ts";
import { localDate } from "../../time/calendar.ts";
import { type Clock, systemClock } from "../../time/clock.ts";
import { resolveMachineZone } from "../../time/zone-name.ts";
import type { BackfillConfig } from "./command.ts";

/** The environment of the command; tests replace it. */
export interface BackfillEnvironment {
  readonly clock: Clock;
  /** Stops the command; then nothing is written. */
  readonly signal: AbortSignal;
  readonly stdout: Stream;
  readonly stderr: Stream;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The zone in which each day begins first: until the ECU reports its zone, its date may be as late as this zone's. */
const EARLIEST_ZONE = "Etc/GMT-14";

/**
 * Writes the history of an ECU as OpenMetrics with times.
 * @returns the exit code: 1 if the history could not be read and nothing was written
 * @throws UsageError for an impossible range, or a file that cannot be written
 */
export const backfill = (config: BackfillConfig): Promise<number> => {
  const { stdout, stderr, env } = process;
  return runUntilSignal((signal) =>
    runBackfill(config, { clock: systemClock, signal, stdout, stderr, env }),
  );
};

/** Runs the command in an environment that tests replace. */
export const runBackfill = async (
  config: BackfillConfig,
  environment: BackfillEnvironment,
): Promise<number> => {
  const { stderr, clock } = environment;
  const now = clock.now();
  const report = (line: string): void => {
    stderr.write(`${printable(line)}\n`);
  };
  resolveRange(config, { date: localDate(now, EARLIEST_ZONE), zone: resolveZone(config), now });
  if (config.output !== "-") await assertWritable(config.output, config.force || config.dryRun); // before the read, which takes minutes
  const cache = await openCache({
    path: config.cache ?? defaultCachePath(config.ecu, environment.env),
    report,
    isReadOnly: config.dryRun,
  });
  if (config.dryRun) {
    const zone = resolveZone(config);
    const today = { date: localDate(now, zone), zone, now };
    const range = resolveRange(config, today);
    const ecu = config.name ?? config.ecu.name;
    environment.stdout.write(describePlan({ ecu, range, today, cache, paceMs: config.pace }));
    return 0;
  }
  try {
    await write(config, cache, environment);
    return 0;
  } catch (error) {
    if (!(error instanceof UnfinishedError || error instanceof HistoryError)) throw error;
    report(`nothing was written: ${error.message}`);
    return 1;
  }
};

const resolveZone = ({ timezone }: BackfillConfig): string => timezone ?? resolveMachineZone();

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

/** Writes a text completely, because the program ends after the command. */
const writeTo = (stream: Stream, text: string): Promise<void> =>
  new Promise((resolve) => {
    stream.write(text, () => resolve());
  });
