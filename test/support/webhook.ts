/** A web server that keeps the notifications of an Alertmanager. */
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";

/** A notification of an Alertmanager: the fields that tests need. */
export interface Notification {
  readonly status: "firing" | "resolved";
  readonly receiver: string;
  readonly groupLabels: Readonly<Record<string, string>>;
  readonly alerts: readonly {
    readonly status: "firing" | "resolved";
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  }[];
}

export interface Webhook extends AsyncDisposable {
  readonly url: string;
  /** The notifications received at a path, oldest first. */
  at(path: string): readonly Notification[];
}

/** Listens on a free loopback port. Each path accepts notifications. */
export const startWebhook = async (): Promise<Webhook> => {
  const received: { readonly path: string | undefined; readonly notification: Notification }[] = [];
  const keep = async (request: IncomingMessage): Promise<void> => {
    received.push({ path: request.url, notification: (await json(request)) as Notification });
  };
  const server = createServer((request, response) => {
    keep(request).then(
      () => response.end(),
      (error) => response.writeHead(400).end(String(error)),
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    at: (path) =>
      received.filter((one) => one.path === path).map(({ notification }) => notification),
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
};
