/** The web server behind its access rules: plain HTTP or TLS. */
import { createServer, type RequestListener, type Server, type ServerOptions } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { type AccessMiddlewareOptions, createAccessMiddleware } from "./web-config/middleware.ts";
import { createWarningLimiter } from "./web-config/rate-limit.ts";

export interface WebServerOptions extends AccessMiddlewareOptions {
  readonly server: ServerOptions;
}

export interface WebServer {
  readonly server: Server;
  /** Ends every connection, those in a TLS handshake included. */
  destroyConnections(): void;
}

/** A server that listens nowhere yet. */
export const createWebServer = (app: RequestListener, options: WebServerOptions): WebServer => {
  const { access } = options;
  let applied = access();
  const gate = createAccessMiddleware(app, options);
  const { tls } = applied;
  const server =
    tls === undefined
      ? createServer(options.server, gate)
      : createTlsServer(
          {
            ...options.server,
            ...tls.context,
            handshakeTimeout: options.server.requestTimeout,
            requestCert: tls.clientAuthType !== "NoClientCert",
            rejectUnauthorized: false, // the gate refuses, in words
          },
          gate,
        ).on("tlsClientError", createErrorLogger(options, "a TLS handshake failed"));
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
    destroyConnections: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
};

const createErrorLogger = ({ log, now }: WebServerOptions, sentence: string) => {
  const logFailure = createWarningLimiter(log, now);
  return (error: NodeJS.ErrnoException, socket: TLSSocket): void => {
    logFailure(sentence, { from: socket.remoteAddress, code: error.code });
  };
};
