import { createLog } from "../cli/log.ts";
import type { Config } from "../cli/settings.ts";
import { untilStopped, urlOf } from "../cli/shutdown.ts";
import { startExporter } from "../exporter/exporter.ts";
import { startControl } from "../simulator/control.ts";
import { simulateEcu } from "../simulator/ecu.ts";

const LATE_MORNING_HOUR = 10.5;
const LATITUDE = 28; // enough sun in every season
const TIMEOUT_MS = 9_500;

/** Serves the metrics of a simulated ECU that stands where it is late morning now, until the program is told to stop. */
export const demo = async (config: Config<"demo">): Promise<void> => {
  const log = createLog(config.logLevel, config.logFormat);
  const start = Date.now();
  const hoursEast = lateMorning(start);
  await using ecu = await simulateEcu({
    inverters: config.inverters,
    family: config.family,
    site: { latitude: LATITUDE, longitude: hoursEast * 15 },
    zone: zoneOf(hoursEast),
    seed: config.seed,
    start,
    lifetimeJoules: 0, // a new plant: its counter begins anew each time, and that is what it shows
    timeScale: config.timeScale,
    elapsed: () => performance.now(),
    faults: config.fault,
    log,
  });
  const exporter = await startExporter({
    ...config,
    ecus: [{ name: "demo", host: ecu.host, port: ecu.port }],
    timezone: zoneOf(hoursEast),
    timeout: TIMEOUT_MS,
    commandPause: 0,
    retries: 0,
    log,
  });
  const { port } = exporter.address;
  log.info(
    { port },
    `a simulated ECU is being read: open ${urlOf(config.listenAddress, exporter.scheme, port)}`,
  );
  await using _control = await startControl(config.control, {
    faults: ecu.faults,
    log,
  });
  await untilStopped();
  log.info("stopping");
  await exporter.stop();
};

/** Hours east of Greenwich at which the sun stands as in the late morning, from -12 to 12. */
const lateMorning = (at: number): number => {
  const hour = (at / 3_600_000) % 24;
  return ((LATE_MORNING_HOUR - hour + 36) % 24) - 12;
};

/** The zone of whole hours there. The signs of these names are turned round: Etc/GMT-2 is two hours east. */
const zoneOf = (hoursEast: number): string => {
  const hours = Math.round(hoursEast);
  return hours === 0 ? "Etc/GMT" : `Etc/GMT${hours > 0 ? "-" : "+"}${Math.abs(hours)}`;
};
