import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";

/**
 * Whether a program of the system is there. A machine with only Node may do without; CI may not.
 * @throws Error in CI where it is missing: a check that is not made is no check.
 */
export const hasProgram = (name: string, ...args: string[]): boolean => {
  const found = spawnSync(name, args, { stdio: "ignore" }).status === 0;
  if (found) return true;
  const missing = [name, ...args].join(" ");
  if (process.env["CI"] !== undefined)
    throw new Error(`"${missing}" fails, and CI must not do without`);
  process.stderr.write(`"${missing}" fails here: the tests that need it are skipped\n`);
  return false;
};

/** What a program says of its input: exit code and both outputs together. */
export const told = (
  name: string,
  args: readonly string[],
  input: string,
): { code: number | null; output: string } => {
  const { status, stdout, stderr } = spawnSync(name, args, { input, encoding: "utf8" });
  return { code: status, output: stdout + stderr };
};

/** A program that runs until the test is over. */
export interface Running extends AsyncDisposable {
  /** Everything it has written so far. */
  output(): string;
}

/** Starts a program; it is ended with SIGTERM, and is gone when this is disposed of. */
export const startProgram = (
  name: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Running => {
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

/** A port of the loopback interface that was free a moment ago. */
export const freePort = async (): Promise<number> => {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
};

/** Asks again and again until there is an answer. @throws Error when the time is over, with what `told` then says. */
export const eventually = async <T>(
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
