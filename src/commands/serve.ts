import type { Config } from "../config/settings.ts";
import { startExporter } from "./exporter.ts";
import { createLog } from "./log.ts";
import { untilStopped } from "./run.ts";
import { version } from "./version.ts";

/** Serves the metrics of ECUs until the program is told to stop. */
export const serve = async (config: Config<"serve">): Promise<void> => {
  const log = createLog(config.logLevel, config.logFormat);
  const exporter = await startExporter({ ...config, log });
  const { port } = exporter.address;
  const ecus = config.ecus.map(({ name }) => name);
  const { host = "localhost" } = config.listenAddress;
  const url = `http://${host.includes(":") ? `[${host}]` : host}:${port}${config.telemetryPath}`;
  log.info({ port, ecus, version }, `the metrics are at ${url}`);
  await untilStopped();
  log.info("stopping");
  await exporter.stop();
};
