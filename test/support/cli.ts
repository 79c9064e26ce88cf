/** The program as its users start it: a process with arguments, a standard error and an exit code. */
import { spawn } from "node:child_process";
import { once } from "node:events";

/** Any free port of this machine. */
export const HERE = "--web.listen-address=127.0.0.1:0";

export interface Ended {
  /** The exit code, or the signal that ended it. */
  code: number | NodeJS.Signals;
  stdout: string;
  stderr: string;
}

/** A running program; it is gone when this is disposed of. */
export interface Program extends AsyncDisposable {
  /** The port that it says it listens at. */
  readonly port: Promise<number>;
  readonly ended: Promise<Ended>;
  /** Its output so far. */
  output(): { readonly stdout: string; readonly stderr: string };
  /** Sends it a signal. */
  send(signal: NodeJS.Signals): void;
  /** Tells it to stop, and how long it took to. */
  stop(signal?: NodeJS.Signals): Promise<Ended & { ms: number }>;
}

export interface StartOptions {
  /** File descriptor of its standard error, instead of a pipe that is read. */
  readonly stderr?: number;
  /** Arguments of Node.js. */
  readonly nodeArgs?: readonly string[];
  /** A command that runs Node.js, with its arguments. */
  readonly wrapper?: readonly string[];
}

/** Starts the program. */
export const startCli = (
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  { stderr, nodeArgs = [], wrapper = [] }: StartOptions = {},
): Program => {
  const [file = "", ...rest] = [...wrapper, process.execPath, ...nodeArgs, "dist/main.js", ...args];
  const child = spawn(file, rest, {
    env: { PATH: process.env["PATH"] ?? "", ...env },
    stdio: ["pipe", "pipe", stderr ?? "pipe"],
  });
  const output = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream]?.on("data", (chunk) => {
      output[stream] += chunk;
    });
  }
  const ended = once(child, "close").then(
    ([code, signal]): Ended => ({ code: code ?? signal, ...output }),
  );
  const port = async (): Promise<number> => {
    for (;;) {
      const [, port] = /"port":(\d+)/.exec(output.stderr) ?? [];
      if (port !== undefined) return Number(port);
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(`it ended: ${output.stderr}`);
      await Promise.race([once(child.stderr ?? child, "data"), ended]);
    }
  };
  return {
    get port() {
      return port();
    },
    ended,
    output: () => output,
    send: (signal) => void child.kill(signal),
    stop: async (signal = "SIGTERM") => {
      const begun = performance.now();
      child.kill(signal);
      return { ...(await ended), ms: performance.now() - begun };
    },
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
};

/** Runs the program to its end. */
export const runCli = async (
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> => {
  await using program = startCli(args, env);
  return await program.ended;
};
