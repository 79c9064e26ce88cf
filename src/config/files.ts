/** Files that are read again when they change. */
import { readFileSync, statSync } from "node:fs";

const MOST_BYTES = 1024 * 1024;

/** Why a file was not read, in words. */
const reasons: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  ENOTDIR: "there is no such file",
  EACCES: "this user may not read it",
  EISDIR: "it is a folder",
};

/**
 * The bytes of a plain file of a bearable size.
 * @throws Error whose message completes «FILE …»
 */
export const readPlainFile = (path: string): Buffer => {
  try {
    const stat = statSync(path);
    if (!stat.isFile() && !stat.isDirectory()) throw new Error("it is no plain file");
    if (stat.size > MOST_BYTES) throw new Error("it is larger than 1 MiB");
    return readFileSync(path);
  } catch (cause) {
    const { code = "", message } = cause as NodeJS.ErrnoException;
    throw new Error(`cannot be read: ${reasons[code] ?? message}`, { cause });
  }
};

/** Another text whenever the file was changed, replaced, taken away or brought back. */
export const stampOf = (path: string): string => {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join(" ");
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
};
