/** One question over a connection that is watched closely: who lets us in, what comes back, and who hangs up. */
import { connect, type Socket } from "node:net";
import { closed } from "../ecu/exchange.ts";
import { declaredLength, isComplete } from "../protocol/frame.ts";

export interface CallLimits {
  /** Milliseconds to be let in. */
  readonly connectMs: number;
  /** Without any new byte. */
  readonly silenceMs: number;
  /** From the question until the reply is whole. */
  readonly replyMs: number;
  /** That the ECU is given, after its reply, to hang up. */
  readonly closeMs: number;
}

/** As long as the exporter waits (protocol document, 1.5). */
export const callLimits: CallLimits = {
  connectMs: 5_000,
  silenceMs: 5_000,
  replyMs: 10_000,
  closeMs: 3_000,
};

/** How a call went. */
export type Call =
  /** Not let in; `code` is the system's, or `TIME` where nothing happened at all. */
  | { readonly stage: "outside"; readonly code: string }
  /** Let in, and no whole reply: what came, and whether the other side hung up. */
  | {
      readonly stage: "inside";
      readonly connectMs: number;
      readonly received: Buffer;
      readonly hungUp: boolean;
    }
  /** A whole frame; `hungUp` tells whether the other side closed the connection after it. */
  | {
      readonly stage: "answered";
      readonly connectMs: number;
      readonly replyMs: number;
      readonly reply: Buffer;
      readonly hungUp: boolean;
    };

const MOST_BYTES = 16_384;

/**
 * Connects, asks once, and sees how it ends. The socket is destroyed and gone before this settles. Never throws.
 * @param dial opens a socket; for tests
 */
export const call = async (
  { host, port }: { readonly host: string; readonly port: number },
  request: Uint8Array,
  limits: CallLimits,
  signal: AbortSignal,
  dial: typeof connect = connect,
): Promise<Call> => {
  let received: Buffer = Buffer.alloc(0);
  let code = "TIME";
  let isOver = false;
  const begun = performance.now();
  const socket = dial({ host, port, noDelay: true });
  socket.on("error", (error: NodeJS.ErrnoException) => {
    code = error.code ?? "UNKNOWN";
  });
  socket.on("data", (chunk: Buffer) => {
    if (received.length < MOST_BYTES) received = Buffer.concat([received, chunk]);
  });
  for (const event of ["end", "close"]) socket.on(event, () => (isOver = true));
  try {
    await oneOf(socket, ["connect", "close"], limits.connectMs, signal);
    if (isOver || socket.connecting) return { stage: "outside", code };
    const connectMs = performance.now() - begun;
    socket.write(request);
    const asked = performance.now();
    while (!isComplete(received) && !isOver) {
      const left = limits.replyMs - (performance.now() - asked);
      const event = await oneOf(
        socket,
        ["data", "end", "close"],
        Math.min(limits.silenceMs, left),
        signal,
      );
      if (event === undefined) break;
    }
    const length = declaredLength(received);
    if (length === undefined || received.length < length - 1) {
      return { stage: "inside", connectMs, received, hungUp: isOver };
    }
    const replyMs = performance.now() - asked;
    if (!isOver) await oneOf(socket, ["end", "close"], limits.closeMs, signal);
    const reply = Buffer.concat([received, Buffer.of(0x0a)]).subarray(0, length); // some leave it out
    return { stage: "answered", connectMs, replyMs, reply, hungUp: isOver };
  } finally {
    await closed(socket);
  }
};

/** Which of the events came first; `undefined` when the time is over, or the signal ends it. */
const oneOf = (
  socket: Socket,
  events: readonly string[],
  ms: number,
  signal: AbortSignal,
): Promise<string | undefined> =>
  new Promise((resolve) => {
    const listeners = events.map((event) => ({ event, listener: () => end(event) }));
    const end = (event?: string): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      for (const { event, listener } of listeners) socket.off(event, listener);
      resolve(event);
    };
    const onAbort = (): void => end();
    const timer = setTimeout(() => end(), Math.max(0, ms));
    signal.addEventListener("abort", onAbort);
    for (const { event, listener } of listeners) socket.on(event, listener);
    if (signal.aborted) end();
  });
