/** The port of a simulated ECU, which can be shut and opened again while it runs. */
import type { Server } from "node:net";

export interface Door {
  /** Shuts the port, or opens it at the address it had. Connections that are open stay so. */
  set(isShut: boolean): void;
  /** Leaves it as it is, for good. */
  leave(): void;
}

/** A port that another program took meanwhile is tried again after this. */
const RETRY_MS = 250;
const FOR_EVER_MS = 2 ** 31 - 1;

/** @see Door */
export const createDoor = (server: Server, address: { host: string; port: number }): Door => {
  let waiting: NodeJS.Timeout | undefined;
  let isLeft = false;
  const set = (isShut: boolean): void => {
    if (isLeft) return;
    clearTimeout(waiting);
    if (isShut) {
      waiting = setTimeout(() => {}, FOR_EVER_MS); // a program that listens at no port would end
      server.close();
    } else if (!server.listening) server.listen(address.port, address.host);
  };
  server.on("error", () => {
    waiting = setTimeout(() => set(false), RETRY_MS);
  });
  return {
    set,
    leave: () => {
      isLeft = true;
      clearTimeout(waiting);
    },
  };
};
