/** The memory of each ECU by its configured name. It outlives the target, so that a reload starts with what the last read left. */

import { type Memory, noMemory } from "../ecu/memory.ts";
import type { MonitorMemory } from "../ecu/monitor.ts";

/** The memory of one name. */
export interface MemoryEntry {
  readonly memory: Memory;
  /** Since when no ECU with this name is configured, in milliseconds since 1970. */
  readonly unconfiguredSince?: number;
}

export interface Memories {
  /** The memory of an ECU, for its monitor. */
  readonly select: (ecu: string) => MonitorMemory;
  /** Sets the names of the configured ECUs. Other names are forgotten after 90 days. */
  readonly setConfigured: (ecus: readonly string[]) => void;
}

interface MemoriesOptions {
  /** The memories at the start; changed in place. */
  readonly entries?: Map<string, MemoryEntry>;
  /** Called after each change that must be written. Must not throw. */
  readonly onChange?: () => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

const FORGOTTEN_AFTER_MS = 90 * 24 * 60 * 60 * 1000;

/** @see Memories */
export const createMemories = ({
  entries = new Map(),
  onChange = () => {},
  now,
}: MemoriesOptions): Memories => {
  const set = (ecu: string, entry: MemoryEntry): void => {
    const isEqual = listValues(entries.get(ecu)) === listValues(entry);
    entries.set(ecu, entry);
    forgetUnconfigured(entries, now());
    if (!isEqual) onChange();
  };
  return {
    select: (ecu) => ({
      recall: () => entries.get(ecu)?.memory ?? noMemory,
      remember: (memory) => set(ecu, { ...entries.get(ecu), memory }),
    }),
    setConfigured: (ecus) => {
      const configured = new Set(ecus);
      for (const [ecu, { memory, unconfiguredSince = now() }] of entries) {
        if (configured.has(ecu)) set(ecu, { memory });
        else set(ecu, { memory, unconfiguredSince });
      }
    },
  };
};

/** All values except the time at which a counter was last seen: it changes with each read, and an older one also works. */
const listValues = (entry: MemoryEntry | undefined): string | undefined =>
  JSON.stringify(entry, (key, value: unknown) => (key === "seen" ? undefined : value));

/** Removes the names that have not been configured for 90 days. */
const forgetUnconfigured = (entries: Map<string, MemoryEntry>, now: number): void => {
  for (const [ecu, { unconfiguredSince = now }] of entries)
    if (now - unconfiguredSince > FORGOTTEN_AFTER_MS) entries.delete(ecu);
};
