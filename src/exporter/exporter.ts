/** The exporter put together: monitors, exposition, web server. Used by `serve` and `demo`. */
import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Logger } from "pino";
import type { EcuConfig, EcuDefaults } from "../config/ecu-settings.ts";
import { UsageError } from "../config/usage-error.ts";
import type { ListenAddress } from "../config/values.ts";
import { createApp } from "../http/app.ts";
import { createWebServer } from "../http/server.ts";
import { unrestricted } from "../http/web-config/middleware.ts";
import { watchWebConfig } from "../http/web-config/watch.ts";
import { formats } from "../metrics/render.ts";
import { systemClock } from "../time/clock.ts";
import { version } from "../version.ts";
import type { AddressRange } from "./allow-list.ts";
import { createScraper } from "./scrape.ts";
import { openStateFile } from "./state-file.ts";
import { describeEcu } from "./status.ts";
import { createTargets } from "./targets.ts";

/** The settings of `EcuDefaults` hold for every ECU that says nothing else. */
export interface ExporterOptions extends EcuDefaults {
  readonly ecus: readonly EcuConfig[];
  readonly listenAddress: ListenAddress;
  readonly telemetryPath: string;
  readonly maxRequests: number;
  /** TLS, passwords and headers of the web server. */
  readonly webConfigFile?: string | undefined;
  /** Addresses that may be probed beside the ECUs. */
  readonly probeAllow?: readonly AddressRange[];
  /** What ECUs are configured now. @throws UsageError */
  readonly reread?: () => readonly EcuConfig[];
  /** Whether a request may have the configuration read again. */
  readonly enableLifecycle?: boolean;
  /** Where the memory of each ECU outlasts the process. */
  readonly stateFile?: string | undefined;
  readonly log: Logger;
}

export interface Exporter extends AsyncDisposable {
  /** Where the web server listens. */
  readonly address: AddressInfo;
  readonly scheme: "http" | "https";
  /** Reads the configuration again. @returns what is wrong with it, a line each; then the old one stays in force. */
  reload(): readonly string[];
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
 * @throws UsageError where the web configuration file is bad
 * @throws Error with the code of `listen`, `EADDRINUSE` for one, where the address cannot be had.
 */
export const startExporter = async (options: ExporterOptions): Promise<Exporter> => {
  const { log, stateFile: path, webConfigFile } = options;
  const now = (): number => performance.now();
  const access =
    webConfigFile === undefined ? () => unrestricted : watchWebConfig(webConfigFile, { log, now });
  const state = path === undefined ? path : await openStateFile({ path, clock: systemClock, log });
  const targets = createTargets({ ecus: options.ecus, defaults: options, state, log });
  let isReady = false;

  const scraper = createScraper({ targets, allow: options.probeAllow ?? [] });
  const reload = (): readonly string[] => {
    try {
      const ecus = options.reread?.() ?? options.ecus;
      targets.replace(ecus);
      log.info({ ecus: ecus.map(({ name }) => name) }, "the configuration was read again");
      return [];
    } catch (error) {
      if (!(error instanceof UsageError)) {
        log.error(
          { err: error },
          "reading the configuration again failed: a fault of the exporter",
        );
        return ["The exporter failed; its log says why."];
      }
      log.error(
        { problems: error.problems },
        "the configuration is wrong: the old one stays in force",
      );
      return error.problems;
    }
  };
  const app = createApp({
    version,
    telemetryPath: options.telemetryPath,
    contentTypes: [formats.text, formats.openmetrics],
    ...scraper,
    ...(options.enableLifecycle && { reload }),
    maxRequests: options.maxRequests,
    defaultTimeoutMs: options.timeout,
    listEcus: () =>
      targets.all().map(({ ecu: { name }, monitor, location }) => ({
        ...describeEcu(name, monitor.last(), Date.now() / 1000, location().panels),
        probePath: `/probe?${new URLSearchParams({ target: name })}`,
      })),
    isReady: () => isReady,
    log,
  });
  const { server, destroyConnections } = createWebServer(app, {
    access,
    server: {
      requestTimeout: REQUEST_MS,
      headersTimeout: REQUEST_MS,
      connectionsCheckingInterval: REQUEST_MS / 5,
    },
    log,
    now,
  });
  await listen(server, options.listenAddress);
  isReady = true;

  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    isReady = false;
    const closed = once(server, "close");
    server.close();
    server.closeIdleConnections();
    const timers = [
      setTimeout(scraper.abortInFlight, DRAIN_MS),
      setTimeout(destroyConnections, STOP_MS),
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
    reload,
    address: server.address() as AddressInfo,
    scheme: access().tls === undefined ? "http" : "https",
    stop: stopOnce,
    [Symbol.asyncDispose]: stopOnce,
  };
};

const listen = async (server: Server, { host, port }: ListenAddress): Promise<void> => {
  server.listen(port, host);
  await once(server, "listening");
};
