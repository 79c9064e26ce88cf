/** Cuts off clients that do not read what they requested. */
import type { ServerResponse } from "node:http";
import onHeaders from "on-headers";

/**
 * Closes the connection of a response unless the operating system took all of it within the timeout, counted from its
 * first byte.
 * @param warn called before the connection is closed
 */
export const limitWriteTime = (
  response: ServerResponse,
  timeoutMs: number,
  warn: () => void,
): void => {
  const { socket } = response.req;
  onHeaders(response, () => {
    const timer = setTimeout(() => {
      if (socket.destroyed) return;
      // A response that waits for an earlier one on its connection has no socket yet, and no chance to be read.
      if (response.socket === null) timer.refresh();
      else {
        warn();
        socket.destroy();
      }
    }, timeoutMs).unref();
    response.once("close", () => clearTimeout(timer));
  });
};
