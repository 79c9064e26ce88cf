/** The TCP side of every fake ECU: the simulated one, the replay of a capture, and those of the tests. */
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { ProtocolError } from "../protocol/errors.ts";
import { type DecodedRequest, decodeRequest } from "../protocol/requests.ts";
import type { Behaviour } from "./behaviours.ts";
import type { Delivery } from "./faults.ts";
import { createListener } from "./listener.ts";
import { createReplySender } from "./reply-sender.ts";

/** The reply to a request. */
export interface FakeReply {
  readonly bytes: Uint8Array;
  /** How it is sent, if not normally. */
  readonly delivery?: Delivery | undefined;
  /** What follows on the connection, if not what is normal for the family. */
  readonly end?: "stay" | "close" | undefined;
}

export interface FakeEcuOptions {
  readonly behaviour: Behaviour;
  /** Returns the reply to a request; `undefined` if the ECU does not know the request. */
  readonly reply: (request: DecodedRequest) => FakeReply | undefined;
  /** Whether a new connection is accepted and then ignored. */
  readonly shouldIgnoreConnection?: () => boolean;
  /** Called with every request, before its reply. @param bytes as received */
  readonly onRequest?: (request: DecodedRequest, bytes: Buffer) => void;
  readonly host?: string;
  /** Without it, any free port. */
  readonly port?: number;
  /** Delay of each reply. */
  readonly replyDelayMs?: number;
}

export interface FakeEcu extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** The last thousand requests, in order. */
  readonly requests: readonly DecodedRequest[];
  /** Number of connections: now, maximum at the same time, and total. */
  readonly connections: { readonly open: number; readonly peak: number; readonly total: number };
  /** Closes the port, or opens it again. Open connections stay open. */
  setRefusing(isRefusing: boolean): void;
  close(): Promise<void>;
}

const MAX_REQUESTS = 1_000;

/** Starts a fake ECU; it stops when it is closed or disposed of. @throws Error of `listen` */
export const startFakeEcu = async (options: FakeEcuOptions): Promise<FakeEcu> => {
  const { behaviour, shouldIgnoreConnection = () => false } = options;
  const sender = createReplySender(behaviour.pieceBytes);
  const requests: DecodedRequest[] = [];
  const links = createLinks(behaviour.links);
  const ignored = new Set<Socket>();
  const respond = createResponder(options, sender);

  const server = createServer({ noDelay: true }, (socket) => {
    socket.on("error", () => {}); // an ECU ignores that a client has disconnected
    if (shouldIgnoreConnection()) {
      ignored.add(socket);
      socket.resume().on("close", () => ignored.delete(socket));
      return;
    }
    const link = links.take(socket);
    if (link === undefined) {
      socket.destroy();
      return;
    }
    socket.setTimeout(behaviour.idleMs, () => socket.end());
    socket.on("data", (bytes) => {
      const request = tryDecodeRequest(bytes);
      if (request !== undefined) {
        requests.push(request);
        if (requests.length > MAX_REQUESTS) requests.shift();
        options.onRequest?.(request, bytes);
      }
      respond(socket, link, request);
    });
  });
  server.listen(options.port ?? 0, options.host ?? "127.0.0.1");
  await once(server, "listening");
  const { address: host, port } = server.address() as AddressInfo;
  const listener = createListener(server, { host, port });

  const close = async (): Promise<void> => {
    listener.release();
    sender.close();
    for (const socket of [...links.sockets(), ...ignored]) socket.destroy();
    await closeServer(server);
  };
  return {
    host,
    port,
    requests,
    get connections() {
      return links.counts();
    },
    setRefusing: listener.setClosed,
    close,
    [Symbol.asyncDispose]: close,
  };
};

/** Sends the reply to a request, or handles a request that the ECU does not know. */
const createResponder = (
  { behaviour, reply, replyDelayMs = 0 }: FakeEcuOptions,
  sender: ReturnType<typeof createReplySender>,
) => {
  let lastClient: Socket | undefined;
  return (socket: Socket, link: number, request: DecodedRequest | undefined): void => {
    if (request !== undefined && link >= behaviour.linksAnswered) return;
    const found = request && reply(request);
    if (found === undefined) {
      if (behaviour.unknownRequest === "close") socket.end();
      return;
    }
    lastClient = socket;
    const { bytes, delivery, end = behaviour.closesAfterReply ? "close" : "stay" } = found;
    const send = (): void => {
      const client = behaviour.repliesToLastClient ? (lastClient ?? socket) : socket;
      sender.send(client, bytes, delivery, () => {
        if (end === "close") client.end();
      });
    };
    if (replyDelayMs > 0) sender.later(replyDelayMs, send);
    else send();
  };
};

/** The connections of an ECU: each has the lowest free number, and there is a maximum. */
const createLinks = (max: number) => {
  const links: (Socket | undefined)[] = [];
  const open = (): Socket[] => links.filter((socket) => socket !== undefined);
  let peak = 0;
  let total = 0;
  return {
    /** Returns the number of the connection; `undefined` if there are too many. */
    take: (socket: Socket): number | undefined => {
      const free = links.indexOf(undefined);
      const link = free === -1 ? links.length : free;
      if (link >= max) return undefined;
      links[link] = socket;
      total++;
      peak = Math.max(peak, open().length);
      socket.on("close", () => {
        links[link] = undefined;
      });
      return link;
    },
    sockets: open,
    counts: () => ({ open: open().length, peak, total }),
  };
};

/** `undefined` for bytes that are not a request. */
const tryDecodeRequest = (bytes: Buffer): DecodedRequest | undefined => {
  try {
    return decodeRequest(bytes);
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
};

const closeServer = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    if (server.listening) server.close(() => resolve());
    else resolve();
  });
