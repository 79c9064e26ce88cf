import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { capture } from "../../src/commands/capture/capture.ts";
import { decode } from "../../src/commands/decode/decode.ts";
import { seeded, TAKEN } from "./samples.ts";

/** A temporary folder, removed after the test. */
export const folder = () => {
  const path = mkdtempSync(join(tmpdir(), "captures-"));
  return {
    file: (name: string): string => join(path, name),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
};

/** Long enough for the ECU to close one connection before the next is opened. */
const PAUSE_MS = 20;

/** Runs `capture` with short pauses. @returns its exit code and its output */
export const runCapture = async (
  { host, port }: { host: string; port: number },
  {
    output = "-",
    force = false,
    all = false,
    commandPause = PAUSE_MS,
    randomInteger = seeded(),
  } = {},
) => {
  const printed = { stdout: "", stderr: "" };
  const code = await capture(
    { ecu: { name: host, host, port }, output, force, all, commandPause },
    {
      write: (text) => {
        printed.stdout += text;
      },
      report: (text) => {
        printed.stderr += text;
      },
      randomInteger,
      now: () => TAKEN,
      retryPauseMs: 0,
    },
  );
  return { code, ...printed };
};

/** Runs `decode`. @returns its exit code and its output */
export const decoded = async (input: string, hasColours = false) => {
  let stdout = "";
  const write = (text: string): void => {
    stdout += text;
  };
  const code = await decode({ input }, { write, isTerminal: false, hasColours, columns: 80 });
  return { code, stdout };
};
