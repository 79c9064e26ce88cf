import { once } from "node:events";
import { connect } from "node:net";
import { readReplyLength } from "../../src/protocol/frame.ts";
import { decodeReply, type Messages } from "../../src/protocol/replies.ts";
import { type Command, encodeRequest } from "../../src/protocol/requests.ts";
import type { Family } from "../../src/simulator/behaviours.ts";
import { type SimulationOptions, simulateEcu } from "../../src/simulator/ecu.ts";
import type { SimulatedEcu } from "../../src/simulator/server.ts";

/** 21 June 2026, 13:03 in Utrecht. */
export const AFTERNOON = Date.UTC(2026, 5, 21, 11, 3);
export const ecuIds: Record<Family, string> = { R: "216000123456", L: "216200123456" };

/** The default options of a simulated ECU. Its time stands still. */
export const defaultOptions = {
  inverters: [
    ["DS3", 2],
    ["QS1", 1],
  ],
  family: "L",
  site: { latitude: 52.09, longitude: 5.12 },
  zone: "Europe/Amsterdam",
  seed: 1,
  start: AFTERNOON,
  timeScale: 1,
  elapsed: () => 0,
} as const satisfies SimulationOptions;

export const startEcu = (options: Partial<SimulationOptions> = {}): Promise<SimulatedEcu> =>
  simulateEcu({ ...defaultOptions, ...options });

/** A connection to a simulated ECU that keeps all received data. */
export interface Connection extends Disposable {
  send(request: string | Buffer): void;
  /** The received chunks. */
  readonly pieces: readonly Buffer[];
  received(): Buffer;
  /** Waits for this number of complete replies. @throws Error if the connection is closed before */
  replies(count?: number): Promise<Buffer[]>;
  /** Code of the error that ended the connection; `undefined` after a normal close. */
  readonly ended: Promise<string | undefined>;
}

/** Opens a connection. @throws Error with the code of `connect` */
export const dial = async ({ host, port }: { host: string; port: number }): Promise<Connection> => {
  const socket = connect({ host, port, noDelay: true });
  const pieces: Buffer[] = [];
  let code: string | undefined;
  let taken = 0;
  await once(socket, "connect");
  socket.on("data", (piece) => pieces.push(piece));
  socket.on("error", (error: NodeJS.ErrnoException) => {
    code = error.code;
  });
  const ended = new Promise<string | undefined>((resolve) => {
    socket.once("close", () => resolve(code));
  });
  const received = (): Buffer => Buffer.concat(pieces);
  const next = async (): Promise<Buffer> => {
    for (;;) {
      const left = received().subarray(taken);
      const length = readReplyLength(left);
      if (length !== undefined && left.length >= length) {
        taken += length;
        return left.subarray(0, length);
      }
      if (socket.closed) throw new Error(`closed after ${left.length} bytes`);
      await Promise.race([once(socket, "data").catch(() => {}), ended]);
    }
  };
  return {
    send: (request) => socket.write(request),
    pieces,
    received,
    replies: async (count = 1) => {
      const replies: Buffer[] = [];
      while (replies.length < count) replies.push(await next());
      return replies;
    },
    ended,
    [Symbol.dispose]: () => socket.destroy(),
  };
};

/** Sends a request over a new connection, and decodes the reply. */
export const queryEcu = async <C extends Command>(
  ecu: { host: string; port: number },
  command: C,
  ecuId: string,
  parameter?: string,
): Promise<Messages[C]> => {
  using wire = await dial(ecu);
  wire.send(encodeRequest(command, ecuId, parameter));
  const [reply] = await wire.replies();
  return decodeReply(command, reply ?? Buffer.alloc(0));
};
