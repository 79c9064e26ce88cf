/** Files: read whole, watched for changes, and replaced atomically. */
import { randomBytes } from "node:crypto";
import { closeSync, openSync, readFileSync, statSync } from "node:fs";
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { devNull } from "node:os";
import { basename, dirname, join } from "node:path";
import { UsageError } from "./config/usage-error.ts";

const MAX_KIB = 1024;

/** What an error of the file system means to the user. */
const meanings = {
  read: {
    ENOENT: "there is no such file",
    ENOTDIR: "there is no such file",
    EACCES: "this user may not read it",
    EISDIR: "it is a folder",
  },
  write: {
    ENOENT: "there is no such folder",
    ENOTDIR: "there is no such folder",
    EACCES: "this user may not write there",
    EPERM: "this user may not write there",
    EROFS: "the file system is read-only",
    ENOSPC: "the disk is full",
  },
} as const satisfies Record<string, Readonly<Record<string, string>>>;

/** Describes an error of the file system in words. */
export const describeFileError = (operation: keyof typeof meanings, error: unknown): string => {
  const { code = "", message } = error as NodeJS.ErrnoException;
  return (meanings[operation] as Readonly<Record<string, string>>)[code] ?? message;
};

/**
 * Reads a regular file.
 * @param maxKib maximum size in KiB, 1 MiB if absent
 * @throws Error whose message completes «FILE …»
 */
export const readRegularFile = (path: string, maxKib = MAX_KIB): Buffer => {
  try {
    const stats = statSync(path);
    if (!stats.isFile() && !stats.isDirectory()) throw new Error("it is not a regular file");
    if (stats.size > maxKib * 1024)
      throw new Error(`it is larger than ${maxKib === MAX_KIB ? "1 MiB" : `${maxKib} KiB`}`);
    return readFileSync(path);
  } catch (cause) {
    throw new Error(`cannot be read: ${describeFileError("read", cause)}`, { cause });
  }
};

/** The error `EMFILE` or `ENFILE` if this process can open no more files; otherwise `undefined`. */
export const findFileLimit = (): unknown => {
  try {
    closeSync(openSync(devNull, "r"));
    return undefined;
  } catch (error) {
    return error;
  }
};

/** A text that differs whenever the file was changed, replaced, deleted or created. */
export const fileStamp = (path: string): string => {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join(" ");
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
};

/**
 * Checks that a file can be written at the path, before the work of producing its content.
 * @param mayReplace whether the user allowed to replace a file (--force)
 * @throws UsageError
 */
export const assertWritable = async (path: string, mayReplace: boolean): Promise<void> => {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) throw cannotWrite(path, "it is a folder");
  // A device or a pipe must not be replaced by a file.
  if (found?.isFile() === false) throw cannotWrite(path, "it is not a regular file");
  if (found !== undefined && !mayReplace)
    throw cannotWrite(path, "it exists; choose another name, or set --force to replace it");
  const temporary = temporaryPath(path);
  try {
    await (await open(temporary, "wx")).close();
    await rm(temporary, { force: true });
  } catch (cause) {
    throw cannotWrite(path, describeFileError("write", cause), { cause });
  }
};

/** Writes a file that the user named. @throws UsageError */
export const writeOutputFile = async (path: string, text: string): Promise<void> => {
  try {
    await writeFileAtomic(path, text);
  } catch (cause) {
    throw cannotWrite(path, describeFileError("write", cause), { cause });
  }
};

export interface WriteOptions {
  /** Permissions of the file, before the process's umask. */
  readonly mode?: number;
  /** Whether missing folders are created. */
  readonly makeFolders?: boolean;
}

/**
 * Replaces a file. A reader, or a machine that loses power, finds the old content or the new content, never a part.
 * @throws Error of the file system
 */
export const writeFileAtomic = async (
  path: string,
  text: string,
  { mode = 0o666, makeFolders = false }: WriteOptions = {},
): Promise<void> => {
  if (makeFolders) await mkdir(dirname(path), { recursive: true });
  const temporary = temporaryPath(path);
  try {
    {
      await using file = await open(temporary, "wx", mode);
      await file.writeFile(text);
      await file.sync();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
};

/**
 * Removes the temporary files that killed processes left beside a file. No other process may be writing the file.
 * @throws Error of the file system
 */
export const removeTemporaries = async (path: string): Promise<void> => {
  const { isSibling } = createSiblingName(path, "tmp");
  const found = (await readdir(dirname(path))).filter(isSibling);
  await Promise.all(found.map((name) => rm(join(dirname(path), name), { force: true })));
};

/**
 * A new name for a file beside a file: what a killed process left behind must not stop others, and in a container every process has
 * id 1.
 * @returns the name, and whether another name was made in the same way for the same file
 */
export const createSiblingName = (
  path: string,
  ending: string,
): { readonly name: string; readonly isSibling: (name: string) => boolean } => {
  const start = `${basename(path)}.`;
  return {
    name: `${start}${randomBytes(6).toString("hex")}.${ending}`,
    isSibling: (name) =>
      name.startsWith(start) &&
      name.endsWith(`.${ending}`) &&
      /^[0-9a-f]{12}$/.test(name.slice(start.length, -ending.length - 1)),
  };
};

const temporaryPath = (path: string): string =>
  join(dirname(path), createSiblingName(path, "tmp").name);

const cannotWrite = (path: string, reason: string, options?: ErrorOptions): UsageError =>
  new UsageError([`${path} cannot be written: ${reason}`], options);
