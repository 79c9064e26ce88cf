import { homedir } from "node:os";
import { join } from "node:path";

/** The path of a file in the cache folder, which `scripts/fetch-newer-programs` fills. */
export const cachedPath = (path: string): string => {
  const cache = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  return join(cache, "apsystems-ecu-exporter", path);
};

/** The path of a program of Debian unstable. */
export const newerProgram = (name: string): string => cachedPath(`debian-unstable/usr/bin/${name}`);
