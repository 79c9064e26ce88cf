import { freePort, poll, type RunningProgram, startProgram } from "./programs.ts";

/** A Prometheus that runs until the end of the test. */
export interface RunningPrometheus extends RunningProgram {
  readonly url: string;
  /** Base URL of its HTTP API. */
  readonly api: string;
}

export interface PrometheusOptions {
  /** Name or path of the program. Default: the installed one. */
  readonly program?: string;
  /** Path of its configuration. */
  readonly config: string;
  /** Folder of its data; created if it does not exist. */
  readonly data: string;
  /** Default: a free port. */
  readonly port?: number;
  readonly args?: readonly string[];
}

const READY_SECONDS = 60; // the machine may be busy

/** Starts a Prometheus on loopback, and waits until it is ready. */
export const startPrometheus = async ({
  program: name = "prometheus",
  config,
  data,
  port,
  args = [],
}: PrometheusOptions): Promise<RunningPrometheus> => {
  const address = `127.0.0.1:${port ?? (await freePort())}`;
  const program = startProgram(name, [
    `--config.file=${config}`,
    `--storage.tsdb.path=${data}`,
    `--web.listen-address=${address}`,
    ...args,
  ]);
  const url = `http://${address}`;
  const isReady = async () => (await fetch(`${url}/-/ready`)).ok || undefined;
  try {
    await poll(READY_SECONDS, isReady, program.output);
  } catch (error) {
    await program[Symbol.asyncDispose]();
    throw error;
  }
  return { ...program, url, api: `${url}/api/v1` };
};

/** One series of the result of a query. */
export interface QueriedSeries {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [at: number, text: string];
}

/** Evaluates an expression. @param api base URL of the HTTP API @param at in Unix time; default: now */
export const queryAt = async (
  api: string,
  expression: string,
  at?: number,
): Promise<readonly QueriedSeries[]> => {
  const time = at === undefined ? "" : `&time=${at}`;
  const response = await fetch(`${api}/query?query=${encodeURIComponent(expression)}${time}`);
  const { data } = (await response.json()) as { data: { result: QueriedSeries[] } };
  return data.result;
};
