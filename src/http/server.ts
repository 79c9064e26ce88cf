/** The web server behind its access rules: plain HTTP or TLS. */
import { createServer, type RequestListener, type Server, type ServerOptions } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { createGate, type GateOptions } from "./web-config/middleware.ts";
import { atMostEachMinute } from "./web-config/rate-limit.ts";

export interface AccessOptions extends GateOptions {
  readonly server: ServerOptions;
}

export interface AccessServer {
  readonly server: Server;
  /** Ends every connection, those in a TLS handshake included. */
  hangUp(): void;
}

/** A server that listens nowhere yet. */
export const createAccessServer = (app: RequestListener, options: AccessOptions): AccessServer => {
  const { access } = options;
  let applied = access();
  const gate = createGate(app, options);
  const { tls } = applied;
  const server =
    tls === undefined
      ? createServer(options.server, gate)
      : createTlsServer(
          {
            ...options.server,
            ...tls.context,
            handshakeTimeout: options.server.requestTimeout,
            requestCert: tls.clients !== "NoClientCert",
            rejectUnauthorized: false, // the gate refuses, in words
          },
          gate,
        ).on("tlsClientError", logEach(options, "a TLS handshake failed"));
  const sockets = new Set<Socket>();
  server.prependListener("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    const newest = access();
    if (newest === applied) return;
    applied = newest;
    if (newest.tls !== undefined && "setSecureContext" in server)
      (server as ReturnType<typeof createTlsServer>).setSecureContext(newest.tls.context);
  });
  return {
    server,
    hangUp: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
};

const logEach = ({ log, now }: AccessOptions, sentence: string) => {
  const logFailure = atMostEachMinute(log, now);
  return (error: NodeJS.ErrnoException, socket: TLSSocket): void => {
    logFailure(sentence, { from: socket.remoteAddress, code: error.code });
  };
};
