/** Sending replies: whole, in pieces, or in the way of a fault. */
import type { Socket } from "node:net";
import type { Delivery } from "./faults.ts";

export interface Courier {
  /** Sends a reply, unless its client is gone or has had an answer. */
  deliver(socket: Socket, bytes: Buffer, delivery: Delivery | undefined): void;
  /** Does something after a while, unless it is closed before. */
  later(ms: number, act: () => void): void;
  /** Sends nothing more. */
  close(): void;
}

export interface CourierOptions {
  readonly pieceBytes: number;
  readonly closesAfterReply: boolean;
}

const PIECE_GAP_MS = 50;
/** Between the bytes of a reply that never ends: 9,999 of them would be over three minutes. */
const ENDLESS_GAP_MS = 20;

/** @see Courier */
export const createCourier = ({ pieceBytes, closesAfterReply }: CourierOptions): Courier => {
  const waiting = new Set<NodeJS.Timeout>();
  const later: Courier["later"] = (ms, act) => {
    const timer = setTimeout(() => {
      waiting.delete(timer);
      act();
    }, ms);
    waiting.add(timer);
  };

  /** Sends pieces with gaps between them, then does what is left to do. */
  const send = (
    socket: Socket,
    bytes: Buffer,
    { size, gapMs, then }: { size: number; gapMs: number; then: () => void },
  ): void => {
    if (!socket.writable) return;
    const whole = bytes.length <= size;
    socket.write(whole ? bytes : bytes.subarray(0, size));
    if (whole) then();
    else later(gapMs, () => send(socket, bytes.subarray(size), { size, gapMs, then }));
  };
  const goOn = (socket: Socket): void => {
    if (!socket.writable) return;
    socket.write("\0");
    later(ENDLESS_GAP_MS, () => goOn(socket));
  };

  const deliver: Courier["deliver"] = (socket, bytes, delivery) => {
    if (!socket.writable) return;
    const half = bytes.subarray(0, Math.ceil(bytes.length / 2));
    const then = (): void => {
      if (closesAfterReply) socket.end();
    };
    switch (delivery) {
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
      case "endless":
        socket.write(bytes);
        goOn(socket);
        return;
      case "split":
        send(socket, bytes, { size: 7, gapMs: 5, then });
        return;
      case "drip":
        send(socket, bytes, { size: 1, gapMs: 1, then });
        return;
      case undefined:
        send(socket, bytes, { size: pieceBytes, gapMs: PIECE_GAP_MS, then });
    }
  };

  return {
    deliver,
    later,
    close: () => {
      for (const timer of waiting) clearTimeout(timer);
    },
  };
};
