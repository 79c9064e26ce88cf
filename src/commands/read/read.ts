/** `read`: reads an ECU once or repeatedly, and prints tables or JSON. */
import { pino } from "pino";
import { waitForSignal } from "../../cli/shutdown.ts";
import { showStatus, standardOutput, styled, type Terminal } from "../../cli/terminal.ts";
import {
  classifyResult,
  listNotes,
  type ReadResult,
  type RejectedCounts,
} from "../../ecu/result.ts";
import { createTargets } from "../../exporter/targets.ts";
import { type Clock, systemClock } from "../../time/clock.ts";
import { resolveMachineZone } from "../../time/zone-name.ts";
import type { ReadConfig } from "./command.ts";
import { formatJson } from "./json.ts";
import { formatTables } from "./table.ts";

/** The environment of the command; tests replace it. */
interface Environment {
  readonly screen: Terminal;
  readonly clock: Pick<Clock, "now" | "monotonic" | "sleep">;
  /** Resolves when the user stops the program. */
  readonly waitForStop: () => Promise<void>;
}

const exitCodes: Readonly<Record<ReadResult, number>> = { complete: 0, partial: 1, nothing: 2 };
const CLEAR = "\u001b[2J\u001b[H";
/** Time from one read to the next with `--watch` alone, in milliseconds. */
const WATCH_MS = 60_000;

/** Reads as the exporter does, with the same validation. @returns the exit code */
export const read = async (
  config: ReadConfig,
  {
    screen = standardOutput(),
    clock = systemClock,
    waitForStop = waitForSignal,
  }: Partial<Environment> = {},
): Promise<number> => {
  const { ecu, json, watch, every = watch ? WATCH_MS : undefined } = config;
  const zoneSource =
    config.timezone === undefined
      ? "that of this machine; --ecu.timezone sets another"
      : "from --ecu.timezone";
  const targets = createTargets({
    ecus: [ecu],
    defaults: { ...config, minInterval: 0, nightInterval: 0 }, // the command itself decides when to read
    log: pino({ level: "silent" }),
  });
  const stop = new AbortController();
  let rejected: RejectedCounts | undefined;

  const readOnce = async (): Promise<number> => {
    const [target] = targets.all();
    const removeStatus = showStatus(`Reading ${ecu.name}`);
    const observation = await target?.monitor.observe(stop.signal).finally(removeStatus);
    if (observation === undefined || stop.signal.aborted) return 0;
    const notes = listNotes(observation, rejected);
    rejected = { ...observation.counters.rejected };
    if (json) screen.write(formatJson(observation, notes, every !== undefined ? "line" : "pretty"));
    else {
      const clear = every !== undefined && screen.isTerminal ? CLEAR : "";
      screen.write(`${clear}${formatTables(observation, notes, zoneSource, screen)}`);
    }
    return exitCodes[classifyResult(observation)];
  };

  if (every === undefined) return readOnce();
  void waitForStop().then(() => {
    stop.abort();
    targets.close();
  });
  while (!stop.signal.aborted) {
    const startedAt = clock.monotonic();
    await readOnce();
    const waitMs = Math.max(0, every - (clock.monotonic() - startedAt));
    if (!json && !stop.signal.aborted) screen.write(describeNextRead(clock.now() + waitMs, screen));
    await clock.sleep(waitMs, stop.signal);
  }
  return 0;
};

/** The time of the next read by this machine's clock, and how to stop. @param at milliseconds since 1970 */
const describeNextRead = (at: number, screen: Terminal): string => {
  const time = new Date(at).toLocaleTimeString("en-GB", { timeZone: resolveMachineZone() });
  const howToStop = screen.isTerminal ? "; stop with Ctrl+C" : "";
  return `\n${styled("faint", `Next read at ${time}${howToStop}.`, screen)}\n${screen.isTerminal ? "" : "\n"}`;
};
