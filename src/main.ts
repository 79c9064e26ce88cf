#!/usr/bin/env node
import { basename, relative } from "node:path";
import { checkConfig } from "./commands/check-config.ts";
import { demo } from "./commands/demo.ts";
import { listenProblem } from "./commands/run.ts";
import { serve } from "./commands/serve.ts";
import { simulate } from "./commands/simulate.ts";
import { version } from "./commands/version.ts";
import { type Invocation, parseConfig, UsageError } from "./config/config.ts";

const NAME = "apsystems-ecu-exporter";
/** What the user typed to start it: its name where it is installed, else node and the file. */
const program = basename(process.argv[1] ?? "").startsWith("main.")
  ? `node ${relative(process.cwd(), process.argv[1] ?? "")}`
  : NAME;
const WRONG_USAGE = 2;
/** What is left to end, once the command has ended, gets this long. */
const LINGER_MS = 250;

const sources = { argv: process.argv.slice(2), env: process.env, version, program };

const run = (invocation: Invocation): Promise<void> => {
  switch (invocation.command) {
    case "serve":
      return serve(invocation.config, () => {
        const again = parseConfig(sources);
        if (again.command !== "serve") throw new Error("the command line is another than before");
        return again.config;
      });
    case "check-config":
      return checkConfig(invocation.config);
    case "demo":
      return demo(invocation.config);
    case "simulate":
      return simulate(invocation.config);
    case "tell":
      process.stdout.write(invocation.text);
      return Promise.resolve();
  }
};

/** What the user did wrong, a line each; none for a fault of the program. */
const problemsIn = (error: unknown): readonly string[] => {
  if (error instanceof UsageError) return error.problems;
  const problem = listenProblem(error);
  return problem === undefined ? [] : [problem];
};

try {
  await run(parseConfig(sources));
} catch (error) {
  const problems = problemsIn(error);
  if (problems.length === 0) throw error;
  for (const problem of problems) {
    process.stderr.write(`${NAME}: ${problem.replace(/\p{Cc}/gu, "\u{fffd}")}\n`);
  }
  process.exitCode = WRONG_USAGE;
}
// A host name that is being looked up, or a pause between two questions, must not hold up the end.
setTimeout(() => process.exit(), LINGER_MS).unref();
