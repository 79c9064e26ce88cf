/** The current web configuration: reloaded when its file, or a file that it refers to, changes. */
import type { Logger } from "pino";
import { UsageError } from "../../config/usage-error.ts";
import { fileStamp } from "../../files.ts";
import { findWarnings, loadWebConfig, type WebConfig } from "./file.ts";

export interface WatchOptions {
  readonly log: Logger;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
}

/** The minimum time between two checks of the files for changes. */
const CHECK_INTERVAL_MS = 1_000;

/**
 * Loads the file. An invalid change of it is logged and otherwise ignored.
 * @returns a function that returns the current configuration: the same object until it changes
 * @throws UsageError with every problem, if the file is invalid now
 */
export const watchWebConfig = (path: string, { log, now }: WatchOptions): (() => WebConfig) => {
  let { result, files } = loadWebConfig(path);
  if ("problems" in result) throw new UsageError(result.problems);
  let config = result.value;
  let checkedAt = now();
  const warn = (): void => {
    for (const warning of findWarnings(config)) log.warn({ file: path }, warning);
  };
  warn();

  const reload = (): void => {
    ({ result, files } = loadWebConfig(path));
    const problems =
      "problems" in result
        ? result.problems
        : findChangesNeedingRestart(config, result.value, path);
    if ("value" in result && problems.length === 0) {
      config = result.value;
      log.info({ file: path }, "the web configuration was reloaded");
      warn();
    } else {
      log.error(
        { file: path, problems },
        "the web configuration is invalid; the previous one stays in effect",
      );
    }
  };
  return () => {
    if (now() - checkedAt >= CHECK_INTERVAL_MS) {
      checkedAt = now();
      if ([...files].some(([file, stamp]) => fileStamp(file) !== stamp)) reload();
    }
    return config;
  };
};

/** Finds changes that a server of Node.js cannot make after it is created. */
const findChangesNeedingRestart = (
  before: WebConfig,
  after: WebConfig,
  path: string,
): readonly string[] => {
  if ((before.tls === undefined) !== (after.tls === undefined))
    return [`${path}: tls_server_config: enabling or disabling TLS needs a restart`];
  return requestsClientCerts(before) === requestsClientCerts(after)
    ? []
    : [
        `${path}: tls_server_config.client_auth_type: a change from or to NoClientCert needs a restart`,
      ];
};

const requestsClientCerts = ({ tls }: WebConfig): boolean =>
  tls !== undefined && tls.clientAuthType !== "NoClientCert";
