/** The ECUs that are watched: one monitor each, one connection at a time to each address. */
import type { Logger } from "pino";
import {
  type EcuConfig,
  type EcuDefaults,
  type EcuSettings,
  resolveEcuSettings,
} from "../config/ecu-settings.ts";
import { type EcuAddress, ecuAddress } from "../config/values.ts";
import { canonicalHost, ECU_PORT, normalizeAddress } from "../ecu/address.ts";
import { exchange } from "../ecu/client.ts";
import { createMonitor, type Monitor } from "../ecu/monitor.ts";
import { createRequestQueue, type RequestQueue } from "../ecu/queue.ts";
import { readEcu } from "../ecu/read.ts";
import type { EcuLocation } from "../metrics/catalogue.ts";
import { systemClock } from "../time/clock.ts";
import { sunPosition } from "../time/sun.ts";
import { resolveMachineZone } from "../time/zone.ts";
import type { StateFile } from "./state-file.ts";

/** An ECU that is watched. What is set for it may change; its name and address do not. */
export interface ScrapeTarget {
  readonly ecu: EcuConfig;
  readonly monitor: Monitor;
  /** Where it stands, and the sun over it now. */
  readonly location: () => EcuLocation;
}

export interface Targets {
  readonly all: () => readonly ScrapeTarget[];
  /** The target of that name, address or address with port, however that is spelt. */
  readonly find: (text: string) => ScrapeTarget | undefined;
  /**
   * The target for an address that is not configured; the same one as long as it is asked for now and then.
   * `undefined` where too many others are being read.
   */
  readonly adHocTarget: (name: string, address: string) => ScrapeTarget | undefined;
  /** Watches these instead. A target that stays, by name and address, goes on with what is set for it now. */
  readonly replace: (ecus: readonly EcuConfig[]) => void;
  /** Ends reads in flight. */
  readonly close: () => void;
}

export interface TargetsOptions {
  readonly ecus: readonly EcuConfig[];
  /** What holds for an ECU that says nothing else. */
  readonly defaults: EcuDefaults;
  readonly state?: StateFile | undefined;
  readonly log: Logger;
}

/** Targets that are not configured: so many are remembered, and so many read at one time. */
const MAX_AD_HOC = 1_000;
const MAX_AD_HOC_READS = 40;
/** A read ends a little before the scrape that has the same time, so that its verdict is in the answer. */
const READ_SHARE = 0.95;

/** A target whose settings can be replaced. */
interface Watched extends ScrapeTarget {
  ecu: EcuConfig;
  settings: EcuDefaults;
}

/** @see Targets */
export const createTargets = ({ ecus, defaults, state, log }: TargetsOptions): Targets => {
  const queues = new Map<string, AddressQueue>();
  const adHocTargets = new Map<string, Watched>();
  let targets: readonly Watched[] = [];

  const start = (ecu: EcuConfig, kept?: StateFile): Watched => {
    const settings = resolveEcuSettings(ecu, defaults);
    const queue = queues.get(addressKey(ecu)) ?? createAddressQueue();
    queues.set(addressKey(ecu), queue);
    queue.pauseMs = settings.commandPause;
    const watched: Watched = {
      ecu,
      settings,
      location: () => locate(watched.settings),
      monitor: monitorOf(ecu, () => watched.settings, queue.enqueue, log, kept),
    };
    return watched;
  };
  const replace = (wanted: readonly EcuConfig[]): void => {
    const before = new Map(targets.map((target) => [targetKey(target.ecu), target]));
    targets = wanted.map((ecu) => {
      const known = before.get(targetKey(ecu));
      if (known === undefined) return start(ecu, state);
      before.delete(targetKey(ecu));
      known.ecu = ecu;
      known.settings = resolveEcuSettings(ecu, defaults);
      const queue = queues.get(addressKey(ecu));
      if (queue !== undefined) queue.pauseMs = known.settings.commandPause;
      return known;
    });
    for (const { monitor } of before.values()) monitor.close();
  };
  const adHocTarget = (name: string, address: string): ScrapeTarget | undefined => {
    const ecu = { name, host: address, port: ECU_PORT };
    const key = addressKey(ecu);
    const configured = targets.find((target) => addressKey(target.ecu) === key);
    if (configured !== undefined) return configured;
    const reading = [...adHocTargets.values()].filter(({ monitor }) => monitor.isReading());
    const known = adHocTargets.get(key);
    if (known?.monitor.isReading() !== true && reading.length >= MAX_AD_HOC_READS) return undefined;
    if (known === undefined && adHocTargets.size >= MAX_AD_HOC) {
      const idle = [...adHocTargets].find(([, { monitor }]) => monitor.isIdle());
      if (idle === undefined) return undefined;
      adHocTargets.delete(idle[0]);
      queues.delete(idle[0]);
    }
    const target = known ?? start(ecu); // what it remembers is not kept: its name is the client's
    adHocTargets.delete(key); // so that it comes last again
    adHocTargets.set(key, target);
    return target;
  };
  replace(ecus);
  return {
    all: () => targets,
    adHocTarget,
    find: (text) => {
      const byName = targets.find(({ ecu }) => ecu.name === text);
      if (byName !== undefined) return byName;
      const place = parseTarget(text);
      if (place === undefined) return undefined;
      const { host, port } = place;
      const there = targets.filter(({ ecu }) => canonicalHost(ecu.host) === host);
      return there.find(({ ecu }) => ecu.port === port) ?? (place.hasPort ? undefined : there[0]);
    },
    replace,
    close: () => {
      for (const { monitor } of [...targets, ...adHocTargets.values()]) monitor.close();
    },
  };
};

/** The request queue of one address, with the pause that is set for it now. */
interface AddressQueue {
  pauseMs: number;
  readonly enqueue: RequestQueue;
}

const createAddressQueue = (): AddressQueue => {
  const queue: AddressQueue = {
    pauseMs: 0,
    enqueue: createRequestQueue(() => queue.pauseMs, systemClock),
  };
  return queue;
};

/** One for each address and port, however it is spelt. */
const addressKey = ({ host, port }: EcuAddress): string => `${canonicalHost(host)} ${port}`;
const targetKey = (ecu: EcuAddress): string => `${ecu.name} ${addressKey(ecu)}`;

/** Host and port that a text names; `undefined` where it is no address. */
const parseTarget = (text: string) => {
  try {
    const { host, port } = ecuAddress(text);
    return { host: canonicalHost(host), port, hasPort: text.endsWith(`:${port}`) };
  } catch {
    // An IPv6 address without its brackets, as it may stand in a list of addresses.
    const address = normalizeAddress(text);
    return address === undefined ? address : { host: address, port: ECU_PORT, hasPort: false };
  }
};

/** To a hundredth of a degree: more is not certain near the horizon. */
const locate = ({ site, panels = [] }: EcuSettings): EcuLocation => ({
  panels,
  ...(site && {
    sunElevationDegrees: Math.round(sunPosition(site, Date.now()).elevation * 100) / 100,
  }),
});

const monitorOf = (
  ecu: EcuConfig,
  settings: () => EcuDefaults,
  enqueue: RequestQueue,
  log: Logger,
  state: StateFile | undefined,
): Monitor => {
  const clock = systemClock;
  return createMonitor({
    ecu: ecu.name,
    read: (options) =>
      readEcu({
        ...options,
        exchange: async (request, signal) => {
          const reply = await enqueue(() => exchange(ecu, request, signal), signal);
          if (log.isLevelEnabled("debug"))
            log.debug(formatExchange(ecu, request, reply.bytes), "reply");
          return reply;
        },
        clock,
        retries: settings().retries,
      }),
    settings: () => {
      const { minInterval, timeout, timezone } = settings();
      return {
        minIntervalMs: minInterval,
        timeoutMs: timeout * READ_SHARE,
        zone: timezone ?? resolveMachineZone(),
      };
    },
    clock,
    log,
    remembered: state?.recall(ecu.name),
    onMemory: (memory) => state?.remember(ecu.name, memory),
  });
};

/** A request and its reply as fields of the log, to be attached to a bug report. */
const formatExchange = (ecu: EcuConfig, request: Uint8Array, received: Buffer) => ({
  ecu: ecu.name,
  request: Buffer.from(request).toString("latin1").trimEnd(),
  received: received.toString("hex"),
});
