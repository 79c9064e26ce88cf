/** Runs the command of the command line. */
import { basename, relative } from "node:path";
import { type AnyCommand, DEFAULT_COMMAND } from "./cli/command.ts";
import { releaseHangups } from "./cli/hangup.ts";
import { explainListenError } from "./cli/listening.ts";
import { type Invocation, parseCommandLine } from "./cli/parse.ts";
import { commands } from "./cli/registry.ts";
import { endProcess } from "./cli/shutdown.ts";
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

/** Runs a command to its end. @returns its exit code @throws UsageError for errors of the user */
const run = async (invocation: Invocation): Promise<number> => {
  if (invocation.command === "help") {
    process.stdout.write(invocation.text);
    return 0;
  }
  const command = (commands as readonly AnyCommand[]).find(
    ({ name }) => name === invocation.command,
  );
  const reparse = async (): Promise<unknown> => {
    const { reparse: parseAgain } = await import("./cli/reparse.ts");
    const again = await parseAgain(sources);
    if (again.command === "help" || again.command !== invocation.command)
      throw new Error("the command changed since startup");
    return again.config;
  };
  if (command === undefined) throw new Error(`no command ${invocation.command}`);
  if (command.name !== DEFAULT_COMMAND) releaseHangups();
  try {
    return await command.run(invocation.config, { reparse, commands });
  } catch (error) {
    throw explainListenError(error, command, invocation.config);
  }
};

/** Runs the command of the command line, and ends the process. */
export const runProgram = async (): Promise<void> => {
  // A reader that closes the pipe early, as in `… | head`, is not an error.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit();
    process.stderr.write(`${NAME}: cannot write to standard output: ${error.message}\n`);
    process.exit(USAGE_ERROR);
  });
  process.stderr.on("error", () => {}); // without a reader of the log, nothing can be reported
  try {
    process.exitCode = await run(await parseCommandLine(sources));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    for (const problem of error.problems) process.stderr.write(`${NAME}: ${printable(problem)}\n`);
    process.exitCode = USAGE_ERROR;
  }
  // A name lookup, a pause between two requests or a full pipe must not delay the end.
  setTimeout(endProcess, LINGER_MS).unref();
};
