/** `read`: one read of an ECU, or one after another, for people or for programs. */
import { pino } from "pino";
import { waitForSignal } from "../../cli/shutdown.ts";
import { standardOutput, type Terminal } from "../../cli/terminal.ts";
import { createTargets } from "../../exporter/targets.ts";
import { type Clock, systemClock } from "../../time/clock.ts";
import type { ReadConfig } from "./command.ts";
import { readJson } from "./json.ts";
import { exitCodes, oddities, resultOf, type Withheld } from "./result.ts";
import { readTables } from "./table.ts";

/** What a command has around it. */
interface Surroundings {
  readonly screen: Terminal;
  readonly clock: Pick<Clock, "monotonic" | "sleep">;
  /** Waits for the user to end the program. */
  readonly waitForStop: () => Promise<void>;
}

const CLEAR = "\u001b[2J\u001b[H";

/** Reads as the exporter does, with its rules for what is shown. @returns the exit code */
export const read = async (
  config: ReadConfig,
  {
    screen = standardOutput(),
    clock = systemClock,
    waitForStop = waitForSignal,
  }: Partial<Surroundings> = {},
): Promise<number> => {
  const { ecu, json, watch } = config;
  const targets = createTargets({
    ecus: [ecu],
    defaults: { ...config, minInterval: 0 }, // only this command asks, and it keeps its own times
    log: pino({ level: "silent" }),
  });
  const stop = new AbortController();
  let withheld: Withheld | undefined;

  const readOnce = async (): Promise<number> => {
    const [target] = targets.all();
    const observation = await target?.monitor.observe(stop.signal);
    if (observation === undefined || stop.signal.aborted) return 0;
    const notes = oddities(observation, withheld);
    withheld = { ...observation.counters.rejected };
    if (json) screen.write(readJson(observation, notes, watch ? "line" : "pretty"));
    else {
      const clear = watch && screen.isTerminal ? CLEAR : "";
      const gap = watch && !screen.isTerminal ? "\n" : "";
      screen.write(`${clear}${readTables(observation, notes, screen)}${gap}`);
    }
    return exitCodes[resultOf(observation)];
  };

  if (!watch) return readOnce();
  void waitForStop().then(() => {
    stop.abort();
    targets.close();
  });
  while (!stop.signal.aborted) {
    const begun = clock.monotonic();
    await readOnce();
    await clock.sleep(config.every - (clock.monotonic() - begun), stop.signal);
  }
  return 0;
};
