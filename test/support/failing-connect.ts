import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";

const CHANNEL = "net.client.socket";

/** Makes each new connection fail with an error code of the operating system, until it is disposed of. */
export const failConnections = (code: string): Disposable => {
  const fail = (message: unknown): void => {
    const { socket } = message as { readonly socket: Socket };
    // After `connect` has returned, and before any data arrives.
    process.nextTick(() => socket.destroy(Object.assign(new Error(code), { code })));
  };
  subscribe(CHANNEL, fail);
  return { [Symbol.dispose]: () => unsubscribe(CHANNEL, fail) };
};
