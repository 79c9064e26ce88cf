/** Starts the web server and its access rules in front of a test app. */
import { request as httpRequest, type IncomingHttpHeaders, type RequestListener } from "node:http";
import { request as httpsRequest, type RequestOptions } from "node:https";
import type { AddressInfo } from "node:net";
import { pino } from "pino";
import { createWebServer, type WebServerOptions } from "../../src/http/server.ts";
import type { AccessRules } from "../../src/http/web-config/middleware.ts";

export interface TestResponse {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** A running server. Each request of `get` uses a new connection. */
export interface TestServer extends AsyncDisposable {
  readonly port: number;
  readonly logged: Record<string, unknown>[];
  get(path: string, options?: RequestOptions): Promise<TestResponse>;
  destroyConnections(): void;
}

const testApp: RequestListener = (request, response) => {
  response.setHeader("X-Frame-Options", "sameorigin");
  response.writeHead(request.url === "/nothing" ? 404 : 200);
  response.end("ecu_up 1\n");
};

export const startServer = async (
  rules: AccessRules | (() => AccessRules),
  options: Partial<WebServerOptions> = {},
  app = testApp,
): Promise<TestServer> => {
  const access = typeof rules === "function" ? rules : () => rules;
  const logged: Record<string, unknown>[] = [];
  const log = pino(
    { base: null, timestamp: false },
    { write: (line) => void logged.push(JSON.parse(line)) },
  );
  const server = createWebServer(app, {
    access,
    server: { requestTimeout: 5_000 },
    writeTimeoutMs: 10_000,
    log,
    now: () => 0,
    ...options,
  });
  const { port } = (await server.listen({ host: "127.0.0.1", port: 0 })) as AddressInfo;
  const get = (path: string, options: RequestOptions = {}): Promise<TestResponse> =>
    new Promise((resolve, reject) => {
      const send = access().tls === undefined ? httpRequest : httpsRequest;
      const request = send({
        host: "127.0.0.1",
        port,
        path,
        agent: false,
        timeout: 10_000,
        ...options,
      });
      request.on("timeout", () => request.destroy(new Error("no response")));
      request.on("error", reject);
      request.on("response", async (response) => {
        let text = "";
        for await (const chunk of response) text += chunk;
        resolve({ status: response.statusCode, headers: response.headers, text });
      });
      request.end();
    });
  return {
    port,
    logged,
    get,
    destroyConnections: server.destroyConnections,
    [Symbol.asyncDispose]: async () => {
      const closed = server.close();
      server.destroyConnections();
      await closed;
    },
  };
};
