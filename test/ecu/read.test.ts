import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { QueryError, type Reason, reasons } from "../../src/ecu/errors.ts";
import { noMemory } from "../../src/ecu/memory.ts";
import { observe } from "../../src/ecu/observe.ts";
import { createRequestQueue } from "../../src/ecu/queue.ts";
import { type EcuReadOptions, type Query, type Replies, readEcu } from "../../src/ecu/read.ts";
import { encodeReply, encodeStatus } from "../../src/protocol/replies.ts";
import { decodeRequest, findCommand } from "../../src/protocol/requests.ts";
import type { Clock } from "../../src/time/clock.ts";
import { createFakeClock, createFastClock } from "../support/fake-clock.ts";
import { createInfo, createSignals, createTable, ECU_ID, rawReply } from "./messages.ts";

const OTHER_ID = "216200000002";
const good = {
  info: encodeReply("info", createInfo()),
  realtime: encodeReply("realtime", createTable()),
  signal: encodeReply("signal", createSignals()),
};
const otherInfo = encodeReply("info", createInfo({ ecuId: OTHER_ID }));
const mismatch = encodeStatus("realtime", "01");

/** The reply of the ECU to one attempt: bytes, or the reason of a failure. */
type TestReply = Uint8Array | Reason;
type TestReplies = { readonly [Q in Query]?: readonly TestReply[] };

/** Reads an ECU that sends these replies in turn, then good ones. @returns the outcomes and the requests */
const read = async (testReplies: TestReplies, options: Partial<EcuReadOptions> = {}) => {
  const sent: string[] = [];
  const attempts: string[] = [];
  const progress: Replies[] = [];
  const queues = Object.fromEntries(
    Object.entries(testReplies).map(([query, queue]) => [query, [...queue]]),
  ) as Record<Query, TestReply[]>;
  const replies = await readEcu({
    exchange: (request) => {
      const { code, ecuId } = decodeRequest(request);
      const query = findCommand(code) as Query;
      sent.push(query === "info" ? query : `${query} ${ecuId}`);
      const reply = queues[query]?.shift() ?? good[query];
      return typeof reply === "string"
        ? Promise.reject(new QueryError(`failed: ${reply}`, { reason: reply }))
        : Promise.resolve(rawReply(reply));
    },
    clock: createFastClock(),
    retries: 2,
    retryPauseMs: 2_000,
    signal: new AbortController().signal,
    knownId: undefined,
    onAttempt: (query, error) => attempts.push(`${query} ${error?.reason ?? "ok"}`),
    onProgress: (replies) => progress.push(replies),
    ...options,
  });
  return { replies, sent, attempts, progress, results: formatResults(replies) };
};

const formatResults = (replies: Replies): Record<string, string> =>
  Object.fromEntries(
    Object.entries(replies).map(([query, outcome]) => [
      query,
      outcome.ok ? "ok" : outcome.error.reason,
    ]),
  );
const allGood = { info: "ok", realtime: "ok", signal: "ok" };
const thrice = (reply: TestReply): TestReply[] => [reply, reply, reply];

describe("a read", () => {
  it("sends 0001, then 0002 and 0030 with the id from 0001, and reports each outcome at once", async () => {
    const { replies, sent, attempts, progress } = await read({});
    expect(sent).toEqual(["info", `realtime ${ECU_ID}`, `signal ${ECU_ID}`]);
    expect(attempts).toEqual(["info ok", "realtime ok", "signal ok"]);
    expect(progress.map((outcomes) => Object.keys(outcomes))).toEqual([
      ["info"],
      ["info", "realtime"],
      ["info", "realtime", "signal"],
    ]);
    expect(progress.at(-1)).toBe(replies);
    expect(replies.info).toMatchObject({ ok: true, value: createInfo() });
    expect(replies.realtime).toMatchObject({ ok: true, value: createTable() });
    expect(replies.signal).toMatchObject({ ok: true, value: createSignals() });
  });

  it("pauses between its queries", async () => {
    const clock = createFakeClock();
    const enqueue = createRequestQueue(() => 1_000, clock);
    const sentAt: number[] = [];
    const reading = read(
      {},
      {
        clock,
        exchange: (request, signal) =>
          enqueue(async () => {
            sentAt.push(clock.monotonic());
            await clock.sleep(20);
            const query = findCommand(decodeRequest(request).code) as Query;
            return rawReply(good[query]);
          }, signal),
      },
    );
    await clock.advance(10_000);
    expect((await reading).results).toEqual(allGood);
    expect(sentAt).toEqual([0, 1020, 2040]);
  });

  it.each<[Query, Reason]>(
    (["realtime", "signal"] as const).flatMap((query) =>
      reasons
        .filter((reason) => reason !== "id_mismatch")
        .map((reason): [Query, Reason] => [query, reason]),
    ),
  )("in which %s fails (%s) has the replies to the other queries", async (query, reason) => {
    const { results } = await read({ [query]: thrice(reason) });
    expect(results).toEqual({ ...allGood, [query]: reason });
  });

  it("accepts status 02 as a reply to 0002: no data yet", async () => {
    const { replies, sent } = await read({ realtime: [encodeStatus("realtime", "02")] });
    expect(replies.realtime).toMatchObject({ ok: true, value: { kind: "none" } });
    expect(sent).toHaveLength(3);
  });

  it("takes any other status as a failure, without a retry", async () => {
    const { results, sent } = await read({
      realtime: [encodeStatus("realtime", "07")],
      signal: [encodeStatus("signal", "02")],
    });
    expect(results).toEqual({ info: "ok", realtime: "status", signal: "status" });
    expect(sent).toHaveLength(3);
  });
});

describe("without a reply to 0001", () => {
  it.each<Reason>(["refused", "unreachable", "timeout"])(
    "no more query is sent to an ECU that was not reached: %s",
    async (reason) => {
      const { results, sent } = await read({ info: thrice(reason) }, { knownId: ECU_ID });
      expect(results).toEqual({ info: reason });
      expect(sent).toEqual(["info", "info", "info"]);
    },
  );

  it.each<Reason>(["closed", "truncated", "malformed", "wrong_command"])(
    "an ECU that was reached gets the other queries with its last id: %s",
    async (reason) => {
      const { results, sent } = await read({ info: thrice(reason) }, { knownId: OTHER_ID });
      expect(results).toEqual({ ...allGood, info: reason });
      expect(sent.slice(3)).toEqual([`realtime ${OTHER_ID}`, `signal ${OTHER_ID}`]);
    },
  );

  it("no more query is sent to an ECU whose id is unknown", async () => {
    const { results } = await read({ info: thrice("closed") });
    expect(results).toEqual({ info: "closed" });
  });
});

describe("an ECU that reports another id", () => {
  it("gets 0001 once more, then the queries with the new id", async () => {
    const { results, sent, replies } = await read({
      info: [good.info, otherInfo],
      realtime: [mismatch],
    });
    expect(sent).toEqual([
      "info",
      `realtime ${ECU_ID}`,
      "info",
      `realtime ${OTHER_ID}`,
      `signal ${OTHER_ID}`,
    ]);
    expect(results).toEqual(allGood);
    expect(replies.info).toMatchObject({ value: { ecuId: OTHER_ID } });
  });

  it("twice does not get a third 0002", async () => {
    const { results, sent } = await read({ realtime: [mismatch, mismatch, mismatch] });
    expect(results).toEqual({ info: "ok", realtime: "id_mismatch", signal: "ok" });
    expect(sent.filter((request) => request === "info")).toHaveLength(2);
    expect(sent.filter((request) => request.startsWith("realtime"))).toHaveLength(2);
  });

  it("but then fails 0001 receives the queries with the old id", async () => {
    const { results, sent } = await read({
      info: [good.info, ...thrice("closed")],
      realtime: [mismatch],
    });
    expect(sent.at(-1)).toBe(`signal ${ECU_ID}`);
    expect(results).toMatchObject({ realtime: "ok", signal: "ok" });
  });
});

describe("a failed attempt", () => {
  it("is retried up to twice, each time after a pause, and each attempt is reported", async () => {
    const clock = createFastClock();
    const { attempts, replies } = await read({ info: ["timeout", "closed"] }, { clock });
    expect(attempts.slice(0, 3)).toEqual(["info timeout", "info closed", "info ok"]);
    expect(replies.info).toMatchObject({ ok: true, durationMs: 4_000 });
  });

  it("is the last one without retries", async () => {
    const { results, attempts } = await read({ signal: ["closed"] }, { retries: 0 });
    expect(results).toEqual({ ...allGood, signal: "closed" });
    expect(attempts).toHaveLength(3);
  });

  it.each<[string, Uint8Array, Reason]>([
    ["the reply to another query", good.signal, "wrong_command"],
    ["a truncated reply", good.realtime.subarray(0, 40), "truncated"],
    [
      "a reply without END",
      Buffer.concat([good.realtime.subarray(0, -4), Buffer.from("xxx\n")]),
      "malformed",
    ],
    ["another status", encodeStatus("realtime", "09"), "status"],
  ])("is reported with its reason and its bytes: %s", async (_, bytes, reason) => {
    const { replies, attempts } = await read({ realtime: [bytes] }, { retries: 0 });
    expect(replies.realtime).toMatchObject({
      ok: false,
      error: { reason, received: Buffer.from(bytes) },
    });
    expect(attempts).toContain(`realtime ${reason}`);
  });

  it("is not retried when the read is aborted during the pause", async () => {
    const clock = createFakeClock();
    const limit = new AbortController();
    const reading = read({ info: thrice("closed") }, { clock, signal: limit.signal });
    await clock.advance(1_000);
    limit.abort();
    const { results, sent } = await reading;
    expect(results).toEqual({ info: "closed" });
    expect(sent).toEqual(["info"]);
    expect(clock.sleepers).toBe(0);
  });
});

describe("an aborted read", () => {
  it("sends nothing if it is aborted before it starts", async () => {
    const { replies, sent } = await read({}, { signal: AbortSignal.abort() });
    expect(replies).toEqual({});
    expect(sent).toEqual([]);
  });

  it("keeps the replies it has", async () => {
    const limit = new AbortController();
    const { results, sent } = await read(
      {},
      {
        signal: limit.signal,
        onProgress: () => limit.abort(),
      },
    );
    expect(results).toEqual({ info: "ok" });
    expect(sent).toEqual(["info"]);
  });
});

it("a read of any bytes never throws, nor does the pipeline after it", async () => {
  const damaged = (frame: Buffer) =>
    fc
      .array(fc.tuple(fc.nat(frame.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 })
      .map((changes) => {
        const bytes = Buffer.from(frame);
        for (const [at, byte] of changes) bytes[at] = byte;
        return bytes;
      });
  const any = (frame: Buffer) =>
    fc.oneof(damaged(frame), fc.uint8Array({ maxLength: 60 }), fc.constant(frame));
  const frames = fc.record({
    info: any(good.info),
    realtime: any(good.realtime),
    signal: any(good.signal),
  });
  const clock: Pick<Clock, "monotonic" | "sleep"> = createFastClock();
  await fc.assert(
    fc.asyncProperty(frames, async ({ info, realtime, signal }) => {
      const received = { info: [info], realtime: [realtime], signal: [signal] };
      const { replies } = await read(received, { clock, retries: 0, knownId: ECU_ID });
      observe({ replies, memory: noMemory, zone: "UTC", now: 0, monotonic: 0 });
      for (const outcome of Object.values(replies)) {
        if (!outcome.ok) expect(reasons).toContain(outcome.error.reason);
      }
    }),
    { numRuns: 300 },
  );
});
