/**
 * Parses the command line again, with the files that it names, in a thread of its own: a configuration file of a megabyte takes a
 * second, and scrapes must not wait for it. The thread runs this file, too.
 */
import { once } from "node:events";
import { parentPort, Worker, workerData } from "node:worker_threads";
import { UsageError } from "../config/usage-error.ts";
import { type Invocation, parseCommandLine, type Sources } from "./parse.ts";

const TASK = "parse the command line";
const MAX_MS = 60_000;

/** The sources that can be sent to a thread. */
type ReparseSources = Omit<Sources, "readFile">;
type Result = { readonly invocation: Invocation } | { readonly problems: readonly string[] };

/** @throws UsageError with every problem, or if it takes longer than a minute */
export const reparse = async (sources: ReparseSources): Promise<Invocation> => {
  if (import.meta.url.endsWith(".ts")) return parseCommandLine(sources); // tsx loads no TypeScript in threads
  const data = { task: TASK, sources: { ...sources, env: { ...sources.env } } };
  const worker = new Worker(new URL(import.meta.url), { workerData: data });
  worker.unref();
  const limit = AbortSignal.timeout(MAX_MS);
  try {
    const [result] = (await once(worker, "message", { signal: limit })) as [Result];
    if ("problems" in result) throw new UsageError(result.problems);
    return result.invocation;
  } catch (cause) {
    if (!limit.aborted) throw cause;
    throw new UsageError([`the configuration could not be read within ${MAX_MS / 1000} s`], {
      cause,
    });
  } finally {
    await worker.terminate();
  }
};

const parse = async (sources: ReparseSources): Promise<Result> => {
  try {
    return { invocation: await parseCommandLine(sources) };
  } catch (error) {
    if (error instanceof UsageError) return { problems: error.problems };
    throw error;
  }
};

const work = workerData as { readonly task?: string; readonly sources: ReparseSources } | null;
if (work?.task === TASK) parentPort?.postMessage(await parse(work.sources));
