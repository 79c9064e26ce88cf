import { readFileSync } from "node:fs";
import type { Command } from "../../src/protocol/requests.ts";

/** A reply of a real ECU, as its owner recorded it. The corpus is no part of the repository. */
export interface Capture {
  readonly id: string;
  readonly site: string;
  readonly query: "ecu-info" | "inverter-data" | "inverter-signal" | "other";
  readonly state: "whole" | "redacted" | "truncated" | "malformed" | "altered";
  readonly length_field: number | null;
  readonly bytes: number;
  // biome-ignore lint/suspicious/noExplicitAny: what an independent program decoded, of a shape of its own
  readonly wire: any;
  readonly hex: string;
}

/** Path of the corpus, where one is named. */
export const capturesFile = process.env["ECU_CAPTURES"];

if (capturesFile === undefined) {
  const problem = "ECU_CAPTURES names no corpus of captures";
  if (process.env["CI"] !== undefined) throw new Error(`${problem}, and CI must not do without`);
  process.stderr.write(`${problem}: the tests that need it are skipped\n`);
}

/** Every capture of the corpus; none where no corpus is named. */
export const captures: readonly Capture[] =
  capturesFile === undefined ? [] : JSON.parse(readFileSync(capturesFile, "utf8"));

/** Bytes of the capture with that id. */
export const captured = (id: string): Buffer => {
  const capture = captures.find((one) => one.id === id);
  if (capture === undefined) throw new Error(`the corpus has no capture ${id}`);
  return Buffer.from(capture.hex, "hex");
};

/** The command that each kind of captured reply answers, as far as it is one of ours. */
export const commandOfQuery: Readonly<Record<Capture["query"], Command>> = {
  "ecu-info": "info",
  "inverter-data": "realtime",
  "inverter-signal": "signal",
  other: "clock",
};
