/** A real Prometheus on a folder of blocks: loads a year of samples and evaluates expressions over all of them. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { freePort, poll, startProgram } from "../../test/support/programs.ts";
import { HOUR, type Period, STEP } from "./scenario.ts";

/** Length of a block. Samples are loaded and queried block by block. */
const BLOCK = 486 * HOUR;

/** Splits a period at the limits of blocks. */
export const splitIntoBlocks = ({ from, to }: Period): Period[] => {
  const blocks: Period[] = [];
  for (let start = Math.floor(from / BLOCK) * BLOCK; start < to; start += BLOCK) {
    blocks.push({ from: Math.max(from, start), to: Math.min(to, start + BLOCK) });
  }
  return blocks;
};

/** A series of a range query: its labels, and its values with their times in Unix seconds. */
export interface RangeSeries {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly (readonly [at: number, value: string])[];
}

/** Collects lines of OpenMetrics and writes them as blocks when it is closed. Each series must be in order of time. */
export interface Loader {
  readonly write: (lines: readonly string[]) => void;
  readonly close: () => Promise<void>;
}

/**
 * Starts a loader for the samples of one block.
 * @param folder folder of the store
 * @param name name of its temporary file
 * @param promtool the program
 */
export const startLoader = (folder: string, name: string, promtool = "promtool"): Loader => {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${name}.txt`);
  const file = openSync(path, "w");
  let text = "";
  const flush = (): void => {
    writeSync(file, text);
    text = "";
  };
  return {
    write: (lines) => {
      if (lines.length > 0) text += `${lines.join("\n")}\n`;
      if (text.length > 4_000_000) flush();
    },
    close: async () => {
      text += "# EOF\n";
      flush();
      closeSync(file);
      const blocks = join(folder, "data");
      const child = spawn(
        promtool,
        [
          ...["tsdb", "create-blocks-from", "--max-block-duration=486h"],
          ...["openmetrics", "--quiet", path, blocks],
        ],
        { stdio: ["ignore", "ignore", "pipe"] },
      );
      let stderr = "";
      child.stderr.on("data", (chunk) => {
        stderr += chunk;
      });
      const [code] = await once(child, "close");
      if (code !== 0) throw new Error(`promtool could not load ${name}: ${stderr}`);
      rmSync(path);
    },
  };
};

export interface PrometheusServer extends AsyncDisposable {
  /**
   * The values of an expression at every step of a block.
   * @param after milliseconds from a multiple of the step to the step
   * @param step milliseconds; default: `STEP`
   * @throws Error if Prometheus rejects the expression
   */
  readonly queryRange: (
    expr: string,
    block: Period,
    after: number,
    step?: number,
  ) => Promise<readonly RangeSeries[]>;
}

/**
 * Starts Prometheus on the blocks loaded so far. Its lookback is shorter than a step: a series that ends is gone at the
 * next step, as in a Prometheus that scrapes.
 * @param prometheus the program
 */
export const startServer = async (
  folder: string,
  prometheus = "prometheus",
): Promise<PrometheusServer> => {
  const port = await freePort();
  const config = join(folder, "prometheus.yml");
  const file = openSync(config, "w");
  writeSync(file, "global: {}\n");
  closeSync(file);
  const running = startProgram(prometheus, [
    `--config.file=${config}`,
    `--storage.tsdb.path=${join(folder, "data")}`,
    "--storage.tsdb.retention.time=20y",
    `--web.listen-address=127.0.0.1:${port}`,
    "--query.lookback-delta=270s",
    "--query.max-samples=500000000",
    "--query.timeout=10m",
    "--log.level=warn",
  ]);
  const url = `http://127.0.0.1:${port}`;
  const ready = async () => (await fetch(`${url}/-/ready`)).ok || undefined;
  await poll(120, ready, () => running.output());
  return {
    queryRange: async (expr, { from, to }, after, step = STEP) => {
      const first = Math.ceil((from - after) / step) * step + after;
      const body = new URLSearchParams({
        query: expr,
        start: String(first / 1000),
        end: String((to - 1) / 1000),
        step: String(step / 1000),
      });
      const response = await fetch(`${url}/api/v1/query_range`, { method: "POST", body });
      const { error, data } = (await response.json()) as {
        readonly error?: string;
        readonly data?: { readonly result: readonly RangeSeries[] };
      };
      if (data === undefined) throw new Error(`${error}\n${expr}`);
      return data.result;
    },
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  };
};
