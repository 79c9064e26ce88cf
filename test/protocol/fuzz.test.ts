/** Hostile bytes, in the numbers that a test run has time for. `npm run fuzz` takes a million, and their time. */
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { exchange } from "../../src/ecu/client.ts";
import { QueryError, reasons } from "../../src/ecu/errors.ts";
import { encodeReply, encodeStatus } from "../../src/protocol/replies.ts";
import { encodeRequest } from "../../src/protocol/requests.ts";
import { signalsOf } from "../ecu/messages.ts";
import { fuzz } from "../support/fuzz.ts";
import { hostileReply } from "../support/hostile.ts";

const FIXED_SEED = 1;
/** `FUZZ_SEED` repeats a run. */
const anySeed = Number(process.env["FUZZ_SEED"] ?? randomInt(2 ** 31));
process.stderr.write(`the random seed of hostile bytes is ${anySeed}: FUZZ_SEED=${anySeed}\n`);

/** Sends each client the pieces that it is due, each in a segment of its own, and closes. */
const serve = async (replies: Iterator<readonly Uint8Array[]>) => {
  const send = (socket: Socket, [piece, ...others]: readonly Uint8Array[]): void => {
    if (socket.destroyed) return;
    if (piece === undefined) socket.end();
    else socket.write(piece, () => setImmediate(() => send(socket, others)));
  };
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {}); // a client that has read enough may reset
    socket.once("data", () => send(socket, replies.next().value ?? []));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    host: "127.0.0.1",
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
};

const request = encodeRequest("info");
const never = new AbortController().signal;

describe.each([
  ["a fixed seed", FIXED_SEED],
  ["a random seed", anySeed],
])("hostile replies of %s", (_, seed) => {
  it("give numbers and labels that are ones, or an error with its reason", async () => {
    const { outcomes, faults } = await fuzz({ seed, frames: 10_000, renderOneIn: 50 });
    expect(faults).toEqual([]);
    // Each of these must have come, else the bytes do not reach what they are to try.
    expect(Object.keys(outcomes).sort()).toEqual([
      "decoded",
      "exported",
      "id_mismatch",
      "malformed",
      "status",
      "truncated",
      "wrong_command",
    ]);
    expect(outcomes["exported"]).toBeGreaterThan(2_000);
  });

  it("and a flood behind them are never kept beyond 10,009 bytes", async () => {
    const flood = Buffer.alloc(50_000, "9");
    const hostile = Array.from({ length: 299 }, (_, number) => {
      const { bytes } = hostileReply(seed, number);
      return number % 3 === 0 ? [bytes, flood] : [bytes];
    });
    const replies = [[Buffer.from("APS1199990030"), flood], ...hostile];
    await using server = await serve(replies.values());
    const kept: number[] = [];
    for (const [number] of replies.entries()) {
      const asking = exchange(server, request, never);
      const what = await asking.catch((error: unknown) => error);
      if (what instanceof Error) {
        expect(what, `frame ${number}`).toBeInstanceOf(QueryError);
        expect(reasons).toContain((what as QueryError).reason);
        kept.push((what as QueryError).received.length);
      } else {
        const { bytes, trailingBytes } = await asking;
        kept.push(bytes.length + trailingBytes);
      }
    }
    expect(kept).toHaveLength(300);
    expect(Math.max(...kept)).toBeLessThanOrEqual(10_009);
    expect(kept[0]).toBeGreaterThanOrEqual(10_000);
  });
});

describe("a reply that is cut in three", () => {
  it.each([
    ["of two signals", encodeReply("signal", signalsOf())],
    ["of a status alone", encodeStatus("realtime", "02")],
  ])("at any two bytes, one %s, is given whole", async (_, reply) => {
    const cuts = [...reply.keys()].flatMap((second) =>
      [...Array(second).keys()].map((first) => [first, second] as const),
    );
    const pieces = cuts.map(([first, second]) =>
      [reply.subarray(0, first), reply.subarray(first, second), reply.subarray(second)].filter(
        ({ length }) => length > 0,
      ),
    );
    expect(cuts).toHaveLength((reply.length * (reply.length - 1)) / 2);
    await using server = await serve(pieces.values());
    for (const [first, second] of cuts) {
      expect(await exchange(server, request, never), `cut at ${first} and ${second}`).toEqual({
        bytes: reply,
        missingLineFeed: false,
        trailingBytes: 0,
      });
    }
  });
});
