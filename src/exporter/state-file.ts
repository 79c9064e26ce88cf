/**
 * The state file: the memory of the energy counters survives a restart (docs/protocol.md#lifetime-energy). A monitor gets its
 * memory once, at the start, and stores it after every read.
 */
import { readFile, rename, stat } from "node:fs/promises";
import type { Logger } from "pino";
import { type Memory, noMemory } from "../ecu/memory.ts";
import { describeFileError, writeFileAtomic } from "../files.ts";
import type { Clock } from "../time/clock.ts";
import { formatState, parseState } from "./state-format.ts";

/** The memories of ECUs by their configured names. */
export interface StateFile extends AsyncDisposable {
  /** The memory of an ECU when the file was opened. */
  recall(ecu: string): Memory;
  /** Stores a memory. If it has changed, it is written in the background. Never throws. */
  remember(ecu: string, memory: Memory): void;
  /** Waits for a write in progress, and starts no further one. */
  close(): Promise<void>;
}

interface StateFileOptions {
  readonly path: string;
  readonly clock: Pick<Clock, "now" | "monotonic">;
  readonly log: Logger;
}

/** Larger than the file of hundreds of ECUs. */
const MAX_BYTES = 2 ** 20;

/**
 * Opens the file. A missing file is created by the first write. An invalid file is renamed to `PATH.unusable` with a
 * warning, and the memory starts empty. Never throws.
 */
export const openStateFile = async (options: StateFileOptions): Promise<StateFile> => {
  const { path, clock, log } = options;
  let memories = new Map<string, Memory>();
  let isWritable = true;
  try {
    const text = await readState(path);
    if (text !== undefined) memories = parseState(text, clock);
  } catch (err) {
    isWritable = await moveAside(path);
    const consequence = isWritable ? "starting with an empty state" : "no state will be saved";
    log.warn({ path, err }, `the state file is invalid: ${(err as Error).message}; ${consequence}`);
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
        const problem = `the state file cannot be written: ${describeFileError("write", err)}`;
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
      const isUnchanged = JSON.stringify(memories.get(ecu)) === JSON.stringify(memory);
      if (isUnchanged || isClosed || !isWritable) return;
      memories.set(ecu, memory);
      isChanged = true;
      writing ??= write();
    },
    close,
    [Symbol.asyncDispose]: close,
  };
};

/** @returns `undefined` if the file is missing. @throws Error if it cannot be read, is too large, or is not a regular file */
const readState = async (path: string): Promise<string | undefined> => {
  try {
    const { size } = await statRegularFile(path);
    if (size > MAX_BYTES) throw new Error(`it has ${size} bytes; the maximum is ${MAX_BYTES}`);
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
};

/** Reading a pipe would never end, and a device must not be replaced by a file. */
const statRegularFile = async (path: string): Promise<{ size: number }> => {
  const found = await stat(path);
  if (!found.isFile()) throw new Error("it is not a regular file");
  return found;
};

/** Renames an invalid file, so that it is not lost. @returns whether the path can be used now */
const moveAside = async (path: string): Promise<boolean> => {
  try {
    await statRegularFile(path);
    await rename(path, `${path}.unusable`);
    return true;
  } catch {
    return false;
  }
};
