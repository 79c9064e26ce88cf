/** While all inverters are offline, an ECU is read less often. Expected counts are computed by hand. */
import { setMaxListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { createMonitor, type Monitor, type MonitorSettings } from "../../src/ecu/monitor.ts";
import type { Observation } from "../../src/ecu/observe.ts";
import { createRequestQueue } from "../../src/ecu/queue.ts";
import { type Replies, readEcu } from "../../src/ecu/read.ts";
import { simulateEcu } from "../../src/simulator/ecu.ts";
import { createFakeClock, createFastClock, type FastClock } from "../support/fake-clock.ts";
import { createTimedExchange } from "../support/timed-exchange.ts";
import { fakeLog } from "./fake-log.ts";
import {
  createInfo,
  createRecord,
  createSignals,
  createTable,
  failedOutcome,
  validOutcome,
} from "./messages.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const MIN_INTERVAL = 30 * SECOND;
const NIGHT_INTERVAL = 5 * MINUTE;
const READ_MS = 100;
const START = Date.UTC(2025, 11, 21, 20);
const patient = new AbortController().signal;
setMaxListeners(0, patient);

const asleep = createRecord("702000000001", { online: false });
const alsoAsleep = createRecord("702000000002", { online: false });
const awake = createRecord("702000000002");
const info = validOutcome(createInfo({ powerWatts: 0, invertersOnline: 0 }));
const realtime = validOutcome(createTable([asleep, alsoAsleep]));
const signal = validOutcome([]);
/** All inverters are offline. */
const night: Replies = { info, realtime, signal };
const day: Replies = {
  info: validOutcome(createInfo()),
  realtime: validOutcome(createTable()),
  signal: validOutcome(createSignals()),
};
const tableOf = (...table: Parameters<typeof createTable>): Replies => ({
  ...night,
  realtime: validOutcome(createTable(...table)),
});

/** A monitor whose reads take 100 ms and give these replies in turn; the last ones repeat. */
const world = (outcomes: readonly Replies[], change: Partial<MonitorSettings> = {}) => {
  const clock = createFakeClock(START);
  const settings = {
    minIntervalMs: MIN_INTERVAL,
    nightIntervalMs: NIGHT_INTERVAL,
    timeoutMs: 9 * SECOND,
    zone: "UTC",
    ...change,
  };
  let reads = 0;
  const monitor = createMonitor({
    ecu: "roof",
    read: async () => {
      const outcome = outcomes[reads] ?? outcomes.at(-1) ?? {};
      reads++;
      await clock.sleep(READ_MS);
      return outcome;
    },
    settings: () => settings,
    clock,
    log: fakeLog().log,
  });
  const observe = async (): Promise<Observation> => {
    const observing = monitor.observe(patient);
    await clock.advance(READ_MS);
    return observing;
  };
  return { clock, monitor, settings, observe, countReads: () => reads };
};

describe("after a read in which every inverter was offline", () => {
  it("scrapes get this read for five minutes, with its time and values", async () => {
    const { clock, observe, countReads } = world([night, day]);
    const first = await observe();
    await clock.advance(NIGHT_INTERVAL - 1);
    const later = await observe();
    expect(later).toBe(first);
    expect(later).toMatchObject({ up: true, readAt: (START + READ_MS) / SECOND });
    expect(later.counters).toMatchObject({ sharedReads: 1, attempts: { info: 0 } });
    expect(countReads()).toBe(1);
    await clock.advance(1);
    expect((await observe()).reading.powerWatts).toBe(420);
    expect(countReads()).toBe(2);
  });

  it("the first read with an inverter online ends the wait", async () => {
    const { clock, observe, countReads } = world([night, day]);
    await observe();
    await clock.advance(NIGHT_INTERVAL);
    await observe();
    await clock.advance(MIN_INTERVAL);
    await observe();
    expect(countReads()).toBe(3);
  });

  it.each([
    { seconds: 0, next: 30 }, // it is turned off
    { seconds: 10, next: 30 }, // less than the minimum interval
    { seconds: 120, next: 120 },
  ])(
    "a night interval of $seconds s delays the next read by $next s",
    async ({ seconds, next }) => {
      const { clock, observe, countReads } = world([night], {
        nightIntervalMs: seconds * SECOND,
      });
      await observe();
      await clock.advance(next * SECOND - 1);
      await observe();
      expect(countReads()).toBe(1);
      await clock.advance(1);
      await observe();
      expect(countReads()).toBe(2);
    },
  );

  it("a shorter night interval acts at once", async () => {
    const { clock, settings, observe, countReads } = world([night]);
    await observe();
    await clock.advance(MINUTE);
    settings.nightIntervalMs = 0;
    await observe();
    expect(countReads()).toBe(2);
  });

  it("the ECU is read when the machine wakes up", async () => {
    const { clock, observe, countReads } = world([night]);
    await observe();
    clock.setNow(START + 8 * HOUR);
    await observe();
    expect(countReads()).toBe(2);
  });

  it("its target can be replaced by another ad-hoc target when the minimum interval has passed", async () => {
    const { clock, monitor, observe } = world([night]);
    await observe();
    await clock.advance(MIN_INTERVAL - 1);
    expect(monitor.isIdle()).toBe(false);
    await clock.advance(1);
    expect(monitor.isIdle()).toBe(true);
  });
});

describe("the ECU is read again after the minimum interval", () => {
  it.each<[string, Replies]>([
    ["one inverter was online", tableOf([asleep, awake])],
    ["the table was empty", tableOf([])],
    [
      "no inverter was registered",
      { ...tableOf([]), info: validOutcome(createInfo({ powerWatts: 0, inverters: 0 })) },
    ],
    ["the ECU had no data yet", { ...night, realtime: validOutcome({ kind: "none" }) }],
    ["a record could not be found", tableOf([asleep], { count: 2, lost: 1 })],
    ["an inverter was missing from the table", tableOf([asleep])],
    [
      "an inverter was only in the list of signals",
      { ...night, signal: validOutcome([{ uid: "702000000003", level: 90 }]) },
    ],
    ["0001 failed", { ...night, info: failedOutcome("timeout") }],
    ["0002 failed", { ...night, realtime: failedOutcome("timeout") }],
    ["nothing was read", { info: failedOutcome("refused") }],
    // An ECU-R marks its inverters as offline at the start of a round, until their turn.
    ["the last round had power", { ...night, info: day.info as NonNullable<typeof day.info> }],
  ])("if %s", async (_, replies) => {
    const { clock, monitor, observe, countReads } = world([replies]);
    await observe();
    expect(monitor.quietUntil()).toBeUndefined();
    await clock.advance(MIN_INTERVAL);
    await observe();
    expect(countReads()).toBe(2);
  });

  it("if a read failed in the night", async () => {
    const { clock, observe, countReads } = world([night, { info: failedOutcome("refused") }]);
    await observe();
    for (let i = 0; i < 3; i++) {
      await clock.advance(i === 0 ? NIGHT_INTERVAL : MIN_INTERVAL);
      expect((await observe()).up).toBe(false);
    }
    expect(countReads()).toBe(4);
  });
});

describe("the night interval also applies", () => {
  it.each<[string, Replies]>([
    ["if only 0030 failed", { ...night, signal: failedOutcome("timeout") }],
    [
      "to an inverter of an unknown type that is offline",
      tableOf([asleep, { ...alsoAsleep, typeCode: "77", guessed: true }]),
    ],
    [
      "to the devices of an ECU-RS without contact",
      {
        ...night,
        realtime: validOutcome({
          kind: "02",
          count: 2,
          takenAt: "20251221195800",
          records: ["601000000001", "601000000002"].map((uid) => ({
            uid,
            state: 0,
            reserved: "",
          })) as never,
        }),
      },
    ],
  ])("%s", async (_, replies) => {
    const { clock, observe, countReads } = world([replies]);
    await observe();
    await clock.advance(NIGHT_INTERVAL - 1);
    await observe();
    expect(countReads()).toBe(1);
  });
});

describe("the end of the wait", () => {
  const END = (START + READ_MS + NIGHT_INTERVAL) / SECOND;

  it("is five minutes after the end of the read, while it lasts", async () => {
    const { clock, monitor, observe } = world([night]);
    expect(monitor.quietUntil()).toBeUndefined();
    await observe();
    expect(monitor.quietUntil()).toBe(END);
    await clock.advance(NIGHT_INTERVAL - 1);
    expect(monitor.quietUntil()).toBe(END);
    await clock.advance(1);
    expect(monitor.quietUntil()).toBeUndefined();
    const observing = monitor.observe(patient);
    expect(monitor.quietUntil()).toBeUndefined();
    await clock.advance(READ_MS);
    await observing;
  });

  it("does not exist by day, or if the night interval is turned off", async () => {
    for (const { monitor, observe } of [world([day]), world([night], { nightIntervalMs: 0 })]) {
      await observe();
      expect(monitor.quietUntil()).toBeUndefined();
    }
  });

  it("is on the wall clock as it is set now", async () => {
    const { clock, monitor, observe } = world([night]);
    await observe();
    await clock.advance(MINUTE);
    clock.setNow(START - HOUR);
    expect(monitor.quietUntil()).toBe((START - HOUR + 4 * MINUTE) / SECOND);
  });
});

/** A simulated ECU in the Netherlands in winter, and a monitor that reads it over loopback, on one clock. */
const startWinterNight = async (nightIntervalMs: number) => {
  const clock = createFastClock(START);
  const ecu = await simulateEcu({
    inverters: [["DS3", 2]],
    family: "L",
    site: { latitude: 52, longitude: 5 },
    zone: "Europe/Amsterdam",
    seed: 1,
    start: START - 10 * MINUTE, // so that its first round has ended
    timeScale: 1,
    elapsed: () => clock.monotonic(),
  });
  clock.pass(0);
  const exchange = createTimedExchange({ clock, passing: () => 0, ecu });
  const enqueue = createRequestQueue(() => 250, clock);
  const monitor = createMonitor({
    ecu: "roof",
    read: (options) =>
      readEcu({
        ...options,
        exchange: (request, until) => enqueue(() => exchange(ecu, request, until), until),
        clock,
        retries: 0,
      }),
    settings: () => ({
      minIntervalMs: MIN_INTERVAL,
      nightIntervalMs,
      timeoutMs: 9 * SECOND,
      zone: "UTC",
    }),
    clock,
    log: fakeLog().log,
  });
  return { clock, ecu, monitor };
};

/** Scrapes for some time. @returns the observation of each scrape, with the time of the scrape in seconds */
async function* scrape(
  { clock, monitor }: { readonly clock: FastClock; readonly monitor: Monitor },
  { every, during }: { readonly every: number; readonly during: number },
) {
  const from = clock.monotonic();
  for (let passed = 0; passed < during; passed += every) {
    clock.pass(from + passed - clock.monotonic());
    const at = clock.now() / SECOND;
    yield { at, observation: await monitor.observe(patient) };
  }
}

describe("a simulated winter night", () => {
  // A read takes less than a second, and the next one is at the first scrape after its end and the interval.
  it.each([
    // Every 315 s: the scrape after 300 s is a moment too early. 28,800 s / 315 s = 91.4, so 92 reads.
    { hours: 8, every: 15, interval: NIGHT_INTERVAL, reads: 92 },
    // Every 360 s: 80 reads.
    { hours: 8, every: 60, interval: NIGHT_INTERVAL, reads: 80 },
    // Every 45 s, by the minimum interval of 30 s.
    { hours: 1, every: 15, interval: 0, reads: 80 },
    { hours: 1, every: 60, interval: 0, reads: 60 },
  ])(
    "of $hours h with a scrape every $every s and a night interval of $interval ms has $reads reads of three connections",
    async ({ hours, every, interval, reads }) => {
      const world = await startWinterNight(interval);
      await using ecu = world.ecu;
      let scrapes = 0;
      let last: Observation | undefined;
      for await (const { observation } of scrape(world, {
        every: every * SECOND,
        during: hours * HOUR,
      })) {
        expect(observation.up).toBe(true);
        expect(observation.reading.inverters.map(({ online }) => online)).toEqual([false, false]);
        scrapes++;
        last = observation;
      }
      expect(scrapes).toBe((hours * 3600) / every);
      expect(ecu.connections).toMatchObject({ total: 3 * reads, peak: 1 });
      expect(last?.counters.sharedReads).toBe(scrapes - reads);
    },
    60_000,
  );

  it("shows no read that is older than the night interval, and after sunrise none of an earlier scrape", async () => {
    const world = await startWinterNight(NIGHT_INTERVAL);
    await using _ecu = world.ecu;
    const ages = { night: -1, day: -1 };
    const online: boolean[] = [];
    const untilNoon = { every: MINUTE, during: 15 * HOUR };
    for await (const { at, observation } of scrape(world, untilNoon)) {
      const isDay = observation.reading.inverters.some((inverter) => inverter.online);
      const side = isDay ? "day" : "night";
      ages[side] = Math.max(ages[side], at - observation.readAt);
      if (isDay !== online.at(-1)) online.push(isDay);
    }
    expect(online).toEqual([false, true]);
    expect(ages.night).toBeGreaterThan(240);
    expect(ages.night).toBeLessThan(300);
    expect(ages.day).toBeLessThan(0); // the read ends after the start of the scrape
  }, 60_000);
});
