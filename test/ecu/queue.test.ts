import { describe, expect, it } from "vitest";
import { createRequestQueue } from "../../src/ecu/queue.ts";
import { createFakeClock, settle } from "../support/fake-clock.ts";

const PAUSE_MS = 1_000;
const never = new AbortController().signal;

/** A queue that records its events with their time: `begin a 0`, `end a 50`. */
const createRecordedQueue = () => {
  const clock = createFakeClock();
  const enqueue = createRequestQueue(() => PAUSE_MS, clock);
  const events: string[] = [];
  const record = (event: string): void => {
    events.push(`${event} ${clock.monotonic()}`);
  };
  const add = (name: string, ms: number, outcome: "done" | Error = "done", signal = never) =>
    enqueue(async () => {
      record(`begin ${name}`);
      await clock.sleep(ms);
      record(`end ${name}`);
      if (outcome !== "done") throw outcome;
      return name;
    }, signal);
  return { clock, events, add, enqueue };
};

describe("the request queue of an ECU", () => {
  it("runs tasks one at a time and in order, with the pause after the end of each", async () => {
    const { clock, events, add } = createRecordedQueue();
    const all = Promise.all([add("a", 300), add("b", 5), add("c", 0)]);
    await clock.advance(10_000);
    expect(await all).toEqual(["a", "b", "c"]);
    expect(events).toEqual([
      "begin a 0",
      "end a 300",
      "begin b 1300",
      "end b 1305",
      "begin c 2305",
      "end c 2305",
    ]);
  });

  it("starts a task at once if the pause is over", async () => {
    const { clock, events, add } = createRecordedQueue();
    void add("a", 0);
    await clock.advance(5_000);
    void add("b", 0);
    await clock.advance(0);
    expect(events).toEqual(["begin a 0", "end a 0", "begin b 5000", "end b 5000"]);
  });

  it("continues after the same pause if a task fails, and only that task's caller gets the error", async () => {
    const { clock, events, add, enqueue } = createRecordedQueue();
    const failing = add("a", 10, new Error("a failed"));
    const throwing = enqueue(() => {
      throw new Error("b failed at once");
    }, never);
    const next = add("c", 0);
    const results = Promise.allSettled([failing, throwing, next]);
    await clock.advance(5_000);
    expect((await results).map(({ status }) => status)).toEqual([
      "rejected",
      "rejected",
      "fulfilled",
    ]);
    expect(events).toEqual(["begin a 0", "end a 10", "begin c 2010", "end c 2010"]);
  });

  it("ends the pause early if the signal of the next task aborts", async () => {
    const { clock, events, add } = createRecordedQueue();
    const caller = new AbortController();
    void add("a", 0);
    await clock.advance(100);
    void add("b", 0, "done", caller.signal);
    await clock.advance(100);
    caller.abort();
    await clock.advance(0);
    expect(events).toEqual(["begin a 0", "end a 0", "begin b 200", "end b 200"]);
  });

  it("leaves no timer", async () => {
    const { clock, add } = createRecordedQueue();
    void add("a", 0);
    await clock.advance(0);
    await settle();
    expect(clock.sleepers).toBe(0);
  });
});
