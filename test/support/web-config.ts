import { renameSync, writeFileSync } from "node:fs";
import { pino } from "pino";
import { loadWebConfig } from "../../src/http/web-config/file.ts";
import { watchWebConfig } from "../../src/http/web-config/watch.ts";

/** A bcrypt hash. */
export const HASH = "$2y$10$mDwo.lAisC94iLAyP81MCesa29IzH37oigHC/42V2pdJlUprsJPze";

/** A file with one user. */
export const userFile = (name: string): string => `basic_auth_users:\n  ${name}: ${HASH}\n`;

/** Loads a file with this text. @returns its problems, without the path of the folder */
export const findProblems = (
  folder: string,
  file: string,
  text: string | Uint8Array,
): readonly string[] => {
  writeFileSync(file, text);
  const { result } = loadWebConfig(file);
  return "problems" in result ? result.problems.map((it) => it.replaceAll(`${folder}/`, "")) : [];
};

/** Replaces a file atomically. */
export const replaceFile = (file: string, text: string): void => {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
};

/** Watches a file. `later` is the configuration one second later; `logged` has the lines of the log. */
export const watchFile = (file: string) => {
  let time = 0;
  const logged: Record<string, unknown>[] = [];
  const log = pino(
    { base: null, timestamp: false },
    { write: (line) => void logged.push(JSON.parse(line)) },
  );
  const config = watchWebConfig(file, { log, now: () => time });
  const later = () => {
    time += 1_000;
    return config();
  };
  return { config, later, logged };
};
