import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { describe, expect, it } from "vitest";
import type { RawReply } from "../../src/ecu/client.ts";
import { describeError, QueryError } from "../../src/ecu/errors.ts";
import { encodeReply } from "../../src/protocol/replies.ts";
import { encodeRequest } from "../../src/protocol/requests.ts";
import { failConnections } from "../support/failing-connect.ts";
import { createFastClock, type FastClock, settle } from "../support/fake-clock.ts";
import { openFullPort } from "../support/full-port.ts";
import { createTimedExchange, type PassingTime, passTimeAfter } from "../support/timed-exchange.ts";
import { createInfo, createSignals } from "./messages.ts";

const request = encodeRequest("info");
const reply = encodeReply("signal", createSignals());
const half = reply.subarray(0, 16);
const never = new AbortController().signal;
const noTime: PassingTime = () => 0;

type Script = (socket: Socket) => void;

/** A server that runs a script for each request. It half-closes where the script does, and after its client did. */
const serve = async (script: Script) => {
  const requests: Buffer[] = [];
  const events: string[] = [];
  const sockets = new Set<Socket>();
  let peak = 0;
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket);
    peak = Math.max(
      peak,
      [...sockets].filter((other) => !other.readableEnded && !other.errored).length,
    );
    socket.on("data", (bytes) => {
      requests.push(bytes);
      events.push("request");
      script(socket);
    });
    socket.on("error", () => {}); // a client that destroys its socket may reset the connection
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
    /** The largest number of simultaneous connections. */
    get peak() {
      return peak;
    },
    /** Waits until every connection is closed. */
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

/** Sends pieces one after another, each in a segment of its own, and then does something else. */
const inPieces =
  (pieces: readonly Uint8Array[], then: Script = () => {}): Script =>
  (socket) => {
    const [piece, ...others] = pieces;
    if (piece === undefined || socket.destroyed) return then(socket);
    socket.write(piece, () => setImmediate(() => inPieces(others, then)(socket)));
  };
const bytewise = (bytes: Uint8Array): Uint8Array[] => Array.from(bytes, (byte) => Buffer.of(byte));
const end: Script = (socket) => socket.end();
/** Right after a write, Node closes the connection instead of resetting it. */
const reset: Script = (socket) => void setTimeout(() => socket.resetAndDestroy(), 10);

interface RunOptions {
  readonly passing?: PassingTime;
  readonly clock?: FastClock;
  readonly signal?: AbortSignal;
}

/** The outcome of an exchange with a server that runs the script. */
const run = async (
  script: Script,
  { passing = noTime, clock = createFastClock(), signal = never }: RunOptions = {},
) => {
  await using server = await serve(script);
  const exchange = createTimedExchange({ clock, passing, ecu: server });
  const outcome = await exchange(server, request, signal).catch((error: unknown) => error);
  await server.allClosed();
  return { outcome: outcome as RawReply | QueryError, server };
};

describe("a reply", () => {
  it("in one piece is returned as it came, and the request arrives in one piece too", async () => {
    const { outcome, server } = await run(inPieces([reply]));
    expect(outcome).toEqual({ bytes: reply, missingLineFeed: false, trailingBytes: 0 });
    expect(server.requests).toEqual([request]);
  });

  it("split at any byte is returned whole", async () => {
    for (let cut = 1; cut < reply.length; cut++) {
      const { outcome } = await run(inPieces([reply.subarray(0, cut), reply.subarray(cut)]));
      expect(outcome, `split at ${cut}`).toMatchObject({ bytes: reply, trailingBytes: 0 });
    }
  });

  it("that arrives byte by byte is returned whole", async () => {
    const { outcome } = await run(inPieces(bytewise(reply)));
    expect(outcome).toMatchObject({ bytes: reply, missingLineFeed: false });
  });

  it("is not cut at a line feed or END among its values", async () => {
    const uid = "454e440a454e"; // the bytes of END and a line feed
    const tricky = encodeReply("signal", [{ uid, level: 0x0a }]);
    const { outcome } = await run(inPieces(bytewise(tricky)));
    expect(outcome).toMatchObject({ bytes: tricky });
  });

  const withoutLineFeed = reply.subarray(0, -1);
  it.each<[string, Script, PassingTime]>([
    ["the ECU closes the connection", inPieces([withoutLineFeed], end), noTime],
    ["the ECU resets the connection", inPieces([withoutLineFeed], reset), noTime],
    ["300 ms have passed", inPieces([withoutLineFeed]), passTimeAfter("received", 300)],
  ])("without its line feed is accepted and flagged when %s", async (_, script, passing) => {
    const { outcome } = await run(script, { passing });
    expect(outcome).toEqual({ bytes: reply, missingLineFeed: true, trailingBytes: 0 });
  });

  it("may have its line feed 299 ms later", async () => {
    const clock = createFastClock();
    const sendLate: Script = async (socket) => {
      socket.write(withoutLineFeed);
      while (clock.monotonic() < 299) await settle();
      socket.write("\n");
    };
    const { outcome } = await run(sendLate, { clock, passing: passTimeAfter("received", 299) });
    expect(outcome).toMatchObject({ bytes: reply, missingLineFeed: false });
  });

  it.each([
    ["a line feed", "\n", 1],
    ["NULs", "\0\0\0\0", 4],
    ["a second reply", encodeReply("info", createInfo()), encodeReply("info", createInfo()).length],
  ])(
    "followed by %s is cut at its end, and the other bytes are counted",
    async (_, more, count) => {
      const { outcome } = await run(inPieces([Buffer.concat([reply, Buffer.from(more)])]));
      expect(outcome).toEqual({ bytes: reply, missingLineFeed: false, trailingBytes: count });
    },
  );

  it("that arrived before the connection was reset is valid", async () => {
    const { outcome } = await run(inPieces([reply], reset));
    expect(outcome).toMatchObject({ bytes: reply });
  });
});

describe("a failed exchange", () => {
  it.each<[string, Script, PassingTime, string, Uint8Array, string]>([
    [
      "the ECU closes the connection without a reply",
      end,
      noTime,
      "closed",
      Buffer.of(),
      "closed the connection without a reply",
    ],
    [
      "the ECU resets the connection without a reply",
      reset,
      noTime,
      "closed",
      Buffer.of(),
      "reset the connection after 0 bytes",
    ],
    [
      "the ECU closes the connection in the middle of its reply",
      inPieces([half], end),
      noTime,
      "truncated",
      half,
      "closed the connection in the middle of its reply (16 bytes)",
    ],
    [
      "the ECU closes the connection in the head of its reply",
      inPieces([half.subarray(0, 4)], end),
      noTime,
      "truncated",
      half.subarray(0, 4),
      "closed the connection in the middle of its reply (4 bytes)",
    ],
    [
      "the ECU resets the connection in the middle of its reply",
      inPieces([half], reset),
      noTime,
      "truncated",
      half,
      "reset the connection after 16 bytes",
    ],
    [
      "the ECU sends nothing for 5 s",
      () => {},
      passTimeAfter("arrived", 5_000),
      "timeout",
      Buffer.of(),
      "accepted the connection and sent nothing for 5 s",
    ],
    [
      "the ECU stops for 5 s in the middle of its reply",
      inPieces([half]),
      passTimeAfter("received", 5_000),
      "timeout",
      half,
      "stopped in the middle of its reply and sent nothing for 5 s",
    ],
    [
      "the reply is other text",
      inPieces([Buffer.from("HTTP/1.1 400")]),
      noTime,
      "malformed",
      Buffer.from("HTTP/1.1 400"),
      'did not send a valid reply: signature at byte 0: "HTT" is not APS',
    ],
    [
      "the length consists of letters",
      inPieces([Buffer.from("APS11abcd0030")]),
      noTime,
      "malformed",
      Buffer.from("APS11abcd0030"),
      'did not send a valid reply: length at byte 5: "abcd"',
    ],
  ])(
    "has a reason, a message and the bytes so far if %s",
    async (_, script, passing, reason, received, message) => {
      const { outcome } = await run(script, { passing });
      expect(outcome).toBeInstanceOf(QueryError);
      expect(outcome).toMatchObject({ reason, received: Buffer.from(received) });
      const [address, ...words] = (outcome as QueryError).message.split(" ");
      expect(address).toMatch(/^127\.0\.0\.1:\d+$/);
      expect(words.join(" ")).toContain(message);
    },
  );

  it("does not happen while the ECU is silent for 4,999 ms", async () => {
    const clock = createFastClock();
    const replyLate: Script = async (socket) => {
      while (clock.monotonic() < 4_999) await settle();
      socket.write(reply);
    };
    const { outcome } = await run(replyLate, { clock, passing: passTimeAfter("arrived", 4_999) });
    expect(outcome).toMatchObject({ bytes: reply });
  });

  it("ends after 10 s if single bytes arrive without end", async () => {
    const clock = createFastClock();
    const dribble: Script = async (socket) => {
      socket.write("APS1199990030");
      for (let sent = 1; !socket.destroyed; sent++) {
        while (clock.monotonic() < sent * 4_000 && !socket.destroyed) await settle();
        socket.write("0");
      }
    };
    const { outcome } = await run(dribble, { clock, passing: passTimeAfter("received", 4_000) });
    expect(outcome).toMatchObject({ reason: "timeout" });
    expect((outcome as QueryError).message).toContain("did not complete its reply within 10 s");
  });

  it("keeps at most the longest reply and a few bytes of a flood of garbage", async () => {
    const { outcome } = await run((socket) => {
      socket.end(Buffer.alloc(5_000_000, "x"));
    });
    expect(outcome).toMatchObject({ reason: "malformed" });
    expect((outcome as QueryError).received.length).toBeLessThanOrEqual(10_009);
  });
});

it("a flood after the head of the longest reply is cut at the end of that reply", async () => {
  const { outcome } = await run((socket) => {
    socket.end(Buffer.concat([Buffer.from("APS1199990030"), Buffer.alloc(5_000_000)]));
  });
  expect((outcome as RawReply).bytes.length).toBe(10_000);
  expect((outcome as RawReply).trailingBytes).toBeLessThanOrEqual(9);
});

describe("an ECU that cannot be reached", () => {
  const ecu = { host: "127.0.0.1", port: 9 };
  const connecting = (endpoint: { host: string; port: number }, passing: PassingTime = noTime) =>
    createTimedExchange({ clock: createFastClock(), passing })(endpoint, request, never);

  it("refuses the connection if nothing listens at the port", async () => {
    const server = await serve(end);
    const { host, port } = server;
    await server[Symbol.asyncDispose]();
    await expect(connecting({ host, port })).rejects.toMatchObject({
      name: "QueryError",
      reason: "refused",
      message: `127.0.0.1:${port} refused the connection (ECONNREFUSED)`,
    });
  });

  it("is unreachable if its name has no address", async () => {
    const unknown = { host: "nonexistent.invalid", port: 8899 };
    await expect(connecting(unknown)).rejects.toMatchObject({
      name: "QueryError",
      reason: "unreachable",
    });
  });

  it.each([
    ["EHOSTUNREACH", "unreachable", "cannot be reached: no such host in this network"],
    ["ENETUNREACH", "unreachable", "cannot be reached: no route to its network"],
    ["ENOTFOUND", "unreachable", "is a name that cannot be resolved"],
    ["EAI_AGAIN", "unreachable", "is a name that cannot be resolved now"],
    ["EADDRNOTAVAIL", "unreachable", "cannot be reached"],
    ["ETIMEDOUT", "timeout", "did not accept the connection"],
    ["ECONNRESET", "closed", "reset the connection after 0 bytes"],
  ])("gives the reason and a message for %s", async (code, reason, message) => {
    using _ = failConnections(code);
    await expect(connecting(ecu)).rejects.toMatchObject({
      reason,
      message: expect.stringMatching(`^127\\.0\\.0\\.1:9 ${message}( \\(${code}\\))?$`),
    });
  });

  it.each([
    [
      "EMFILE",
      "127.0.0.1:9 was not contacted: this process has too many open files (EMFILE); raise its limit (LimitNOFILE in systemd, ulimit -n in a shell), and compare process_open_fds on /self",
    ],
    [
      "ENFILE",
      "127.0.0.1:9 was not contacted: this machine has too many open files (ENFILE); find the program that keeps them open, or raise the limit fs.file-max",
    ],
    [
      "EPERM",
      "127.0.0.1:9 was not contacted: this machine forbids the connection (EPERM); check the firewall of this machine, and the restrictions of the service or container",
    ],
    [
      "EINVAL",
      "127.0.0.1:9 was not contacted: its address is not complete (EINVAL); write a link-local address with its interface, such as [fe80::50%eth0]",
    ],
  ])("is not blamed for %s, which this machine causes", async (code, text) => {
    using _ = failConnections(code);
    const error = await connecting(ecu).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ reason: "unreachable" });
    expect(describeError(error as QueryError)).toBe(text);
  });

  it.runIf(process.platform === "linux")(
    "gives the reason timeout if the connection is not accepted for 5 s",
    async () => {
      await using full = await openFullPort();
      const clock = createFastClock();
      const exchange = createTimedExchange({ clock, passing: noTime });
      const outcome = exchange(full, request, never).catch((error: unknown) => error);
      clock.pass(4_999);
      await settle();
      clock.pass(1);
      expect(await outcome).toMatchObject({
        reason: "timeout",
        message: expect.stringContaining("did not accept the connection within 5 s"),
      });
    },
  );
});

describe("the caller's signal", () => {
  it("that is already aborted prevents the connection", async () => {
    await using server = await serve(inPieces([reply]));
    const exchange = createTimedExchange({ clock: createFastClock(), passing: noTime });
    const outcome = exchange(server, request, AbortSignal.abort());
    await expect(outcome).rejects.toMatchObject({ reason: "timeout" });
    expect(server.events).toEqual([]);
  });

  it("ends the exchange, and the bytes so far are kept", async () => {
    const caller = new AbortController();
    const abortAfter: PassingTime = (event) => {
      if (event === "received") caller.abort();
      return 0;
    };
    const options = { passing: abortAfter, signal: caller.signal };
    const { outcome } = await run(inPieces([half]), options);
    expect(outcome).toMatchObject({ reason: "timeout", received: half });
  });

  it("has no effect after the reply", async () => {
    const caller = new AbortController();
    const { outcome } = await run(inPieces([reply]), { signal: caller.signal });
    caller.abort();
    expect(outcome).toMatchObject({ bytes: reply });
  });
});

describe("the connection", () => {
  it("is not half-closed before the reply is complete", async () => {
    let hasEnded = false;
    const { outcome, server } = await run((socket) => {
      setTimeout(() => {
        hasEnded = socket.readableEnded;
        socket.write(reply);
      }, 40);
    });
    expect(hasEnded).toBe(false);
    expect(outcome).toMatchObject({ bytes: reply });
    expect(server.events).toEqual(["request", "client ended", "closed"]);
  });

  it("is closed before the exchange settles, so that the next connection is the only one", async () => {
    const scripts = [inPieces([half]), inPieces([reply]), inPieces([half], reset), end];
    await using server = await serve((socket) => scripts.shift()?.(socket));
    const passing = passTimeAfter("received", 5_000, { number: 1 });
    const exchange = createTimedExchange({ clock: createFastClock(), passing });
    const results = [];
    while (scripts.length > 0) {
      const outcome = exchange(server, request, never);
      results.push(
        await outcome.then(
          () => "reply",
          (error: QueryError) => error.reason,
        ),
      );
    }
    await server.allClosed();
    expect(results).toEqual(["timeout", "reply", "truncated", "closed"]);
    expect(server.peak).toBe(1);
  });
});

describe("the observer", () => {
  const observe = async (script: Script, passing: PassingTime = noTime, closeMs = 3_000) => {
    await using server = await serve(script);
    const events: string[] = [];
    const exchange = createTimedExchange({ clock: createFastClock(), passing, ecu: server });
    const outcome = exchange(server, request, never, {
      limits: { closeMs },
      observer: {
        connected: () => events.push("connected"),
        received: (bytes) => events.push(`received ${bytes.length}`),
        replied: ({ bytes }) => events.push(`replied ${bytes.length}`),
        closed: () => events.push("closed"),
      },
    });
    await outcome.catch(() => {});
    await server.allClosed();
    return events;
  };

  it.each<[string, Script, readonly string[], PassingTime?, number?]>([
    [
      "an ECU that closes the connection after its reply",
      inPieces([reply], end),
      ["connected", `received ${reply.length}`, `replied ${reply.length}`, "closed"],
    ],
    [
      "an ECU that leaves the connection open for 3 s",
      inPieces([reply]),
      ["connected", `received ${reply.length}`, `replied ${reply.length}`],
      passTimeAfter("replied", 3_000),
    ],
    [
      "an ECU that is not given time to close the connection",
      inPieces([reply]),
      ["connected", `received ${reply.length}`, `replied ${reply.length}`],
      noTime,
      0,
    ],
    [
      "a connection closed in the middle of a reply",
      inPieces([half], end),
      ["connected", "received 16", "closed"],
    ],
    ["a reset connection", reset, ["connected", "closed"]],
    ["silence", () => {}, ["connected"], passTimeAfter("arrived", 5_000)],
  ])("sees %s", async (_, script, events, passing, closeMs) => {
    expect(await observe(script, passing, closeMs)).toEqual(events);
  });
});
