/** The web server behind its access rules: plain HTTP or TLS, at one or more addresses. */
import { once } from "node:events";
import { createServer, type RequestListener, type Server, type ServerOptions } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { createOpenConnections } from "./open-connections.ts";
import { type AccessMiddlewareOptions, createAccessMiddleware } from "./web-config/middleware.ts";
import { createWarningLimiter } from "./web-config/rate-limit.ts";
import { limitWriteTime } from "./write-timeout.ts";

export interface WebServerOptions extends AccessMiddlewareOptions {
  readonly server: ServerOptions;
  /** Time for a client to take a response, from its first byte, in milliseconds. */
  readonly writeTimeoutMs: number;
}

/** An address, or the file descriptor of a socket that listens already. */
export type ListenAt =
  | { readonly host?: string; readonly port: number }
  | { readonly host?: undefined; readonly fd: number };

export interface WebServer {
  /**
   * Listens at an address, in addition to those before.
   * @returns the address; `undefined` for a Unix socket
   * @throws Error with the code of `listen`, such as `EADDRINUSE`
   */
  listen(at: ListenAt): Promise<AddressInfo | undefined>;
  /** Accepts no more connections and closes those without a request. Ends after the last one is closed. */
  close(): Promise<void>;
  /** Closes every connection, including those in a TLS handshake. */
  destroyConnections(): void;
}

const HTTPS_REQUIRED = `HTTP/1.1 400 Bad Request\r
Connection: close\r
Content-Type: text/plain; charset=utf-8\r
\r
This port requires HTTPS; use https:// instead of http://.
`;

/** Creates a server that does not listen yet. */
export const createWebServer = (app: RequestListener, options: WebServerOptions): WebServer => {
  const handle = createAccessMiddleware(app, options);
  const warn = createWarningLimiter(options.log, options.now);
  const listener: RequestListener = (request, response) => {
    const { remoteAddress: from } = request.socket;
    limitWriteTime(response, options.writeTimeoutMs, () =>
      warn("a client did not read a response in time; its connection was closed", { from }),
    );
    handle(request, response);
  };
  const servers: Server[] = [];
  const sockets = new Set<Socket>();
  const onTlsError: TlsErrorListener = ({ code }, { remoteAddress: from, remotePort }) => {
    if (code === "ERR_SSL_HTTP_REQUEST") {
      warn("a client used plain HTTP where HTTPS is required", { from });
      const isClient = (at: Socket) => at.remoteAddress === from && at.remotePort === remotePort;
      [...sockets].find(isClient)?.end(HTTPS_REQUIRED); // the connection without the TLS layer
    } else warn("a TLS handshake failed", { from, code });
  };
  return {
    listen: async (at) => {
      const server = await createOneServer(listener, options, onTlsError);
      server.prependListener("connection", (socket: Socket) => {
        sockets.add(socket);
        socket.once("close", () => sockets.delete(socket));
      });
      server.listen(at);
      await once(server, "listening");
      servers.push(server);
      // Node.js does not know the path of a Unix socket that it did not open itself.
      return (server.address() as AddressInfo | null) ?? undefined;
    },
    close: async () => {
      await Promise.all(
        servers.map(async (server) => {
          const closed = once(server, "close");
          server.close();
          server.closeIdleConnections();
          await closed;
        }),
      );
    },
    destroyConnections: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
};

type TlsErrorListener = (error: NodeJS.ErrnoException, socket: TLSSocket) => void;

/** The server of one address. Node.js allows a server to listen only once. */
const createOneServer = async (
  listener: RequestListener,
  { access, server: serverOptions }: WebServerOptions,
  onTlsError: TlsErrorListener,
): Promise<Server> => {
  let rules = access();
  const { tls } = rules;
  if (tls === undefined) return createServer(serverOptions, listener);
  const { createServer: createTlsServer } = await import("node:https"); // takes 1 MB of memory
  const connections = createOpenConnections();
  const applyRules = (): void => {
    const current = access();
    if (current === rules) return;
    const isAuthorityChanged = current.tls?.context.ca !== rules.tls?.context.ca;
    rules = current;
    if (current.tls !== undefined) server.setSecureContext(current.tls.context);
    if (!isAuthorityChanged) return;
    // Their client certificates were checked with another authority. A response in flight ends first.
    connections.markOutdated();
    server.closeIdleConnections();
  };
  const server = createTlsServer(
    {
      ...serverOptions,
      ...tls.context,
      handshakeTimeout: serverOptions.requestTimeout,
      requestCert: tls.clientAuthType !== "NoClientCert",
      rejectUnauthorized: false, // the middleware rejects with an explanation
    },
    (request, response) => {
      applyRules();
      if (connections.isOutdated(request.socket)) request.socket.destroy();
      else listener(request, response);
    },
  );
  server.on("tlsClientError", onTlsError);
  server.prependListener("connection", (socket: Socket) => {
    applyRules();
    connections.add(socket);
  });
  return server;
};
