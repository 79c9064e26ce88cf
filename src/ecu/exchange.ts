import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { ProtocolError } from "../protocol/errors.ts";
import { LONGEST_REPLY, replyLength } from "../protocol/frame.ts";
import { QueryError, type Reason } from "./errors.ts";

/** Where an ECU listens. */
export interface Target {
  readonly host: string;
  readonly port: number;
}

/** How long one exchange may take at each stage, in milliseconds (protocol document, 1.5). */
export interface ExchangeLimits {
  readonly connectMs: number;
  /** Without any new byte. */
  readonly silenceMs: number;
  /** From the request until the reply is whole. */
  readonly replyMs: number;
}

const exchangeLimits: ExchangeLimits = {
  connectMs: 5_000,
  silenceMs: 5_000,
  replyMs: 10_000,
};

/** A whole reply, and what was odd about its arrival (protocol document, 2.4). */
export interface RawReply {
  /** As many bytes as the reply declares, the line feed added where the ECU left it out. */
  readonly bytes: Buffer;
  readonly missingLineFeed: boolean;
  readonly trailingBytes: number;
}

/** How long a reply that lacks only its line feed is given to send it. */
const LINE_FEED_GRACE_MS = 300;

/** Some stage of an exchange took too long. */
class TimeUp extends Error {}

/**
 * One request and its whole reply, over a connection of its own: the request in one write, never half-closed, the
 * socket destroyed and closed before this settles (protocol document, 1.2).
 * @throws QueryError `refused`, `unreachable`, `timeout`, `closed`, `truncated` or `malformed`.
 */
export const exchange = async (
  target: Target,
  request: Uint8Array,
  signal: AbortSignal,
  limits: ExchangeLimits = exchangeLimits,
): Promise<RawReply> => {
  let received: Buffer = Buffer.alloc(0);
  const socket = connect({ host: target.host, port: target.port, noDelay: true });
  const watch = watchOver(socket, signal);
  try {
    watch.stage(limits.connectMs, "did not accept the connection");
    await once(socket, "connect");
    watch.whole(limits.replyMs, "did not finish its reply");
    watch.stage(limits.silenceMs, "accepted the connection and did not answer");
    socket.write(request);
    for await (const chunk of socket) {
      received = append(received, chunk);
      const missing = (replyLength(received) ?? LONGEST_REPLY) - received.length;
      if (missing <= 0) break;
      const patience = missing === 1 ? LINE_FEED_GRACE_MS : limits.silenceMs;
      watch.stage(patience, "stopped in the middle of its reply");
    }
    return wholeReply(received);
  } catch (error) {
    // A reply that lacks its line feed and nothing else is whole, once nothing more comes.
    if (!(error instanceof ProtocolError) && lacksLineFeed(received)) return wholeReply(received);
    throw failure(target, error, received);
  } finally {
    watch.end();
    await closed(socket);
  }
};

/** Destroys the socket with a `TimeUp` when a stage, the whole, or the caller's time is over. */
const watchOver = (socket: Socket, signal: AbortSignal) => {
  let stage: NodeJS.Timeout | undefined;
  let whole: NodeJS.Timeout | undefined;
  const timer = (ms: number, problem: string): NodeJS.Timeout =>
    setTimeout(() => socket.destroy(new TimeUp(`${problem} within ${ms} ms`)), ms);
  const onAbort = (): void => {
    socket.destroy(new TimeUp("was still being asked when the time for this read was over"));
  };
  socket.on("error", () => {}); // whoever waits is told; between two waits, or after the last, it is no news
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  return {
    stage: (ms: number, problem: string): void => {
      clearTimeout(stage);
      stage = timer(ms, problem);
    },
    whole: (ms: number, problem: string): void => {
      whole = timer(ms, problem);
    },
    end: (): void => {
      clearTimeout(stage);
      clearTimeout(whole);
      signal.removeEventListener("abort", onAbort);
    },
  };
};

/** Never more is kept of what an ECU sends than the longest reply and a little. */
const append = (received: Buffer, chunk: Buffer): Buffer =>
  Buffer.concat([received, chunk.subarray(0, LONGEST_REPLY + 9 - received.length)]);

const lacksLineFeed = (received: Buffer): boolean => received.length + 1 === replyLength(received);

/** @throws QueryError `closed` or `truncated` where bytes are missing. */
const wholeReply = (received: Buffer): RawReply => {
  if (received.length === 0) {
    throw new QueryError("closed the connection without an answer", { reason: "closed" });
  }
  const total = replyLength(received);
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

/** Destroys a socket and waits until the connection is gone, so that the next one does not meet it. */
export const closed = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    if (socket.closed) return resolve();
    socket.once("close", () => resolve());
    socket.destroy();
  });

/** The same trouble as a reason of the closed list, in words that name the ECU. */
const failure = (target: Target, error: unknown, received: Buffer): QueryError => {
  const at = `${target.host}:${target.port}`;
  const as = (reason: Reason, problem: string): QueryError =>
    new QueryError(`${at} ${problem}`, { reason, received, cause: error });
  if (error instanceof QueryError) return as(error.reason, error.message);
  if (error instanceof TimeUp) return as("timeout", error.message);
  if (error instanceof ProtocolError) return as(error.reason, `sent no reply: ${error.message}`);
  const { code = "", message } = error as NodeJS.ErrnoException;
  if (code === "ECONNRESET" || code === "EPIPE") {
    const reason = received.length === 0 ? "closed" : "truncated";
    return as(reason, `reset the connection after ${received.length} bytes`);
  }
  const [reason, problem] = failures[code] ?? ["unreachable", "cannot be reached"];
  return as(reason, `${problem} (${code || message})`);
};

/** What Node's errors mean to the reader of a log. */
const failures: Readonly<Record<string, readonly [Reason, string]>> = {
  ECONNREFUSED: ["refused", "refused the connection"],
  ETIMEDOUT: ["timeout", "did not accept the connection"],
  ENOTFOUND: ["unreachable", "is a name that cannot be resolved"],
  EAI_AGAIN: ["unreachable", "is a name that cannot be resolved now"],
  EHOSTUNREACH: ["unreachable", "cannot be reached: no such host in this network"],
  ENETUNREACH: ["unreachable", "cannot be reached: no way to its network"],
};
