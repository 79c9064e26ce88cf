/** What users read about an address to listen at. */

/** Why a server cannot listen, in words; `undefined` for any other error. */
export const describeListenError = (error: unknown): string | undefined => {
  const { code, address, port, syscall } = error as NodeJS.ErrnoException & {
    address?: string;
    port?: number;
  };
  if (syscall !== "listen" && syscall !== "getaddrinfo") return undefined;
  const problems: Readonly<Record<string, string>> = {
    EADDRINUSE: `port ${port} is in use, perhaps by this program already running; choose another port`,
    EACCES: `this user may not use port ${port}; choose a port above 1023`,
    EADDRNOTAVAIL: `${address} is not an address of this machine`,
    ENOTFOUND: "the host name has no address",
    EAI_AGAIN: "the host name cannot be looked up now",
  };
  return `cannot listen: ${problems[code ?? ""] ?? String(error)}`;
};

/** URL of a web server for a browser on this machine. */
export const formatUrl = (
  { host = "localhost" }: { readonly host?: string },
  scheme: string,
  port: number,
): string => `${scheme}://${host.includes(":") ? `[${host}]` : host}:${port}`;
