/** One ECU that is scraped: its settings, its monitor, and the request queue of its address. */
import type { Logger } from "pino";
import {
  type CompleteEcuSettings,
  type EcuConfig,
  type EcuSettings,
  resolveEcuSettings,
} from "../config/ecu-settings.ts";
import type { EcuAddress } from "../config/values.ts";
import { canonicalHost } from "../ecu/address.ts";
import { exchange } from "../ecu/client.ts";
import { createMonitor, type Monitor } from "../ecu/monitor.ts";
import { createRequestQueue, type RequestQueue } from "../ecu/queue.ts";
import { readEcu } from "../ecu/read.ts";
import type { EcuLocation } from "../metrics/catalogue.ts";
import type { Clock } from "../time/clock.ts";
import { sunPosition } from "../time/sun.ts";
import { resolveMachineZone } from "../time/zone.ts";
import type { Memories } from "./memories.ts";

/** An ECU that is scraped. Its settings may change; its name and address do not. */
export interface ScrapeTarget {
  readonly ecu: EcuConfig;
  readonly monitor: Monitor;
  /** Its panels, and the elevation of the sun now. */
  readonly location: () => EcuLocation;
}

/** A target with replaceable settings. */
export interface UpdatableTarget extends ScrapeTarget {
  /** Replaces the settings. */
  readonly update: (ecu: EcuConfig) => void;
}

interface TargetFactoryOptions {
  /** The settings of an ECU without its own. */
  readonly defaults: EcuSettings;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface TargetFactory {
  /** @param memories keep the memory of the ECU; without them, it ends with the target */
  readonly create: (ecu: EcuConfig, memories?: Memories) => UpdatableTarget;
  /** Forgets the request queue of an address without targets. */
  readonly releaseAddress: (address: EcuAddress) => void;
}

/** One key for each address and port, whatever its notation. */
export const createAddressKey = ({ host, port }: Omit<EcuAddress, "name">): string =>
  `${canonicalHost(host)} ${port}`;

/** Creates targets. Targets at the same address share a request queue: an ECU gets one request at a time. */
export const createTargetFactory = ({
  defaults,
  clock,
  log,
}: TargetFactoryOptions): TargetFactory => {
  const queues = new Map<string, AddressQueue>();
  const findQueue = (ecu: EcuConfig): AddressQueue => {
    const key = createAddressKey(ecu);
    const queue = queues.get(key) ?? createAddressQueue(clock);
    queues.set(key, queue);
    return queue;
  };
  return {
    create: (initialEcu, memories) => {
      const queue = findQueue(initialEcu);
      let ecu = initialEcu;
      let settings = resolveEcuSettings(ecu, defaults);
      queue.pauseMs = settings.commandPause;
      return {
        get ecu() {
          return ecu;
        },
        location: () => locate(settings),
        monitor: createTargetMonitor(ecu, {
          settings: () => settings,
          queue,
          clock,
          log,
          memories,
        }),
        update: (updated) => {
          ecu = updated;
          settings = resolveEcuSettings(updated, defaults);
          queue.pauseMs = settings.commandPause;
        },
      };
    },
    releaseAddress: (address) => void queues.delete(createAddressKey(address)),
  };
};

/** The request queue of an address, with its current pause between requests. */
interface AddressQueue {
  pauseMs: number;
  readonly enqueue: RequestQueue;
}

const createAddressQueue = (clock: Clock): AddressQueue => {
  const queue: AddressQueue = {
    pauseMs: 0,
    enqueue: createRequestQueue(() => queue.pauseMs, clock),
  };
  return queue;
};

/** The elevation is rounded to 0.01°; near the horizon it is not more accurate. */
const locate = ({ site, panels = [] }: EcuSettings): EcuLocation => ({
  panels,
  ...(site && {
    sunElevationDegrees: Math.round(sunPosition(site, Date.now()).elevation * 100) / 100,
  }),
});

interface TargetMonitorOptions {
  readonly settings: () => CompleteEcuSettings;
  readonly queue: AddressQueue;
  readonly clock: Clock;
  readonly log: Logger;
  readonly memories: Memories | undefined;
}

/** A read ends a little before a scrape with the same timeout, so that the scrape contains its result. */
const READ_SHARE = 0.95;

const createTargetMonitor = (
  ecu: EcuConfig,
  { settings, queue, clock, log, memories }: TargetMonitorOptions,
): Monitor =>
  createMonitor({
    ecu: ecu.name,
    read: (options) =>
      readEcu({
        ...options,
        exchange: async (request, signal) => {
          const reply = await queue.enqueue(() => exchange(ecu, request, signal), signal);
          if (log.isLevelEnabled("debug"))
            log.debug(formatExchange(ecu, request, reply.bytes), "reply");
          return reply;
        },
        clock,
        retries: settings().retries,
      }),
    settings: () => {
      const { minInterval, nightInterval, timeout, timezone } = settings();
      return {
        minIntervalMs: minInterval,
        nightIntervalMs: nightInterval,
        timeoutMs: timeout * READ_SHARE,
        zone: timezone ?? resolveMachineZone(),
        isZoneSet: timezone !== undefined,
      };
    },
    clock,
    log,
    memory: memories?.select(ecu.name),
  });

/** A request and its reply as fields of the log, for bug reports. */
const formatExchange = (ecu: EcuConfig, request: Uint8Array, received: Buffer) => ({
  ecu: ecu.name,
  request: Buffer.from(request).toString("latin1").trimEnd(),
  received: received.toString("hex"),
});
