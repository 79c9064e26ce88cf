const STOP_SIGNALS = ["SIGTERM", "SIGINT"] as const;

/**
 * Resolves when the user or the system asks the program to end (SIGTERM, SIGINT). Further signals are ignored: the program
 * is ending already.
 */
export const waitForSignal = (): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of STOP_SIGNALS) process.on(signal, () => resolve());
  });

/** Runs a task that stops early when the user or the system asks the program to end. */
export const runUntilSignal = async <T>(task: (stop: AbortSignal) => Promise<T>): Promise<T> => {
  const controller = new AbortController();
  const stop = (): void => controller.abort();
  for (const signal of STOP_SIGNALS) process.on(signal, stop);
  try {
    return await task(controller.signal);
  } finally {
    for (const signal of STOP_SIGNALS) process.off(signal, stop);
  }
};
