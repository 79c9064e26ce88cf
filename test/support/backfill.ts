/** Runs the command backfill in a temporary folder. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { runBackfill } from "../../src/commands/backfill/backfill.ts";
import type { BackfillConfig } from "../../src/commands/backfill/command.ts";
import { systemClock } from "../../src/time/clock.ts";

/** A stream that keeps the text written to it. */
const createTextStream = (): Writable & { text: () => string } => {
  const parts: string[] = [];
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      parts.push(String(chunk));
      done();
    },
  });
  return Object.assign(stream, { text: () => parts.join("") });
};

export interface BackfillFolder extends AsyncDisposable {
  readonly folder: string;
  readonly output: string;
  readonly cache: string;
  /** Runs the command. `file`: content of the output file afterwards. */
  run(
    ecu: { readonly host: string; readonly port: number },
    change?: Partial<BackfillConfig>,
    signal?: AbortSignal,
    isTTY?: boolean,
  ): Promise<{ code: number; stdout: string; stderr: string; file: string | undefined }>;
}

/** Creates a folder for an output and a cache. @param now the time in milliseconds since 1970 */
export const createBackfillFolder = async (now: () => number): Promise<BackfillFolder> => {
  const folder = await mkdtemp(join(tmpdir(), "backfill-"));
  const [output, cache] = [join(folder, "history.om"), join(folder, "cache", "roof.json")];
  return {
    folder,
    output,
    cache,
    run: async (ecu, change = {}, signal = new AbortController().signal, isTTY = false) => {
      const [stdout, stderr] = [createTextStream(), Object.assign(createTextStream(), { isTTY })];
      const config: BackfillConfig = {
        ecu: { name: `${ecu.host}:${ecu.port}`, host: ecu.host, port: ecu.port },
        name: "roof",
        from: undefined,
        to: undefined,
        end: undefined,
        endJoules: undefined,
        output,
        force: true, // a folder is used for several runs
        labels: undefined,
        pace: 0,
        cache,
        dryRun: false,
        timezone: "Europe/Amsterdam",
        ...change,
      };
      const clock = { ...systemClock, now };
      const code = await runBackfill(config, { clock, signal, stdout, stderr, env: {} });
      const file = await readFile(output, "utf8").catch(() => undefined);
      return { code, stdout: stdout.text(), stderr: stderr.text(), file };
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
};
