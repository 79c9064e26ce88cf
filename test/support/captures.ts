import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Command } from "../../src/protocol/requests.ts";

/** A reply of a real ECU, recorded by its owner. The corpus is not part of the repository. */
export interface Capture {
  readonly id: string;
  readonly site: string;
  readonly query: "ecu-info" | "inverter-data" | "inverter-signal" | "other";
  readonly state: "whole" | "redacted" | "truncated" | "malformed" | "altered";
  readonly length_field: number | null;
  readonly bytes: number;
  // biome-ignore lint/suspicious/noExplicitAny: decoded by an independent program, in its own format
  readonly wire: any;
  readonly hex: string;
}

const setting = process.env["ECU_CAPTURES"];
/** Path of the corpus; `undefined` without one. */
export const capturesFile = setting === "none" ? undefined : setting;

if (capturesFile === undefined) {
  const problem = `ECU_CAPTURES is ${setting ?? "not set"}`;
  if (setting === undefined && process.env["CI"] !== undefined)
    throw new Error(`${problem}; in CI it must be the path of the corpus, or "none"`);
  process.stderr.write(`${problem}: the tests that need it are skipped\n`);
}

/** All captures of the corpus, which has a second file beside the first; empty without one. */
export const captures: readonly Capture[] =
  capturesFile === undefined
    ? []
    : [capturesFile, join(dirname(capturesFile), "captures-2.json")].flatMap((file) =>
        JSON.parse(readFileSync(file, "utf8")),
      );

/** Bytes of the capture with that id. */
export const readCapture = (id: string): Buffer => {
  const capture = captures.find((one) => one.id === id);
  if (capture === undefined) throw new Error(`no capture ${id} in the corpus`);
  return Buffer.from(capture.hex, "hex");
};

/** The command of each kind of captured reply. */
export const commandByQuery: Readonly<Record<Capture["query"], Command>> = {
  "ecu-info": "info",
  "inverter-data": "realtime",
  "inverter-signal": "signal",
  other: "clock",
};
