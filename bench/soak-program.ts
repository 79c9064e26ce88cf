/** The exporter that the soak test measures: the built program, as a process of its own. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

/** Memory after a garbage collection, in MiB. */
export interface Memory {
  readonly heap: number;
  readonly resident: number;
}

export interface SoakProgram {
  readonly url: string;
  /** Collects garbage in the program. @throws Error if it does not reply within 30 s */
  readMemory(): Promise<Memory>;
  /** Lines with the level "error" or "fatal", and text that is not a log line, such as the trace of a crash. */
  readonly errors: readonly string[];
  /** Stops it with SIGTERM. `code` is its exit code, `ms` the time until it has ended. */
  stop(): Promise<{ readonly code: number | null; readonly ms: number }>;
}

const MIB = 2 ** 20;

/** The log level of a line; 60 ("fatal") if it is not a log line. */
const readLevel = (line: string): number => {
  try {
    return (JSON.parse(line) as { level: number }).level;
  } catch {
    return 60;
  }
};

/**
 * Starts the program with a Node.js executable.
 * @throws Error if it ends before it listens
 */
export const startSoakProgram = async (
  node: string,
  program: string,
  args: readonly string[],
): Promise<SoakProgram> => {
  const preload = new URL(import.meta.resolve("./report-memory.mjs")).pathname;
  const child = spawn(
    node,
    [
      "--expose-gc",
      `--import=${preload}`,
      program,
      "serve",
      ...args,
      "--web.listen-address=127.0.0.1:0",
    ],
    { stdio: ["ignore", "ignore", "pipe", "pipe"] },
  );
  const exited = once(child, "exit");
  process.once("exit", () => child.kill()); // also after an error in this process
  const errors: string[] = [];
  const port = new Promise<number>((resolve, reject) => {
    createInterface(child.stdio[2] as Readable).on("line", (line) => {
      if (readLevel(line) >= 50) errors.push(line);
      else {
        const { port } = JSON.parse(line) as { port?: number };
        if (port !== undefined) resolve(port);
      }
    });
    child.once("exit", () => reject(new Error(`${program} ended\n${errors.join("\n")}`)));
  });
  const reports = createInterface(child.stdio[3] as Readable);
  return {
    url: `http://127.0.0.1:${await port}`,
    errors,
    readMemory: async () => {
      const line = once(reports, "line", { signal: AbortSignal.timeout(30_000) });
      child.kill("SIGUSR2");
      const { heapUsed, rss } = JSON.parse((await line)[0]) as { heapUsed: number; rss: number };
      return { heap: heapUsed / MIB, resident: rss / MIB };
    },
    stop: async () => {
      const startedAt = performance.now();
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), 30_000);
      const [code] = (await exited) as [number | null];
      clearTimeout(timer);
      return { code, ms: performance.now() - startedAt };
    },
  };
};
