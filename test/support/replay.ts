import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { type Command, commands } from "../../src/protocol/requests.ts";

/** An ECU that knows nothing but the replies it is given: it answers each question with those bytes and closes. */
export interface Replay extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** Bytes for each command; a question without any is closed without an answer. */
  readonly replies: Partial<Record<Command, Uint8Array>>;
  /** Requests that came, as text. */
  readonly requests: readonly string[];
}

export const startReplay = async (replies: Replay["replies"]): Promise<Replay> => {
  const requests: string[] = [];
  const current = { ...replies };
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", (bytes) => {
      const request = bytes.toString("latin1");
      requests.push(request);
      const asked = Object.entries(commands).find(([, { code }]) => code === request.slice(9, 13));
      socket.end(current[asked?.[0] as Command] ?? "");
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { address: host, port } = server.address() as AddressInfo;
  return {
    host,
    port,
    replies: current,
    requests,
    [Symbol.asyncDispose]: async () => {
      server.close();
      await once(server, "close");
    },
  };
};
