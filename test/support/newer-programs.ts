import { homedir } from "node:os";
import { join } from "node:path";

/** The path of a program of Debian unstable, which `scripts/fetch-newer-programs` puts into the cache folder. */
export const newerProgram = (name: string): string => {
  const cache = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  return join(cache, "apsystems-ecu-exporter/debian-unstable/usr/bin", name);
};
