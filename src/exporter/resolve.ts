/** The addresses of host names. */
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { type EcuEndpoint, type ResolvedAddress, toSystemError } from "../ecu/client.ts";
import { QueryError } from "../ecu/errors.ts";
import { findFileLimit } from "../files.ts";
import type { Clock } from "../time/clock.ts";

/** Looks up the addresses of an ECU. @throws QueryError */
export type Resolver = (
  ecu: EcuEndpoint,
  signal: AbortSignal,
) => Promise<readonly ResolvedAddress[]>;

/** As long as the time to accept a connection. */
const LOOKUP_MS = 5_000;

/** Creates a resolver. It has one lookup of a host at a time: a name server that does not reply blocks a thread for each. */
export const createResolver = (clock: Pick<Clock, "schedule">, lookUp = lookUpAll): Resolver => {
  const lookups = new Map<string, Promise<readonly ResolvedAddress[]>>();
  const find = (host: string): Promise<readonly ResolvedAddress[]> => {
    const pending = lookups.get(host);
    if (pending !== undefined) return pending;
    const started = lookUp(host).finally(() => lookups.delete(host));
    started.catch(() => {}); // reported to those who still wait
    lookups.set(host, started);
    return started;
  };
  return async (ecu, signal) => {
    const family = isIP(ecu.host);
    if (family !== 0) return [{ address: ecu.host, family }];
    // Not AbortSignal.timeout in AbortSignal.any: Node.js 20 may collect it as garbage, and it never aborts.
    const limit = new AbortController();
    const abort = (): void => limit.abort();
    const cancel = clock.schedule(LOOKUP_MS, abort);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort);
    try {
      return await beforeAbort(find(ecu.host), limit.signal);
    } catch (cause) {
      if (!limit.signal.aborted) throw toSystemError(ecu, cause);
      const problem = `${ecu.host}:${ecu.port} is a name that no name server resolved in time`;
      throw new QueryError(problem, { reason: "unreachable", remedy: REMEDY, cause });
    } finally {
      cancel();
      signal.removeEventListener("abort", abort);
    }
  };
};

const REMEDY = "check the name server of this machine, or configure the address of the ECU";

/** A process without free file descriptors cannot ask a name server, which a lookup reports as an unknown name. */
const lookUpAll = (host: string): Promise<readonly ResolvedAddress[]> =>
  lookup(host, { all: true }).catch((error: unknown) => {
    throw findFileLimit() ?? error;
  });

/** The result of a promise, or an error once the signal is aborted. */
const beforeAbort = async <T>(promise: Promise<T>, signal: AbortSignal): Promise<T> => {
  signal.throwIfAborted();
  let onAbort = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort);
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
};
