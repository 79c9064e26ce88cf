/** Waits for the user or the system to end the program; asked once more, it goes on ending. */
export const untilStopped = (): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => resolve());
  });

/** What is wrong with an address to listen at, in words; `undefined` for any other error. */
export const listenProblem = (error: unknown): string | undefined => {
  const { code, address, port, syscall } = error as NodeJS.ErrnoException & {
    address?: string;
    port?: number;
  };
  if (syscall !== "listen" && syscall !== "getaddrinfo") return undefined;
  const problems: Readonly<Record<string, string>> = {
    EADDRINUSE: `port ${port} is in use, perhaps by this program already running; choose another`,
    EACCES: `port ${port} needs rights that this user has not; take one above 1023`,
    EADDRNOTAVAIL: `${address} is no address of this machine`,
    ENOTFOUND: "the host has no address",
    EAI_AGAIN: "the host's address cannot be looked up now",
  };
  return `cannot listen: ${problems[code ?? ""] ?? String(error)}`;
};

/** Where a web server is found from this machine. */
export const urlOf = (
  { host = "localhost" }: { readonly host?: string },
  scheme: string,
  port: number,
): string => `${scheme}://${host.includes(":") ? `[${host}]` : host}:${port}`;
