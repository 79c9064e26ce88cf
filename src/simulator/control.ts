/** An HTTP port at which the faults of a running simulated ECU are switched. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Logger } from "pino";
import type { ActiveFaults } from "./active-faults.ts";
import { formatFault, parseFault } from "./fault-syntax.ts";
import { faults as table } from "./faults.ts";

type ControlledFaults = Pick<ActiveFaults, "add" | "delete" | "clear" | "active">;

export interface ControlOptions {
  readonly faults: ControlledFaults;
  readonly log?: Logger;
}

export interface Control extends AsyncDisposable {
  readonly url: string;
}

interface ControlResponse {
  readonly status: number;
  readonly body: string;
}

/**
 * Starts the control port, or does nothing without an address.
 * `GET /` lists all faults and those that are on. `PUT /faults/silent:3times` switches one on; the syntax is that of the
 * command line. `DELETE /faults/silent` switches it off, and `DELETE /faults` all of them.
 * @throws Error with the code of `listen`
 */
export const startControl = async (
  address: { readonly host?: string; readonly port: number } | undefined,
  { faults, log }: ControlOptions,
): Promise<Control | undefined> => {
  if (address === undefined) return undefined;
  const server = createServer((request, response) => {
    const { status, body } = handleRequest(request.method ?? "", request.url ?? "", faults);
    if (request.method !== "GET" && status === 200) {
      log?.info(
        { request: `${request.method} ${request.url}`, on: faults.active.map(formatFault) },
        "faults changed",
      );
    }
    const type = status === 200 ? "application/json" : "text/plain; charset=utf-8";
    response.writeHead(status, { "Content-Type": type, Connection: "close" }).end(body);
  });
  server.listen(address.port, address.host ?? "127.0.0.1");
  await once(server, "listening");
  const { family, address: host, port } = server.address() as AddressInfo;
  const url = `http://${family === "IPv6" ? `[${host}]` : host}:${port}/`;
  log?.info({ control: url }, `faults are switched at ${url}`);
  return {
    url,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
};

/** Carries out a request. */
const handleRequest = (method: string, url: string, faults: ControlledFaults): ControlResponse => {
  const [, path, , text] = /^(\/$|\/faults)(\/([^/?]+))?$/.exec(url) ?? [];
  if (path === undefined) return { status: 404, body: HELP };
  try {
    const fault = text === undefined ? undefined : parseFault(decodeURIComponent(text));
    if (method === "PUT" && fault !== undefined) faults.add(fault);
    else if (method === "DELETE" && fault !== undefined) faults.delete(fault.name, fault.query);
    else if (method === "DELETE" && path === "/faults") faults.clear();
    else if (method !== "GET" || fault !== undefined) return { status: 405, body: HELP };
  } catch (error) {
    return { status: 400, body: `"${text}" ${(error as Error).message}\n` };
  }
  return { status: 200, body: `${JSON.stringify(listFaults(faults), undefined, 2)}\n` };
};

const HELP = `GET / lists all faults and those that are on
PUT /faults/NAME[@QUERY][:LIMIT] switches one on
DELETE /faults/NAME[@QUERY] switches it off
DELETE /faults switches all off
`;

const listFaults = ({ active }: ControlledFaults) => ({
  on: active.map(formatFault),
  faults: Object.fromEntries(Object.entries(table).map(([name, { about }]) => [name, about])),
});
