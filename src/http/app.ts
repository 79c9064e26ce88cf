/** The routes. Their content comes from functions in the options; this code does not know ECUs. */
import compression from "compression";
import express, { type NextFunction, type Request, type Response } from "express";
import helmet from "helmet";
import type { Logger } from "pino";
import { RELOAD_SECONDS, renderLandingPage } from "./landing.ts";
import type { LandingEcu } from "./landing-data.ts";
import { hashCss } from "./page.css.ts";
import { isFromAnotherSite } from "./same-origin.ts";

/** A rendered exposition and its content type. */
export interface MetricsText {
  readonly contentType: string;
  readonly text: string;
}

/** One target of Prometheus' HTTP service discovery. */
export interface TargetGroup {
  readonly targets: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

export interface AppOptions {
  readonly version: string;
  /** Path before all others, such as `/ecu`; empty if there is none. */
  readonly routePrefix: string;
  /** The prefix that users see instead, if a reverse proxy changes it. */
  readonly externalPrefix: string;
  readonly telemetryPath: string;
  /** The supported content types; the first is the default. */
  readonly contentTypes: readonly [string, ...string[]];
  /** Renders the metrics of all ECUs within the timeout. */
  readonly scrape: (contentType: string, timeoutMs: number) => Promise<MetricsText>;
  /** Renders the metrics of the exporter itself, without reading an ECU. */
  readonly scrapeSelf: (contentType: string) => Promise<MetricsText>;
  /**
   * Renders the metrics of one ECU, and an explanation of the read for people.
   * @throws Error with a 4xx status and a message for the client, if the parameters are not one target that may be read
   */
  readonly probe: (
    targets: readonly string[],
    contentType: string,
    timeoutMs: number,
  ) => Promise<MetricsText & { readonly explanation: string }>;
  readonly listTargetGroups: () => readonly TargetGroup[];
  /** Reloads the configuration. @returns its problems. Absent if reloading by request is disabled. */
  readonly reload?: () => Promise<readonly string[]>;
  /** The maximum number of simultaneous requests; further ones are rejected. */
  readonly maxRequests: number;
  /** Timeout of a scrape if the request has none, in milliseconds. */
  readonly defaultTimeoutMs: number;
  /** The state of each ECU at its last read; must not start a read. */
  readonly listEcus: () => readonly LandingEcu[];
  readonly isReady: () => boolean;
  readonly log: Logger;
}

/** The fastest level of zlib: it also reduces metrics to a tenth, in a third of the time of the default. */
const COMPRESSION_LEVEL = 1;

export const createApp = (options: AppOptions): express.Express => {
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.use(securityHeaders);
  app.use(options.routePrefix || "/", createRoutes(options));
  app.use(allowOnlyReads);
  app.get("/", createPrefixRedirect(options));
  app.use(createNotFoundHandler(options));
  app.use(createErrorHandler(options));
  return app;
};

const createRoutes = (options: AppOptions): express.Router => {
  const routes = express.Router();
  // Outside the limit: they do not read an ECU, and an orchestrator restarts an exporter that does not answer them.
  routes.get("/-/healthy", sendHealthy);
  routes.get("/-/ready", createReadinessHandler(options));
  routes.all("/-/reload", createReloadHandler(options));
  routes.use(limitRequests(options.maxRequests), allowOnlyReads);
  routes.use(compression({ level: COMPRESSION_LEVEL }));
  routes.get(options.telemetryPath, createMetricsHandler(options));
  routes.get("/", redirectToFolder, createPagePolicy(), createLandingPageHandler(options));
  routes.get("/probe", createProbeHandler(options));
  routes.get("/self", createSelfMetricsHandler(options));
  routes.get("/sd", createServiceDiscoveryHandler(options));
  return routes;
};

/** Redirects `/ecu` to `/ecu/`, because the links of the page are relative to the latter. */
const redirectToFolder = (request: Request, response: Response, next: NextFunction): void => {
  const [path = "", query] = request.originalUrl.split(/\?(.*)/s);
  if (path.endsWith("/")) next();
  else response.redirect(`${request.baseUrl}/${query === undefined ? "" : `?${query}`}`);
};

/** Redirects `/` to the page. */
const createPrefixRedirect =
  ({ routePrefix }: AppOptions) =>
  (_request: Request, response: Response): void =>
    response.redirect(`${routePrefix}/`);

const createReloadHandler =
  ({ reload }: AppOptions) =>
  async (request: Request, response: Response): Promise<void> => {
    if (request.method !== "POST" && request.method !== "PUT") {
      rejectMethod(response, "POST", "PUT");
      return;
    }
    // A page of another site, open in a browser of this network, must not reload the configuration.
    if (isFromAnotherSite(request.headers)) {
      sendText(response, 403, "Reloading from another site is not allowed.");
      return;
    }
    const problems = await reload?.();
    if (problems === undefined)
      sendText(
        response,
        403,
        "Reloading by request is disabled; --web.enable-lifecycle enables it.",
      );
    else if (problems.length === 0) sendText(response, 200, "The configuration was reloaded.");
    else
      sendText(response, 500, ["The old configuration stays in effect:", ...problems].join("\n"));
  };

const createMetricsHandler =
  ({ scrape, contentTypes, defaultTimeoutMs }: AppOptions) =>
  async (request: Request, response: Response): Promise<void> => {
    const contentType = negotiateContentType(request, contentTypes);
    sendMetrics(response, await scrape(contentType, scrapeTimeoutMs(request, defaultTimeoutMs)));
  };

const createSelfMetricsHandler =
  ({ scrapeSelf, contentTypes }: AppOptions) =>
  async (request: Request, response: Response): Promise<void> => {
    sendMetrics(response, await scrapeSelf(negotiateContentType(request, contentTypes)));
  };

const createProbeHandler =
  ({ probe, contentTypes, defaultTimeoutMs }: AppOptions) =>
  async (request: Request, response: Response, next: NextFunction): Promise<void> => {
    const query = new URLSearchParams(request.originalUrl.replace(/^[^?]*\??/, ""));
    const isDebug = query.get("debug") === "true";
    const contentType = isDebug ? contentTypes[0] : negotiateContentType(request, contentTypes);
    const timeoutMs = scrapeTimeoutMs(request, defaultTimeoutMs);
    try {
      const result = await probe(query.getAll("target"), contentType, timeoutMs);
      const text = isDebug ? `${result.explanation}\n\n${result.text}` : result.text;
      sendMetrics(response, { contentType: isDebug ? PLAIN_TEXT : contentType, text });
    } catch (error) {
      const status = clientErrorStatus(error);
      if (status === undefined) next(error);
      else sendText(response, status, (error as Error).message);
    }
  };

const createLandingPageHandler =
  ({ version, telemetryPath, listEcus }: AppOptions) =>
  ({ query }: Request, response: Response): void => {
    const ecus = listEcus();
    const only = ecus.find(({ name }) => name === query["ecu"]);
    if (query["ecu"] !== undefined && only === undefined) {
      sendText(response, 404, "No ECU has this name. The page without ?ecu= lists all ECUs.");
      return;
    }
    const reloads = query["refresh"] !== "off";
    // As a header, because axe reports a refresh in the page (WCAG 2.2.1). The page has a link that stops it.
    if (reloads) response.set("Refresh", String(RELOAD_SECONDS));
    response.set("Cache-Control", "no-store").type("html");
    const now = Date.now() / 1000;
    response.send(renderLandingPage({ version, telemetryPath, ecus, only, reloads, now }));
  };

const createServiceDiscoveryHandler =
  ({ listTargetGroups }: AppOptions) =>
  (_request: Request, response: Response): void => {
    response.json(listTargetGroups());
  };

const sendHealthy = (_request: Request, response: Response): void => {
  sendText(response, 200, "The exporter is running.");
};

const createReadinessHandler =
  ({ isReady }: AppOptions) =>
  (_request: Request, response: Response): void => {
    if (isReady()) sendText(response, 200, "The exporter is ready.");
    else sendText(response, 503, "The exporter is starting or stopping.");
  };

const createNotFoundHandler =
  ({ externalPrefix, telemetryPath }: AppOptions) =>
  ({ path }: Request, response: Response): void => {
    const metricsPath = `${externalPrefix}${telemetryPath}`;
    sendText(response, 404, `Not found: ${path}. The metrics are at ${metricsPath}.`);
  };

const createErrorHandler =
  ({ log }: AppOptions) =>
  // Express recognizes an error handler by its four parameters.
  (error: unknown, _request: Request, response: Response, next: NextFunction): void => {
    const status = clientErrorStatus(error);
    if (response.headersSent) next(error);
    else if (status !== undefined) sendText(response, status, "The request is malformed.");
    else {
      log.error({ err: error }, "internal error while handling a request");
      sendText(response, 500, "Internal error; see the log of the exporter.");
    }
  };

const contentPolicy = {
  "default-src": ["'none'"],
  "base-uri": ["'none'"],
  "form-action": ["'none'"],
  "frame-ancestors": ["'none'"],
};

/**
 * Headers that allow a browser only to show the page. Two headers that work only over HTTPS are disabled:
 * Strict-Transport-Security is the decision of the certificate's owner, and Cross-Origin-Opener-Policy causes a warning
 * over HTTP. The directive `upgrade-insecure-requests` would break every link over HTTP.
 */
const securityHeaders = helmet({
  contentSecurityPolicy: { useDefaults: false, directives: contentPolicy },
  frameguard: { action: "deny" },
  strictTransportSecurity: false,
  crossOriginOpenerPolicy: false,
});

/** Allows the page its style sheet and its icon. The hash is computed when the page is opened, because it delays the start. */
const createPagePolicy = () => {
  let allow: ReturnType<typeof helmet.contentSecurityPolicy> | undefined;
  return (request: Request, response: Response, next: NextFunction): void => {
    allow ??= helmet.contentSecurityPolicy({
      useDefaults: false,
      directives: { ...contentPolicy, "style-src": [hashCss()], "img-src": ["data:"] },
    });
    allow(request, response, next);
  };
};

/** Limits the number of simultaneous requests, including those of clients that read slowly. */
const limitRequests = (limit: number) => {
  const inFlight = new Set<Request>();
  return (request: Request, response: Response, next: NextFunction): void => {
    if (inFlight.size >= limit) forgetDisconnected(inFlight);
    if (inFlight.size >= limit) {
      sendText(
        response.set("Retry-After", "1"),
        503,
        "Too many simultaneous requests; try again in a second.",
      );
      return;
    }
    inFlight.add(request);
    response.once("close", () => inFlight.delete(request));
    next();
  };
};

/** Node.js emits no event for a response that still waited for an earlier one when its client disconnected. */
const forgetDisconnected = (inFlight: Set<Request>): void => {
  for (const request of inFlight) if (request.socket.destroyed) inFlight.delete(request);
};

const allowOnlyReads = ({ method }: Request, response: Response, next: NextFunction): void => {
  if (method === "GET" || method === "HEAD") next();
  else rejectMethod(response, "GET", "HEAD");
};

const rejectMethod = (response: Response, ...allowed: readonly [string, string]): void => {
  response.set("Allow", allowed.join(", "));
  sendText(response, 405, `Method not allowed; use ${allowed.join(" or ")}.`);
};

const PLAIN_TEXT = "text/plain; charset=utf-8";

const sendMetrics = (response: Response, { contentType, text }: MetricsText): void => {
  response.set("Content-Type", contentType).vary("Accept").end(text);
};

const sendText = (response: Response, status: number, text: string): void => {
  response.status(status).type("text/plain").send(`${text}\n`);
};

/** The 4xx status of an error, as Express sets it for malformed paths; `undefined` for other errors. */
const clientErrorStatus = (error: unknown): number | undefined => {
  const status = (error as { status?: unknown } | undefined)?.status;
  return typeof status === "number" && status >= 400 && status < 500 ? status : undefined;
};

/**
 * Selects the content type that the client prefers, by the q-values of its Accept header. The `escaping` parameter of
 * Prometheus 3 is ignored: all metric names are plain ASCII, so every value of it is satisfied.
 */
const negotiateContentType = (
  request: Request,
  contentTypes: readonly [string, ...string[]],
): string => {
  const accept = request.headers.accept?.replace(/;\s*escaping=[^;,]*/g, "");
  if (accept === undefined) return contentTypes[0];
  request.headers.accept = accept;
  const withoutCharset = contentTypes.map((type) => type.replace(/;\s*charset=.*$/, ""));
  const best = request.accepts(withoutCharset);
  return contentTypes[withoutCharset.indexOf(best || "")] ?? contentTypes[0];
};

/** Subtracted from the scraper's timeout, so that the response arrives before it gives up. */
const NETWORK_ALLOWANCE_SECONDS = 0.5;
const MAX_TIMEOUT_SECONDS = 600;

/** Timeout of this scrape in milliseconds: the one that Prometheus sends, minus an allowance for the network. */
const scrapeTimeoutMs = (request: Request, defaultMs: number): number => {
  const seconds = Number(request.get("X-Prometheus-Scrape-Timeout-Seconds"));
  if (!Number.isFinite(seconds) || seconds <= 0) return defaultMs;
  const usable = Math.max(seconds - NETWORK_ALLOWANCE_SECONDS, seconds / 2);
  return Math.min(usable, MAX_TIMEOUT_SECONDS) * 1000;
};
