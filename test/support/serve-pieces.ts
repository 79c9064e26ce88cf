import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";

/** Starts a server that sends each client the next reply, each piece in a segment of its own, and closes the connection. */
export const servePieces = async (replies: Iterator<readonly Uint8Array[]>) => {
  const send = (socket: Socket, [piece, ...others]: readonly Uint8Array[]): void => {
    if (socket.destroyed) return;
    if (piece === undefined) socket.end();
    else socket.write(piece, () => setImmediate(() => send(socket, others)));
  };
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {}); // a client that has read enough may reset
    socket.once("data", () => send(socket, replies.next().value ?? []));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    host: "127.0.0.1",
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
};
