/** The ECUs that are scraped: one monitor each, and one connection at a time to each address. */
import type { Logger } from "pino";
import type { EcuConfig, EcuSettings } from "../config/ecu-settings.ts";
import { ecuAddress } from "../config/values.ts";
import { canonicalHost, ECU_PORT, normalizeAddress } from "../ecu/address.ts";
import { createAdHocTargets } from "./ad-hoc-targets.ts";
import type { StateFile } from "./state-file.ts";
import {
  createAddressKey,
  createTargetFactory,
  type ScrapeTarget,
  type UpdatableTarget,
} from "./target.ts";

export interface Targets {
  /** The configured targets. */
  readonly all: () => readonly ScrapeTarget[];
  /** The configured target with a name, address, or address with port, in any notation. */
  readonly find: (text: string) => ScrapeTarget | undefined;
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
  readonly state?: StateFile | undefined;
  readonly log: Logger;
}

/** @see Targets */
export const createTargets = ({ ecus, defaults, state, log }: TargetsOptions): Targets => {
  const factory = createTargetFactory({ defaults, log });
  const adHocTargets = createAdHocTargets(factory);
  let targets: readonly UpdatableTarget[] = [];

  const replace = (replacement: readonly EcuConfig[]): void => {
    const previous = new Map(targets.map((target) => [createTargetKey(target.ecu), target]));
    targets = replacement.map((ecu) => {
      const target = previous.get(createTargetKey(ecu));
      if (target === undefined) return factory.create(ecu, state);
      previous.delete(createTargetKey(ecu));
      target.update(ecu);
      return target;
    });
    for (const { monitor } of previous.values()) monitor.close();
  };
  replace(ecus);
  return {
    all: () => targets,
    find: (text) => findTarget(targets, text),
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

const findTarget = (targets: readonly ScrapeTarget[], text: string): ScrapeTarget | undefined => {
  const byName = targets.find(({ ecu }) => ecu.name === text);
  if (byName !== undefined) return byName;
  const address = parseTarget(text);
  if (address === undefined) return undefined;
  const { host, port, hasPort } = address;
  const atHost = targets.filter(({ ecu }) => canonicalHost(ecu.host) === host);
  return atHost.find(({ ecu }) => ecu.port === port) ?? (hasPort ? undefined : atHost[0]);
};

/** Host and port of a target; `undefined` if the text is not an address. */
const parseTarget = (text: string) => {
  try {
    const { host, port } = ecuAddress(text);
    return { host: canonicalHost(host), port, hasPort: text.endsWith(`:${port}`) };
  } catch {
    // An IPv6 address without brackets.
    const address = normalizeAddress(text);
    return address === undefined ? address : { host: address, port: ECU_PORT, hasPort: false };
  }
};
