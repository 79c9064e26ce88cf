/** Probes: which ECU a request names, and what it is told when there is none. */
import { lookup } from "node:dns/promises";
import { ecuAddress } from "../config/values.ts";
import { ECU_PORT, normalizeAddress } from "../ecu/address.ts";
import type { Observation } from "../ecu/observe.ts";
import { printable } from "../text.ts";
import { type AddressRange, createAllowList } from "./allow-list.ts";
import type { ScrapeTarget, Targets } from "./targets.ts";

/** A target that is not read, with the status and the sentence that the client is told. */
export class TargetError extends Error {
  override readonly name = "TargetError";
  readonly status: 400 | 403 | 429;

  constructor(
    sentence: string,
    { status, ...options }: ErrorOptions & { status: 400 | 403 | 429 },
  ) {
    super(sentence, options);
    this.status = status;
  }
}

export interface TargetFinderOptions {
  readonly targets: Targets;
  /** Addresses that may be read beside the configured ECUs. */
  readonly allow: readonly AddressRange[];
  /** All addresses of a host. */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
}

/** The ECU of a probe, and the name that its series go by. */
export interface ProbedTarget {
  readonly target: ScrapeTarget;
  readonly name: string;
}

const MAX_TARGET_LENGTH = 255;
/** For a name server's answer, and names that may wait for theirs. */
const LOOKUP_MS = 2_000;
const MAX_LOOKUPS = 8;
/** How long an address of a configured host is taken to be still its own. */
const CACHE_MS = 60_000;
const WHAT =
  "/probe wants one target, the name or the address of an ECU, as in /probe?target=192.168.1.50;";

const lookupAddresses = async (host: string): Promise<readonly string[]> =>
  (await lookup(host, { all: true })).map(({ address }) => address);

/**
 * Finds the ECU that a probe names: a configured one, or one at an allowed address. A host is resolved first, and the
 * address that was checked is the one that is dialled.
 * @throws TargetError
 */
export const createTargetFinder = ({
  targets,
  allow,
  resolve = lookupAddresses,
}: TargetFinderOptions) => {
  const isAllowed = createAllowList(allow);
  const known = new Map<string, { readonly at: number; readonly addresses: readonly string[] }>();
  let waiting = 0;
  let turn: Promise<unknown> = Promise.resolve();

  /** Looks names up one at a time: a few slow ones would hold up the look-ups of every ECU. */
  const addressesOf = async (host: string): Promise<readonly string[]> => {
    const address = normalizeAddress(host);
    if (address !== undefined) return [address];
    const before = known.get(host);
    if (before !== undefined && performance.now() - before.at < CACHE_MS) return before.addresses;
    if (waiting >= MAX_LOOKUPS) throw tooMany();
    waiting++;
    const answer = turn.then(() => withTimeout(LOOKUP_MS, resolve(host)));
    turn = answer;
    const addresses = await answer.finally(() => waiting--);
    if (targets.all().some(({ ecu }) => ecu.host === host))
      known.set(host, { at: performance.now(), addresses });
    return addresses;
  };
  /** The configured ECU whose host's name means this address: it must not be read as another beside itself. */
  const namesake = async (address: string): Promise<ScrapeTarget | undefined> => {
    const until = performance.now() + LOOKUP_MS;
    for (const target of targets.all()) {
      const { host, port } = target.ecu;
      if (port !== ECU_PORT || normalizeAddress(host) !== undefined) continue;
      if ((await addressesOf(host)).some((one) => normalizeAddress(one) === address)) return target;
      if (performance.now() > until) throw tooMany(); // what was found is known next time
    }
    return undefined;
  };
  return async (given: readonly string[]): Promise<ProbedTarget> => {
    const text = requireOneTarget(given);
    const target = targets.find(text);
    if (target !== undefined) return { target, name: target.ecu.name };
    const { host } = parseHost(text);
    if (allow.length === 0) throw notConfigured();
    // Not left to the dialling: by then the name may mean an address that was never checked.
    const checked = (await addressesOf(host)).map(normalizeAddress);
    const [address] = checked;
    if (address === undefined || !checked.every((one) => one !== undefined && isAllowed(one)))
      throw notConfigured();
    const configured = await namesake(address);
    if (configured !== undefined) return { target: configured, name: configured.ecu.name };
    const guest = targets.adHocTarget(text, address);
    if (guest === undefined) throw tooMany();
    return { target: guest, name: text };
  };
};

/** What a name server says, or nothing where it fails or takes too long. */
const withTimeout = async (
  ms: number,
  answer: Promise<readonly string[]>,
): Promise<readonly string[]> => {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<readonly string[]>((resolve) => {
    timer = setTimeout(resolve, ms, []);
  });
  try {
    return await Promise.race([answer.catch(() => []), tooLate]);
  } finally {
    clearTimeout(timer);
  }
};

const requireOneTarget = (given: readonly string[]): string => {
  const [text = ""] = given;
  if (given.length > 1)
    throw new TargetError(`${WHAT} this request names ${given.length}.`, { status: 400 });
  if (text === "") throw new TargetError(`${WHAT} this request names none.`, { status: 400 });
  if (text.length > MAX_TARGET_LENGTH)
    throw new TargetError(`${WHAT} this one has ${text.length} characters.`, { status: 400 });
  return text;
};

const parseHost = (text: string): { readonly host: string } => {
  try {
    const { host, port } = ecuAddress(text);
    if (port === ECU_PORT) return { host };
  } catch (cause) {
    throw new TargetError(`${WHAT} this one is neither.`, { status: 400, cause });
  }
  throw new TargetError(
    `An ECU that is not configured is read at port ${ECU_PORT} only; leave the port out.`,
    { status: 400 },
  );
};

const notConfigured = (): TargetError =>
  new TargetError(
    "This ECU is not configured, and it has no address in a range of --probe.allow.",
    {
      status: 403,
    },
  );
const tooMany = (): TargetError =>
  new TargetError("Too many ECUs that are not configured are being read; ask again in a second.", {
    status: 429,
  });

/** What a read came to, for people. */
export const explainRead = (observation: Observation): string => {
  const { ecu, up, reading, queries, readAt } = observation;
  const lines = Object.entries(queries).map(([query, { success, durationSeconds, problem }]) => {
    const time = durationSeconds === undefined ? "" : ` in ${durationSeconds.toFixed(3)} s`;
    if (success) return `${query}: a valid reply${time}`;
    return `${query}: ${problem ?? "not asked"}${time}`;
  });
  const { identity, lastReportLocal, inverters, notes } = reading;
  return [
    `Read of ${ecu}, which ended at ${new Date(readAt * 1000).toISOString()}: ${up ? "complete" : "not complete"}.`,
    ...lines,
    ...(identity
      ? [`It is the ${identity.model} ${identity.ecuId} with firmware ${identity.firmware}.`]
      : []),
    ...(lastReportLocal
      ? [`Its last report is of ${lastReportLocal}, zone ${identity?.timezone}.`]
      : []),
    `${inverters.filter(({ online }) => online).length} of ${inverters.length} inverters are online.`,
    ...notes.map((note) => `Note: ${note}.`),
  ]
    .map(printable)
    .join("\n");
};
