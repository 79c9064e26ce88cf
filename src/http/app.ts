/** The routes. What they say comes from functions handed in; nothing here knows an ECU. */
import compression from "compression";
import express, { type NextFunction, type Request, type Response } from "express";
import helmet from "helmet";
import type { Logger } from "pino";
import { type LandingEcu, RELOAD_SECONDS, renderLandingPage } from "./landing.ts";
import { cssSource } from "./page.css.ts";

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
  readonly telemetryPath: string;
  /** Content types on offer; the first is for clients that do not care. */
  readonly contentTypes: readonly [string, ...string[]];
  /** Makes the exposition, within that many milliseconds. */
  readonly scrape: (contentType: string, timeoutMs: number) => Promise<MetricsText>;
  /** Makes the exposition of the exporter itself, without asking any ECU. */
  readonly scrapeSelf: (contentType: string) => Promise<MetricsText>;
  /**
   * Makes the exposition of one ECU, and tells how it was read.
   * @throws Error with a status of 4xx and a sentence for the client, where the texts name no target that may be read
   */
  readonly probe: (
    given: readonly string[],
    contentType: string,
    timeoutMs: number,
  ) => Promise<MetricsText & { readonly explanation: string }>;
  readonly listTargetGroups: () => readonly TargetGroup[];
  /** Reads the configuration again; gives what is wrong with it. Absent where no request may do so. */
  readonly reload?: () => readonly string[];
  /** Requests that may be in flight at one time; further ones are told to come back. */
  readonly maxRequests: number;
  /** Time for a scrape whose request names none, in milliseconds. */
  readonly defaultTimeoutMs: number;
  /** The state of each ECU as it was last read; must not make a read. */
  readonly listEcus: () => readonly LandingEcu[];
  readonly isReady: () => boolean;
  readonly log: Logger;
}

/** Metrics shrink to a tenth at zlib's least level too, in a third of the time. */
const COMPRESSION_LEVEL = 1;

export const createApp = (options: AppOptions): express.Express => {
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.use(securityHeaders, limitRequests(options.maxRequests));
  app.post("/-/reload", createReloadHandler(options));
  app.use(allowOnlyReads, compression({ level: COMPRESSION_LEVEL }));
  app.get(options.telemetryPath, createMetricsHandler(options));
  app.get("/", createLandingPageHandler(options));
  app.get("/probe", createProbeHandler(options));
  app.get("/self", createSelfMetricsHandler(options));
  app.get("/sd", createServiceDiscoveryHandler(options));
  app.get("/-/healthy", sendHealthy);
  app.get("/-/ready", createReadinessHandler(options));
  app.use(createNotFoundHandler(options));
  app.use(createErrorHandler(options));
  return app;
};

const createReloadHandler =
  ({ reload }: AppOptions) =>
  (request: Request, response: Response): void => {
    // A page of another site, open in a browser of this network, must not reload the configuration.
    const isForeign = request.get("Sec-Fetch-Site") === "cross-site";
    const problems = isForeign ? undefined : reload?.();
    if (problems === undefined)
      sendText(response, 403, "This is off; --web.enable-lifecycle lets requests reload.");
    else if (problems.length === 0) sendText(response, 200, "The configuration was read again.");
    else sendText(response, 500, ["The old configuration stays in force:", ...problems].join("\n"));
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
      sendText(response, 404, "There is no ECU of this name. All that are read are at /.");
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
  sendText(response, 200, "The exporter is alive.");
};

const createReadinessHandler =
  ({ isReady }: AppOptions) =>
  (_request: Request, response: Response): void => {
    if (isReady()) sendText(response, 200, "The exporter is ready.");
    else sendText(response, 503, "The exporter is starting or stopping.");
  };

const createNotFoundHandler =
  ({ telemetryPath }: AppOptions) =>
  ({ path }: Request, response: Response): void => {
    sendText(response, 404, `There is nothing at ${path}. The metrics are at ${telemetryPath}.`);
  };

const createErrorHandler =
  ({ log }: AppOptions) =>
  // Express recognizes an error handler by its four parameters.
  (error: unknown, _request: Request, response: Response, next: NextFunction): void => {
    const status = clientErrorStatus(error);
    if (response.headersSent) next(error);
    else if (status !== undefined) sendText(response, status, "This request cannot be understood.");
    else {
      log.error({ err: error }, "a request failed: a fault of the exporter");
      sendText(response, 500, "The exporter failed to answer; its log says why.");
    }
  };

/**
 * Headers that let a browser do nothing but show the page. Left out are two that a browser heeds on https only:
 * Strict-Transport-Security, for the owner of the certificate to decide, and Cross-Origin-Opener-Policy, of which it
 * complains otherwise. `upgrade-insecure-requests` would break every link where there is no https.
 */
const securityHeaders = helmet({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      "default-src": ["'none'"],
      "style-src": [cssSource],
      "img-src": ["data:"], // the icon
      "base-uri": ["'none'"],
      "form-action": ["'none'"],
      "frame-ancestors": ["'none'"],
    },
  },
  frameguard: { action: "deny" },
  strictTransportSecurity: false,
  crossOriginOpenerPolicy: false,
});

/** Bounds the requests in flight, those of clients that read slowly included. */
const limitRequests = (most: number) => {
  let inFlight = 0;
  return (_request: Request, response: Response, next: NextFunction): void => {
    if (inFlight >= most) {
      sendText(
        response.set("Retry-After", "1"),
        503,
        "Too many requests at one time; ask again in a second.",
      );
      return;
    }
    inFlight++;
    response.once("close", () => inFlight--);
    next();
  };
};

const allowOnlyReads = ({ method }: Request, response: Response, next: NextFunction): void => {
  if (method === "GET" || method === "HEAD") next();
  else
    sendText(
      response.set("Allow", "GET, HEAD"),
      405,
      "This exporter can only be read: use GET or HEAD.",
    );
};

const PLAIN_TEXT = "text/plain; charset=utf-8";

const sendMetrics = (response: Response, { contentType, text }: MetricsText): void => {
  response.set("Content-Type", contentType).vary("Accept").end(text);
};

const sendText = (response: Response, status: number, sentence: string): void => {
  response.status(status).type("text/plain").send(`${sentence}\n`);
};

/** Malformed paths and the like carry a 4xx status from express. */
const clientErrorStatus = (error: unknown): number | undefined => {
  const status = (error as { status?: unknown } | undefined)?.status;
  return typeof status === "number" && status >= 400 && status < 500 ? status : undefined;
};

/**
 * The content type that the client likes best of those on offer, by its q-values. Prometheus 3 adds an `escaping`
 * parameter to its wishes; every name here is plain ASCII, so all of its values are met and it is left out of account.
 */
const negotiateContentType = (
  request: Request,
  offered: readonly [string, ...string[]],
): string => {
  const accept = request.headers.accept?.replace(/;\s*escaping=[^;,]*/g, "");
  if (accept === undefined) return offered[0];
  request.headers.accept = accept;
  const bare = offered.map((type) => type.replace(/;\s*charset=.*$/, ""));
  const best = request.accepts(bare);
  return offered[bare.indexOf(best || "")] ?? offered[0];
};

/** Left of the scraper's own timeout, so that the answer is there before it gives up. */
const NETWORK_ALLOWANCE_SECONDS = 0.5;
/** No scraper is waited for longer than this. */
const MAX_SECONDS = 600;

/** Milliseconds that this scrape may take: what Prometheus says that it waits, less an allowance for the way. */
const scrapeTimeoutMs = (request: Request, otherwise: number): number => {
  const seconds = Number(request.get("X-Prometheus-Scrape-Timeout-Seconds"));
  if (!Number.isFinite(seconds) || seconds <= 0) return otherwise;
  const usable = Math.max(seconds - NETWORK_ALLOWANCE_SECONDS, seconds / 2);
  return Math.min(usable, MAX_SECONDS) * 1000;
};
