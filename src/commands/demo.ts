import { defineCommand } from "../cli/command.ts";
import { toolLogSettings, webSettings } from "../cli/common-settings.ts";
import { formatUrls } from "../cli/listening.ts";
import { waitForSignal } from "../cli/shutdown.ts";
import { ecuSettings } from "../config/ecu-settings.ts";
import type { Panel } from "../ecu/panel.ts";
import type { Plant } from "../simulator/plant.ts";
import { simulationSettings } from "./simulate.ts";

const LATE_MORNING_HOUR = 10.5;
const LATITUDE = 28; // enough sun in every season
const TIMEOUT_MS = 9_500;
const READ_INTERVAL_MS = 60_000;

/**
 * Serves the metrics of a simulated ECU at a site where it is late morning, until it is stopped. It reads the ECU every
 * minute, as Prometheus would, so that the status page has values without Prometheus.
 */
export const demo = defineCommand({
  name: "demo",
  summary: "Run the exporter with an embedded simulated ECU, to try it without a real one.",
  examples: ["demo", "demo --inverters=QT2=2,YC600=5 --time-scale=60"],
  settings: {
    ...webSettings,
    minInterval: ecuSettings.minInterval,
    ...simulationSettings,
    ...toolLogSettings,
  },
  run: async (config) => {
    const [
      { createLog, countDroppedLines },
      { startExporter },
      { startControl },
      { simulateEcu },
      { createPlant },
    ] = await Promise.all([
      import("../cli/log.ts"),
      import("../exporter/exporter.ts"),
      import("../simulator/control.ts"),
      import("../simulator/ecu.ts"),
      import("../simulator/plant.ts"),
    ]);
    const log = await createLog(config.logLevel, config.logFormat);
    const start = Date.now();
    const hoursEast = lateMorningMeridian(start);
    const zone = wholeHourZone(hoursEast);
    const site = { latitude: LATITUDE, longitude: hoursEast * 15 };
    await using ecu = await simulateEcu({
      inverters: config.inverters,
      family: config.family,
      site,
      zone,
      seed: config.seed,
      start,
      lifetimeJoules: 0, // a new plant: its counter starts at 0 with every start of the demo
      timeScale: config.timeScale,
      elapsed: () => performance.now(),
      faults: config.fault,
      log,
    });
    const exporter = await startExporter({
      ...config,
      listenAt: config.listenAddresses,
      ecus: [{ name: "demo", host: ecu.host, port: ecu.port }],
      panels: describePanels(createPlant(config.inverters, site, config.seed)),
      timezone: zone,
      timeout: TIMEOUT_MS,
      commandPause: 0,
      nightInterval: 0, // a night of fast simulated time may be shorter than the interval
      retries: 0,
      log,
      countDroppedLines,
    });
    const { addresses, routePrefix: path, scheme } = exporter;
    const urls = formatUrls({ scheme, path, requested: config.listenAddresses, addresses });
    const { port } = addresses[0] ?? {};
    log.info({ port }, `exporter with a simulated ECU is running: open ${urls}`);
    await using _control = await startControl(config.control, { faults: ecu.faults, log });
    void exporter.read();
    const reading = setInterval(() => void exporter.read(), READ_INTERVAL_MS);
    await waitForSignal();
    clearInterval(reading);
    log.info("stopping");
    await exporter.stop();
    return 0;
  },
});

/** The two directions of the simulated roof, in the order of the plant. */
const DIRECTIONS = ["southeast", "west"];
const PANELS_PER_ROW = 10;

/** Names and positions of the panels. An array has the panels of one direction and size, because they are compared. */
export const describePanels = ({ inverters }: Plant): readonly Panel[] => {
  const azimuths = [...new Set(inverters.flatMap(({ panels }) => panels[0]?.azimuth ?? []))];
  const arrays = new Map<string, Pick<Panel, "uid" | "channel">[]>();
  for (const { uid, model, panels } of inverters) {
    panels.forEach(({ azimuth }, i) => {
      const array = `${DIRECTIONS[azimuths.indexOf(azimuth)]} ${model.panelWatts} W`;
      arrays.set(array, [...(arrays.get(array) ?? []), { uid, channel: i + 1 }]);
    });
  }
  return [...arrays].flatMap(([array, channels], letter) => {
    const twoRows = Math.ceil(channels.length / 2);
    const perRow = channels.length <= 4 ? channels.length : Math.min(PANELS_PER_ROW, twoRows);
    return channels.map((channel, i) => ({
      ...channel,
      panel: `${String.fromCharCode(65 + letter)}${i + 1}`,
      array,
      row: String(Math.floor(i / perRow) + 1),
      column: String((i % perRow) + 1),
    }));
  });
};

/** The meridian where it is late morning, in hours east of Greenwich from -12 to 12. */
const lateMorningMeridian = (at: number): number => {
  const hour = (at / 3_600_000) % 24;
  return ((LATE_MORNING_HOUR - hour + 36) % 24) - 12;
};

/** The zone of whole hours at a meridian. These names have inverted signs: Etc/GMT-2 is two hours east. */
const wholeHourZone = (hoursEast: number): string => {
  const hours = Math.round(hoursEast);
  return hours === 0 ? "Etc/GMT" : `Etc/GMT${hours > 0 ? "-" : "+"}${Math.abs(hours)}`;
};
