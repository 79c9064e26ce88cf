/** Compares passwords with bcrypt hashes, which is slow by design, without delaying other work. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";

/** Far above the time of the highest cost on a slow machine. */
const COMPARE_MS = 60_000;

/**
 * Creates a function that compares a password with a hash in a thread of its own, which starts with the first call. One
 * call at a time.
 */
export const createBcrypt = () => {
  let thread: Worker | undefined;
  return async (password: string, hash: string): Promise<boolean> => {
    thread ??= startThread();
    const current = thread;
    try {
      current.postMessage({ password, hash });
      const signal = AbortSignal.timeout(COMPARE_MS);
      const [isRight] = (await once(current, "message", { signal })) as [boolean];
      return isRight;
    } catch (error) {
      thread = undefined; // the next call starts another
      void current.terminate();
      throw error;
    }
  };
};

const startThread = (): Worker => {
  const thread = new Worker(new URL("./bcrypt-thread.js", import.meta.url));
  thread.unref(); // it does not keep the process running
  return thread;
};
