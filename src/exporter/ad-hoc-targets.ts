/** Targets that are probed but not configured. */
import { ECU_PORT } from "../ecu/address.ts";
import { createAddressKey } from "./address-queues.ts";
import type { ScrapeTarget, TargetFactory, UpdatableTarget } from "./target.ts";

const MAX_TARGETS = 1_000;
const MAX_READS = 40;

export interface AdHocTargets {
  /**
   * The target at an address; the same one as long as it is used from time to time.
   * `undefined` if too many others are being read.
   */
  readonly find: (name: string, address: string) => ScrapeTarget | undefined;
  readonly all: () => Iterable<ScrapeTarget>;
}

/** Creates the collection of ad-hoc targets. At the maximum, the idle target that was used least recently is dropped. */
export const createAdHocTargets = ({ create, releaseAddress }: TargetFactory): AdHocTargets => {
  const targets = new Map<string, UpdatableTarget>();
  const countReads = (): number =>
    [...targets.values()].filter(({ monitor }) => monitor.isReading()).length;
  /** @returns whether there is room for one more */
  const makeRoom = (): boolean => {
    if (targets.size < MAX_TARGETS) return true;
    const idle = [...targets].find(([, { monitor }]) => monitor.isIdle());
    if (idle === undefined) return false;
    const [key, { ecu }] = idle;
    targets.delete(key);
    releaseAddress(ecu);
    return true;
  };
  return {
    find: (name, address) => {
      const ecu = { name, host: address, port: ECU_PORT };
      const key = createAddressKey(ecu);
      const existing = targets.get(key);
      if (existing?.monitor.isReading() !== true && countReads() >= MAX_READS) return undefined;
      if (existing === undefined && !makeRoom()) return undefined;
      const target = existing ?? create(ecu, { isConfigured: false }); // without a state file: the client chose the name
      targets.delete(key); // so that it becomes the most recent one
      targets.set(key, target);
      return target;
    },
    all: () => targets.values(),
  };
};
