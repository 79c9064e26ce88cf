/** One ECU that is scraped: its settings, its monitor, and the request queue of its address. */
import type { Logger } from "pino";
import {
  type CompleteEcuSettings,
  type EcuConfig,
  type EcuSettings,
  resolveEcuSettings,
} from "../config/ecu-settings.ts";
import type { EcuAddress } from "../config/values.ts";
import type { RawReply } from "../ecu/client.ts";
import { createMonitor, type Monitor } from "../ecu/monitor.ts";
import { readEcu } from "../ecu/read.ts";
import type { EcuLocation } from "../metrics/catalogue.ts";
import type { Clock } from "../time/clock.ts";
import { sunPosition } from "../time/sun.ts";
import { resolveMachineZone } from "../time/zone-name.ts";
import { createAddressQueues } from "./address-queues.ts";
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

interface TargetOptions {
  /** Whether the ECU is configured; otherwise it is probed. */
  readonly isConfigured: boolean;
  /** Keep the memory of the ECU; without them, it ends with the target. */
  readonly memories?: Memories;
}

export interface TargetFactory {
  readonly create: (ecu: EcuConfig, options: TargetOptions) => UpdatableTarget;
  /** Forgets an ECU that is not configured any more. */
  readonly forget: (ecu: EcuConfig) => void;
  /** Forgets the request queue of an address without targets. */
  readonly releaseAddress: (address: EcuAddress) => void;
}

/** Creates targets. Targets of the same ECU share a request queue: an ECU gets one request at a time. */
export const createTargetFactory = ({
  defaults,
  clock,
  log,
}: TargetFactoryOptions): TargetFactory => {
  const queues = createAddressQueues({ clock, log });
  let machineZone: string | undefined;
  /** Finds it once, and only when it is needed: the names of zones take 8 MB of memory, even to look one up. */
  const findMachineZone = (): string => {
    machineZone ??= resolveMachineZone();
    return machineZone;
  };
  return {
    create: (initialEcu, { isConfigured, memories }) => {
      let ecu = initialEcu;
      let settings = resolveEcuSettings(ecu, defaults);
      return {
        get ecu() {
          return ecu;
        },
        location: () => locate(settings),
        monitor: createTargetMonitor(ecu, {
          settings: () => settings,
          findMachineZone,
          exchange: (request, signal) => {
            const { commandPause: pauseMs } = settings;
            return queues.exchange({ ecu, request, signal, pauseMs, isConfigured });
          },
          clock,
          log,
          memories,
        }),
        update: (updated) => {
          ecu = updated;
          settings = resolveEcuSettings(updated, defaults);
        },
      };
    },
    forget: queues.forget,
    releaseAddress: queues.release,
  };
};

/** The elevation is rounded to 0.01°; near the horizon it is not more accurate. */
const locate = ({ site, snow, panels = [] }: EcuSettings): EcuLocation => ({
  panels,
  ...(snow && { snowPossible: snow === "possible" }),
  ...(site && {
    sunElevationDegrees: Math.round(sunPosition(site, Date.now()).elevation * 100) / 100,
  }),
});

interface TargetMonitorOptions {
  readonly settings: () => CompleteEcuSettings;
  readonly findMachineZone: () => string;
  /** Sends a request when it is the turn of this target, and receives the reply. */
  readonly exchange: (request: Uint8Array, signal: AbortSignal) => Promise<RawReply>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly memories: Memories | undefined;
}

/** A read ends a little before a scrape with the same timeout, so that the scrape contains its result. */
const READ_SHARE = 0.95;

const createTargetMonitor = (
  ecu: EcuConfig,
  { settings, findMachineZone, exchange, clock, log, memories }: TargetMonitorOptions,
): Monitor =>
  createMonitor({
    ecu: ecu.name,
    read: (options) =>
      readEcu({
        ...options,
        exchange: async (request, signal) => {
          const reply = await exchange(request, signal);
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
        zone: timezone ?? findMachineZone(),
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
