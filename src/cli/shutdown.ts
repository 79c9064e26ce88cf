/**
 * Resolves when the user or the system asks the program to end (SIGTERM, SIGINT). Further signals are ignored: the program
 * is ending already.
 */
export const waitForSignal = (): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => resolve());
  });
