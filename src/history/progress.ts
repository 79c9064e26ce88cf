/** What people are told of a history: before, while and after it is read. */
import { SingleBar } from "cli-progress";
import { formatCount } from "../text.ts";
import { formatDate } from "../time/calendar.ts";
import type { History, Wanted } from "./history.ts";

/** What a question takes beside the pause, in milliseconds. */
const ANSWER_MS = 100;

const durationOf = (ms: number): string => {
  const seconds = Math.ceil(ms / 1000);
  return seconds < 120 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`;
};

/** How long so many questions take. */
const timeFor = (questions: number, paceMs: number): string =>
  durationOf(questions * (paceMs + ANSWER_MS));

interface Plan {
  readonly ecu: string;
  readonly wanted: Wanted;
  /** Days to ask for, and days that were read before. */
  readonly days: number;
  readonly kept: number;
  /** Other questions. */
  readonly others: number;
  readonly paceMs: number;
}

/** What would be asked. */
export const planOf = ({ ecu, wanted, days, kept, others, paceMs }: Plan): string =>
  [
    `${ecu} would be asked for ${formatDate(wanted.from)} to ${formatDate(wanted.to)}:`,
    `  ${others} questions about itself and its tables of energy`,
    `  ${formatCount(days, "question")} for the power of a day each${kept === 0 ? "" : ` (${formatCount(kept, "day")} more ${kept === 1 ? "was" : "were"} read before)`}`,
    `  about ${timeFor(days + others, paceMs)} in all; nothing has been asked now`,
    "",
  ].join("\n");

/** What was written, what is missing, and what to do with it. */
export const summaryOf = (
  { samples, notes }: History,
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
    `${power.length} samples of power and ${lifetime.length} of energy, ${at(first)} to ${at(last)}${output === "-" ? "" : `, are in ${output}`}`,
    ...[...further, ...notes].map((note) => `  ${note}`),
    'Before you load it, read "Load it into Prometheus" in docs/history.md. Prometheus takes it so:',
    `  promtool tsdb create-blocks-from --max-block-duration=486h openmetrics ${file} DATA_FOLDER`,
    "VictoriaMetrics takes it so:",
    `  curl --data-binary @${file} http://localhost:8428/api/v1/import/prometheus`,
    "",
  ].join("\n");
};

/** Output for people, which may be a terminal. */
export type Stream = NodeJS.WritableStream & { readonly isTTY?: boolean };

export interface Progress {
  readonly begin: (days: number) => void;
  readonly step: () => void;
  readonly end: () => void;
}

/** A bar where there is a terminal, else a line at the beginning and the end. */
export const createProgress = (stream: Stream, paceMs: number): Progress => {
  let total = 0;
  let done = 0;
  const bar =
    stream.isTTY === true
      ? new SingleBar({ stream, format: "{bar} {value} of {total} days, {eta} s to go" })
      : undefined;
  return {
    begin: (days) => {
      total = days;
      if (days === 0) return;
      if (bar === undefined)
        stream.write(`asking for ${formatCount(days, "day")}, about ${timeFor(days, paceMs)}\n`);
      else bar.start(days, 0);
    },
    step: () => {
      done++;
      bar?.update(done);
    },
    end: () => {
      if (total === 0) return;
      if (bar === undefined) stream.write(`asked for ${done} of ${formatCount(total, "day")}\n`);
      else bar.stop();
      total = 0;
    },
  };
};
