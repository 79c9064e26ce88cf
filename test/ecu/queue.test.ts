import { describe, expect, it } from "vitest";
import { createRequestQueue } from "../../src/ecu/queue.ts";
import { fakeClock, settled } from "../support/fake-clock.ts";

const PAUSE_MS = 1_000;
const never = new AbortController().signal;

/** A line, and what happened on it: `begin a 0`, `end a 50`. */
const lineWithEvents = () => {
  const clock = fakeClock();
  const line = createRequestQueue(() => PAUSE_MS, clock);
  const events: string[] = [];
  const note = (what: string): void => {
    events.push(`${what} ${clock.monotonic()}`);
  };
  const enter = (name: string, ms: number, outcome: "done" | Error = "done", signal = never) =>
    line(async () => {
      note(`begin ${name}`);
      await clock.sleep(ms);
      note(`end ${name}`);
      if (outcome !== "done") throw outcome;
      return name;
    }, signal);
  return { clock, events, enter, line };
};

describe("the line to an ECU", () => {
  it("runs tasks one at a time, in turn, with the pause after the end of each", async () => {
    const { clock, events, enter } = lineWithEvents();
    const all = Promise.all([enter("a", 300), enter("b", 5), enter("c", 0)]);
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

  it("lets no time pass when the pause is long over", async () => {
    const { clock, events, enter } = lineWithEvents();
    void enter("a", 0);
    await clock.advance(5_000);
    void enter("b", 0);
    await clock.advance(0);
    expect(events).toEqual(["begin a 0", "end a 0", "begin b 5000", "end b 5000"]);
  });

  it("goes on, after the same pause, when a task fails, and tells only its owner", async () => {
    const { clock, events, enter, line } = lineWithEvents();
    const broken = enter("a", 10, new Error("a broke"));
    const thrown = line(() => {
      throw new Error("b threw at once");
    }, never);
    const next = enter("c", 0);
    const owners = Promise.allSettled([broken, thrown, next]);
    await clock.advance(5_000);
    expect((await owners).map(({ status }) => status)).toEqual([
      "rejected",
      "rejected",
      "fulfilled",
    ]);
    expect(events).toEqual(["begin a 0", "end a 10", "begin c 2010", "end c 2010"]);
  });

  it("cuts the pause short for a task whose time is over, so that nothing waits for it", async () => {
    const { clock, events, enter } = lineWithEvents();
    const over = new AbortController();
    void enter("a", 0);
    await clock.advance(100);
    void enter("b", 0, "done", over.signal);
    await clock.advance(100);
    over.abort();
    await clock.advance(0);
    expect(events).toEqual(["begin a 0", "end a 0", "begin b 200", "end b 200"]);
  });

  it("leaves no timer behind", async () => {
    const { clock, enter } = lineWithEvents();
    void enter("a", 0);
    await clock.advance(0);
    await settled();
    expect(clock.sleepers).toBe(0);
  });
});
