/** Days already read from an ECU, in a file in the user's cache folder, so that no day is requested twice. */
import { readFile, rename, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { z } from "zod";
import { UsageError } from "../config/usage-error.ts";
import type { EcuAddress } from "../config/values.ts";
import { writeFileAtomic } from "../files.ts";
import type { DayPower } from "../protocol/replies.ts";
import type { Command } from "../protocol/requests.ts";
import { isDate } from "../time/calendar.ts";

/** Commands that some ECUs do not support. */
export type OptionalCommand = Extract<Command, "clock" | "energy" | "dayPower">;

export interface HistoryCache {
  /** Curves of finished days, by yyyymmdd. */
  readonly curves: ReadonlyMap<string, DayPower>;
  /** Whether the ECU is known not to support a command. */
  isUnsupported(command: OptionalCommand): boolean;
  /** Binds the cache to an ECU. Another ECU clears it; another firmware clears the unsupported commands. */
  bindTo(ecuId: string, firmware: string): void;
  /** Stores a finished day. */
  keep(date: string, curve: DayPower): Promise<void>;
  /** Remembers that the ECU does not support a command. */
  markUnsupported(command: OptionalCommand): Promise<void>;
}

const content = z.strictObject({
  version: z.literal(1),
  ecuId: z.string(),
  firmware: z.string(),
  unknown: z.array(z.enum(["clock", "energy", "dayPower"])),
  /** hhmm and watts of each record. */
  days: z.record(
    z.string().refine(isDate),
    z.array(z.tuple([z.string().length(4), z.int().min(0).max(65_535)])),
  ),
});
type Content = z.infer<typeof content>;

const nothing: Content = { version: 1, ecuId: "", firmware: "", unknown: [], days: {} };

/** Path of the cache of an ECU, unless the user names one. */
export const defaultCachePath = (
  { host, port }: EcuAddress,
  env: Readonly<Record<string, string | undefined>>,
): string => {
  const named = env["XDG_CACHE_HOME"] ?? "";
  const home = isAbsolute(named) ? named : join(homeFolder(), ".cache");
  const file = `${host.replace(/[^\p{L}\p{N}.-]/gu, "_")}_${port}.json`;
  return join(home, "apsystems-ecu-exporter", file);
};

/** @throws UsageError where the user has no home */
const homeFolder = (): string => {
  try {
    return homedir();
  } catch (cause) {
    throw new UsageError(["this user has no home folder; set --cache"], { cause });
  }
};

interface CacheOptions {
  readonly path: string;
  /** Called with one line for each problem with the file. */
  readonly report: (line: string) => void;
  /** Whether the file must not be written. */
  readonly isReadOnly?: boolean;
}

/**
 * Opens the cache. An invalid file is renamed to `FILE.broken`. A file that cannot be written is reported once.
 * @throws UsageError where the path holds a file of another kind
 */
export const openCache = async (options: CacheOptions): Promise<HistoryCache> => {
  const { path, report, isReadOnly = false } = options;
  let { isOurs, known } = await loadContent(options);
  const curves = new Map<string, DayPower>(
    Object.entries(known.days).map(([date, records]) => [
      date,
      records.map(([time, powerWatts]) => ({ time, powerWatts })),
    ]),
  );

  const write = async (): Promise<void> => {
    if (isReadOnly || !isOurs) return;
    try {
      await writeFileAtomic(path, `${JSON.stringify(known)}\n`, {
        mode: 0o600,
        makeFolders: true,
      });
    } catch (error) {
      isOurs = false; // reported once
      report(`${path} cannot be written; no day is stored: ${(error as Error).message}`);
    }
  };
  return {
    curves,
    isUnsupported: (query) => known.unknown.includes(query),
    bindTo: (ecuId, firmware) => {
      if (known.ecuId !== ecuId) {
        curves.clear();
        known = { ...nothing, ecuId, firmware };
      }
      if (known.firmware !== firmware) known = { ...known, firmware, unknown: [] };
    },
    keep: (date, curve) => {
      curves.set(date, curve);
      const records = curve.map(({ time, powerWatts }): [string, number] => [time, powerWatts]);
      known = { ...known, days: { ...known.days, [date]: records } };
      return write();
    },
    markUnsupported: (query) => {
      known = { ...known, unknown: [...new Set([...known.unknown, query])] };
      return write();
    },
  };
};

const loadContent = async ({
  path,
  report,
  isReadOnly,
}: CacheOptions): Promise<{ readonly known: Content; readonly isOurs: boolean }> => {
  try {
    return { known: content.parse(JSON.parse(await readFile(path, "utf8"))), isOurs: true };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { known: nothing, isOurs: true };
    if (!(await isCache(path)))
      throw new UsageError([`--cache: ${path} is not a cache file; set another path`], {
        cause: error,
      });
    if (isReadOnly) {
      report(`${path} is invalid`);
      return { known: nothing, isOurs: false };
    }
  }
  try {
    await rename(path, `${path}.broken`);
    report(`${path} is invalid; renamed to ${path}.broken, all days are requested again`);
    return { known: nothing, isOurs: true };
  } catch (error) {
    report(`${path} is invalid, and no day is stored: ${(error as Error).message}`);
    return { known: nothing, isOurs: false };
  }
};

/** The start of each cache, and a file without content. */
const CACHE = /^(\{"version":\d+,"ecuId":|[\s\0]*$)/;

/** Whether the file is a cache, even if it is damaged or of another version. */
const isCache = async (path: string): Promise<boolean> => {
  try {
    return (await stat(path)).isFile() && CACHE.test(await readFile(path, "utf8"));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOTDIR"; // a missing folder is reported later
  }
};
