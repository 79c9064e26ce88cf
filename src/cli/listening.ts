/** Messages about a listen address. */
import { UsageError } from "../config/usage-error.ts";
import type { AnyCommand } from "./command.ts";

/**
 * A failure to listen as a UsageError, with the flag that set the port; any other error unchanged.
 * @param config the configuration that the command ran with
 */
export const explainListenError = (
  error: unknown,
  command: AnyCommand,
  config: unknown,
): unknown => {
  const { code, address, port, syscall } = error as NodeJS.ErrnoException & {
    address?: string;
    port?: number;
  };
  if (syscall !== "listen" && syscall !== "getaddrinfo") return error;
  const flag = findPortFlag(command, config, port);
  const setIt = flag === undefined ? "" : ` with --${flag}`;
  const problems: Readonly<Record<string, string>> = {
    EADDRINUSE: `port ${port} is in use, possibly by another instance of this program; choose another port${setIt}`,
    EACCES: `this user may not use port ${port}; choose a port above 1023${setIt}`,
    EADDRNOTAVAIL: `${address} is not an address of this machine`,
    ENOTFOUND: "the host name cannot be resolved",
    EAI_AGAIN: "the host name cannot be resolved at the moment",
  };
  const problem = problems[code ?? ""] ?? String(error);
  return new UsageError([`cannot listen: ${problem}`], { cause: error });
};

const findPortFlag = (
  { settings }: AnyCommand,
  config: unknown,
  port: number | undefined,
): string | undefined => {
  const values = config as Readonly<Record<string, { readonly port?: number } | undefined>>;
  return Object.entries(settings).find(
    ([key, { value }]) => value.endsWith(":PORT") && values[key]?.port === port,
  )?.[1].flag;
};

/** Formats the URL of a web server for a browser on this machine. */
export const formatUrl = (
  { host = "localhost" }: { readonly host?: string },
  scheme: string,
  port: number,
): string => `${scheme}://${host.includes(":") ? `[${host}]` : host}:${port}`;
