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
  const [flag, other] = findPortFlags(command, config, port);
  const setIt = flag === undefined ? "" : ` with --${flag}`;
  const rival = other === undefined ? "" : `${other === flag ? "another " : ""}--${other} or `;
  const problems: Readonly<Record<string, string>> = {
    EADDRINUSE: `port ${port} is in use, possibly by ${rival}another instance of this program; choose another port${setIt}`,
    EACCES: `this user may not use port ${port}; choose a port above 1023${setIt}`,
    EADDRNOTAVAIL: `${address} is not an address of this machine`,
    ENOTFOUND: "the host name cannot be resolved",
    EAI_AGAIN: "the host name cannot be resolved at the moment",
  };
  const problem = problems[code ?? ""] ?? String(error);
  return new UsageError([`cannot listen: ${problem}`], { cause: error });
};

interface Address {
  readonly address?: string;
  readonly port?: number;
}

/** The flags that set the port; a flag that set it several times is there several times. */
const findPortFlags = (
  { settings }: AnyCommand,
  config: unknown,
  port: number | undefined,
): string[] => {
  const values = config as Readonly<Record<string, Address | readonly Address[] | undefined>>;
  return Object.entries(settings)
    .filter(([, { value }]) => value.endsWith(":PORT"))
    .flatMap(([key, { flag }]) =>
      [values[key] ?? []]
        .flat()
        .filter((at) => at.port === port)
        .map(() => flag),
    );
};

/** Addresses of all interfaces. */
const ANY_ADDRESS: readonly string[] = ["::", "0.0.0.0"];

interface Listening {
  readonly scheme: string;
  /** Path of the URLs. */
  readonly path: string;
  /** Where the server was to listen, maybe by a host name. */
  readonly requested: readonly { readonly host?: string | undefined }[];
  /** Where it listens, in the same order; `undefined` for a Unix socket. */
  readonly addresses: readonly (Required<Address> | undefined)[];
}

/** Formats the URLs of a web server for a browser on this machine, joined by "and". */
export const formatUrls = ({ scheme, path, requested, addresses }: Listening): string =>
  addresses
    .map((at, i) => {
      if (at === undefined) return "a Unix socket";
      const host = ANY_ADDRESS.includes(at.address)
        ? "localhost"
        : (requested[i]?.host ?? at.address);
      return `${scheme}://${host.includes(":") ? `[${host}]` : host}:${at.port}${path}`;
    })
    .join(" and ");
