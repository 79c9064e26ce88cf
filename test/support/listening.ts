import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";

/** A server at a free port of the loopback address. */
export interface TestServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
}

/** Starts a server that closes when it is disposed of. @param onSocket called with each connection */
export const startServer = async (onSocket: (socket: Socket) => void): Promise<TestServer> => {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    onSocket(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    host: "127.0.0.1",
    port,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, "close");
      server.close();
      await closed;
    },
  };
};
