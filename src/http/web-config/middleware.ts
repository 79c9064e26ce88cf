/** The rules that each request meets before the routes do: rate, client certificate, password; and headers. */
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { SecureContextOptions, TLSSocket } from "node:tls";
import type { Logger } from "pino";
import { printable } from "../../text.ts";
import { createPasswords, credentialsIn, type PasswordOptions, type Users } from "./basic-auth.ts";
import { type ClientRules, isWelcome } from "./client-certs.ts";
import { atMostEachMinute, bucketOf, type RateLimit } from "./rate-limit.ts";

/** Who is let in, and how. */
export interface Access {
  /** Plain HTTP without. */
  readonly tls?: TlsRules | undefined;
  /** Anybody comes in where there is none. */
  readonly users: Users;
  /** On every response, whoever else sets them. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly rateLimit?: RateLimit | undefined;
}

export interface TlsRules extends ClientRules {
  readonly context: SecureContextOptions;
}

/** No rules: plain HTTP for anybody. */
export const openAccess: Access = { users: new Map(), headers: [] };

export interface GateOptions extends PasswordOptions {
  /** The rules of this moment: the same object until they change. TLS stays on or off. */
  readonly access: () => Access;
  readonly log: Logger;
  /** Milliseconds that only go up. */
  readonly now: () => number;
}

/** Lets a request through to the app, or answers it. Every path is behind it. */
export const createGate = (
  app: RequestListener,
  { access, log, now, ...options }: GateOptions,
): RequestListener => {
  const verdictOn = createPasswords(options);
  const logRefusal = atMostEachMinute(log, now);
  let limited: RateLimit | undefined;
  let mayPass = bucketOf(limited, now);

  const refusalOf = async (
    request: IncomingMessage,
    { tls, users, rateLimit }: Access,
  ): Promise<Refusal | undefined> => {
    if (rateLimit !== limited) {
      limited = rateLimit;
      mayPass = bucketOf(rateLimit, now);
    }
    if (!mayPass()) return refusals.often;
    const from = request.socket.remoteAddress;
    if (tls !== undefined && !isWelcome(tls, request.socket as TLSSocket)) {
      logRefusal("a client without an accepted certificate was refused", { from });
      return refusals.stranger;
    }
    if (users.size === 0) return undefined;
    const credentials = credentialsIn(request.headers.authorization);
    if (credentials === undefined) return refusals.password;
    const verdict = await verdictOn(users, credentials);
    if (verdict === "right") return undefined;
    if (verdict === "busy") return refusals.busy;
    logRefusal("a wrong user name or password was refused", {
      user: shown(credentials.user),
      from,
    });
    return refusals.password;
  };
  const pass = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const rules = access();
    insist(response, rules.headers);
    const refusal = await refusalOf(request, rules);
    if (response.destroyed) return; // the client has left amid the check of its password
    if (refusal === undefined) app(request, response);
    else answer(response, refusal);
  };
  return (request, response) => {
    pass(request, response).catch((error: unknown) => {
      log.error({ err: error }, "a request failed: a fault of the exporter");
      if (response.headersSent) response.destroy();
      else answer(response, refusals.fault);
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

const answer = (response: ServerResponse, { status, sentence, headers }: Refusal): void => {
  response.writeHead(status, { "Content-Type": "text/plain; charset=utf-8", ...headers });
  response.end(`${sentence}\n`);
};

/** Sets headers that nobody behind the gate can change. */
const insist = (response: ServerResponse, headers: Access["headers"]): void => {
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
const shown = (name: string): string => printable(name.slice(0, SHOWN));
