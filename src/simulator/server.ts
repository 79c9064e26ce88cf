/** A simulated ECU on TCP, in the manner of its family (protocol document, 1.2 to 1.4, 10). */
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import type { Logger } from "pino";
import { encodeStatus, type Messages, type Version } from "../protocol/replies.ts";
import { type Command, commandOf, decodeRequest, type Request } from "../protocol/requests.ts";
import { createCourier } from "./courier.ts";
import { createDoor } from "./door.ts";
import type { Delivery, FaultName, FaultSwitch } from "./faults.ts";
import { faultyReply } from "./faulty.ts";
import type { Family } from "./rounds.ts";
import { createSwitchboard, type Switchboard } from "./switchboard.ts";

/** Answers to the questions that may be asked. `undefined`: this ECU does not know the command. */
export type Answers = { readonly [C in Command]?: (parameter: string) => Messages[C] | undefined };

export interface ServerOptions {
  readonly answers: Answers;
  readonly family: Family;
  readonly host?: string;
  readonly port?: number;
  /** Between request and reply. */
  readonly replyDelayMs?: number;
  /** Version of its answers to 0004, where it is not the usual one of the family. */
  readonly energyVersion?: Version | undefined;
  readonly faults?: readonly (FaultName | FaultSwitch)[];
  /** Of the chance with which faults act. */
  readonly seed?: number;
  readonly log?: Logger;
}

export interface SimulatedEcu extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** Faults that are on; may be changed at any time. */
  readonly faults: Pick<Switchboard, "add" | "delete" | "clear" | "on">;
  /** The last thousand requests that came, in order. */
  readonly requests: readonly Request[];
  /** Requests that would have changed a real ECU. A client must never cause one. */
  readonly writes: readonly Request[];
  /** Connections: now, at most at any one time, and in all. */
  readonly connections: { readonly open: number; readonly peak: number; readonly total: number };
  close(): Promise<void>;
}

interface Manner {
  readonly version: Record<Command, Version>;
  readonly closesAfterReply: boolean;
  readonly idleMs: number;
  readonly pieceBytes: number;
  /** Connections at a time; further ones are closed at once. */
  readonly links: number;
  /** Connections that are ever answered; the ones after them have a link that the ECU keeps for its cloud. */
  readonly linksAnswered: number;
  readonly unknownCommand: "silent" | "close";
  /** There is one reply address: a reply goes to whoever asked last. */
  readonly repliesToLastAsker: boolean;
}

const version11: Manner["version"] = {
  info: "11",
  realtime: "11",
  signal: "11",
  dayPower: "11",
  energy: "11",
  clock: "11",
};
const manners: Record<Family, Manner> = {
  R: {
    version: version11,
    closesAfterReply: false,
    idleMs: 20_000,
    pieceBytes: 1460,
    links: 5,
    linksAnswered: 3,
    unknownCommand: "silent",
    repliesToLastAsker: true,
  },
  L: {
    version: { ...version11, info: "12", energy: "12" },
    closesAfterReply: true,
    idleMs: 10_000,
    pieceBytes: Number.POSITIVE_INFINITY,
    links: Number.POSITIVE_INFINITY,
    linksAnswered: Number.POSITIVE_INFINITY,
    unknownCommand: "close",
    repliesToLastAsker: false,
  },
};
/** Commands that change settings or erase data (protocol document, 3.7, 3.9). Taken note of, and never carried out. */
const WRITES = /^00(05|06|07|10|15|16|21|24|25|26|27|28|31|33|35|45)$/;

const REQUESTS_KEPT = 1_000;

/** Starts a simulated ECU; it stops when closed or disposed of. */
export const startServer = async (options: ServerOptions): Promise<SimulatedEcu> => {
  const { answers, family, log, replyDelayMs = 0 } = options;
  const manner = manners[family];
  const courier = createCourier(manner);
  const requests: Request[] = [];
  const writes: Request[] = [];
  const links: (Socket | undefined)[] = [];
  const ignored = new Set<Socket>();
  let lastAsker: Socket | undefined;
  let peak = 0;
  let total = 0;

  const replyTo = (
    request: Request,
  ): { bytes: Buffer; delivery?: Delivery | undefined } | undefined => {
    const command = commandOf(request.code);
    if (command === undefined) return undefined;
    const answer = answers[command] as
      | ((parameter: string) => Messages[Command] | undefined)
      | undefined;
    const ecuId = answers.info?.("")?.ecuId ?? "";
    if (command !== "info" && ecuId !== "" && request.ecuId !== ecuId) {
      return { bytes: encodeStatus(command, "01") };
    }
    const message = answer?.(request.parameter);
    if (message === undefined) return undefined;
    const version =
      (command === "energy" ? options.energyVersion : undefined) ?? manner.version[command];
    const reply = faultyReply(faults.acting(command), command, message, { version, ecuId });
    faults.spend(reply.used);
    return reply;
  };

  const onRequest = (socket: Socket, link: number, bytes: Buffer): void => {
    if (!bytes.subarray(0, 3).equals(Buffer.from("APS")) || bytes.length < 13) {
      if (manner.unknownCommand === "close") socket.end();
      return;
    }
    const request = decodeRequest(bytes);
    requests.push(request);
    if (requests.length > REQUESTS_KEPT) requests.shift();
    if (WRITES.test(request.code)) writes.push(request);
    log?.debug({ ...request }, WRITES.test(request.code) ? "refused to write" : "asked");
    if (link >= manner.linksAnswered) return;
    const reply = replyTo(request);
    if (reply === undefined) {
      if (manner.unknownCommand === "close") socket.end();
      return;
    }
    lastAsker = socket;
    const answer = (): void => {
      const asker = manner.repliesToLastAsker ? (lastAsker ?? socket) : socket;
      courier.deliver(asker, reply.bytes, reply.delivery);
    };
    if (replyDelayMs > 0) courier.later(replyDelayMs, answer);
    else answer();
  };

  const onConnection = (socket: Socket): void => {
    socket.on("error", () => {}); // a client that is gone is no news to an ECU
    if (faults.ignoresConnection()) {
      ignored.add(socket);
      socket.resume().on("close", () => ignored.delete(socket));
      return;
    }
    const free = links.indexOf(undefined);
    const link = free === -1 ? links.length : free;
    if (link >= manner.links) {
      socket.destroy();
      return;
    }
    links[link] = socket;
    total++;
    peak = Math.max(peak, openLinks(links));
    socket.on("close", () => {
      links[link] = undefined;
    });
    socket.setTimeout(manner.idleMs, () => socket.end());
    socket.on("data", (bytes) => onRequest(socket, link, bytes));
  };

  const server = createServer({ noDelay: true }, onConnection);
  server.listen(options.port ?? 0, options.host ?? "127.0.0.1");
  await once(server, "listening");
  const address = addressOf(server);
  const door = createDoor(server, address);
  const faults = createSwitchboard({
    on: options.faults ?? [],
    seed: options.seed ?? 1,
    onRefusal: door.set,
  });

  const close = async (): Promise<void> => {
    door.leave();
    faults.clear();
    courier.close();
    for (const socket of [...links, ...ignored]) socket?.destroy();
    await closed(server);
  };
  return {
    ...address,
    faults,
    requests,
    writes,
    get connections() {
      return { open: openLinks(links), peak, total };
    },
    close,
    [Symbol.asyncDispose]: close,
  };
};

const openLinks = (links: readonly (Socket | undefined)[]): number =>
  links.filter((socket) => socket !== undefined).length;

const addressOf = (server: Server): { host: string; port: number } => {
  const address = server.address();
  if (address === null || typeof address === "string")
    throw new Error("the server listens on no port");
  return { host: address.address, port: address.port };
};

const closed = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    if (server.listening) server.close(() => resolve());
    else resolve();
  });
