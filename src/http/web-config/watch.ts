/** The web configuration as it is now: reread when its file, or one that it names, has changed. */
import type { Logger } from "pino";
import { UsageError } from "../../config/usage-error.ts";
import { fileStamp } from "../../files.ts";
import { loadWebConfig, type WebConfig } from "./file.ts";

export interface WatchOptions {
  readonly log: Logger;
  /** Milliseconds that only go up. */
  readonly now: () => number;
}

/** The files are looked at no more often than this. */
const CHECK_INTERVAL_MS = 1_000;

/**
 * Reads the file, and returns a function that gives what it says now: the same object until that changes. A file that
 * became bad changes nothing but the log.
 * @throws UsageError with every problem where the file is bad from the start.
 */
export const watchWebConfig = (path: string, { log, now }: WatchOptions): (() => WebConfig) => {
  let { read, files } = loadWebConfig(path);
  if ("problems" in read) throw new UsageError(read.problems);
  let access = read.value;
  let lookedAt = now();

  const reread = (): void => {
    ({ read, files } = loadWebConfig(path));
    const problems =
      "problems" in read ? read.problems : changesNeedingRestart(access, read.value, path);
    if ("value" in read && problems.length === 0) {
      access = read.value;
      log.info({ file: path }, "the web configuration has changed and is in force");
    } else {
      log.error({ file: path, problems }, "the web configuration is bad; the one before stays");
    }
  };
  return () => {
    if (now() - lookedAt >= CHECK_INTERVAL_MS) {
      lookedAt = now();
      if ([...files].some(([file, stamp]) => fileStamp(file) !== stamp)) reread();
    }
    return access;
  };
};

/** What a server of Node.js cannot change once it listens. */
const changesNeedingRestart = (
  before: WebConfig,
  after: WebConfig,
  path: string,
): readonly string[] => {
  if ((before.tls === undefined) !== (after.tls === undefined))
    return [`${path}: tls_server_config: TLS is switched on or off by a restart only`];
  return requestsClientCerts(before) === requestsClientCerts(after)
    ? []
    : [
        `${path}: tls_server_config.client_auth_type: changes from or to NoClientCert by a restart only`,
      ];
};

const requestsClientCerts = ({ tls }: WebConfig): boolean =>
  tls !== undefined && tls.clientAuthType !== "NoClientCert";
