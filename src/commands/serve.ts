import { createLog } from "../cli/log.ts";
import type { Config } from "../cli/settings.ts";
import { untilStopped, urlOf } from "../cli/shutdown.ts";
import { startExporter } from "../exporter/exporter.ts";
import { version } from "../version.ts";

/**
 * Serves the metrics of ECUs until the program is told to stop; SIGHUP has it read its configuration again.
 * @param reread what the same command line says now. @throws UsageError
 */
export const serve = async (
  config: Config<"serve">,
  reread: () => Config<"serve">,
): Promise<void> => {
  const log = createLog(config.logLevel, config.logFormat);
  let reload = (): void => {};
  // A terminal that is closed ends the program, as it does any other.
  if (!process.stdin.isTTY) process.on("SIGHUP", () => reload());
  const exporter = await startExporter({ ...config, reread: () => reread().ecus, log });
  const {
    scheme,
    address: { port },
  } = exporter;
  const ecus = config.ecus.map(({ name }) => name);
  const url = `${urlOf(config.listenAddress, scheme, port)}${config.telemetryPath}`;
  log.info({ port, ecus, version }, `the metrics are at ${url}`);
  reload = () => void exporter.reload();
  await untilStopped();
  log.info("stopping");
  await exporter.stop();
};
