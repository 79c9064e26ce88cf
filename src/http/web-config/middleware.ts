/** The rules that each request meets before the routes do: rate, client certificate, password; and headers. */
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { SecureContextOptions, TLSSocket } from "node:tls";
import type { Logger } from "pino";
import { printable } from "../../text.ts";
import {
  createPasswordChecker,
  type PasswordCheckOptions,
  parseBasicAuth,
  type Users,
} from "./basic-auth.ts";
import { type ClientCertRules, isAcceptedCert } from "./client-certs.ts";
import { createTokenBucket, createWarningLimiter, type RateLimit } from "./rate-limit.ts";

/** Who is let in, and how. */
export interface AccessRules {
  /** Plain HTTP without. */
  readonly tls?: TlsRules | undefined;
  /** Anybody comes in where there is none. */
  readonly users: Users;
  /** On every response, whoever else sets them. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly rateLimit?: RateLimit | undefined;
}

export interface TlsRules extends ClientCertRules {
  readonly context: SecureContextOptions;
}

/** No rules: plain HTTP for anybody. */
export const unrestricted: AccessRules = { users: new Map(), headers: [] };

export interface AccessMiddlewareOptions extends PasswordCheckOptions {
  /** The rules of this moment: the same object until they change. TLS stays on or off. */
  readonly access: () => AccessRules;
  readonly log: Logger;
  /** Milliseconds that only go up. */
  readonly now: () => number;
}

/** Lets a request through to the app, or answers it. Every path is behind it. */
export const createAccessMiddleware = (
  app: RequestListener,
  { access, log, now, ...options }: AccessMiddlewareOptions,
): RequestListener => {
  const verdictOn = createPasswordChecker(options);
  const logRefusal = createWarningLimiter(log, now);
  let limited: RateLimit | undefined;
  let mayPass = createTokenBucket(limited, now);

  const refusalOf = async (
    request: IncomingMessage,
    { tls, users, rateLimit }: AccessRules,
  ): Promise<Refusal | undefined> => {
    if (rateLimit !== limited) {
      limited = rateLimit;
      mayPass = createTokenBucket(rateLimit, now);
    }
    if (!mayPass()) return refusals.often;
    const from = request.socket.remoteAddress;
    if (tls !== undefined && !isAcceptedCert(tls, request.socket as TLSSocket)) {
      logRefusal("a client without an accepted certificate was refused", { from });
      return refusals.stranger;
    }
    if (users.size === 0) return undefined;
    const credentials = parseBasicAuth(request.headers.authorization);
    if (credentials === undefined) return refusals.password;
    const verdict = await verdictOn(users, credentials);
    if (verdict === "right") return undefined;
    if (verdict === "busy") return refusals.busy;
    logRefusal("a wrong user name or password was refused", {
      user: shortened(credentials.user),
      from,
    });
    return refusals.password;
  };
  const pass = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const rules = access();
    enforceHeaders(response, rules.headers);
    const refusal = await refusalOf(request, rules);
    if (response.destroyed) return; // the client has left amid the check of its password
    if (refusal === undefined) app(request, response);
    else sendRefusal(response, refusal);
  };
  return (request, response) => {
    pass(request, response).catch((error: unknown) => {
      log.error({ err: error }, "a request failed: a fault of the exporter");
      if (response.headersSent) response.destroy();
      else sendRefusal(response, refusals.fault);
    });
  };
};

interface Refusal {
  readonly status: number;
  readonly sentence: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const refusals = {
  often: {
    status: 429,
    sentence: "Too many requests; ask again later.",
    headers: { "Retry-After": "1" },
  },
  stranger: {
    status: 403,
    sentence: "This exporter answers clients with an accepted certificate only.",
    headers: { Connection: "close" }, // a client that has a better one must shake hands anew
  },
  password: {
    status: 401,
    sentence: "This exporter asks for a user name and a password.",
    headers: { "WWW-Authenticate": 'Basic realm="apsystems-ecu-exporter", charset="UTF-8"' },
  },
  busy: {
    status: 503,
    sentence: "Too many passwords wait to be checked; ask again in a second.",
    headers: { "Retry-After": "1" },
  },
  fault: { status: 500, sentence: "The exporter failed to answer; its log says why." },
} satisfies Record<string, Refusal>;

const sendRefusal = (response: ServerResponse, { status, sentence, headers }: Refusal): void => {
  response.writeHead(status, { "Content-Type": "text/plain; charset=utf-8", ...headers });
  response.end(`${sentence}\n`);
};

/** Sets headers that nobody behind the gate can change. */
const enforceHeaders = (response: ServerResponse, headers: AccessRules["headers"]): void => {
  if (headers.length === 0) return;
  const fixed = new Set(headers.map(([name]) => name.toLowerCase()));
  for (const [name, value] of headers) response.setHeader(name, value);
  const set = response.setHeader.bind(response);
  response.setHeader = (name, value) =>
    fixed.has(name.toLowerCase()) ? response : set(name, value);
  const remove = response.removeHeader.bind(response);
  response.removeHeader = (name) => {
    if (!fixed.has(name.toLowerCase())) remove(name);
  };
};

const SHOWN = 40;

/** What strangers send is short and printable in the log. */
const shortened = (name: string): string => printable(name.slice(0, SHOWN));
