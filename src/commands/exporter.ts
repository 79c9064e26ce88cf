/** The exporter put together: monitors, exposition, web server. Used by `serve` and `demo`. */
import { once, setMaxListeners } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Logger } from "pino";
import type { EcuAddress, ListenAddress } from "../config/parse.ts";
import { systemClock } from "../ecu/clock.ts";
import { exchange } from "../ecu/exchange.ts";
import { createLine } from "../ecu/line.ts";
import { createMonitor, type Monitor } from "../ecu/monitor.ts";
import { readEcu } from "../ecu/read.ts";
import { openStateFile, type StateFile } from "../ecu/state-file.ts";
import { isZone } from "../ecu/time.ts";
import { createApp, type Exposition } from "../http/app.ts";
import type { Panel } from "../metrics/catalogue.ts";
import { createExposer, type Format, formats } from "../metrics/render.ts";
import { type Site, sunAt } from "../simulator/sun.ts";
import { describeState } from "./state.ts";
import { revision, version } from "./version.ts";

export interface ExporterOptions {
  readonly ecus: readonly EcuAddress[];
  readonly timezone: string | undefined;
  readonly minInterval: number;
  readonly timeout: number;
  readonly commandPause: number;
  readonly retries: number;
  readonly listenAddress: ListenAddress;
  readonly telemetryPath: string;
  readonly maxRequests: number;
  /** Where the memory of each ECU outlasts the process. */
  readonly stateFile?: string | undefined;
  /** Where the plants stand, for the sun's elevation. */
  readonly site?: Site | undefined;
  /** Where their panels are. */
  readonly panels?: readonly Panel[];
  readonly log: Logger;
}

export interface Exporter extends AsyncDisposable {
  /** Where the web server listens. */
  readonly address: AddressInfo;
  /** Lets scrapes in flight finish, for a moment, then stops. */
  stop(): Promise<void>;
}

/** Between attempts at one query (protocol document, 1.5). */
const RETRY_PAUSE_MS = 2_000;
/** A read ends a little before the scrape that has the same time, so that its verdict is in the answer. */
const READ_SHARE = 0.95;
/** Scrapes in flight get this long to be answered in full when the exporter stops … */
const DRAIN_MS = 1_000;
/** … and this long in all, answered with what had been read. */
const STOP_MS = 1_500;
/** How long a client may take to send its request. */
const REQUEST_MS = 5_000;

/**
 * Starts the exporter. ECUs are asked at the first scrape, not before.
 * @throws Error with the code of `listen`, `EADDRINUSE` for one, where the address cannot be had.
 */
export const startExporter = async (options: ExporterOptions): Promise<Exporter> => {
  const { log, stateFile: path, site, panels = [] } = options;
  const state = path === undefined ? path : await openStateFile({ path, clock: systemClock, log });
  const monitors = options.ecus.map((ecu) => monitorOf(ecu, options, state));
  const expose = createExposer();
  const inFlight = new Set<AbortController>();
  let isReady = false;

  const scrape = async (contentType: string, timeoutMs: number): Promise<Exposition> => {
    const begun = performance.now();
    const until = new AbortController();
    setMaxListeners(0, until.signal); // one for each ECU
    const timer = setTimeout(() => until.abort(), timeoutMs);
    inFlight.add(until);
    try {
      const observations = await Promise.all(
        monitors.map((monitor) => monitor.observe(until.signal)),
      );
      const durationSeconds = Math.round((performance.now() - begun) * 1000) / 1e6; // whole microseconds
      const format = (Object.keys(formats) as Format[]).find((one) => formats[one] === contentType);
      const scrape = { observations, build, durationSeconds, panels, ...sunOver(site) };
      const text = await expose(scrape, format ?? "text");
      return { contentType, text };
    } finally {
      clearTimeout(timer);
      inFlight.delete(until);
    }
  };

  const app = createApp({
    version,
    telemetryPath: options.telemetryPath,
    contentTypes: [formats.text, formats.openmetrics],
    scrape,
    maxRequests: options.maxRequests,
    defaultTimeoutMs: options.timeout,
    ecus: () =>
      monitors.map((monitor) => ({
        ecu: monitor.ecu,
        state: describeState(monitor.last(), Date.now() / 1000),
      })),
    isReady: () => isReady,
    log,
  });
  const server = createServer(
    {
      requestTimeout: REQUEST_MS,
      headersTimeout: REQUEST_MS,
      connectionsCheckingInterval: REQUEST_MS / 5,
    },
    app,
  );
  await listen(server, options.listenAddress);
  isReady = true;

  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    isReady = false;
    const closed = once(server, "close");
    server.close();
    server.closeIdleConnections();
    const timers = [
      setTimeout(() => {
        for (const until of inFlight) until.abort();
      }, DRAIN_MS),
      setTimeout(() => server.closeAllConnections(), STOP_MS),
    ];
    await closed;
    for (const timer of timers) clearTimeout(timer);
    for (const monitor of monitors) monitor.close();
    await state?.close();
  };
  const stopOnce = (): Promise<void> => {
    stopped ??= stop();
    return stopped;
  };
  return {
    address: server.address() as AddressInfo,
    stop: stopOnce,
    [Symbol.asyncDispose]: stopOnce,
  };
};

/** To a hundredth of a degree: more is not certain near the horizon. */
const sunOver = (site: Site | undefined) =>
  site && { sunElevationDegrees: Math.round(sunAt(site, Date.now()).elevation * 100) / 100 };

const build = { version, revision, nodeVersion: process.version };

const monitorOf = (ecu: EcuAddress, options: ExporterOptions, state?: StateFile): Monitor => {
  const { log } = options;
  const clock = systemClock;
  const line = createLine(options.commandPause, clock);
  return createMonitor({
    ecu: ecu.name,
    read: (half) =>
      readEcu({
        ...half,
        exchange: async (request, signal) => {
          const reply = await line(() => exchange(ecu, request, signal), signal);
          if (log.isLevelEnabled("debug")) log.debug(captureOf(ecu, request, reply.bytes), "reply");
          return reply;
        },
        clock,
        retries: options.retries,
        retryPauseMs: RETRY_PAUSE_MS,
      }),
    minIntervalMs: options.minInterval,
    timeoutMs: options.timeout * READ_SHARE,
    zone: options.timezone ?? machineZone(),
    clock,
    log,
    remembered: state?.recall(ecu.name),
    onMemory: (memory) => state?.remember(ecu.name, memory),
  });
};

/** A question and its answer, in a form that can be attached to a report. */
const captureOf = (ecu: EcuAddress, request: Uint8Array, received: Buffer) => ({
  ecu: ecu.name,
  request: Buffer.from(request).toString("latin1").trimEnd(),
  received: received.toString("hex"),
});

/** UTC where the variable TZ is empty or names no zone of the time zone database. */
const machineZone = (): string => {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  return timeZone !== undefined && isZone(timeZone) ? timeZone : "UTC";
};

const listen = async (server: Server, { host, port }: ListenAddress): Promise<void> => {
  server.listen(port, host);
  await once(server, "listening");
};
