/** A simulated ECU on TCP, in the manner of its family (protocol document, 1.2 to 1.4, 10). */
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import type { Logger } from "pino";
import { encodeReply, encodeStatus, type Messages, type Version } from "../protocol/replies.ts";
import { type Command, commandOf, decodeRequest, type Request } from "../protocol/requests.ts";
import { type FaultName, faultyBytes, faultyDelivery, faultyMessage } from "./faults.ts";
import type { Family } from "./rounds.ts";

/** Answers to the questions that may be asked. `undefined`: this ECU does not know the command. */
export type Answers = { readonly [C in Command]?: (parameter: string) => Messages[C] | undefined };

export interface ServerOptions {
  readonly answers: Answers;
  readonly family: Family;
  readonly host?: string;
  readonly port?: number;
  /** Between request and reply. */
  readonly replyDelayMs?: number;
  readonly faults?: readonly FaultName[];
  readonly log?: Logger;
}

export interface SimulatedEcu extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** Faults that are on; may be changed at any time. */
  readonly faults: Set<FaultName>;
  /** Every request that came, in order. */
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
const PIECE_GAP_MS = 50;
/** Commands that change settings or erase data (protocol document, 3.7, 3.9). Taken note of, and never carried out. */
const WRITES = /^00(05|06|07|10|15|16|21|24|25|26|27|28|31|33|35|45)$/;

/** Starts a simulated ECU; it stops when closed or disposed of. */
export const startServer = async (options: ServerOptions): Promise<SimulatedEcu> => {
  const { answers, family, log } = options;
  const manner = manners[family];
  const faults = new Set<FaultName>(options.faults);
  const requests: Request[] = [];
  const links: (Socket | undefined)[] = [];
  const sending = new Set<NodeJS.Timeout>();
  let lastAsker: Socket | undefined;
  let peak = 0;
  let total = 0;

  const later = (ms: number, act: () => void): void => {
    const timer = setTimeout(() => {
      sending.delete(timer);
      act();
    }, ms);
    sending.add(timer);
  };

  /** Sends pieces with gaps between them, then does what is left to do. */
  const send = (
    socket: Socket,
    bytes: Buffer,
    pieceBytes: number,
    gapMs: number,
    then: () => void,
  ): void => {
    if (!socket.writable) return;
    const whole = bytes.length <= pieceBytes;
    socket.write(whole ? bytes : bytes.subarray(0, pieceBytes));
    if (whole) then();
    else later(gapMs, () => send(socket, bytes.subarray(pieceBytes), pieceBytes, gapMs, then));
  };

  const deliver = (socket: Socket, bytes: Buffer): void => {
    if (!socket.writable) return; // it has had its answer, or its client is gone
    const half = bytes.subarray(0, Math.ceil(bytes.length / 2));
    const end = (): void => {
      if (manner.closesAfterReply) socket.end();
    };
    switch (faultyDelivery(faults)) {
      case "silent":
        return;
      case "emptyClose":
        socket.end();
        return;
      case "truncate":
        socket.end(half);
        return;
      case "reset":
        socket.write(half);
        later(PIECE_GAP_MS, () => socket.resetAndDestroy()); // at once, it would only be closed
        return;
      case "split":
        send(socket, bytes, 7, 5, end);
        return;
      case "drip":
        send(socket, bytes, 1, 1, end);
        return;
      case undefined:
        send(socket, bytes, manner.pieceBytes, PIECE_GAP_MS, end);
    }
  };

  const replyTo = (request: Request): Buffer | undefined => {
    const command = commandOf(request.code);
    if (command === undefined) return undefined;
    const answer = answers[command] as
      | ((parameter: string) => Messages[Command] | undefined)
      | undefined;
    const own = answers.info?.("")?.ecuId ?? "";
    if (command !== "info" && own !== "" && request.ecuId !== own) {
      return encodeStatus(command, "01");
    }
    const message = answer?.(request.parameter);
    if (message === undefined) return undefined;
    const said = faultyMessage(faults, command, message, own);
    return faultyBytes(faults, encodeReply(command, said, manner.version[command]), command);
  };

  const onRequest = (socket: Socket, link: number, bytes: Buffer): void => {
    if (!bytes.subarray(0, 3).equals(Buffer.from("APS")) || bytes.length < 13) {
      if (manner.unknownCommand === "close") socket.end();
      return;
    }
    const request = decodeRequest(bytes);
    requests.push(request);
    log?.debug({ ...request }, WRITES.test(request.code) ? "refused to write" : "asked");
    const reply = replyTo(request);
    if (reply === undefined) {
      if (manner.unknownCommand === "close") socket.end();
    } else if (link < manner.linksAnswered) {
      lastAsker = socket;
      const answer = (): void =>
        deliver(manner.repliesToLastAsker ? (lastAsker ?? socket) : socket, reply);
      const delay = options.replyDelayMs ?? 0;
      if (delay > 0) later(delay, answer);
      else answer();
    }
  };

  const server = createServer({ noDelay: true }, (socket) => {
    const free = links.indexOf(undefined);
    const link = free === -1 ? links.length : free;
    if (link >= manner.links) {
      socket.destroy();
      return;
    }
    links[link] = socket;
    total++;
    peak = Math.max(peak, openLinks(links));
    socket.on("error", () => {}); // a client that is gone is no news to an ECU
    socket.on("close", () => {
      links[link] = undefined;
    });
    socket.setTimeout(manner.idleMs, () => socket.end());
    socket.on("data", (bytes) => onRequest(socket, link, bytes));
  });
  server.listen(options.port ?? 0, options.host ?? "127.0.0.1");
  await once(server, "listening");

  const close = async (): Promise<void> => {
    for (const timer of sending) clearTimeout(timer);
    for (const socket of links) socket?.destroy();
    await closed(server);
  };
  const address = addressOf(server);
  if (faults.has("refuse")) await closed(server);
  return {
    ...address,
    faults,
    requests,
    get writes() {
      return requests.filter(({ code }) => WRITES.test(code));
    },
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
