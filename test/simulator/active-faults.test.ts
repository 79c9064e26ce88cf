import { once } from "node:events";
import { createServer } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createActiveFaults } from "../../src/simulator/active-faults.ts";
import type { FaultName, FaultSpec } from "../../src/simulator/faults.ts";
import type { SimulatedEcu } from "../../src/simulator/server.ts";
import { dial, ecuIds, queryEcu, startEcu } from "./client.ts";

/** A switchboard without an ECU, and what it said of refusing. */
const board = (on: readonly (FaultName | FaultSpec)[] = [], seed = 1) => {
  const refusals: boolean[] = [];
  const switches = createActiveFaults({
    initial: on,
    seed,
    onRefusingChange: (isRefusing) => refusals.push(isRefusing),
  });
  return { switches, isRefusing: () => refusals.at(-1) };
};

/** The lifetime energy in several reads: 0 if the fault acted. */
const glitches = async (ecu: SimulatedEcu, reads: number): Promise<string> => {
  let pattern = "";
  for (let i = 0; i < reads; i++) {
    const { lifetimeEnergyJoules } = await queryEcu(ecu, "info", ecuIds.L);
    pattern += lifetimeEnergyJoules === 0 ? "0" : "-";
  }
  return pattern;
};

const zeroGlitch = (limit: NonNullable<FaultSpec["limit"]>): FaultSpec => ({
  name: "zeroGlitch",
  limit,
});

describe("a fault is active", () => {
  it("once", async () => {
    await using ecu = await startEcu({ faults: [zeroGlitch({ times: 1 })] });
    expect(await glitches(ecu, 3)).toBe("0--");
    expect(ecu.faults.active).toEqual([]);
  });

  it("three times, and reports how many are left", async () => {
    await using ecu = await startEcu({ faults: [zeroGlitch({ times: 3 })] });
    expect(await glitches(ecu, 2)).toBe("00");
    expect(ecu.faults.active).toEqual([zeroGlitch({ times: 1 })]);
    expect(await glitches(ecu, 2)).toBe("0-");
  });

  it("with a probability, and acts the same with the same seed", async () => {
    const pattern: string[] = [];
    for (const seed of [7, 7, 8]) {
      await using ecu = await startEcu({ seed, faults: [zeroGlitch({ chance: 0.3 })] });
      pattern.push(await glitches(ecu, 60));
    }
    const [first = "", again, other] = pattern;
    expect(again).toBe(first);
    expect(other).not.toBe(first);
    const share = first.replaceAll("-", "").length / 60;
    expect(share).toBeGreaterThan(0.15);
    expect(share).toBeLessThan(0.45);
  });

  it("in the replies to one query only", async () => {
    await using ecu = await startEcu({ faults: [{ name: "noEnd", query: "realtime" }] });
    await expect(queryEcu(ecu, "realtime", ecuIds.L)).rejects.toMatchObject({
      reason: "malformed",
    });
    expect(await queryEcu(ecu, "signal", ecuIds.L)).toHaveLength(3);
    expect((await queryEcu(ecu, "info", ecuIds.L)).ecuId).toBe(ecuIds.L);
  });

  it("until it has acted: a reply that it does not change is not counted", async () => {
    await using ecu = await startEcu({
      faults: [zeroGlitch({ times: 1 }), { name: "aps12", limit: { times: 1 } }],
    });
    await queryEcu(ecu, "signal", ecuIds.L);
    expect(await glitches(ecu, 2)).toBe("0-");
    expect(ecu.faults.active).toEqual([{ name: "aps12", limit: { times: 1 } }]); // family L is so already
  });

  it("from the start when it is switched on again, and separately for each query", () => {
    const { switches } = board(["drip", { name: "drip", query: "info", limit: { times: 5 } }]);
    switches.add({ name: "drip", limit: { times: 2 } });
    expect(switches.active).toEqual([
      { name: "drip", query: "info", limit: { times: 5 } },
      { name: "drip", limit: { times: 2 } },
    ]);
    switches.delete("drip", "info");
    expect(switches.active).toEqual([{ name: "drip", limit: { times: 2 } }]);
    switches.add({ name: "drip", query: "signal" });
    switches.delete("drip");
    expect(switches.active).toEqual([]);
  });
});

afterEach(() => {
  vi.useRealTimers();
});

describe("a fault with a time limit", () => {
  it("of 30 seconds ends after them", () => {
    vi.useFakeTimers();
    const { switches } = board([{ name: "silent", limit: { ms: 30_000 } }]);
    vi.advanceTimersByTime(29_999);
    expect(switches.selectFor("info")).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(switches.selectFor("info")).toHaveLength(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("that refuses three times lasts three seconds", () => {
    vi.useFakeTimers();
    const { isRefusing } = board([{ name: "refuse", limit: { times: 3 } }]);
    vi.advanceTimersByTime(2_999);
    expect(isRefusing()).toBe(true);
    vi.advanceTimersByTime(1);
    expect(isRefusing()).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("that refuses with a probability acts in some seconds, and leaves no timer when it is switched off", () => {
    vi.useFakeTimers();
    const { switches, isRefusing } = board([{ name: "refuse", limit: { chance: 0.5 } }]);
    const seconds = Array.from({ length: 40 }, () => {
      vi.advanceTimersByTime(1_000);
      return isRefusing();
    });
    const refused = seconds.filter(Boolean).length;
    expect(refused).toBeGreaterThan(10);
    expect(refused).toBeLessThan(30);
    switches.clear();
    expect(isRefusing()).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
  });
});

/** The port opens within a second, on a busy machine later. */
const BUSY = { timeout: 60_000 };

describe("a running ECU", () => {
  const refused = { code: "ECONNREFUSED" };

  it("closes its port and opens the same port again, any number of times", async () => {
    await using ecu = await startEcu();
    for (let i = 0; i < 3; i++) {
      ecu.faults.add("refuse");
      await expect(dial(ecu)).rejects.toMatchObject(refused);
      ecu.faults.delete("refuse");
      expect((await queryEcu(ecu, "info", ecuIds.L)).ecuId).toBe(ecuIds.L);
    }
  });

  it("replies on a connection that was open before it closed its port", async () => {
    await using ecu = await startEcu();
    using wire = await dial(ecu);
    ecu.faults.add("refuse");
    wire.send("APS1100160001END\n");
    expect(await wire.replies()).toHaveLength(1);
  });

  it("that started with a closed port opens it when the time is over", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    await using ecu = await startEcu({ faults: [{ name: "refuse", limit: { ms: 30_000 } }] });
    vi.advanceTimersByTime(29_999);
    await expect(dial(ecu)).rejects.toMatchObject(refused);
    vi.advanceTimersByTime(1);
    vi.useRealTimers();
    await vi.waitFor(async () => (await dial(ecu))[Symbol.dispose](), BUSY);
  });

  it("waits for its port if another program uses it meanwhile", async () => {
    await using ecu = await startEcu({ faults: ["refuse"] });
    const other = createServer().listen(ecu.port, ecu.host);
    await once(other, "listening");
    ecu.faults.clear();
    other.close();
    await once(other, "close");
    await vi.waitFor(() => queryEcu(ecu, "info", ecuIds.L), BUSY);
  });

  it("ignores the given number of connections, and then replies", async () => {
    await using ecu = await startEcu({ faults: [{ name: "blackhole", limit: { times: 2 } }] });
    using first = await dial(ecu);
    using second = await dial(ecu);
    for (const wire of [first, second]) wire.send("APS1100160001END\n");
    expect((await queryEcu(ecu, "info", ecuIds.L)).ecuId).toBe(ecuIds.L);
    expect(ecu.requests).toHaveLength(1);
    expect(first.received().length + second.received().length).toBe(0);
    expect(ecu.faults.active).toEqual([]);
  });
});
