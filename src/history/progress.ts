/** Messages about a history: while it is read, and after. */
import { SingleBar } from "cli-progress";
import { formatCount } from "../text.ts";
import type { HistorySamples } from "./history.ts";

/** Time of a request without the pause, in milliseconds. */
const REQUEST_MS = 100;

const formatDuration = (ms: number): string => {
  const seconds = Math.ceil(ms / 1000);
  return seconds < 120 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`;
};

/** How long a number of requests takes. */
export const estimateTime = (requests: number, paceMs: number): string =>
  formatDuration(requests * (paceMs + REQUEST_MS));

/** What was written, what is missing, and how to import it. */
export const describeResult = (
  { samples, notes }: HistorySamples,
  output: string,
  further: readonly string[],
): string => {
  const power = samples.ecu_power_watts;
  const lifetime = samples.ecu_lifetime_energy_joules_total;
  const all = [...power, ...lifetime].map(({ at }) => at);
  const at = (seconds: number): string =>
    new Date(seconds * 1000).toISOString().replace(".000", "");
  const [first, last] = [
    all.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY),
    all.reduce((a, b) => Math.max(a, b), 0),
  ];
  const file = output === "-" ? "history.om" : output;
  return [
    `${power.length} samples of power and ${lifetime.length} of energy, ${at(first)} to ${at(last)}${output === "-" ? "" : `, written to ${output}`}`,
    ...[...further, ...notes].map((note) => `  ${note}`),
    'Before you import it, read "Import into Prometheus" in docs/history.md. Import into Prometheus:',
    `  promtool tsdb create-blocks-from --max-block-duration=486h openmetrics ${file} DATA_FOLDER`,
    "Import into VictoriaMetrics:",
    `  curl --data-binary @${file} http://localhost:8428/api/v1/import/prometheus`,
    "",
  ].join("\n");
};

/** An output stream that may be a terminal. */
export type Stream = NodeJS.WritableStream & { readonly isTTY?: boolean };

export interface Progress {
  readonly begin: (days: number) => void;
  readonly step: () => void;
  readonly end: () => void;
}

/** A bar of days; `undefined` without a terminal. */
export const createDayBar = (stream: Stream): SingleBar | undefined =>
  stream.isTTY === true
    ? new SingleBar({ stream, format: "{bar} {value} of {total} days, {eta} s to go" })
    : undefined;

/** Shows a bar on a terminal, else a line at the start and at the end. */
export const createProgress = (stream: Stream, paceMs: number): Progress => {
  let total = 0;
  let done = 0;
  const bar = createDayBar(stream);
  return {
    begin: (days) => {
      total = days;
      if (days === 0) return;
      if (bar === undefined)
        stream.write(
          `requesting ${formatCount(days, "day")}, about ${estimateTime(days, paceMs)}\n`,
        );
      else bar.start(days, 0);
    },
    step: () => {
      done++;
      bar?.update(done);
    },
    end: () => {
      if (total === 0) return;
      if (bar === undefined) stream.write(`requested ${done} of ${formatCount(total, "day")}\n`);
      else bar.stop();
      total = 0;
    },
  };
};
