/** The TCP client: one request and its whole reply, over a connection of its own. */
import { once } from "node:events";
import { connect, type LookupFunction, type Socket } from "node:net";
import { ProtocolError } from "../protocol/errors.ts";
import { MAX_REPLY_BYTES, readReplyLength } from "../protocol/frame.ts";
import { type Clock, systemClock } from "../time/clock.ts";
import { QueryError, type Reason } from "./errors.ts";

/** Where an ECU listens. */
export interface EcuEndpoint {
  readonly host: string;
  readonly port: number;
  /** The addresses of the host, if they have been looked up. */
  readonly addresses?: readonly ResolvedAddress[] | undefined;
}

/** An address of a host. */
export interface ResolvedAddress {
  readonly address: string;
  readonly family: number;
}

/** Maximum time of each stage of an exchange, in milliseconds (docs/protocol.md#time-limits). */
export interface ExchangeLimits {
  readonly connectMs: number;
  /** Without any new byte. */
  readonly silenceMs: number;
  /** From the request until the reply is complete. */
  readonly replyMs: number;
  /** After the reply, until the ECU closes the connection; with 0 this side closes it at once. */
  readonly closeMs: number;
}

/** The limits where a caller does not set its own. */
const defaultLimits: ExchangeLimits = {
  connectMs: 5_000,
  silenceMs: 5_000,
  replyMs: 10_000,
  closeMs: 0,
};

/** Sees what happens on the connection, as it happens. */
export interface ExchangeObserver {
  /** The connection was accepted. */
  connected?(): void;
  /** Bytes arrived, as they came. */
  received?(bytes: Buffer): void;
  /** The reply is complete. */
  replied?(reply: RawReply): void;
  /** The ECU closed or reset the connection. */
  closed?(): void;
}

export interface ExchangeOptions {
  readonly limits?: Partial<ExchangeLimits>;
  readonly clock?: Pick<Clock, "schedule">;
  readonly observer?: ExchangeObserver;
}

/** A complete reply, and what was unusual about its arrival (docs/protocol.md#receiving-a-reply). */
export interface RawReply {
  /** As many bytes as the reply declares; a missing final line feed is added. */
  readonly bytes: Buffer;
  readonly missingLineFeed: boolean;
  readonly trailingBytes: number;
}

/** How long the final line feed of an otherwise complete reply may take; some ECUs never send it. */
const LINE_FEED_GRACE_MS = 300;

const FREE_MEMORY = "stop programs that use much memory";
const CHECK_RULES =
  "check the firewall of this machine, and the restrictions of the service or container";

/** A stage of an exchange, or the whole of it, took too long. */
class TimeUp extends Error {}

/**
 * Sends one request and receives its reply: the request in one write, never half-closed. The socket is destroyed and closed
 * before this settles, so that the next connection does not meet it (docs/protocol.md#connections).
 * @throws QueryError `refused`, `unreachable`, `timeout`, `closed`, `truncated` or `malformed`
 */
export const exchange = async (
  endpoint: EcuEndpoint,
  request: Uint8Array,
  signal: AbortSignal,
  options: ExchangeOptions = {},
): Promise<RawReply> => {
  const { clock = systemClock, observer = {} } = options;
  const limits = { ...defaultLimits, ...options.limits };
  let received: Buffer = Buffer.alloc(0);
  const { host, port, addresses } = endpoint;
  const lookup = addresses && createLookup(addresses);
  const socket = connect({ host, port, noDelay: true, ...(lookup && { lookup }) });
  const deadlines = setDeadlines(socket, signal, clock);
  if (observer.closed !== undefined) onPeerClose(socket, observer.closed);
  try {
    deadlines.stage(limits.connectMs, "did not accept the connection within");
    await once(socket, "connect");
    observer.connected?.();
    deadlines.reply(limits.replyMs, "did not complete its reply within");
    deadlines.stage(limits.silenceMs, "accepted the connection and sent nothing for");
    socket.write(request);
    for await (const chunk of readChunks(socket)) {
      observer.received?.(chunk);
      received = append(received, chunk);
      const missing = (readReplyLength(received) ?? MAX_REPLY_BYTES) - received.length;
      if (missing <= 0) break;
      const graceMs = missing === 1 ? LINE_FEED_GRACE_MS : limits.silenceMs;
      deadlines.stage(graceMs, "stopped in the middle of its reply and sent nothing for");
    }
    const reply = completeReply(received);
    observer.replied?.(reply);
    deadlines.end();
    if (limits.closeMs > 0) await closedWithin(socket, limits.closeMs, clock, signal);
    return reply;
  } catch (error) {
    // A reply that lacks only its line feed is complete once nothing more arrives.
    if (!(error instanceof ProtocolError) && lacksLineFeed(received)) {
      const reply = completeReply(received);
      observer.replied?.(reply);
      return reply;
    }
    throw toQueryError(endpoint, error, received);
  } finally {
    deadlines.end();
    await destroy(socket);
  }
};

/** A lookup whose result is known. */
const createLookup =
  (addresses: readonly ResolvedAddress[]): LookupFunction =>
  (_host, { all }, callback) => {
    const [{ address, family } = { address: "", family: 4 }] = addresses;
    if (all === true) callback(null, [...addresses]);
    else callback(null, address, family);
  };

/** The chunks of a socket, which is left open when the loop ends. */
const readChunks = (socket: Socket): AsyncIterable<Buffer> =>
  socket.iterator({ destroyOnReturn: false });

/** Destroys the socket with a `TimeUp` when a stage, the whole reply, or the caller's time ends. */
const setDeadlines = (socket: Socket, signal: AbortSignal, clock: Pick<Clock, "schedule">) => {
  let cancelStage = (): void => {};
  let cancelReply = (): void => {};
  const deadline = (ms: number, problem: string): (() => void) =>
    clock.schedule(ms, () => socket.destroy(new TimeUp(`${problem} ${ms / 1000} s`)));
  const onAbort = (): void => {
    socket.destroy(new TimeUp("did not reply within the time limit of this read"));
  };
  // A pending wait throws the error; between two waits and after the last, nothing depends on it.
  socket.on("error", () => {});
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  return {
    stage: (ms: number, problem: string): void => {
      cancelStage();
      cancelStage = deadline(ms, problem);
    },
    reply: (ms: number, problem: string): void => {
      cancelReply = deadline(ms, problem);
    },
    end: (): void => {
      cancelStage();
      cancelReply();
      signal.removeEventListener("abort", onAbort);
    },
  };
};

/** Calls back once when the other side closes or resets the connection, and not when this side destroys the socket. */
const onPeerClose = (socket: Socket, callback: () => void): void => {
  let isDone = false;
  const report = (): void => {
    if (!isDone) callback();
    isDone = true;
  };
  socket.on("end", report);
  socket.on("error", (error) => {
    if (isReset(error)) report();
  });
};

const isReset = (error: unknown): boolean =>
  ["ECONNRESET", "EPIPE"].includes((error as NodeJS.ErrnoException).code ?? "");

/** Waits until the other side closes, at most for a time. */
const closedWithin = (
  socket: Socket,
  ms: number,
  clock: Pick<Clock, "schedule">,
  signal: AbortSignal,
): Promise<void> =>
  new Promise((resolve) => {
    const finish = (): void => {
      cancel();
      signal.removeEventListener("abort", finish);
      resolve();
    };
    const cancel = clock.schedule(ms, finish);
    signal.addEventListener("abort", finish);
    socket.once("end", finish).once("close", finish).resume();
    if (signal.aborted || socket.readableEnded || socket.destroyed) finish();
  });

/** Adds a chunk to what was received, up to the longest reply and a few bytes more. */
const append = (received: Buffer, chunk: Buffer): Buffer =>
  Buffer.concat([received, chunk.subarray(0, MAX_REPLY_BYTES + 9 - received.length)]);

const lacksLineFeed = (received: Buffer): boolean =>
  received.length + 1 === readReplyLength(received);

/** @throws QueryError `closed` or `truncated` where bytes are missing */
const completeReply = (received: Buffer): RawReply => {
  if (received.length === 0) {
    throw new QueryError("closed the connection without a reply", { reason: "closed" });
  }
  const total = readReplyLength(received);
  if (total === received.length + 1) {
    const bytes = Buffer.concat([received, Buffer.of(0x0a)]);
    return { bytes, missingLineFeed: true, trailingBytes: 0 };
  }
  if (total === undefined || received.length < total) {
    const problem = `closed the connection in the middle of its reply (${received.length} bytes)`;
    throw new QueryError(problem, { reason: "truncated" });
  }
  const bytes = received.subarray(0, total);
  return { bytes, missingLineFeed: false, trailingBytes: received.length - total };
};

/** Destroys a socket and waits until the connection is gone. */
const destroy = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    if (socket.closed) return resolve();
    socket.once("close", () => resolve());
    socket.destroy();
  });

/** Any error of an exchange as a `QueryError` whose message starts with the address of the ECU. */
const toQueryError = (endpoint: EcuEndpoint, error: unknown, received: Buffer): QueryError => {
  const at = `${endpoint.host}:${endpoint.port}`;
  const as = (reason: Reason, problem: string): QueryError =>
    new QueryError(`${at} ${problem}`, { reason, received, cause: error });
  if (error instanceof QueryError) return as(error.reason, error.message);
  if (error instanceof TimeUp) return as("timeout", error.message);
  if (error instanceof ProtocolError)
    return as(error.reason, `did not send a valid reply: ${error.message}`);
  if (isReset(error)) {
    const reason = received.length === 0 ? "closed" : "truncated";
    return as(reason, `reset the connection after ${received.length} bytes`);
  }
  return toSystemError(endpoint, error);
};

/** An error of the operating system as a `QueryError` whose message starts with the address of the ECU. */
export const toSystemError = ({ host, port }: EcuEndpoint, cause: unknown): QueryError => {
  const { code = "", message } = cause as NodeJS.ErrnoException;
  const [reason, problem, remedy] = systemErrors[code] ?? ["unreachable", "cannot be reached"];
  const text = `${host}:${port} ${problem} (${code || message})`;
  return new QueryError(text, { reason, remedy, cause });
};

/** The errors of the operating system by their code: the reason, a text for logs, and what to do if it is not the ECU. */
const systemErrors: Readonly<Record<string, readonly [Reason, string, string?]>> = {
  EMFILE: [
    "unreachable",
    "was not contacted: this process has too many open files",
    "raise its limit (LimitNOFILE in systemd, ulimit -n in a shell), and compare process_open_fds on /self",
  ],
  ENFILE: [
    "unreachable",
    "was not contacted: this machine has too many open files",
    "find the program that keeps them open, or raise the limit fs.file-max",
  ],
  ENOBUFS: ["unreachable", "was not contacted: this machine has no free memory", FREE_MEMORY],
  ENOMEM: ["unreachable", "was not contacted: this machine has no free memory", FREE_MEMORY],
  EACCES: ["unreachable", "was not contacted: this machine forbids the connection", CHECK_RULES],
  EPERM: ["unreachable", "was not contacted: this machine forbids the connection", CHECK_RULES],
  EINVAL: [
    "unreachable",
    "was not contacted: its address is not complete",
    "write a link-local address with its interface, such as [fe80::50%eth0]",
  ],
  ECONNREFUSED: ["refused", "refused the connection"],
  ETIMEDOUT: ["timeout", "did not accept the connection"],
  ENOTFOUND: ["unreachable", "is a name that cannot be resolved"],
  EAI_AGAIN: ["unreachable", "is a name that cannot be resolved now"],
  EHOSTUNREACH: ["unreachable", "cannot be reached: no such host in this network"],
  ENETUNREACH: ["unreachable", "cannot be reached: no route to its network"],
};
