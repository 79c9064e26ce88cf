/** Files that are whole or not there. */
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { UsageError } from "../config/config.ts";

/** What the system's errors mean to whoever named the file. */
const reasons: Readonly<Record<string, string>> = {
  ENOENT: "there is no such folder",
  ENOTDIR: "there is no such folder",
  EACCES: "this user may not write there",
  EPERM: "this user may not write there",
  EROFS: "nothing can be written there",
  ENOSPC: "the disk is full",
};

/**
 * Makes sure that a file can be written there, before the trouble of making its text.
 * @throws UsageError
 */
export const checkPlace = async (path: string): Promise<void> => {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) throw refused(path, "it is a folder");
  // A device or a pipe must not be replaced by a file.
  if (found?.isFile() === false) throw refused(path, "it is no plain file");
  const beside = besideOf(path);
  try {
    await (await open(beside, "wx")).close();
    await rm(beside, { force: true });
  } catch (cause) {
    throw refused(path, reasonOf(cause), { cause });
  }
};

/** Writes a file that `checkPlace` found to be possible. @throws UsageError */
export const writeWhole = async (path: string, text: string): Promise<void> => {
  try {
    await replaceFile(path, text);
  } catch (cause) {
    throw refused(path, reasonOf(cause), { cause });
  }
};

/**
 * Puts a text in the place of a file; whoever reads, or cuts the power, finds the old one or the new one. Makes the folders
 * that are missing.
 * @param mode who may read and write it, as far as the system's usual mask allows
 */
export const replaceFile = async (path: string, text: string, mode = 0o666): Promise<void> => {
  const beside = besideOf(path);
  await mkdir(dirname(path), { recursive: true });
  try {
    {
      await using file = await open(beside, "wx", mode);
      await file.writeFile(text);
      await file.sync();
    }
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
};

/** One for each process, so that two of them do not meet. */
const besideOf = (path: string): string => `${path}.${process.pid}.tmp`;

const refused = (path: string, why: string, options?: ErrorOptions): UsageError =>
  new UsageError([`${path} cannot be written: ${why}`], options);

const reasonOf = (error: unknown): string => {
  const { code = "", message } = error as NodeJS.ErrnoException;
  return reasons[code] ?? message;
};
