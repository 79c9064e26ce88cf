import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";

/**
 * Whether a program is installed. A machine with only Node skips the tests that need it; CI does not.
 * @throws Error in CI if it is missing: a skipped test proves nothing.
 */
export const hasProgram = (name: string, ...args: string[]): boolean => {
  const found = spawnSync(name, args, { stdio: "ignore" }).status === 0;
  if (found) return true;
  const missing = [name, ...args].join(" ");
  if (process.env["CI"] !== undefined) throw new Error(`"${missing}" fails; it is required in CI`);
  process.stderr.write(`"${missing}" fails here: the tests that need it are skipped\n`);
  return false;
};

/** Runs a program: its exit code, and both outputs together. */
export const runWithInput = (
  name: string,
  args: readonly string[],
  input: string,
  env: Record<string, string> = {},
): { code: number | null; output: string } => {
  const { status, stdout, stderr } = spawnSync(name, args, {
    input,
    encoding: "utf8",
    env: { ...process.env, ...env },
  });
  return { code: status, output: stdout + stderr };
};

/** A program that runs until the end of the test. */
export interface RunningProgram extends AsyncDisposable {
  /** Its output so far. */
  output(): string;
}

/** Starts a program. Disposal stops it with SIGTERM and waits until it has ended. */
export const startProgram = (
  name: string,
  args: readonly string[],
  env: Record<string, string> = {},
): RunningProgram => {
  const child = spawn(name, args, { env: { ...process.env, ...env } });
  let output = "";
  child.stdout.on("data", (chunk) => {
    output += chunk;
  });
  child.stderr.on("data", (chunk) => {
    output += chunk;
  });
  const gone = once(child, "exit");
  return {
    output: () => output,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGTERM");
      await gone;
    },
  };
};

/** A loopback port that was free a moment ago. */
export const freePort = async (): Promise<number> => {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
};

/** Polls until there is a result. @throws Error at the time limit, with the text of `told` */
export const poll = async <T>(
  seconds: number,
  ask: () => Promise<T | undefined>,
  told: () => string,
): Promise<T> => {
  const end = performance.now() + seconds * 1000;
  let cause: unknown;
  while (performance.now() < end) {
    try {
      const answer = await ask();
      if (answer !== undefined) return answer;
    } catch (error) {
      cause = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  throw new Error(`nothing came within ${seconds} s\n${told()}`, { cause });
};
