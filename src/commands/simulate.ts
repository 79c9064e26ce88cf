import { createLog } from "../cli/log.ts";
import type { Config } from "../cli/settings.ts";
import { untilStopped } from "../cli/shutdown.ts";
import { startControl } from "../simulator/control.ts";
import { simulateEcu } from "../simulator/ecu.ts";

/** Runs a simulated ECU until the program is told to stop. */
export const simulate = async (config: Config<"simulate">): Promise<void> => {
  const log = createLog(config.logLevel, config.logFormat);
  await using ecu = await simulateEcu({
    ...config,
    zone: config.timezone,
    start: config.start ?? Date.now(),
    elapsed: () => performance.now(),
    host: config.listen.host ?? "0.0.0.0",
    port: config.listen.port,
    faults: config.fault,
    log,
  });
  log.info(
    { host: ecu.host, port: ecu.port },
    `a simulated ECU of family ${config.family} answers on port ${ecu.port}`,
  );
  await using _control = await startControl(config.control, {
    faults: ecu.faults,
    log,
  });
  await untilStopped();
};
