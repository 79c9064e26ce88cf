import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { QueryError, type Reason, reasons } from "../../src/ecu/errors.ts";
import { observe } from "../../src/ecu/observe.ts";
import { createRequestQueue } from "../../src/ecu/queue.ts";
import { type EcuReadOptions, type Query, type Replies, readEcu } from "../../src/ecu/read.ts";
import { noMemory } from "../../src/ecu/validate.ts";
import { encodeReply, encodeStatus } from "../../src/protocol/replies.ts";
import { commandOf, decodeRequest } from "../../src/protocol/requests.ts";
import type { Clock } from "../../src/time/clock.ts";
import { fakeClock, hastyClock } from "../support/fake-clock.ts";
import { ECU_ID, infoOf, rawReply, signalsOf, tableOf } from "./messages.ts";

const OTHER_ID = "216200000002";
const good = {
  info: encodeReply("info", infoOf()),
  realtime: encodeReply("realtime", tableOf()),
  signal: encodeReply("signal", signalsOf()),
};
const otherInfo = encodeReply("info", infoOf({ ecuId: OTHER_ID }));
const mismatch = encodeStatus("realtime", "01");

/** What the ECU answers to one attempt: bytes, or why there are none. */
type Answer = Uint8Array | Reason;
type Answers = { readonly [Q in Query]?: readonly Answer[] };

/** A read of an ECU that gives these answers in turn, and the good one after that; and what was asked. */
const read = async (answers: Answers, options: Partial<EcuReadOptions> = {}) => {
  const asked: string[] = [];
  const attempts: string[] = [];
  const progress: Replies[] = [];
  const queues = Object.fromEntries(
    Object.entries(answers).map(([query, queue]) => [query, [...queue]]),
  ) as Record<Query, Answer[]>;
  const replies = await readEcu({
    exchange: (request) => {
      const { code, ecuId } = decodeRequest(request);
      const query = commandOf(code) as Query;
      asked.push(query === "info" ? query : `${query} ${ecuId}`);
      const answer = queues[query]?.shift() ?? good[query];
      return typeof answer === "string"
        ? Promise.reject(new QueryError(`failed: ${answer}`, { reason: answer }))
        : Promise.resolve(rawReply(answer));
    },
    clock: hastyClock(),
    retries: 2,
    retryPauseMs: 2_000,
    signal: new AbortController().signal,
    knownId: undefined,
    onAttempt: (query, error) => attempts.push(`${query} ${error?.reason ?? "ok"}`),
    onProgress: (sofar) => progress.push(sofar),
    ...options,
  });
  return { replies, asked, attempts, progress, verdicts: verdictsOf(replies) };
};

const verdictsOf = (replies: Replies): Record<string, string> =>
  Object.fromEntries(
    Object.entries(replies).map(([query, one]) => [query, one.ok ? "ok" : one.error.reason]),
  );
const allGood = { info: "ok", realtime: "ok", signal: "ok" };
const thrice = (answer: Answer): Answer[] => [answer, answer, answer];

describe("a read", () => {
  it("asks 0001, then 0002 and 0030 with the id that 0001 told, and tells each verdict as it falls", async () => {
    const { replies, asked, attempts, progress } = await read({});
    expect(asked).toEqual(["info", `realtime ${ECU_ID}`, `signal ${ECU_ID}`]);
    expect(attempts).toEqual(["info ok", "realtime ok", "signal ok"]);
    expect(progress.map((one) => Object.keys(one))).toEqual([
      ["info"],
      ["info", "realtime"],
      ["info", "realtime", "signal"],
    ]);
    expect(progress.at(-1)).toBe(replies);
    expect(replies.info).toMatchObject({ ok: true, value: infoOf() });
    expect(replies.realtime).toMatchObject({ ok: true, value: tableOf() });
    expect(replies.signal).toMatchObject({ ok: true, value: signalsOf() });
  });

  it("leaves the pause between its questions", async () => {
    const clock = fakeClock();
    const line = createRequestQueue(() => 1_000, clock);
    const begun: number[] = [];
    const reading = read(
      {},
      {
        clock,
        exchange: (request, signal) =>
          line(async () => {
            begun.push(clock.monotonic());
            await clock.sleep(20);
            const query = commandOf(decodeRequest(request).code) as Query;
            return rawReply(good[query]);
          }, signal),
      },
    );
    await clock.advance(10_000);
    expect((await reading).verdicts).toEqual(allGood);
    expect(begun).toEqual([0, 1020, 2040]);
  });

  it.each<[Query, Reason]>(
    (["realtime", "signal"] as const).flatMap((query) =>
      reasons
        .filter((reason) => reason !== "id_mismatch")
        .map((reason): [Query, Reason] => [query, reason]),
    ),
  )("in which %s fails (%s) loses nothing of the others", async (query, reason) => {
    const { verdicts } = await read({ [query]: thrice(reason) });
    expect(verdicts).toEqual({ ...allGood, [query]: reason });
  });

  it("takes status 02 of 0002 for a good answer: no data yet", async () => {
    const { replies, asked } = await read({ realtime: [encodeStatus("realtime", "02")] });
    expect(replies.realtime).toMatchObject({ ok: true, value: { kind: "none" } });
    expect(asked).toHaveLength(3);
  });

  it("takes any other status for a refusal, and does not insist", async () => {
    const { verdicts, asked } = await read({
      realtime: [encodeStatus("realtime", "07")],
      signal: [encodeStatus("signal", "02")],
    });
    expect(verdicts).toEqual({ info: "ok", realtime: "status", signal: "status" });
    expect(asked).toHaveLength(3);
  });
});

describe("without base information", () => {
  it.each<Reason>(["refused", "unreachable", "timeout"])(
    "nothing more is asked of an ECU that was not reached: %s",
    async (reason) => {
      const { verdicts, asked } = await read({ info: thrice(reason) }, { knownId: ECU_ID });
      expect(verdicts).toEqual({ info: reason });
      expect(asked).toEqual(["info", "info", "info"]);
    },
  );

  it.each<Reason>(["closed", "truncated", "malformed", "wrong_command"])(
    "an ECU that did answer is asked by the id it had: %s",
    async (reason) => {
      const { verdicts, asked } = await read({ info: thrice(reason) }, { knownId: OTHER_ID });
      expect(verdicts).toEqual({ ...allGood, info: reason });
      expect(asked.slice(3)).toEqual([`realtime ${OTHER_ID}`, `signal ${OTHER_ID}`]);
    },
  );

  it("nothing more can be asked of an ECU that never told its id", async () => {
    const { verdicts } = await read({ info: thrice("closed") });
    expect(verdicts).toEqual({ info: "closed" });
  });
});

describe("an ECU that says it has another id", () => {
  it("is asked for it once more, and then asked by that", async () => {
    const { verdicts, asked, replies } = await read({
      info: [good.info, otherInfo],
      realtime: [mismatch],
    });
    expect(asked).toEqual([
      "info",
      `realtime ${ECU_ID}`,
      "info",
      `realtime ${OTHER_ID}`,
      `signal ${OTHER_ID}`,
    ]);
    expect(verdicts).toEqual(allGood);
    expect(replies.info).toMatchObject({ value: { ecuId: OTHER_ID } });
  });

  it("and says so again is not asked a third time", async () => {
    const { verdicts, asked } = await read({ realtime: [mismatch, mismatch, mismatch] });
    expect(verdicts).toEqual({ info: "ok", realtime: "id_mismatch", signal: "ok" });
    expect(asked.filter((what) => what === "info")).toHaveLength(2);
    expect(asked.filter((what) => what.startsWith("realtime"))).toHaveLength(2);
  });

  it("and then cannot be asked for it is asked by the old one", async () => {
    const { verdicts, asked } = await read({
      info: [good.info, ...thrice("closed")],
      realtime: [mismatch],
    });
    expect(asked.at(-1)).toBe(`signal ${ECU_ID}`);
    expect(verdicts).toMatchObject({ realtime: "ok", signal: "ok" });
  });
});

describe("a failing attempt", () => {
  it("is repeated up to twice, after a pause each time, and each one is told", async () => {
    const clock = hastyClock();
    const { attempts, replies } = await read({ info: ["timeout", "closed"] }, { clock });
    expect(attempts.slice(0, 3)).toEqual(["info timeout", "info closed", "info ok"]);
    expect(replies.info).toMatchObject({ ok: true, durationMs: 4_000 });
  });

  it("is the last where no repeats are wanted", async () => {
    const { verdicts, attempts } = await read({ signal: ["closed"] }, { retries: 0 });
    expect(verdicts).toEqual({ ...allGood, signal: "closed" });
    expect(attempts).toHaveLength(3);
  });

  it.each<[string, Uint8Array, Reason]>([
    ["the reply to another question", good.signal, "wrong_command"],
    ["a reply cut short", good.realtime.subarray(0, 40), "truncated"],
    [
      "a reply without END",
      Buffer.concat([good.realtime.subarray(0, -4), Buffer.from("xxx\n")]),
      "malformed",
    ],
    ["another status", encodeStatus("realtime", "09"), "status"],
  ])("is counted by its reason and keeps its bytes: %s", async (_, bytes, reason) => {
    const { replies, attempts } = await read({ realtime: [bytes] }, { retries: 0 });
    expect(replies.realtime).toMatchObject({
      ok: false,
      error: { reason, received: Buffer.from(bytes) },
    });
    expect(attempts).toContain(`realtime ${reason}`);
  });

  it("is not repeated once the time is over, though its pause was not", async () => {
    const clock = fakeClock();
    const limit = new AbortController();
    const reading = read({ info: thrice("closed") }, { clock, signal: limit.signal });
    await clock.advance(1_000);
    limit.abort();
    const { verdicts, asked } = await reading;
    expect(verdicts).toEqual({ info: "closed" });
    expect(asked).toEqual(["info"]);
    expect(clock.sleepers).toBe(0);
  });
});

describe("a read whose time is over", () => {
  it("before it begins asks nothing", async () => {
    const { replies, asked } = await read({}, { signal: AbortSignal.abort() });
    expect(replies).toEqual({});
    expect(asked).toEqual([]);
  });

  it("between two questions keeps what it has", async () => {
    const limit = new AbortController();
    const { verdicts, asked } = await read(
      {},
      {
        signal: limit.signal,
        onProgress: () => limit.abort(),
      },
    );
    expect(verdicts).toEqual({ info: "ok" });
    expect(asked).toEqual(["info"]);
  });
});

it("never throws, whatever bytes come, and neither do the steps after it", async () => {
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
  const answers = fc.record({
    info: any(good.info),
    realtime: any(good.realtime),
    signal: any(good.signal),
  });
  const clock: Pick<Clock, "monotonic" | "sleep"> = hastyClock();
  await fc.assert(
    fc.asyncProperty(answers, async ({ info, realtime, signal }) => {
      const said = { info: [info], realtime: [realtime], signal: [signal] };
      const { replies } = await read(said, { clock, retries: 0, knownId: ECU_ID });
      observe({ replies, memory: noMemory, zone: "UTC", now: 0, monotonic: 0 });
      for (const outcome of Object.values(replies)) {
        if (!outcome.ok) expect(reasons).toContain(outcome.error.reason);
      }
    }),
    { numRuns: 300 },
  );
});
