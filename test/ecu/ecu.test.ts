/** All of src/ecu together, with a simulated ECU on loopback. */
import { setMaxListeners } from "node:events";
import { describe, expect, it } from "vitest";
import type { Reason } from "../../src/ecu/errors.ts";
import { createMonitor } from "../../src/ecu/monitor.ts";
import { createRequestQueue } from "../../src/ecu/queue.ts";
import { type Query, queries, readEcu } from "../../src/ecu/read.ts";
import type { Family } from "../../src/simulator/behaviours.ts";
import type { FaultName } from "../../src/simulator/faults.ts";
import { type SimulatedEcu, startSimulatedEcu } from "../../src/simulator/server.ts";
import { systemClock } from "../../src/time/clock.ts";
import { createFastClock, settle } from "../support/fake-clock.ts";
import { createTimedExchange, type PassingTime, passTimeAfter } from "../support/timed-exchange.ts";
import { fakeLog } from "./fake-log.ts";
import { createInfo, createSignals, createTable, KWH } from "./messages.ts";

const answers = {
  info: () => createInfo(),
  realtime: () => createTable(),
  signal: () => createSignals(),
};
const never = new AbortController().signal;
setMaxListeners(0, never);

/** Waits until the ECU has seen its connections close: it is in the same process, and may lag behind. */
const waitForClosed = async (ecu: SimulatedEcu): Promise<void> => {
  while (ecu.connections.open > 0) await settle();
};

interface WatchOptions {
  readonly passing?: PassingTime;
  readonly retries?: number;
}

/** A monitor that reads the ECU at each scrape. */
const watch = (ecu: SimulatedEcu, { passing = () => 0, retries = 0 }: WatchOptions = {}) => {
  const clock = createFastClock();
  const exchange = createTimedExchange({ clock, passing, ecu });
  const enqueue = createRequestQueue(() => 1_000, clock);
  return createMonitor({
    ecu: "roof",
    read: (options) =>
      readEcu({
        ...options,
        exchange: (request, signal) =>
          enqueue(async () => {
            try {
              return await exchange(ecu, request, signal);
            } finally {
              await waitForClosed(ecu);
            }
          }, signal),
        clock,
        retries,
      }),
    settings: () => ({
      minIntervalMs: 0,
      nightIntervalMs: 0,
      timeoutMs: 60_000,
      zone: "Europe/Amsterdam",
    }),
    clock: systemClock,
    log: fakeLog().log,
  });
};

type QueryResults = { readonly [Q in Query]: Reason | "ok" | "not sent" };
const all = (info: QueryResults["info"], others: QueryResults["info"] = info): QueryResults => ({
  info,
  realtime: others,
  signal: others,
});

/** One scrape of an ECU with a fault: the result of each query by the counters, and the observation. */
const scrape = async (family: Family, fault: FaultName, passing?: PassingTime) => {
  await using ecu = await startSimulatedEcu({ messages: answers, family, faults: [fault] });
  const observation = await watch(ecu, { ...(passing && { passing }) }).observe(never);
  const { attempts, errors } = observation.counters;
  const getResult = (query: Query) => {
    const reason = Object.entries(errors[query]).find(([, count]) => count > 0)?.[0];
    return reason ?? (attempts[query] > 0 ? "ok" : "not sent");
  };
  const results = Object.fromEntries(queries.map((query) => [query, getResult(query)]));
  return { observation, results, ecu };
};

describe.each<[Family]>([["R"], ["L"]])("an ECU of family %s", (family) => {
  it.each<[FaultName, QueryResults, PassingTime?]>([
    ["refuse", all("refused", "not sent")],
    ["silent", all("timeout", "not sent"), passTimeAfter("arrived", 5_000)],
    ["emptyClose", all("closed", "not sent")],
    ["truncate", all("truncated", "not sent")],
    ["reset", all("truncated", "not sent")],
    ["split", all("ok")],
    ["drip", all("ok")],
    ["noLf", all("ok"), passTimeAfter("received", 300)],
    ["extraBytes", all("ok")],
    ["noEnd", all("malformed", "not sent")],
    ["badLength", all("malformed", "not sent")],
    ["wrongCommand", all("wrong_command", "not sent")],
    ["status01", all("ok", "id_mismatch")],
    ["status02", { info: "ok", realtime: "ok", signal: "status" }],
    ["surplusBytes", all("ok")],
    ["ecuAsInverter", all("ok")],
    ["shuffleSignal", all("ok")],
    ["oddText", all("ok")],
    ["oddType", all("ok")],
    ["acDisconnected", all("ok")],
  ])(
    "with the fault %s gives its reason, with one connection at a time",
    async (fault, results, passing) => {
      const scraped = await scrape(family, fault, passing);
      expect(scraped.results).toEqual(results);
      const { realtime, info } = results;
      expect(scraped.observation.up).toBe(info === "ok" && realtime === "ok");
      expect(scraped.ecu.connections.peak).toBeLessThanOrEqual(1);
      expect(scraped.ecu.writes).toEqual([]);
      if (scraped.observation.up && fault !== "status02") {
        expect(scraped.observation.reading.lifetimeEnergyJoules).toBe(1000 * KWH);
        expect(scraped.observation.reading.inverters).toMatchObject([
          { uid: "702000000001", signalRatio: 1 },
          { uid: "702000000002", signalRatio: 0.2 },
        ]);
      }
    },
  );

  it("gets one connection per query, for any number of simultaneous scrapes", async () => {
    await using ecu = await startSimulatedEcu({ messages: answers, family });
    const monitor = watch(ecu);
    const observations = await Promise.all(
      Array.from({ length: 20 }, () => monitor.observe(never)),
    );
    expect(observations.every(({ up }) => up)).toBe(true);
    expect(ecu.connections).toMatchObject({ peak: 1, total: 3 });
    expect(ecu.requests.map(({ code }) => code)).toEqual(["0001", "0002", "0030"]);
  });

  it("that replies to a retry is not down", async () => {
    await using ecu = await startSimulatedEcu({
      messages: answers,
      family,
      faults: ["emptyClose"],
    });
    const observing = watch(ecu, { retries: 2 }).observe(never);
    while (ecu.requests.length === 0) await settle();
    ecu.faults.clear();
    const { up, counters } = await observing;
    expect(up).toBe(true);
    expect(counters.attempts.info).toBeGreaterThan(1);
    expect(counters.errors.info.closed).toBe(counters.attempts.info - 1);
  });
});
