/** Sends replies: complete, in pieces, or as a fault requires. */
import type { Socket } from "node:net";
import type { Delivery } from "./faults.ts";

export interface ReplySender {
  /** Sends a reply if its connection is still open. @param then called when all of it is written */
  send(socket: Socket, bytes: Uint8Array, delivery: Delivery | undefined, then: () => void): void;
  /** Calls back after a time, unless the sender is closed first. */
  later(ms: number, callback: () => void): void;
  /** Sends nothing more. */
  close(): void;
}

const PIECE_GAP_MS = 50;
/** Gap between the bytes of an endless reply: 9,999 of them would take over three minutes. */
const ENDLESS_GAP_MS = 20;

/** @see ReplySender @param pieceBytes size of the pieces of a normal reply */
export const createReplySender = (pieceBytes: number): ReplySender => {
  const timers = new Set<NodeJS.Timeout>();
  const later: ReplySender["later"] = (ms, callback) => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      callback();
    }, ms);
    timers.add(timer);
  };
  const normal: Pieces = { size: pieceBytes, gapMs: PIECE_GAP_MS };
  return {
    send: (socket, bytes, delivery, then) => {
      if (!socket.writable) return;
      if (delivery === undefined || delivery === "split" || delivery === "drip") {
        const pieces = delivery === undefined ? normal : smallPieces[delivery];
        sendPieces(socket, bytes, { ...pieces, then, later });
      } else sendBroken[delivery](socket, bytes, later);
    },
    later,
    close: () => {
      for (const timer of timers) clearTimeout(timer);
    },
  };
};

interface Pieces {
  readonly size: number;
  readonly gapMs: number;
}

const smallPieces: Readonly<Record<"split" | "drip", Pieces>> = {
  split: { size: 7, gapMs: 5 },
  drip: { size: 1, gapMs: 1 },
};

/** Sends pieces with gaps between them, then calls back. */
const sendPieces = (
  socket: Socket,
  bytes: Uint8Array,
  options: Pieces & { readonly then: () => void; readonly later: ReplySender["later"] },
): void => {
  if (!socket.writable) return;
  const { size, gapMs, then, later } = options;
  const isLast = bytes.length <= size;
  socket.write(isLast ? bytes : bytes.subarray(0, size));
  if (isLast) then();
  else later(gapMs, () => sendPieces(socket, bytes.subarray(size), options));
};

const firstHalf = (bytes: Uint8Array): Uint8Array => bytes.subarray(0, Math.ceil(bytes.length / 2));

/** Ways to send an incomplete reply. */
const sendBroken: Readonly<
  Record<
    Exclude<Delivery, keyof typeof smallPieces>,
    (socket: Socket, bytes: Uint8Array, later: ReplySender["later"]) => void
  >
> = {
  silent: () => {},
  emptyClose: (socket) => void socket.end(),
  truncate: (socket, bytes) => void socket.end(firstHalf(bytes)),
  reset: (socket, bytes, later) => {
    socket.write(firstHalf(bytes));
    later(PIECE_GAP_MS, () => socket.resetAndDestroy()); // immediately after the write, Node.js would close normally
  },
  endless: (socket, bytes, later) => {
    socket.write(bytes);
    const sendMore = (): void => {
      if (!socket.writable) return;
      socket.write("\0");
      later(ENDLESS_GAP_MS, sendMore);
    };
    sendMore();
  },
};
