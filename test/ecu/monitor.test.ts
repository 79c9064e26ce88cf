import { getEventListeners, setMaxListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { QueryError } from "../../src/ecu/errors.ts";
import { createMonitor, type MonitorOptions } from "../../src/ecu/monitor.ts";
import type { Observation } from "../../src/ecu/observe.ts";
import type { Replies } from "../../src/ecu/read.ts";
import { createFakeClock, settle } from "../support/fake-clock.ts";
import { fakeLog } from "./fake-log.ts";
import {
  createInfo,
  createSignals,
  createTable,
  ECU_ID,
  failedOutcome,
  KWH,
  validOutcome,
} from "./messages.ts";

type Read = Parameters<MonitorOptions["read"]>[0];

const MIN_INTERVAL_MS = 30_000;
const TIMEOUT_MS = 9_000;
const READ_MS = 100;
const START = Date.UTC(2025, 5, 21, 10);
const good: Replies = {
  info: validOutcome(createInfo()),
  realtime: validOutcome(createTable()),
  signal: validOutcome(createSignals()),
};
const patient = new AbortController().signal;
setMaxListeners(0, patient);

/** A monitor whose reads take 100 ms and give these replies in turn, and good ones after that. */
const world = (...outcomes: (Replies | ((read: Read) => Promise<Replies>))[]) => {
  const clock = createFakeClock(START);
  const { log, lines } = fakeLog();
  const reads: Read[] = [];
  let reading = 0;
  let peak = 0;
  const monitor = createMonitor({
    ecu: "roof",
    read: async (read) => {
      reads.push(read);
      peak = Math.max(peak, ++reading);
      const outcome = outcomes.shift() ?? good;
      try {
        if (typeof outcome === "function") return await outcome(read);
        await clock.sleep(READ_MS, read.signal);
        return outcome;
      } finally {
        reading--;
      }
    },
    settings: () => ({
      minIntervalMs: MIN_INTERVAL_MS,
      nightIntervalMs: 0,
      timeoutMs: TIMEOUT_MS,
      zone: "UTC",
    }),
    clock,
    log,
  });
  /** A scrape that waits as long as the read takes. */
  const observe = async (): Promise<Observation> => {
    const observing = monitor.observe(patient);
    await clock.advance(READ_MS);
    return observing;
  };
  return { clock, monitor, lines, reads, observe, peak: () => peak };
};

/** A read that has 0001 at once and then takes this long, or until it is aborted. */
const slowAfterInfo =
  (clock: () => ReturnType<typeof createFakeClock>, ms = Number.POSITIVE_INFINITY) =>
  async ({ onProgress, signal }: Read): Promise<Replies> => {
    const { info } = good;
    onProgress({ ...(info && { info }) });
    await clock().sleep(ms, signal);
    return signal.aborted ? { ...(info && { info }), realtime: failedOutcome("timeout") } : good;
  };

describe("scrapes of one ECU", () => {
  it("at the same time share one read and its observation", async () => {
    const { clock, monitor, reads } = world();
    const observing = Promise.all([1, 2, 3].map(() => monitor.observe(patient)));
    await clock.advance(READ_MS);
    const [first, ...others] = await observing;
    expect(reads).toHaveLength(1);
    expect(first).toMatchObject({ ecu: "roof", up: true, reading: { powerWatts: 420 } });
    for (const other of others) expect(other).toBe(first);
    expect(first?.counters.sharedReads).toBe(2);
  });

  it.each<[string, Replies, boolean]>([
    ["success", good, true],
    ["failure", { info: failedOutcome("refused") }, false],
  ])(
    "within 30 s of the end of a read share its %s; later ones read the ECU",
    async (_, replies, up) => {
      const { clock, monitor, reads, observe } = world(replies);
      const first = await observe();
      expect(first.up).toBe(up);
      await clock.advance(MIN_INTERVAL_MS - 1);
      expect(await monitor.observe(patient)).toBe(first);
      expect(reads).toHaveLength(1);
      await clock.advance(1);
      expect((await observe()).up).toBe(true);
      expect(reads).toHaveLength(2);
      expect(first.counters.sharedReads).toBe(1);
    },
  );

  it("read again if the last read is old by the wall clock: the machine may have slept", async () => {
    const { clock, reads, observe } = world();
    await observe();
    clock.setNow(START + 8 * 3_600_000);
    await observe();
    expect(reads).toHaveLength(2);
  });

  it("are not delayed when the wall clock is set back", async () => {
    const { clock, reads, observe } = world();
    await observe();
    clock.setNow(0);
    await clock.advance(MIN_INTERVAL_MS);
    await observe();
    expect(reads).toHaveLength(2);
  });

  it("survive replies that crash the pipeline, and do not read again at once", async () => {
    const broken = { ...good, realtime: { ok: true, value: null, durationMs: 1 } };
    const { reads, lines, observe } = world(broken as unknown as Replies);
    expect(await observe()).toMatchObject({ up: false, reading: { inverters: [] } });
    expect(await observe()).toMatchObject({ up: false });
    expect(reads).toHaveLength(1);
    expect(lines[0]).toEqual([
      "error",
      expect.anything(),
      "bug in the exporter: the replies could not be evaluated",
    ]);
  });

  it("never start two reads at the same time", async () => {
    const { clock, monitor, reads, peak } = world();
    const observing = [];
    for (let i = 0; i < 100; i++) {
      observing.push(monitor.observe(AbortSignal.abort()), monitor.observe(patient));
      await clock.advance(999);
    }
    await clock.advance(READ_MS);
    await Promise.all(observing);
    expect(peak()).toBe(1);
    expect(reads).toHaveLength(4); // 100 s in steps of 999 ms, 30 s after the end of each
  });
});

describe("a scrape whose deadline passes", () => {
  it("has what was read so far, and down; the read goes on and serves the next scrape", async () => {
    const created: ReturnType<typeof world> = world(slowAfterInfo(() => created.clock, 5_000));
    const { clock, monitor, reads } = created;
    const deadline = new AbortController();
    const observing = monitor.observe(deadline.signal);
    await clock.advance(2_000);
    deadline.abort();
    const partial = await observing;
    expect(partial).toMatchObject({
      up: false,
      readAt: START / 1000 + 2,
      reading: { powerWatts: 420, lifetimeEnergyJoules: 1000 * KWH, inverters: [] },
      queries: {
        info: { success: true },
        realtime: { success: false },
        signal: { success: false },
      },
    });
    expect(partial.queries.realtime).not.toHaveProperty("durationSeconds");
    expect(monitor.last()).toBeUndefined();
    expect(reads[0]?.signal.aborted).toBe(false);

    await clock.advance(3_000);
    expect(monitor.last()).toMatchObject({ up: true, readAt: START / 1000 + 5 });
    expect(await monitor.observe(patient)).toBe(monitor.last());
    expect(reads).toHaveLength(1);
  });

  it("does not abort the read for others", async () => {
    const { clock, monitor } = world();
    const partial = await monitor.observe(AbortSignal.abort());
    const observing = monitor.observe(patient);
    await clock.advance(READ_MS);
    expect(partial).toMatchObject({ up: false, reading: { inverters: [] } });
    expect(await observing).toMatchObject({ up: true });
  });

  it("is up if only 0030 is missing", async () => {
    const { clock, monitor } = world(async ({ onProgress }) => {
      const { signal: _, ...others } = good;
      onProgress(others);
      await clock.sleep(1_000);
      return good;
    });
    const deadline = new AbortController();
    const observing = monitor.observe(deadline.signal);
    await clock.advance(500);
    deadline.abort();
    expect(await observing).toMatchObject({ up: true, queries: { signal: { success: false } } });
    await clock.advance(500);
  });

  it("has no values of an earlier read", async () => {
    const { clock, monitor, observe } = world();
    await observe();
    await clock.advance(MIN_INTERVAL_MS);
    const { up, reading } = await monitor.observe(AbortSignal.abort());
    expect({ up, reading }).toEqual({ up: false, reading: { inverters: [], notes: [] } });
  });
});

describe("a read", () => {
  it("ends at its time limit, and keeps the replies it has", async () => {
    const created: ReturnType<typeof world> = world(slowAfterInfo(() => created.clock));
    const { clock, monitor, reads } = created;
    const observing = monitor.observe(patient);
    await clock.advance(TIMEOUT_MS - 1);
    expect(reads[0]?.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(await observing).toMatchObject({
      up: false,
      reading: { powerWatts: 420 },
      queries: {
        realtime: {
          success: false,
          problem: expect.stringMatching(/^failed: timeout; let no other program read/),
        },
      },
    });
  });

  it("leaves no timer behind, and its limit does not abort the next read", async () => {
    const { clock, observe, reads } = world();
    await observe();
    await settle();
    expect(clock.sleepers).toBe(0);
    await clock.advance(MIN_INTERVAL_MS);
    await observe();
    expect(reads).toHaveLength(2);
    expect(clock.sleepers).toBe(0);
  });

  it("leaves no listener on the signals of the scrapes that waited for it", async () => {
    const { monitor, clock } = world();
    const { signal } = new AbortController();
    const observing = monitor.observe(signal);
    await settle();
    expect(getEventListeners(signal, "abort")).toHaveLength(1);
    await clock.advance(READ_MS);
    await observing;
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });

  it("that fails after a good one has none of its values, and is down", async () => {
    const { clock, observe } = world(good, { info: failedOutcome("timeout") });
    await observe();
    await clock.advance(MIN_INTERVAL_MS);
    expect(await observe()).toMatchObject({
      up: false,
      reading: { inverters: [], notes: [] },
      queries: {
        info: {
          success: false,
          durationSeconds: 0.005,
          problem: expect.stringMatching(/^failed: timeout; let no other program read/),
        },
      },
    });
  });

  it.each<[string, Replies, boolean]>([
    ["all three", good, true],
    ["status 02, no data yet", { ...good, realtime: validOutcome({ kind: "none" }) }, true],
    ["all but 0030", { ...good, signal: failedOutcome("timeout") }, true],
    ["all but 0002", { ...good, realtime: failedOutcome("closed") }, false],
    ["all but 0001", { ...good, info: failedOutcome("closed") }, false],
  ])("with %s is up: %3$s", async (_, replies, up) => {
    expect((await world(replies).observe()).up).toBe(up);
  });

  it("gets the id and the time zone of the read before", async () => {
    const { clock, observe, reads } = world(good, { ...good, info: failedOutcome("closed") });
    await observe();
    await clock.advance(MIN_INTERVAL_MS);
    const { reading } = await observe();
    expect(reads.map(({ knownId }) => knownId)).toEqual([undefined, ECU_ID]);
    expect(reading.lastReportAt).toBe(Date.UTC(2025, 5, 21, 9, 58) / 1000); // by Amsterdam, not UTC
  });

  it("that throws keeps the replies it has, is logged as a bug, and the next one works", async () => {
    const { clock, observe, lines } = world(({ onProgress }) => {
      const { info } = good;
      onProgress({ ...(info && { info }) });
      return Promise.reject(new Error("broken"));
    });
    expect(await observe()).toMatchObject({ up: false, reading: { powerWatts: 420 } });
    expect(lines).toEqual([
      ["error", { ecu: "roof", err: new Error("broken") }, "bug in the exporter: the read failed"],
    ]);
    await clock.advance(MIN_INTERVAL_MS);
    expect(await observe()).toMatchObject({ up: true });
  });

  it("is aborted when the monitor is closed", async () => {
    const created: ReturnType<typeof world> = world(slowAfterInfo(() => created.clock));
    const observing = created.monitor.observe(patient);
    await created.clock.advance(10);
    created.monitor.close();
    expect(await observing).toMatchObject({ up: false });
    await settle();
    expect(created.clock.sleepers).toBe(0);
  });

  it("is validated once with the memory of earlier reads: a wrong counter is left out and counted", async () => {
    const wrong = { ...good, info: validOutcome(createInfo({ lifetimeEnergyJoules: 0 })) };
    const { clock, monitor, observe } = world(good, wrong);
    await observe();
    await clock.advance(MIN_INTERVAL_MS);
    const { reading, counters } = await observe();
    expect(reading).not.toHaveProperty("lifetimeEnergyJoules");
    expect(reading).toMatchObject({ todayEnergyJoules: 5 * KWH });
    await monitor.observe(patient);
    expect(counters.rejected).toMatchObject({ lifetime_energy: 1, today_energy: 0 });
  });

  it("in flight does not change the memory: partial observations are not reads", async () => {
    const lower = { info: validOutcome(createInfo({ lifetimeEnergyJoules: KWH })) };
    const { clock, monitor, observe } = world(good, async ({ onProgress }) => {
      onProgress(lower);
      await clock.sleep(1_000);
      return { ...good, ...lower };
    });
    await observe();
    await clock.advance(MIN_INTERVAL_MS);
    for (let i = 0; i < 5; i++) {
      const { reading, counters } = await monitor.observe(AbortSignal.abort());
      expect(reading).not.toHaveProperty("lifetimeEnergyJoules");
      expect(counters.rejected.lifetime_energy).toBe(0);
    }
    await clock.advance(1_000);
    expect(monitor.last()?.reading).not.toHaveProperty("lifetimeEnergyJoules");
    expect(monitor.last()?.counters.rejected.lifetime_energy).toBe(1);
  });

  it("counts every attempt, and every failed one by its reason", async () => {
    const { observe } = world(({ onAttempt }) => {
      onAttempt("info", undefined);
      onAttempt("realtime", new QueryError("", { reason: "timeout" }));
      onAttempt("realtime", new QueryError("", { reason: "closed" }));
      onAttempt("realtime", undefined);
      return Promise.resolve(good);
    });
    const { counters } = await observe();
    expect(counters.attempts).toEqual({ info: 1, realtime: 3, signal: 0 });
    expect(counters.errors.realtime).toMatchObject({ timeout: 1, closed: 1, refused: 0 });
    expect(Object.keys(counters.errors.signal)).toHaveLength(9);
  });
});
