/** The access rules that every request meets before the routes: client certificate, password, rate limit, headers. */
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { SecureContextOptions, TLSSocket } from "node:tls";
import onHeaders from "on-headers";
import type { Logger } from "pino";
import { printable } from "../../text.ts";
import {
  type Credentials,
  createPasswordChecker,
  type PasswordCheckOptions,
  parseBasicAuth,
  type Users,
} from "./basic-auth.ts";
import { type ClientCertRules, isAcceptedCert } from "./client-certs.ts";
import { createTokenBucket, createWarningLimiter, type RateLimit } from "./rate-limit.ts";

/** The access rules of the web server. */
export interface AccessRules {
  /** Without it, plain HTTP. */
  readonly tls?: TlsRules | undefined;
  /** If empty, no password is required. */
  readonly users: Users;
  /** Set on every response, and not changed by the routes. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly rateLimit?: RateLimit | undefined;
}

export interface TlsRules extends ClientCertRules {
  readonly context: SecureContextOptions;
}

/** Plain HTTP for every client. */
export const unrestricted: AccessRules = { users: new Map(), headers: [] };

export interface AccessMiddlewareOptions extends PasswordCheckOptions {
  /** The current rules: the same object until they change. TLS must stay enabled or disabled. */
  readonly access: () => AccessRules;
  readonly log: Logger;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
}

/** Creates a listener that passes accepted requests to the app and rejects the others, whatever their path. */
export const createAccessMiddleware = (
  app: RequestListener,
  options: AccessMiddlewareOptions,
): RequestListener => {
  const { access, log } = options;
  const checkAccess = createAccessCheck(options);
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const rules = access();
    enforceHeaders(response, rules.headers);
    const rejection = await checkAccess(request, rules);
    if (request.socket.destroyed) return; // the client closed the connection during the password check
    if (rejection === undefined) app(request, response);
    else sendRejection(response, rejection);
  };
  return (request, response) => {
    handle(request, response).catch((error: unknown) => {
      log.error({ err: error }, "internal error while handling a request");
      if (response.headersSent) response.destroy();
      else sendRejection(response, rejections.internalError);
    });
  };
};

type AccessCheck = (request: IncomingMessage, rules: AccessRules) => Promise<Rejection | undefined>;

/** @returns a function that returns why a request is rejected, or `undefined` */
const createAccessCheck = ({
  log,
  now,
  ...passwordOptions
}: AccessMiddlewareOptions): AccessCheck => {
  let checkPassword: ReturnType<typeof createPasswordChecker> | undefined;
  const warn = createWarningLimiter(log, now);
  let rateLimit: RateLimit | undefined;
  let takeToken = createTokenBucket(rateLimit, now);

  const isWithinRate = (limit: RateLimit | undefined): boolean => {
    if (limit !== rateLimit) {
      rateLimit = limit;
      takeToken = createTokenBucket(limit, now);
    }
    return takeToken();
  };
  const checkCredentials = async (
    users: Users,
    credentials: Credentials | undefined,
    connection: Socket,
  ): Promise<Rejection | undefined> => {
    if (credentials === undefined) return rejections.noPassword;
    checkPassword ??= createPasswordChecker(passwordOptions);
    const result = await checkPassword(users, credentials, connection);
    if (result === "right") return undefined;
    if (result === "busy") return rejections.busy;
    const from = connection.remoteAddress;
    warn("a wrong user name or password was rejected", { user: loggable(credentials.user), from });
    return rejections.noPassword;
  };
  const identify: AccessCheck = async (request, rules) => {
    const { socket } = request;
    if (rules.tls !== undefined && !isAcceptedCert(rules.tls, socket as TLSSocket)) {
      warn("a client without an accepted certificate was rejected", { from: socket.remoteAddress });
      return rejections.noCertificate;
    }
    if (rules.users.size === 0) return undefined;
    const credentials = parseBasicAuth(request.headers.authorization);
    return await checkCredentials(rules.users, credentials, socket);
  };
  return async (request, rules) => {
    const rejection = await identify(request, rules);
    // Last, so that the requests of strangers do not use up the rate of others.
    return rejection ?? (isWithinRate(rules.rateLimit) ? undefined : rejections.tooMany);
  };
};

interface Rejection {
  readonly status: number;
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const rejections = {
  tooMany: {
    status: 429,
    message: "Too many requests; try again later.",
    headers: { "Retry-After": "1" },
  },
  noCertificate: {
    status: 403,
    message: "A client certificate that this exporter accepts is required.",
    headers: { Connection: "close" }, // another certificate needs another handshake
  },
  noPassword: {
    status: 401,
    message: "A valid user name and password are required.",
    headers: { "WWW-Authenticate": 'Basic realm="apsystems-ecu-exporter", charset="UTF-8"' },
  },
  busy: {
    status: 503,
    message: "Too many password checks are pending; try again in a second.",
    headers: { "Retry-After": "1" },
  },
  internalError: { status: 500, message: "Internal error; see the log of the exporter." },
} satisfies Record<string, Rejection>;

const sendRejection = (response: ServerResponse, { status, message, headers }: Rejection): void => {
  response.writeHead(status, { "Content-Type": "text/plain; charset=utf-8", ...headers });
  response.end(`${message}\n`);
};

/** Sets headers when the response is sent, so that they replace those of the routes. */
const enforceHeaders = (response: ServerResponse, headers: AccessRules["headers"]): void => {
  // on-headers calls its listeners last to first, so the listener of the outermost layer has the last word.
  onHeaders(response, () => {
    for (const [name, value] of headers) response.setHeader(name, value);
  });
};

const MAX_LOGGED_NAME = 40;

/** A user name as any client may send it, safe for the log. */
const loggable = (name: string): string => printable(name.slice(0, MAX_LOGGED_NAME));
