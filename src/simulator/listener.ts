/** The listening port of a fake ECU, which can be closed and opened again while it runs. */
import type { Server } from "node:net";

export interface Listener {
  /** Closes the port, or opens it again at its address. Open connections stay open. */
  setClosed(isClosed: boolean): void;
  /** Ignores all further changes. */
  release(): void;
}

/** If another program has taken the port, opening it is retried after this time. */
const RETRY_MS = 250;
const MAX_TIMER_MS = 2 ** 31 - 1;

/** @see Listener */
export const createListener = (
  server: Server,
  address: { host: string; port: number },
): Listener => {
  let timer: NodeJS.Timeout | undefined;
  let isReleased = false;
  const setClosed = (isClosed: boolean): void => {
    if (isReleased) return;
    clearTimeout(timer);
    if (isClosed) {
      timer = setTimeout(() => {}, MAX_TIMER_MS); // keeps the process alive although it listens at no port
      server.close();
    } else if (!server.listening) server.listen(address.port, address.host);
  };
  server.on("error", () => {
    timer = setTimeout(() => setClosed(false), RETRY_MS);
  });
  return {
    setClosed,
    release: () => {
      isReleased = true;
      clearTimeout(timer);
    },
  };
};
