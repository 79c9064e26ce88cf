/** The web server behind its access rules: plain HTTP or TLS. */
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { type AccessMiddlewareOptions, createAccessMiddleware } from "./web-config/middleware.ts";
import { createWarningLimiter } from "./web-config/rate-limit.ts";
import { limitWriteTime } from "./write-timeout.ts";

export interface WebServerOptions extends AccessMiddlewareOptions {
  readonly server: ServerOptions;
  /** Time for a client to take a response, from its first byte, in milliseconds. */
  readonly writeTimeoutMs: number;
}

export interface WebServer {
  readonly server: Server;
  /** Closes every connection, including those in a TLS handshake. */
  destroyConnections(): void;
}

/** Creates a server that does not listen yet. */
export const createWebServer = (app: RequestListener, options: WebServerOptions): WebServer => {
  const { access } = options;
  let rules = access();
  const listener = createAccessMiddleware(app, options);
  const { tls } = rules;
  const server =
    tls === undefined
      ? createServer(options.server, listener)
      : createTlsServer(
          {
            ...options.server,
            ...tls.context,
            handshakeTimeout: options.server.requestTimeout,
            requestCert: tls.clientAuthType !== "NoClientCert",
            rejectUnauthorized: false, // the middleware rejects with an explanation
          },
          listener,
        ).on("tlsClientError", createErrorLogger(options, "a TLS handshake failed"));
  const warn = createWarningLimiter(options.log, options.now);
  server.prependListener("request", ({ socket }: IncomingMessage, response: ServerResponse) => {
    const { remoteAddress: from } = socket;
    limitWriteTime(response, options.writeTimeoutMs, () =>
      warn("a client did not read a response in time; its connection was closed", { from }),
    );
  });
  const sockets = new Set<Socket>();
  server.prependListener("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    const current = access();
    if (current === rules) return;
    rules = current;
    if (current.tls !== undefined && "setSecureContext" in server)
      (server as ReturnType<typeof createTlsServer>).setSecureContext(current.tls.context);
  });
  return {
    server,
    destroyConnections: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
};

const createErrorLogger = ({ log, now }: WebServerOptions, message: string) => {
  const warn = createWarningLimiter(log, now);
  return (error: NodeJS.ErrnoException, socket: TLSSocket): void => {
    warn(message, { from: socket.remoteAddress, code: error.code });
  };
};
