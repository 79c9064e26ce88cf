#!/usr/bin/env node
/** Runs the command of the command line. */
import { basename, relative } from "node:path";
import type { AnyCommand } from "./cli/command.ts";
import { describeListenError } from "./cli/listening.ts";
import { type Invocation, parseCommandLine } from "./cli/parse.ts";
import { commands } from "./cli/registry.ts";
import { UsageError } from "./config/usage-error.ts";
import { printable } from "./text.ts";
import { version } from "./version.ts";

const NAME = "apsystems-ecu-exporter";
/** How the user starts the program: by its name if it is installed, otherwise with node and the file. */
const program = basename(process.argv[1] ?? "").startsWith("main.")
  ? `node ${relative(process.cwd(), process.argv[1] ?? "")}`
  : NAME;
const USAGE_ERROR = 2;
/** Time to finish open work after the command has ended. */
const LINGER_MS = 250;

const sources = { argv: process.argv.slice(2), env: process.env, version, program };

/** Runs a command to its end. @returns its exit code */
const run = (invocation: Invocation): Promise<number> => {
  if (invocation.command === "help") {
    process.stdout.write(invocation.text);
    return Promise.resolve(0);
  }
  const command = (commands as readonly AnyCommand[]).find(
    ({ name }) => name === invocation.command,
  );
  const reparse = (): unknown => {
    const again = parseCommandLine(sources);
    if (again.command === "help" || again.command !== invocation.command)
      throw new Error("the command changed since startup");
    return again.config;
  };
  if (command === undefined) throw new Error(`no command ${invocation.command}`);
  return command.run(invocation.config, { reparse, commands });
};

/** The flag that set a port to listen on. */
const findListenFlag = (
  invocation: Invocation | undefined,
  port: number | undefined,
): string | undefined => {
  if (invocation === undefined || invocation.command === "help") return undefined;
  const config: Readonly<Record<string, unknown>> = { ...invocation.config };
  const command = (commands as readonly AnyCommand[]).find(
    ({ name }) => name === invocation.command,
  );
  const found = Object.entries(command?.settings ?? {}).find(
    ([key, { value }]) =>
      value.endsWith(":PORT") && (config[key] as { port?: number } | undefined)?.port === port,
  );
  return found?.[1].flag;
};

/** Errors of the user, one per line; empty for a bug of the program. */
const listProblems = (error: unknown, invocation: Invocation | undefined): readonly string[] => {
  if (error instanceof UsageError) return error.problems;
  const problem = describeListenError(error, (port) => findListenFlag(invocation, port));
  return problem === undefined ? [] : [problem];
};

// A reader that closes the pipe early, as in `… | head`, is not an error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit();
  process.stderr.write(`${NAME}: cannot write to standard output: ${error.message}\n`);
  process.exit(USAGE_ERROR);
});
process.stderr.on("error", () => {}); // without a reader of the log, nothing can be reported
let invocation: Invocation | undefined;
try {
  invocation = parseCommandLine(sources);
  process.exitCode = await run(invocation);
} catch (error) {
  const problems = listProblems(error, invocation);
  if (problems.length === 0) throw error;
  for (const problem of problems) process.stderr.write(`${NAME}: ${printable(problem)}\n`);
  process.exitCode = USAGE_ERROR;
}
// A name lookup or a pause between two requests must not delay the end.
setTimeout(() => process.exit(), LINGER_MS).unref();
