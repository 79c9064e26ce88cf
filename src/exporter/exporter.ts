/** The exporter: targets, scrapes and web server. Used by `serve` and `demo`. */
import type { AddressInfo } from "node:net";
import type { Logger } from "pino";
import { type EcuConfig, type EcuSettings, resolveEcuSettings } from "../config/ecu-settings.ts";
import { UsageError } from "../config/usage-error.ts";
import type { ExternalUrl } from "../config/values.ts";
import { createApp } from "../http/app.ts";
import { createWebServer, type ListenAt, type WebServer } from "../http/server.ts";
import { unrestricted } from "../http/web-config/middleware.ts";
import type { watchWebConfig } from "../http/web-config/watch.ts";
import { formats } from "../metrics/render.ts";
import { type Clock, systemClock } from "../time/clock.ts";
import { version } from "../version.ts";
import type { AddressRange } from "./allow-list.ts";
import { createScraper, type Scraper } from "./scrape.ts";
import type { openStateFile } from "./state-file.ts";
import { describeEcu } from "./status.ts";
import { createTargets, type Targets } from "./targets.ts";

/** The settings of `EcuSettings` apply to each ECU without its own. */
export interface ExporterOptions extends EcuSettings {
  readonly ecus: readonly EcuConfig[];
  /** Where the web server listens; at least one. */
  readonly listenAt: readonly ListenAt[];
  readonly telemetryPath: string;
  /** The URL of the exporter behind a reverse proxy. */
  readonly externalUrl?: ExternalUrl | undefined;
  /** Path before all paths of the web server; without it, the path of `externalUrl`. */
  readonly routePrefix?: string | undefined;
  readonly maxRequests: number;
  /** TLS, passwords and headers of the web server. */
  readonly webConfigFile?: string | undefined;
  /** Addresses that may be probed in addition to the configured ECUs. */
  readonly probeAllow?: readonly AddressRange[];
  /** Reads the configured ECUs again. @throws UsageError */
  readonly loadEcus?: () => Promise<readonly EcuConfig[]>;
  /** Whether a request may reload the configuration. */
  readonly enableLifecycle?: boolean;
  /** Path of the file that keeps the memory of each ECU across restarts. */
  readonly stateFile?: string | undefined;
  /** Default: the machine's time. */
  readonly clock?: Clock | undefined;
  readonly log: Logger;
  /** The number of lines of this log that were dropped. */
  readonly countDroppedLines?: () => number;
}

export interface Exporter extends AsyncDisposable {
  /** Where the web server listens, in the order of `listenAt`; `undefined` for a Unix socket. */
  readonly addresses: readonly (AddressInfo | undefined)[];
  readonly scheme: "http" | "https";
  /** The path before all paths of the web server, without a slash at its end. */
  readonly routePrefix: string;
  /** Reads all ECUs as a scrape does, within the same time and not more often. Never throws. */
  read(): Promise<void>;
  /** Reloads the configuration. @returns its problems, a line each; the old configuration stays in effect then */
  reload(): Promise<readonly string[]>;
  /** Gives scrapes in flight a moment to finish, then stops. */
  stop(): Promise<void>;
}

/** Time for scrapes in flight to finish when the exporter stops. */
const DRAIN_MS = 1_000;
/** Time for the responses of scrapes that then end with the results so far. After it, connections are closed. */
const RESPOND_MS = 500;
/** Time for a client to send its request. */
const REQUEST_MS = 5_000;
/** Time for a client to take a response. */
const WRITE_MS = 10_000;

/**
 * Starts the exporter. ECUs are not read before the first scrape.
 * @throws UsageError if the web configuration file is invalid, or the state file cannot be used
 * @throws Error with the code of `listen`, such as `EADDRINUSE`
 */
export const startExporter = async (options: ExporterOptions): Promise<Exporter> => {
  const { log, stateFile: path, webConfigFile, clock = systemClock } = options;
  const now = (): number => performance.now();
  const access =
    webConfigFile === undefined
      ? () => unrestricted
      : await watchAccess(webConfigFile, { log, now });
  const state = path === undefined ? path : await openState({ path, clock, log });
  const targets = createTargets({
    ecus: options.ecus,
    defaults: options,
    memories: state?.memories,
    clock,
    log,
  });
  const scraper = createScraper({
    targets,
    allow: options.probeAllow ?? [],
    countDroppedLines: options.countDroppedLines,
  });
  const reload = oneAtATime(() => reloadTargets(targets, options));
  let isReady = false;
  const app = createExporterApp(options, { targets, scraper, reload, isReady: () => isReady });
  const server = createWebServer(app, {
    access,
    server: {
      requestTimeout: REQUEST_MS,
      headersTimeout: REQUEST_MS,
      connectionsCheckingInterval: REQUEST_MS / 5,
    },
    writeTimeoutMs: WRITE_MS,
    log,
    now,
  });
  const addresses = await listenAll(server, options.listenAt).catch(async (error: unknown) => {
    await state?.close();
    throw error;
  });
  isReady = true;

  const stop = once(async () => {
    isReady = false;
    await drain(server, scraper);
    targets.close();
    await state?.close();
  });
  return {
    read: async () => {
      const until = AbortSignal.timeout(resolveEcuSettings({}, options).timeout);
      await Promise.all(targets.all().map(({ monitor }) => monitor.observe(until)));
    },
    reload,
    addresses,
    routePrefix: resolveRoutePrefix(options),
    scheme: access().tls === undefined ? "http" : "https",
    stop,
    [Symbol.asyncDispose]: stop,
  };
};

/** The schema library is loaded only for a web configuration file, or for a state file. */
const watchAccess = async (...args: Parameters<typeof watchWebConfig>) =>
  (await import("../http/web-config/watch.ts")).watchWebConfig(...args);
const openState = async (...args: Parameters<typeof openStateFile>) =>
  (await import("./state-file.ts")).openStateFile(...args);

const reloadTargets = async (
  targets: Targets,
  { ecus, loadEcus, log }: ExporterOptions,
): Promise<readonly string[]> => {
  try {
    const loaded = (await loadEcus?.()) ?? ecus;
    targets.replace(loaded);
    log.info({ ecus: loaded.map(({ name }) => name) }, "the configuration was reloaded");
    return [];
  } catch (error) {
    if (!(error instanceof UsageError)) {
      log.error({ err: error }, "bug in the exporter: the configuration could not be reloaded");
      return ["The exporter failed; see its log."];
    }
    log.error(
      { problems: error.problems },
      "the configuration is invalid; the old one stays in effect",
    );
    return error.problems;
  }
};

interface AppParts {
  readonly targets: Targets;
  readonly scraper: Scraper;
  readonly reload: () => Promise<readonly string[]>;
  readonly isReady: () => boolean;
}

const createExporterApp = (
  options: ExporterOptions,
  { targets, scraper, reload, isReady }: AppParts,
) =>
  createApp({
    version,
    telemetryPath: options.telemetryPath,
    routePrefix: resolveRoutePrefix(options),
    externalPrefix: options.externalUrl?.path ?? resolveRoutePrefix(options),
    contentTypes: [formats.text, formats.openmetrics],
    ...scraper,
    ...(options.enableLifecycle && { reload }),
    maxRequests: options.maxRequests,
    defaultTimeoutMs: resolveEcuSettings({}, options).timeout,
    listEcus: () =>
      targets.all().map(({ ecu: { name }, monitor, location }) => ({
        ...describeEcu(name, monitor.last(), Date.now() / 1000, location().panels),
        quietUntil: monitor.quietUntil(),
        probePath: `./probe?${new URLSearchParams({ target: name })}`,
      })),
    isReady,
    log: options.log,
  });

const resolveRoutePrefix = ({ routePrefix, externalUrl }: ExporterOptions): string =>
  routePrefix ?? externalUrl?.path ?? "";

const listenAll = async (
  server: WebServer,
  listenAt: ExporterOptions["listenAt"],
): Promise<readonly (AddressInfo | undefined)[]> => {
  const addresses: (AddressInfo | undefined)[] = [];
  try {
    for (const at of listenAt) addresses.push(await server.listen(at));
  } catch (error) {
    server.destroyConnections();
    await server.close();
    throw error;
  }
  return addresses;
};

/** Closes the server after the scrapes in flight, or after a time limit. */
const drain = async (server: WebServer, { abortInFlight }: Scraper): Promise<void> => {
  const closed = server.close();
  let timer = setTimeout(() => {
    abortInFlight();
    // Begins now: on a busy machine, two timers that began together would expire together.
    timer = setTimeout(server.destroyConnections, RESPOND_MS);
  }, DRAIN_MS);
  await closed;
  clearTimeout(timer);
};

/** A function that runs once; later calls return the result of the first. */
const once = <T>(run: () => T): (() => T) => {
  let result: { readonly value: T } | undefined;
  return () => {
    result ??= { value: run() };
    return result.value;
  };
};

/** A function that never runs twice at a time. All calls during a run share the next run, because the first may have started too early. */
const oneAtATime = <T>(run: () => Promise<T>): (() => Promise<T>) => {
  let current: Promise<unknown> = Promise.resolve();
  let next: Promise<T> | undefined;
  return () => {
    next ??= current.then(() => {
      const started = run();
      next = undefined;
      return started;
    });
    current = next.catch(() => {});
    return next;
  };
};
