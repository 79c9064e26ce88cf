#!/usr/bin/env node
import { basename, relative } from "node:path";
import { type Invocation, parseConfig } from "./cli/parse.ts";
import { listenProblem } from "./cli/shutdown.ts";
import { backfill } from "./commands/backfill.ts";
import { capture } from "./commands/capture.ts";
import { checkConfig } from "./commands/check-config.ts";
import { completion } from "./commands/completion.ts";
import { decode } from "./commands/decode/decode.ts";
import { demo } from "./commands/demo.ts";
import { doctor } from "./commands/doctor/doctor.ts";
import { read } from "./commands/read/read.ts";
import { replay } from "./commands/replay.ts";
import { serve } from "./commands/serve.ts";
import { simulate } from "./commands/simulate.ts";
import { UsageError } from "./config/usage-error.ts";
import { printable } from "./text.ts";
import { version } from "./version.ts";

const NAME = "apsystems-ecu-exporter";
/** What the user typed to start it: its name where it is installed, else node and the file. */
const program = basename(process.argv[1] ?? "").startsWith("main.")
  ? `node ${relative(process.cwd(), process.argv[1] ?? "")}`
  : NAME;
const WRONG_USAGE = 2;
/** What is left to end, once the command has ended, gets this long. */
const LINGER_MS = 250;

const sources = { argv: process.argv.slice(2), env: process.env, version, program };

/** Runs a command to its end. @returns its exit code */
const run = async (invocation: Invocation): Promise<number> => {
  switch (invocation.command) {
    case "serve":
      await serve(invocation.config, () => {
        const again = parseConfig(sources);
        if (again.command !== "serve") throw new Error("the command line is another than before");
        return again.config;
      });
      return 0;
    case "check-config":
      checkConfig(invocation.config);
      return 0;
    case "demo":
      await demo(invocation.config);
      return 0;
    case "simulate":
      await simulate(invocation.config);
      return 0;
    case "read":
      return read(invocation.config);
    case "doctor":
      return doctor(invocation.config);
    case "capture":
      return capture(invocation.config);
    case "decode":
      return decode(invocation.config);
    case "replay":
      await replay(invocation.config);
      return 0;
    case "backfill":
      return backfill(invocation.config);
    case "completion":
      completion(invocation.config);
      return 0;
    case "tell":
      process.stdout.write(invocation.text);
      return 0;
  }
};

/** What the user did wrong, a line each; none for a fault of the program. */
const problemsIn = (error: unknown): readonly string[] => {
  if (error instanceof UsageError) return error.problems;
  const problem = listenProblem(error);
  return problem === undefined ? [] : [problem];
};

// Whoever reads the output may stop: `… | head` is no error. Nobody need read what is told beside it.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit();
  process.stderr.write(`${NAME}: the output cannot be written: ${error.message}\n`);
  process.exit(WRONG_USAGE);
});
process.stderr.on("error", () => {});
try {
  process.exitCode = await run(parseConfig(sources));
} catch (error) {
  const problems = problemsIn(error);
  if (problems.length === 0) throw error;
  for (const problem of problems) {
    process.stderr.write(`${NAME}: ${printable(problem)}\n`);
  }
  process.exitCode = WRONG_USAGE;
}
// A host name that is being looked up, or a pause between two questions, must not hold up the end.
setTimeout(() => process.exit(), LINGER_MS).unref();
