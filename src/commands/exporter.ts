/** The exporter put together: monitors, exposition, web server. Used by `serve` and `demo`. */
import { once, setMaxListeners } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Logger } from "pino";
import type { EcuConfig, ListenAddress } from "../config/parse.ts";
import { systemClock } from "../ecu/clock.ts";
import { openStateFile } from "../ecu/state-file.ts";
import { createApp, type Exposition } from "../http/app.ts";
import { createExposer, type Format, formats } from "../metrics/render.ts";
import { describeState } from "./state.ts";
import { createTargets, type EcuDefaults } from "./targets.ts";
import { revision, version } from "./version.ts";

/** The settings of `EcuDefaults` hold for every ECU that says nothing else. */
export interface ExporterOptions extends EcuDefaults {
  readonly ecus: readonly EcuConfig[];
  readonly listenAddress: ListenAddress;
  readonly telemetryPath: string;
  readonly maxRequests: number;
  /** Where the memory of each ECU outlasts the process. */
  readonly stateFile?: string | undefined;
  readonly log: Logger;
}

export interface Exporter extends AsyncDisposable {
  /** Where the web server listens. */
  readonly address: AddressInfo;
  /** Lets scrapes in flight finish, for a moment, then stops. */
  stop(): Promise<void>;
}

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
  const { log, stateFile: path } = options;
  const state = path === undefined ? path : await openStateFile({ path, clock: systemClock, log });
  const targets = createTargets({ ecus: options.ecus, defaults: options, state, log });
  const expose = createExposer();
  const inFlight = new Set<AbortController>();
  let isReady = false;

  const scrape = async (contentType: string, timeoutMs: number): Promise<Exposition> => {
    const begun = performance.now();
    const asked = targets.all();
    const until = new AbortController();
    setMaxListeners(0, until.signal); // one for each ECU
    const timer = setTimeout(() => until.abort(), timeoutMs);
    inFlight.add(until);
    try {
      const observations = await Promise.all(
        asked.map(({ monitor }) => monitor.observe(until.signal)),
      );
      const durationSeconds = Math.round((performance.now() - begun) * 1000) / 1e6; // whole microseconds
      const format = (Object.keys(formats) as Format[]).find((one) => formats[one] === contentType);
      const places = new Map(asked.map(({ ecu, place }) => [ecu.name, place()]));
      const text = await expose({ observations, build, durationSeconds, places }, format ?? "text");
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
      targets.all().map(({ monitor }) => ({
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
    targets.close();
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

const build = { version, revision, nodeVersion: process.version };

const listen = async (server: Server, { host, port }: ListenAddress): Promise<void> => {
  server.listen(port, host);
  await once(server, "listening");
};
