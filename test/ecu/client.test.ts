import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { type ExchangeLimits, exchange, type RawReply } from "../../src/ecu/client.ts";
import { QueryError } from "../../src/ecu/errors.ts";
import { encodeReply } from "../../src/protocol/replies.ts";
import { encodeRequest } from "../../src/protocol/requests.ts";
import { infoOf, signalsOf } from "./messages.ts";

const request = encodeRequest("info");
const reply = encodeReply("signal", signalsOf());
/** Longer than any stall of a busy machine: only a test that awaits a time-out shortens one of them. */
const limits: ExchangeLimits = { connectMs: 5_000, silenceMs: 5_000, replyMs: 5_000, closeMs: 0 };
const never = new AbortController().signal;

type Script = (socket: Socket) => void;

/** A server that does what the test says with each request, and half-closes only when told to or when its client did. */
const serve = async (script: Script) => {
  const requests: Buffer[] = [];
  const events: string[] = [];
  const sockets = new Set<Socket>();
  let peak = 0;
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket);
    peak = Math.max(peak, [...sockets].filter((one) => !one.readableEnded && !one.errored).length);
    socket.on("data", (bytes) => {
      requests.push(bytes);
      events.push("request");
      script(socket);
    });
    socket.on("error", () => {}); // a client that destroys its socket may reset it
    socket.on("end", () => {
      events.push("client ended");
      socket.end();
    });
    socket.on("close", () => {
      sockets.delete(socket);
      events.push("closed");
      server.emit("gone");
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    host: "127.0.0.1",
    port: (server.address() as AddressInfo).port,
    requests,
    events,
    /** Connections that clients had at most at one time. */
    get peak() {
      return peak;
    },
    /** Waits until every connection that was made is closed. */
    allClosed: async () => {
      while (sockets.size > 0 || !events.includes("closed")) await once(server, "gone");
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
};

/** Sends pieces one after another, each in a segment of its own, then does what is left. */
const inPieces =
  (pieces: readonly Uint8Array[], then: Script = () => {}): Script =>
  (socket) => {
    const [piece, ...others] = pieces;
    if (piece === undefined || socket.destroyed) return then(socket);
    socket.write(piece, () => setImmediate(() => inPieces(others, then)(socket)));
  };
const bytewise = (bytes: Uint8Array): Uint8Array[] => Array.from(bytes, (byte) => Buffer.of(byte));
const end: Script = (socket) => socket.end();
const reset: Script = (socket) => socket.resetAndDestroy();

const ask = async (script: Script, changes: Partial<ExchangeLimits> = {}, signal = never) => {
  await using server = await serve(script);
  const outcome = await exchange(server, request, signal, {
    limits: { ...limits, ...changes },
  }).catch((error: unknown) => error);
  await server.allClosed();
  return { outcome: outcome as RawReply | QueryError, server };
};

describe("a reply that arrives", () => {
  it("in one piece is given as it is, and the request came in one piece too", async () => {
    const { outcome, server } = await ask(inPieces([reply]));
    expect(outcome).toEqual({ bytes: reply, missingLineFeed: false, trailingBytes: 0 });
    expect(server.requests).toEqual([request]);
  });

  it("cut in two at any byte is given whole", async () => {
    for (let cut = 1; cut < reply.length; cut++) {
      const { outcome } = await ask(inPieces([reply.subarray(0, cut), reply.subarray(cut)]));
      expect(outcome, `cut at ${cut}`).toMatchObject({ bytes: reply, trailingBytes: 0 });
    }
  });

  it("one byte at a time is given whole", async () => {
    const { outcome } = await ask(inPieces(bytewise(reply)));
    expect(outcome).toMatchObject({ bytes: reply, missingLineFeed: false });
  });

  it("with line feeds and END among its values is not cut short at them", async () => {
    const uid = "454e440a454e"; // the bytes of END and a line feed
    const tricky = encodeReply("signal", [{ uid, level: 0x0a }]);
    const { outcome } = await ask(inPieces(bytewise(tricky)));
    expect(outcome).toMatchObject({ bytes: tricky });
  });

  it.each([
    ["the ECU closes", inPieces([reply.subarray(0, -1)], end)],
    ["the ECU resets the connection", inPieces([reply.subarray(0, -1)], reset)],
    ["nothing more comes", inPieces([reply.subarray(0, -1)])],
  ])("without its line feed is accepted and flagged once %s", async (_, script) => {
    const { outcome } = await ask(script);
    expect(outcome).toEqual({ bytes: reply, missingLineFeed: true, trailingBytes: 0 });
  });

  it("before its line feed waits for that line feed", async () => {
    const late: Script = (socket) => {
      socket.write(reply.subarray(0, -1));
      setTimeout(() => socket.write("\n"), 30);
    };
    const { outcome } = await ask(late);
    expect(outcome).toMatchObject({ bytes: reply, missingLineFeed: false });
  });

  it.each([
    ["a line feed", "\n", 1],
    ["NULs", "\0\0\0\0", 4],
    ["a second reply", encodeReply("info", infoOf()), encodeReply("info", infoOf()).length],
  ])("with %s behind it is cut there, and the surplus counted", async (_, surplus, count) => {
    const { outcome } = await ask(inPieces([Buffer.concat([reply, Buffer.from(surplus)])]));
    expect(outcome).toEqual({ bytes: reply, missingLineFeed: false, trailingBytes: count });
  });

  it("before the connection is reset is a reply all the same", async () => {
    const { outcome } = await ask(inPieces([reply], reset));
    expect(outcome).toMatchObject({ bytes: reply });
  });
});

const half = reply.subarray(0, 16);
const endless: Script = (socket) => {
  const timer = setInterval(() => socket.write("0"), 5);
  socket.write("APS1199990030");
  socket.on("close", () => clearInterval(timer));
};

describe("a reply that does not arrive", () => {
  it.each<[string, Script, Partial<ExchangeLimits>, string, Uint8Array]>([
    ["closes without a byte", end, {}, "closed", Buffer.of()],
    ["resets without a byte", reset, {}, "closed", Buffer.of()],
    ["closes midway", inPieces([half], end), {}, "truncated", half],
    [
      "closes within the head",
      inPieces([half.subarray(0, 4)], end),
      {},
      "truncated",
      half.subarray(0, 4),
    ],
    ["resets midway", inPieces([half], reset), {}, "truncated", half],
    ["says nothing", () => {}, { silenceMs: 40 }, "timeout", Buffer.of()],
    ["falls silent midway", inPieces([half]), { silenceMs: 200 }, "timeout", half],
    [
      "sends no reply but text",
      inPieces([Buffer.from("HTTP/1.1 400")]),
      {},
      "malformed",
      Buffer.from("HTTP/1.1 400"),
    ],
    [
      "sends a length of letters",
      inPieces([Buffer.from("APS11abcd0030")]),
      {},
      "malformed",
      Buffer.from("APS11abcd0030"),
    ],
  ])(
    "because the ECU %s: a reason, and the bytes so far",
    async (_, script, changes, reason, received) => {
      const { outcome } = await ask(script, changes);
      expect(outcome).toBeInstanceOf(QueryError);
      expect(outcome).toMatchObject({ reason, received: Buffer.from(received) });
      expect((outcome as QueryError).message).toMatch(/^127\.0\.0\.1:\d+ /);
    },
  );

  it("because bytes dribble in without end is given up when the time for a reply is over", async () => {
    const { outcome } = await ask(endless, { replyMs: 150 });
    expect(outcome).toMatchObject({ reason: "timeout" });
    expect((outcome as QueryError).message).toContain("did not complete its reply within 150 ms");
  });

  it("because a flood of garbage came keeps no more than the longest reply and a little", async () => {
    const { outcome } = await ask((socket) => {
      socket.end(Buffer.alloc(5_000_000, "x"));
    });
    expect(outcome).toMatchObject({ reason: "malformed" });
    expect((outcome as QueryError).received.length).toBeLessThanOrEqual(10_009);
  });

  it("because a flood followed the longest head keeps no more than that either", async () => {
    const { outcome } = await ask((socket) => {
      socket.end(Buffer.concat([Buffer.from("APS1199990030"), Buffer.alloc(5_000_000)]));
    });
    expect((outcome as RawReply).bytes.length).toBe(10_000);
    expect((outcome as RawReply).trailingBytes).toBeLessThanOrEqual(9);
  });
});

describe("an ECU that is not there", () => {
  it("refuses", async () => {
    const server = await serve(end);
    const { host, port } = server;
    await server[Symbol.asyncDispose]();
    const asking = exchange({ host, port }, request, never, { limits });
    await expect(asking).rejects.toMatchObject({ name: "QueryError", reason: "refused" });
  });

  it("is unreachable where its name means nothing", { timeout: 30_000 }, async () => {
    const target = { host: "nonexistent.invalid", port: 8899 };
    const asking = exchange(target, request, never, { limits: { ...limits, connectMs: 30_000 } });
    await expect(asking).rejects.toMatchObject({ name: "QueryError", reason: "unreachable" });
  });

  it.runIf(process.platform === "linux")(
    "times out where nobody takes the connection",
    async () => {
      await using deaf = await listenWithoutAccepting();
      const asking = exchange(deaf, request, never, { limits: { ...limits, connectMs: 100 } });
      await expect(asking).rejects.toMatchObject({
        reason: "timeout",
        message: expect.stringContaining("did not accept the connection within 100 ms"),
      });
    },
  );
});

/** A port whose queue of connections is full: its thread listens, and then never runs again. */
const listenWithoutAccepting = async () => {
  const code = `
    const server = require("node:net").createServer().listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
      require("node:worker_threads").parentPort.postMessage(server.address().port);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    });`;
  const worker = new Worker(code, { eval: true });
  const [port] = (await once(worker, "message")) as [number];
  const target = { host: "127.0.0.1", port };
  const queue = Array.from({ length: 3 }, () => connect(target).on("error", () => {}));
  await once(queue[1] as Socket, "connect");
  return {
    ...target,
    [Symbol.asyncDispose]: async () => {
      for (const socket of queue) socket.destroy();
      await worker.terminate();
    },
  };
};

describe("the caller's time", () => {
  it("that is over before the exchange begins means that the ECU is not even called", async () => {
    await using server = await serve(inPieces([reply]));
    const asking = exchange(server, request, AbortSignal.abort(), { limits });
    await expect(asking).rejects.toMatchObject({ reason: "timeout" });
    expect(server.events).toEqual([]);
  });

  it("that ends midway ends the exchange, and keeps what had come", async () => {
    const caller = new AbortController();
    const { outcome } = await ask(
      inPieces([half], () => setTimeout(() => caller.abort(), 10)),
      { silenceMs: 5_000 },
      caller.signal,
    );
    expect(outcome).toMatchObject({ reason: "timeout", received: half });
  });

  it("that ends afterwards is none of its business", async () => {
    const caller = new AbortController();
    const { outcome } = await ask(inPieces([reply]), {}, caller.signal);
    caller.abort();
    expect(outcome).toMatchObject({ bytes: reply });
  });
});

describe("the connection", () => {
  it("is never half-closed while the reply is awaited", async () => {
    let sawEnd = false;
    const { outcome, server } = await ask((socket) => {
      setTimeout(() => {
        sawEnd = socket.readableEnded;
        socket.write(reply);
      }, 40);
    });
    expect(sawEnd).toBe(false);
    expect(outcome).toMatchObject({ bytes: reply });
    expect(server.events).toEqual(["request", "client ended", "closed"]);
  });

  it("is gone before the outcome is known, whatever that is, so the next one never meets it", async () => {
    const script = [inPieces([half]), inPieces([reply]), inPieces([half], reset), end];
    await using server = await serve((socket) => script.shift()?.(socket));
    const reasons = [];
    while (script.length > 0) {
      const asking = exchange(server, request, never, { limits: { ...limits, silenceMs: 200 } });
      reasons.push(
        await asking.then(
          () => "whole",
          (error: QueryError) => error.reason,
        ),
      );
    }
    await server.allClosed();
    expect(reasons).toEqual(["timeout", "whole", "truncated", "closed"]);
    expect(server.peak).toBe(1);
  });
});
