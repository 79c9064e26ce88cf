/** The open connections of a server, some of which may not be used any more. */
import type { Socket } from "node:net";

export interface OpenConnections {
  readonly add: (socket: Socket) => void;
  /** Marks all connections that are open now. */
  readonly markOutdated: () => void;
  /** @param socket of the connection itself or of its TLS layer */
  readonly isOutdated: (socket: Socket) => boolean;
}

/** The ends of a connection, which no other open connection has. Both sockets of a connection over TLS have the same ends. */
const describeEnds = ({ localAddress, localPort, remoteAddress, remotePort }: Socket): string =>
  [localAddress, localPort, remoteAddress, remotePort].join(" ");

/** @see OpenConnections */
export const createOpenConnections = (): OpenConnections => {
  const sockets = new Set<Socket>();
  const outdated = new Set<string>();
  return {
    add: (socket) => {
      const ends = describeEnds(socket);
      sockets.add(socket);
      socket.once("close", () => {
        sockets.delete(socket);
        outdated.delete(ends);
      });
    },
    markOutdated: () => {
      for (const socket of sockets)
        if (socket.remoteAddress === undefined)
          socket.destroy(); // closed, or a Unix socket, whose ends have no names
        else outdated.add(describeEnds(socket));
    },
    isOutdated: (socket) => outdated.has(describeEnds(socket)),
  };
};
