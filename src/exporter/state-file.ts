/**
 * What the rules for glitches remember of each ECU, kept in a file so that a restart does not lose it (docs/protocol.md#lifetime-energy). The memory stays the monitors' own: they are given it once, and tell it after every read.
 */
import { readFile, rename, stat } from "node:fs/promises";
import type { Logger } from "pino";
import { type Memory, noMemory } from "../ecu/validate.ts";
import { writeFileAtomic } from "../files.ts";
import type { Clock } from "../time/clock.ts";
import { formatState, parseState } from "./state-format.ts";

/** Memories of ECUs by the names these are configured with. */
export interface StateFile extends AsyncDisposable {
  /** What was known of an ECU when the file was opened. */
  recall(ecu: string): Memory;
  /** Writes where the memory is another than the last one; in the background, and never fails. */
  remember(ecu: string, memory: Memory): void;
  /** Waits for a write that goes on, and begins no further one. */
  close(): Promise<void>;
}

interface StateFileOptions {
  readonly path: string;
  readonly clock: Pick<Clock, "now" | "monotonic">;
  readonly log: Logger;
}

/** A file of hundreds of ECUs is smaller than this. */
const MAX_BYTES = 2 ** 20;

/**
 * Opens the file. One that is missing is made at the first write; one that is invalid is put aside as
 * `PATH.unusable`, with a warning, and all begins afresh. Never throws.
 */
export const openStateFile = async (options: StateFileOptions): Promise<StateFile> => {
  const { path, clock, log } = options;
  let memories = new Map<string, Memory>();
  let isOurs = true;
  try {
    const text = await readState(path);
    if (text !== undefined) memories = parseState(text, clock);
  } catch (err) {
    isOurs = await moveAside(path);
    const rest = isOurs ? "starting afresh" : "nothing will be kept";
    log.warn({ path, err }, `the state file is invalid: ${(err as Error).message}; ${rest}`);
  }
  const recalled = new Map(memories);

  let isClosed = false;
  let isFailing = false;
  let isChanged = false;
  let writing: Promise<void> | undefined;

  const write = async (): Promise<void> => {
    while (isChanged) {
      isChanged = false;
      try {
        await writeFileAtomic(path, formatState(memories, clock), {
          mode: 0o600,
          temporary: `${path}.tmp`,
        });
        if (isFailing) log.info({ path }, "the state file can be written again");
        isFailing = false;
      } catch (err) {
        const problem = `the state file cannot be written: ${(err as Error).message}`;
        log[isFailing ? "debug" : "warn"]({ path, err }, problem);
        isFailing = true;
      }
    }
    writing = undefined;
  };
  const close = async (): Promise<void> => {
    isClosed = true;
    await writing;
  };
  return {
    recall: (ecu) => recalled.get(ecu) ?? noMemory,
    remember: (ecu, memory) => {
      const isKnown = JSON.stringify(memories.get(ecu)) === JSON.stringify(memory);
      if (isKnown || isClosed || !isOurs) return;
      memories.set(ecu, memory);
      isChanged = true;
      writing ??= write();
    },
    close,
    [Symbol.asyncDispose]: close,
  };
};

/** @returns nothing where there is no such file. @throws Error where it cannot be read, or is no file. */
const readState = async (path: string): Promise<string | undefined> => {
  try {
    const { size } = await statRegularFile(path);
    if (size > MAX_BYTES) throw new Error(`${size} bytes are too many`);
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
};

/** A pipe would never end, and a device must not be replaced by a file. */
const statRegularFile = async (path: string): Promise<{ size: number }> => {
  const found = await stat(path);
  if (!found.isFile()) throw new Error("it is not a regular file");
  return found;
};

/** Whether the place is free for a file of ours. What someone else wrote there is not lost. */
const moveAside = async (path: string): Promise<boolean> => {
  try {
    await statRegularFile(path);
    await rename(path, `${path}.unusable`);
    return true;
  } catch {
    return false;
  }
};
