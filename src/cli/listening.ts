/** Messages about a listen address. */

/**
 * Describes why a server cannot listen; `undefined` for any other error.
 * @param findFlag returns the flag that set a port
 */
export const describeListenError = (
  error: unknown,
  findFlag: (port: number | undefined) => string | undefined,
): string | undefined => {
  const { code, address, port, syscall } = error as NodeJS.ErrnoException & {
    address?: string;
    port?: number;
  };
  if (syscall !== "listen" && syscall !== "getaddrinfo") return undefined;
  const flag = findFlag(port);
  const setIt = flag === undefined ? "" : ` with --${flag}`;
  const problems: Readonly<Record<string, string>> = {
    EADDRINUSE: `port ${port} is in use, possibly by another instance of this program; choose another port${setIt}`,
    EACCES: `this user may not use port ${port}; choose a port above 1023${setIt}`,
    EADDRNOTAVAIL: `${address} is not an address of this machine`,
    ENOTFOUND: "the host name cannot be resolved",
    EAI_AGAIN: "the host name cannot be resolved at the moment",
  };
  return `cannot listen: ${problems[code ?? ""] ?? String(error)}`;
};

/** Formats the URL of a web server for a browser on this machine. */
export const formatUrl = (
  { host = "localhost" }: { readonly host?: string },
  scheme: string,
  port: number,
): string => `${scheme}://${host.includes(":") ? `[${host}]` : host}:${port}`;
