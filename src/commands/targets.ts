/** The ECUs that are watched: one monitor each, one connection at a time to each address. */
import type { Logger } from "pino";
import { ECU_PORT, type EcuConfig, type EcuSettings } from "../config/parse.ts";
import { systemClock } from "../ecu/clock.ts";
import { exchange } from "../ecu/exchange.ts";
import { createLine, type Line } from "../ecu/line.ts";
import { createMonitor, type Monitor } from "../ecu/monitor.ts";
import type { Memory } from "../ecu/plausible.ts";
import { readEcu } from "../ecu/read.ts";
import type { StateFile } from "../ecu/state-file.ts";
import { isZone } from "../ecu/time.ts";
import type { Place } from "../metrics/catalogue.ts";
import { sunAt } from "../simulator/sun.ts";

/** An ECU that is watched. */
export interface Target {
  readonly ecu: EcuConfig;
  readonly monitor: Monitor;
  /** Where it stands, and the sun over it now. */
  readonly place: () => Place;
}

export interface Targets {
  readonly all: () => readonly Target[];
  /** The target of that name, address or address with port. */
  readonly named: (text: string) => Target | undefined;
  /** The target for an address that is not configured; the same one as long as it is asked for now and then. */
  readonly guest: (name: string, address: string) => Target;
  /** Watches these instead. A target of which nothing has changed stays as it is; another keeps what it remembers. */
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

/** Settings that every ECU has; times in milliseconds. */
export type EcuDefaults = EcuSettings & {
  readonly minInterval: number;
  readonly timeout: number;
  readonly commandPause: number;
  readonly retries: number;
};

/** Targets that are not configured and are remembered, the latest of them. */
const MOST_GUESTS = 2_000;
/** Between attempts at one query (protocol document, 1.5). */
const RETRY_PAUSE_MS = 2_000;
/** A read ends a little before the scrape that has the same time, so that its verdict is in the answer. */
const READ_SHARE = 0.95;

/** @see Targets */
export const createTargets = ({ ecus, defaults, state, log }: TargetsOptions): Targets => {
  const lines = new Map<string, Line>();
  const memories = new Map<string, Memory>();
  let targets: readonly Target[] = [];
  const start = (ecu: EcuConfig): Target => {
    const settings = settingsOf(ecu, defaults);
    const place = `${ecu.host}:${ecu.port}`;
    const line = lines.get(place) ?? createLine(settings.commandPause, systemClock);
    lines.set(place, line);
    const monitor = monitorOf(ecu, settings, line, log, {
      remembered: memories.get(ecu.name) ?? state?.recall(ecu.name),
      onMemory: (memory) => {
        memories.set(ecu.name, memory);
        state?.remember(ecu.name, memory);
      },
    });
    return { ecu, monitor, place: () => placeOf(settings) };
  };
  const replace = (wanted: readonly EcuConfig[]): void => {
    const before = new Map(targets.map((target) => [JSON.stringify(target.ecu), target]));
    targets = wanted.map((ecu) => {
      const key = JSON.stringify(ecu);
      const kept = before.get(key);
      before.delete(key);
      return kept ?? start(ecu);
    });
    for (const { monitor } of before.values()) monitor.close();
  };
  const guests = new Map<string, Target>();
  const guest = (name: string, address: string): Target => {
    const configured = targets.find(({ ecu }) => ecu.host === address && ecu.port === ECU_PORT);
    if (configured !== undefined) return configured;
    const target = guests.get(address) ?? start({ name, host: address, port: ECU_PORT });
    guests.delete(address); // so that it comes last again
    guests.set(address, target);
    for (const [oldest, { monitor }] of guests) {
      if (guests.size <= MOST_GUESTS) break;
      monitor.close();
      guests.delete(oldest);
    }
    return target;
  };
  replace(ecus);
  return {
    all: () => targets,
    guest,
    named: (text) =>
      targets.find(({ ecu }) => ecu.name === text) ??
      targets.find(({ ecu: { host, port } }) =>
        [`${host}:${port}`, `[${host}]:${port}`].includes(text),
      ) ??
      targets.find(({ ecu: { host } }) => [host, `[${host}]`].includes(text)),
    replace,
    close: () => {
      for (const { monitor } of [...targets, ...guests.values()]) monitor.close();
    },
  };
};

/** The settings of an ECU: its own, and for what it leaves open those of all. */
const settingsOf = (ecu: EcuConfig, defaults: EcuDefaults): EcuDefaults => ({
  timezone: ecu.timezone ?? defaults.timezone,
  minInterval: ecu.minInterval ?? defaults.minInterval,
  timeout: ecu.timeout ?? defaults.timeout,
  commandPause: ecu.commandPause ?? defaults.commandPause,
  retries: ecu.retries ?? defaults.retries,
  site: ecu.site ?? defaults.site,
  panels: [...(ecu.panels ?? []), ...(defaults.panels ?? [])],
});

/** To a hundredth of a degree: more is not certain near the horizon. */
const placeOf = ({ site, panels = [] }: EcuSettings): Place => ({
  panels,
  ...(site && {
    sunElevationDegrees: Math.round(sunAt(site, Date.now()).elevation * 100) / 100,
  }),
});

const monitorOf = (
  ecu: EcuConfig,
  settings: EcuDefaults,
  line: Line,
  log: Logger,
  memory: {
    readonly remembered: Memory | undefined;
    readonly onMemory: (memory: Memory) => void;
  },
): Monitor => {
  const clock = systemClock;
  return createMonitor({
    ecu: ecu.name,
    read: (half) =>
      readEcu({
        ...half,
        exchange: async (request, signal) => {
          const reply = await line(() => exchange(ecu, request, signal), signal);
          if (log.isLevelEnabled("debug")) log.debug(captureOf(ecu, request, reply.bytes), "reply");
          return reply;
        },
        clock,
        retries: settings.retries,
        retryPauseMs: RETRY_PAUSE_MS,
      }),
    minIntervalMs: settings.minInterval,
    timeoutMs: settings.timeout * READ_SHARE,
    zone: settings.timezone ?? machineZone(),
    clock,
    log,
    ...memory,
  });
};

/** A question and its answer, in a form that can be attached to a report. */
const captureOf = (ecu: EcuConfig, request: Uint8Array, received: Buffer) => ({
  ecu: ecu.name,
  request: Buffer.from(request).toString("latin1").trimEnd(),
  received: received.toString("hex"),
});

/** UTC where the variable TZ is empty or names no zone of the time zone database. */
const machineZone = (): string => {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  return timeZone !== undefined && isZone(timeZone) ? timeZone : "UTC";
};
