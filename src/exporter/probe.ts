/** Probes: the ECU that a request names, or why it is not read. */
import { lookup } from "node:dns/promises";
import { ECU_PORT, normalizeAddress } from "../ecu/address.ts";
import type { Observation } from "../ecu/observe.ts";
import { formatLocalTime, printable } from "../text.ts";
import { type AddressRange, createAllowList } from "./allow-list.ts";
import type { ScrapeTarget } from "./target.ts";
import { parseTarget, type Targets } from "./targets.ts";

/** A target cannot be read. The message is for the client, with this HTTP status. */
export class TargetError extends Error {
  override readonly name = "TargetError";
  readonly status: 400 | 403 | 429;

  constructor(message: string, { status, ...options }: ErrorOptions & { status: 400 | 403 | 429 }) {
    super(message, options);
    this.status = status;
  }
}

export interface TargetFinderOptions {
  readonly targets: Targets;
  /** Addresses that may be read in addition to the configured ECUs. */
  readonly allow: readonly AddressRange[];
  /** Returns all addresses of a host. */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
}

/** The target of a probe, and its name in the metrics. */
export interface ProbedTarget {
  readonly target: ScrapeTarget;
  readonly name: string;
}

const MAX_TARGET_LENGTH = 255;
/** Time limit of a lookup. */
const LOOKUP_MS = 2_000;
/** Maximum number of lookups that run or wait. */
const MAX_LOOKUPS = 8;
/** How long the addresses of a configured host are kept. */
const CACHE_MS = 60_000;
const USAGE =
  "/probe needs one target, the name or address of an ECU, such as /probe?target=192.168.1.50;";

const lookupAddresses = async (host: string): Promise<readonly string[]> =>
  (await lookup(host, { all: true })).map(({ address }) => address);

/**
 * Creates the function that finds the target of a probe: a configured ECU, or one at an allowed address. A host name is
 * resolved first, and the read uses the address that was checked.
 * @returns a function that throws TargetError
 */
export const createTargetFinder = ({
  targets,
  allow,
  resolve = lookupAddresses,
}: TargetFinderOptions) => {
  const isAllowed = createAllowList(allow);
  const findAddresses = createAddressLookup(targets, resolve);

  /** The configured target whose host name has this address: reading it as another target would read the ECU twice. */
  const findByHostAddress = async (address: string): Promise<ScrapeTarget | undefined> => {
    const until = performance.now() + LOOKUP_MS;
    for (const target of targets.all()) {
      const { host, port } = target.ecu;
      if (port !== ECU_PORT || normalizeAddress(host) !== undefined) continue;
      const addresses = await findAddresses(host);
      if (addresses.some((candidate) => normalizeAddress(candidate) === address)) return target;
      if (performance.now() > until) throw tooManyError(); // the next probe finds these addresses in the cache
    }
    return undefined;
  };
  return async (texts: readonly string[]): Promise<ProbedTarget> => {
    const text = requireOneTarget(texts);
    const found = [text, decode(text)].map(targets.find).find(({ length }) => length > 0) ?? [];
    const [target] = found;
    if (found.length > 1) throw ambiguousError(found);
    if (target !== undefined) return { target, name: target.ecu.name };
    const { host, name } = parseAdHocTarget(text);
    if (allow.length === 0) throw notAllowedError();
    // The read does not resolve the name again: it could then have an address that was not checked.
    const addresses = (await findAddresses(host)).map(normalizeAddress);
    const [address] = addresses;
    if (
      address === undefined ||
      !addresses.every((candidate) => candidate !== undefined && isAllowed(candidate))
    )
      throw notAllowedError();
    const configured = await findByHostAddress(address);
    if (configured !== undefined) return { target: configured, name: configured.ecu.name };
    const adHoc = targets.findAtAddress(name, address);
    if (adHoc === undefined) throw tooManyError();
    return { target: adHoc, name };
  };
};

/** Creates a lookup of one host at a time: several slow lookups would delay those of all ECUs. */
const createAddressLookup = (
  targets: Targets,
  resolve: (host: string) => Promise<readonly string[]>,
) => {
  const cache = new Map<string, { readonly at: number; readonly addresses: readonly string[] }>();
  let unfinished = 0;
  let last: Promise<unknown> = Promise.resolve();

  return async (host: string): Promise<readonly string[]> => {
    const address = normalizeAddress(host);
    if (address !== undefined) return [address];
    const cached = cache.get(host);
    if (cached !== undefined && performance.now() - cached.at < CACHE_MS) return cached.addresses;
    if (unfinished >= MAX_LOOKUPS) throw tooManyError();
    unfinished++;
    const result = last.then(() => withTimeout(LOOKUP_MS, resolve(host)));
    last = result;
    const addresses = await result.finally(() => unfinished--);
    if (targets.all().some(({ ecu }) => ecu.host === host))
      cache.set(host, { at: performance.now(), addresses });
    return addresses;
  };
};

/** The result of a lookup; no addresses if it fails or takes too long. */
const withTimeout = async (
  ms: number,
  lookedUp: Promise<readonly string[]>,
): Promise<readonly string[]> => {
  let timer: NodeJS.Timeout | undefined;
  const timedOut = new Promise<readonly string[]>((resolve) => {
    timer = setTimeout(resolve, ms, []);
  });
  try {
    return await Promise.race([lookedUp.catch(() => []), timedOut]);
  } finally {
    clearTimeout(timer);
  }
};

const requireOneTarget = (texts: readonly string[]): string => {
  const [text = ""] = texts;
  if (texts.length > 1)
    throw new TargetError(`${USAGE} this request has ${texts.length}.`, { status: 400 });
  if (text === "") throw new TargetError(`${USAGE} this request has none.`, { status: 400 });
  if (text.length > MAX_TARGET_LENGTH)
    throw new TargetError(`${USAGE} this one has ${text.length} characters.`, { status: 400 });
  return text;
};

/** Host and name of a target that is not configured. @throws TargetError */
const parseAdHocTarget = (text: string): { readonly host: string; readonly name: string } => {
  const name = parseTarget(text) === undefined ? decode(text) : text;
  const address = parseTarget(name);
  if (address === undefined)
    throw new TargetError(`${USAGE} this one is neither.`, { status: 400 });
  if (address.port === ECU_PORT) return { host: address.host, name };
  throw new TargetError(
    `An ECU that is not configured is read at port ${ECU_PORT} only; leave the port out.`,
    { status: 400 },
  );
};

/** The text of a target that was encoded twice, once in a configuration and once by Prometheus: 10.0.0.1%3A8899. */
const decode = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // such as fe80::1%eth0
  }
};

const ambiguousError = (found: readonly ScrapeTarget[]): TargetError => {
  const all = found.map(({ ecu: { name, port } }) => `${name} (port ${port})`).join(", ");
  return new TargetError(
    `${found.length} ECUs are configured at this address: ${all}; name one of them, or add its port.`,
    { status: 400 },
  );
};

const notAllowedError = (): TargetError =>
  new TargetError(
    "This ECU is not configured, and its address is not in a range of --probe.allow.",
    {
      status: 403,
    },
  );
const tooManyError = (): TargetError =>
  new TargetError("Too many ECUs that are not configured are being read; try again in a second.", {
    status: 429,
  });

/**
 * Describes a read for people.
 * @param quietUntil Unix time in seconds before which the ECU is not read again because all its inverters are offline
 */
export const explainRead = (observation: Observation, quietUntil?: number): string => {
  const { ecu, up, reading, queries, readAt } = observation;
  const lines = Object.entries(queries).map(([query, { success, durationSeconds, problem }]) => {
    if (durationSeconds === undefined) return `${query}: ${problem ?? "not sent"}`;
    const time = `${durationSeconds.toFixed(3)} s`;
    return success
      ? `${query}: a valid reply in ${time}`
      : `${query}: failed after ${time}: ${problem ?? "no valid reply"}`;
  });
  const { identity, lastReportLocal, inverters, notes } = reading;
  return [
    `Read of ${ecu} at ${new Date(readAt * 1000).toISOString()}: ${up ? "up" : "down"}.`,
    ...lines,
    ...(identity ? [`${identity.model} ${identity.ecuId}, firmware ${identity.firmware}.`] : []),
    ...(lastReportLocal
      ? [
          `Last report: ${formatLocalTime(lastReportLocal)}${identity ? `, time zone ${identity.timezone}` : ""}.`,
        ]
      : []),
    ...(queries.realtime.success
      ? [
          `${inverters.filter(({ online }) => online).length} of ${inverters.length} inverters online.`,
        ]
      : []),
    ...(quietUntil === undefined
      ? []
      : [`The next read is after ${new Date(quietUntil * 1000).toISOString()}.`]),
    ...notes.map((note) => `Note: ${note}.`),
  ]
    .map(printable)
    .join("\n");
};
