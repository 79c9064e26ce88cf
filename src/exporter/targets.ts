/** The ECUs that are scraped: one monitor each, and one connection at a time to each address. */
import { isIPv6 } from "node:net";
import type { Logger } from "pino";
import type { EcuConfig, EcuSettings } from "../config/ecu-settings.ts";
import { ecuAddress } from "../config/values.ts";
import { canonicalHost, ECU_PORT } from "../ecu/address.ts";
import { type Clock, systemClock } from "../time/clock.ts";
import { createAdHocTargets } from "./ad-hoc-targets.ts";
import { createAddressKey } from "./address-queues.ts";
import { createMemories, type Memories } from "./memories.ts";
import { createTargetFactory, type ScrapeTarget, type UpdatableTarget } from "./target.ts";

export interface Targets {
  /** The configured targets. */
  readonly all: () => readonly ScrapeTarget[];
  /**
   * The configured targets that a name, an address, or an address with port means, in any notation. An address without port
   * means the target at the ECUs' port or, without such a target, all targets at the address.
   */
  readonly find: (text: string) => readonly ScrapeTarget[];
  /** The target at an address, configured or not. `undefined` if too many that are not configured are being read. */
  readonly findAtAddress: (name: string, address: string) => ScrapeTarget | undefined;
  /** Replaces the configured ECUs. A target with the same name and address continues with its new settings. */
  readonly replace: (ecus: readonly EcuConfig[]) => void;
  /** Aborts reads in flight. */
  readonly close: () => void;
}

export interface TargetsOptions {
  readonly ecus: readonly EcuConfig[];
  /** The settings of an ECU without its own. */
  readonly defaults: EcuSettings;
  /** The memories of the configured ECUs, which outlive their targets. Without them, they end with the process. */
  readonly memories?: Memories | undefined;
  /** Default: the machine's time. */
  readonly clock?: Clock | undefined;
  readonly log: Logger;
}

/** @see Targets */
export const createTargets = ({
  ecus,
  defaults,
  clock = systemClock,
  memories = createMemories(clock),
  log,
}: TargetsOptions): Targets => {
  const factory = createTargetFactory({ defaults, clock, log });
  const adHocTargets = createAdHocTargets(factory);
  let targets: readonly UpdatableTarget[] = [];

  const replace = (replacement: readonly EcuConfig[]): void => {
    const previous = new Map(targets.map((target) => [createTargetKey(target.ecu), target]));
    targets = replacement.map((ecu) => {
      const target = previous.get(createTargetKey(ecu));
      if (target === undefined) return factory.create(ecu, { isConfigured: true, memories });
      previous.delete(createTargetKey(ecu));
      target.update(ecu);
      return target;
    });
    for (const { monitor, ecu } of previous.values()) {
      monitor.close();
      factory.forget(ecu);
    }
    memories.setConfigured(replacement.map(({ name }) => name));
  };
  replace(ecus);
  return {
    all: () => targets,
    find: (text) => findTargets(targets, text),
    findAtAddress: (name, address) => {
      const key = createAddressKey({ host: address, port: ECU_PORT });
      const configured = targets.find(({ ecu }) => createAddressKey(ecu) === key);
      return configured ?? adHocTargets.find(name, address);
    },
    replace,
    close: () => {
      for (const { monitor } of [...targets, ...adHocTargets.all()]) monitor.close();
    },
  };
};

const createTargetKey = (ecu: EcuConfig): string => `${ecu.name} ${createAddressKey(ecu)}`;

const findTargets = (targets: readonly ScrapeTarget[], text: string): readonly ScrapeTarget[] => {
  const byName = targets.filter(({ ecu }) => ecu.name === text);
  if (byName.length > 0) return byName;
  const address = parseTarget(text);
  if (address === undefined) return [];
  const { host, port, hasPort } = address;
  const atHost = targets.filter(({ ecu }) => canonicalHost(ecu.host) === canonicalHost(host));
  const atPort = atHost.filter(({ ecu }) => ecu.port === port);
  return atPort.length > 0 || hasPort ? atPort : atHost;
};

/** Host and port of a target; an IPv6 address needs no brackets. `undefined` if the text is not an address. */
export const parseTarget = (text: string) => {
  try {
    const { host, port } = ecuAddress(isIPv6(text) ? `[${text}]` : text);
    return { host, port, hasPort: !isIPv6(text) && /:\d+$/.test(text) };
  } catch {
    return undefined;
  }
};
