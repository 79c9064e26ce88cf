/** A real Prometheus on a folder of blocks, for loading a year of samples and asking about all of it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { eventually, freePort, startProgram } from "../../test/support/programs.ts";
import { HOUR, STEP } from "./life.ts";

/** Samples are loaded and asked for in pieces of this length, which are whole blocks. */
const PIECE = 486 * HOUR;

export interface Piece {
  readonly from: number;
  readonly to: number;
}

/** The pieces of a span. */
export const piecesOf = (from: number, to: number): Piece[] => {
  const pieces: Piece[] = [];
  for (let start = Math.floor(from / PIECE) * PIECE; start < to; start += PIECE) {
    pieces.push({ from: Math.max(from, start), to: Math.min(to, start + PIECE) });
  }
  return pieces;
};

/** A series of an answer: labels without the name, and its values by time in seconds. */
export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly (readonly [at: number, value: string])[];
}

/** Takes lines of OpenMetrics, in the order of time for each series, and makes blocks of them when it is closed. */
export interface Loader {
  readonly write: (lines: readonly string[]) => void;
  readonly close: () => Promise<void>;
}

/** A loader for the samples of one piece. @param folder of the store */
export const startLoader = (folder: string, name: string): Loader => {
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
        "promtool",
        [
          ...["tsdb", "create-blocks-from", "--max-block-duration=486h"],
          ...["openmetrics", "--quiet", path, blocks],
        ],
        { stdio: ["ignore", "ignore", "pipe"] },
      );
      let complaint = "";
      child.stderr.on("data", (chunk) => {
        complaint += chunk;
      });
      const [code] = await once(child, "close");
      if (code !== 0) throw new Error(`promtool could not load ${name}: ${complaint}`);
      rmSync(path);
    },
  };
};

export interface Server extends AsyncDisposable {
  /** The values of an expression at every step of a piece. @param after start of the steps within their interval */
  readonly range: (expr: string, piece: Piece, after: number) => Promise<readonly Series[]>;
}

/**
 * Starts Prometheus on the blocks loaded so far. It looks back for less than a step, so that a series that ends is gone
 * at the next step, as in a Prometheus that scrapes.
 */
export const startServer = async (folder: string): Promise<Server> => {
  const port = await freePort();
  const config = join(folder, "prometheus.yml");
  const file = openSync(config, "w");
  writeSync(file, "global: {}\n");
  closeSync(file);
  const running = startProgram("prometheus", [
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
  await eventually(120, ready, () => running.output());
  return {
    range: async (expr, { from, to }, after) => {
      const first = Math.ceil((from - after) / STEP) * STEP + after;
      const body = new URLSearchParams({
        query: expr,
        start: String(first / 1000),
        end: String((to - 1) / 1000),
        step: String(STEP / 1000),
      });
      const response = await fetch(`${url}/api/v1/query_range`, { method: "POST", body });
      const answer = (await response.json()) as {
        readonly error?: string;
        readonly data?: { readonly result: readonly Series[] };
      };
      if (answer.data === undefined) throw new Error(`${answer.error}\n${expr}`);
      return answer.data.result;
    },
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  };
};
