/** Sockets that systemd opened for this process (sd_listen_fds(3)). */

import { UsageError } from "../config/usage-error.ts";
import type { ListenAt } from "../http/server.ts";

/** Standard input and both outputs come before. */
const FIRST_FD = 3;

/**
 * Finds the sockets for this process.
 * @param env the environment of the process
 * @param pid its process number: systemd says for which process the sockets are
 * @returns their file descriptors, at least one
 * @throws UsageError if there are none
 */
export const findSystemdSockets = (
  env: Readonly<Record<string, string | undefined>>,
  pid: number,
): readonly ListenAt[] => {
  const count = env["LISTEN_PID"] === String(pid) ? Number(env["LISTEN_FDS"]) : 0;
  if (!Number.isInteger(count) || count < 1)
    throw new UsageError([
      "--web.systemd-socket: systemd passed no socket; start the service through a socket unit, see docs/deployment.md",
    ]);
  return Array.from({ length: count }, (_, i) => ({ fd: FIRST_FD + i }));
};
