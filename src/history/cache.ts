/** The days of an ECU that were read already, in a file of the user's, so that none is asked for twice. */
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

/** Questions that some ECUs do not know. */
export type Doubtful = Extract<Command, "clock" | "energy" | "dayPower">;

export interface HistoryCache {
  /** Curves of finished days, by yyyymmdd. */
  readonly curves: ReadonlyMap<string, DayPower>;
  /** Whether the ECU is known not to know a question. */
  isUnknown(question: Doubtful): boolean;
  /** Told who answers: all is forgotten of another ECU, and what it does not know with another firmware. */
  meet(ecuId: string, firmware: string): void;
  /** Keeps a finished day. */
  keep(date: string, curve: DayPower): Promise<void>;
  /** Remembers that the ECU does not know a question. */
  learnUnknown(question: Doubtful): Promise<void>;
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

/** Where the days of an ECU are kept if nothing is said. */
export const cachePathOf = (
  { host, port }: EcuAddress,
  env: Readonly<Record<string, string | undefined>>,
): string => {
  const named = env["XDG_CACHE_HOME"] ?? "";
  const home = isAbsolute(named) ? named : join(homeOf(), ".cache");
  const file = `${host.replace(/[^\p{L}\p{N}.-]/gu, "_")}_${port}.json`;
  return join(home, "apsystems-ecu-exporter", file);
};

/** @throws UsageError where the user has no home */
const homeOf = (): string => {
  try {
    return homedir();
  } catch (cause) {
    throw new UsageError(["this user has no home folder; name a file with --cache"], { cause });
  }
};

interface CacheOptions {
  readonly path: string;
  /** Told what is wrong with the file, in a line. */
  readonly tell: (line: string) => void;
  /** The file is left as it is. */
  readonly isReadOnly?: boolean;
}

/**
 * Opens the cache. A file of no use is put aside as `FILE.broken`; one that cannot be written is told of once.
 * @throws UsageError where another kind of file stands there
 */
export const openCache = async (options: CacheOptions): Promise<HistoryCache> => {
  const { path, tell, isReadOnly = false } = options;
  let { isOurs, known } = await contentOf(options);
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
      isOurs = false; // told once
      tell(`${path} cannot be written, so no day is kept: ${(error as Error).message}`);
    }
  };
  return {
    curves,
    isUnknown: (question) => known.unknown.includes(question),
    meet: (ecuId, firmware) => {
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
    learnUnknown: (question) => {
      known = { ...known, unknown: [...new Set([...known.unknown, question])] };
      return write();
    },
  };
};

const contentOf = async ({
  path,
  tell,
  isReadOnly,
}: CacheOptions): Promise<{ readonly known: Content; readonly isOurs: boolean }> => {
  try {
    return { known: content.parse(JSON.parse(await readFile(path, "utf8"))), isOurs: true };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { known: nothing, isOurs: true };
    if (!(await isCache(path)))
      throw new UsageError([`--cache: ${path} is something else; name another file`], {
        cause: error,
      });
    if (isReadOnly) {
      tell(`${path} is invalid`);
      return { known: nothing, isOurs: false };
    }
  }
  try {
    await rename(path, `${path}.broken`);
    tell(`${path} is invalid: put aside as ${path}.broken, all days are asked for again`);
    return { known: nothing, isOurs: true };
  } catch (error) {
    tell(`${path} is invalid, and no day is kept: ${(error as Error).message}`);
    return { known: nothing, isOurs: false };
  }
};

/** Whether it may be ours, broken or of another version: a plain file that begins as ours do. */
const isCache = async (path: string): Promise<boolean> => {
  try {
    return (await stat(path)).isFile() && /^\s*(\{|$)/.test(await readFile(path, "utf8"));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOTDIR"; // no folder to write into is told later
  }
};
