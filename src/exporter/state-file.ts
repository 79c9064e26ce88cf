/**
 * The state file: the memory of the energy counters survives a restart (docs/protocol.md#lifetime-energy). It is read at the start,
 * and written after each read that changed a memory. A write that failed is tried again each minute and at the end. Only one
 * exporter uses it at a time.
 */
import { access, constants, open, rename, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { Logger } from "pino";
import { UsageError } from "../config/usage-error.ts";
import { describeFileError, removeTemporaries, writeFileAtomic } from "../files.ts";
import type { Clock } from "../time/clock.ts";
import { type FileLock, lockFile } from "./file-lock.ts";
import { createMemories, type Memories, type MemoryEntry } from "./memories.ts";
import { formatState, isState, parseState } from "./state-format.ts";

export interface StateFile extends AsyncDisposable {
  /** The memories; each change is written in the background. */
  readonly memories: Memories;
  /** Waits for a write in progress, or tries the last one again if it failed. Starts no further one. */
  close(): Promise<void>;
}

interface StateFileOptions {
  readonly path: string;
  readonly clock: Pick<Clock, "now" | "monotonic" | "schedule">;
  readonly log: Logger;
}

/** Larger than the file of thousands of ECUs. */
const MAX_BYTES = 8 * 2 ** 20;
/** Time until a write that failed is tried again: at night, no read changes a value. */
const RETRY_MS = 60_000;

/**
 * Opens the file. A missing file is created by the first write. A damaged file is renamed to `PATH.unusable` with a warning,
 * and the memory starts empty. A file that is not a state file stays as it is, also if it appears later. A folder in which nothing can be
 * written is a warning.
 * @throws UsageError if the file is not a state file, cannot be read, or is used by another exporter
 */
export const openStateFile = async (options: StateFileOptions): Promise<StateFile> => {
  const { path, clock, log } = options;
  const lock = createStateLock(options);
  const entries = await load(options, lock).catch(async (error: Error) => {
    await lock.release();
    throw new UsageError([`--state.file: ${path} cannot be used: ${error.message}`], {
      cause: error,
    });
  });
  let isClosed = false;
  let isFailing = false;
  let isChanged = false;
  let cancelRetry: (() => void) | undefined;
  let writing: Promise<void> | undefined;

  const reportFailure = (error: unknown): void => {
    const problem = `the state file cannot be written: ${describeWriteError(error)}`;
    log[isFailing ? "debug" : "warn"]({ path }, problem);
    isFailing = true;
  };
  await access(`${dirname(path)}/.`, constants.W_OK).catch(reportFailure);

  const write = async (): Promise<void> => {
    while (isChanged) {
      isChanged = false;
      cancelRetry?.();
      cancelRetry = undefined;
      try {
        await lock.acquire();
        await readState(path);
        await writeFileAtomic(path, formatState(entries, clock), { mode: 0o600 });
        if (isFailing) log.info({ path }, "the state file can be written again");
        isFailing = false;
      } catch (error) {
        reportFailure(error);
        if (!isClosed) cancelRetry = clock.schedule(RETRY_MS, onChange);
      }
    }
    writing = undefined;
  };
  const onChange = (): void => {
    if (isClosed) return;
    isChanged = true;
    writing ??= write();
  };
  const close = async (): Promise<void> => {
    if (cancelRetry !== undefined) onChange();
    isClosed = true;
    cancelRetry?.();
    await writing;
    await lock.release();
  };
  return {
    memories: createMemories({ entries, onChange, now: clock.now }),
    close,
    [Symbol.asyncDispose]: close,
  };
};

const describeWriteError = (error: unknown): string => {
  const problem = describeFileError("write", error);
  const { code } = error as NodeJS.ErrnoException;
  return code === undefined ? problem : `${problem}; correct this, or set another path`;
};

/** @throws Error if the file cannot be used */
const load = async (
  { path, clock, log }: StateFileOptions,
  lock: StateLock,
): Promise<Map<string, MemoryEntry>> => {
  await lock.acquire();
  const text = await readState(path);
  try {
    return text === undefined ? new Map() : parseState(text, clock);
  } catch (err) {
    const kept = `${path}.unusable`;
    const isKept = await rename(path, kept).then(
      () => true,
      () => false, // the next write reports a read-only folder
    );
    const problem = `the state file is invalid: ${(err as Error).message}; starting with an empty state`;
    log.warn({ path }, isKept ? `${problem}; the invalid file is now ${kept}` : problem);
    return new Map();
  }
};

interface StateLock {
  /** Locks the file, unless it is locked already. @throws Error if another process holds the lock */
  acquire(): Promise<void>;
  release(): Promise<void>;
}

/** Errors of a folder in which nothing can be written: a write reports them. */
const folderErrors = new Set(["ENOENT", "ENOTDIR", "EACCES", "EROFS", "ENOSPC"]);

/** Some file systems have no sockets. There, the exporter works without a lock, with a warning. */
const createStateLock = ({ path, log }: StateFileOptions): StateLock => {
  let lock: FileLock | undefined;
  let isImpossible = false;
  return {
    acquire: async () => {
      if (lock !== undefined || isImpossible) return;
      try {
        lock = await lockFile(path);
      } catch (err) {
        if (folderErrors.has((err as NodeJS.ErrnoException).code ?? "")) return;
        isImpossible = true;
        const problem = `the state file cannot be locked: ${(err as Error).message}`;
        log.warn({ path }, `${problem}; make sure that no other exporter uses it`);
        return;
      }
      if (lock === undefined) throw new Error(IN_USE);
      await removeTemporaries(path).catch(() => {}); // of processes that were killed
    },
    release: async () => {
      await lock?.release();
      lock = undefined;
    },
  };
};

const IN_USE = "another exporter is using it; give each exporter its own file";
const NOT_OURS = "it is not a state file of this exporter; set another path";

/**
 * Reads a file that the exporter may replace: one of its own, also if it is damaged, or an empty one.
 * @returns `undefined` if the file is missing
 * @throws Error if it is of another kind or cannot be read
 */
const readState = async (path: string): Promise<string | undefined> => {
  let text = "";
  try {
    // Reading a pipe would never end, and a device must not be replaced by a file.
    if (!(await stat(path)).isFile()) throw new Error(NOT_OURS);
    await using file = await open(path);
    const chunks = file.createReadStream({ encoding: "utf8", end: MAX_BYTES, autoClose: false });
    for await (const chunk of chunks) text += chunk;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw code === undefined ? cause : new Error(describeFileError("read", cause), { cause });
  }
  if (!isState(text)) throw new Error(NOT_OURS);
  return text;
};
