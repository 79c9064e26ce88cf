/** Everything in src/ecu together, against a simulated ECU on loopback. */
import { setMaxListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { exchange } from "../../src/ecu/client.ts";
import type { Reason } from "../../src/ecu/errors.ts";
import { createMonitor } from "../../src/ecu/monitor.ts";
import { createRequestQueue } from "../../src/ecu/queue.ts";
import { type Query, queries, readEcu } from "../../src/ecu/read.ts";
import type { Family } from "../../src/simulator/behaviours.ts";
import type { FaultName } from "../../src/simulator/faults.ts";
import { type SimulatedEcu, startSimulatedEcu } from "../../src/simulator/server.ts";
import { systemClock } from "../../src/time/clock.ts";
import { settled } from "../support/fake-clock.ts";
import { fakeLog } from "./fake-log.ts";
import { infoOf, KWH, signalsOf, tableOf } from "./messages.ts";

const answers = { info: () => infoOf(), realtime: () => tableOf(), signal: () => signalsOf() };
const patient = new AbortController().signal;
setMaxListeners(0, patient);

/** Waits until the ECU, too, has seen its connections close: it lives in the same process, and may lag. */
const isAlone = async (ecu: SimulatedEcu): Promise<void> => {
  while (ecu.connections.open > 0) await settled();
};

/** A monitor that is quick about everything, and asks anew at each scrape. */
const watch = (ecu: SimulatedEcu, { silenceMs = 5_000, retries = 0 } = {}) => {
  const limits = { connectMs: 5_000, silenceMs, replyMs: 5_000, closeMs: 0 };
  const line = createRequestQueue(() => 5, systemClock);
  return createMonitor({
    ecu: "roof",
    read: (half) =>
      readEcu({
        ...half,
        exchange: (request, signal) =>
          line(async () => {
            try {
              return await exchange(ecu, request, signal, { limits });
            } finally {
              await isAlone(ecu);
            }
          }, signal),
        clock: systemClock,
        retries,
        retryPauseMs: 5,
      }),
    settings: () => ({ minIntervalMs: 0, timeoutMs: 5_000, zone: "Europe/Amsterdam" }),
    clock: systemClock,
    log: fakeLog().log,
  });
};

type Verdicts = { readonly [Q in Query]: Reason | "ok" | "not asked" };
const all = (info: Verdicts["info"], others: Verdicts["info"] = info): Verdicts => ({
  info,
  realtime: others,
  signal: others,
});

/** One scrape of an ECU with a fault: how each query went by the counts, and what was seen. */
const scrape = async (family: Family, fault: FaultName, silenceMs?: number) => {
  await using ecu = await startSimulatedEcu({ answers, family, faults: [fault] });
  const observation = await watch(ecu, { ...(silenceMs && { silenceMs }) }).observe(patient);
  const { attempts, errors } = observation.counters;
  const verdict = (query: Query) => {
    const reason = Object.entries(errors[query]).find(([, count]) => count > 0)?.[0];
    return reason ?? (attempts[query] > 0 ? "ok" : "not asked");
  };
  const verdicts = Object.fromEntries(queries.map((query) => [query, verdict(query)]));
  return { observation, verdicts, ecu };
};

describe.each<[Family]>([["R"], ["L"]])("an ECU of family %s", (family) => {
  it.each<[FaultName, Verdicts, number?]>([
    ["refuse", all("refused", "not asked")],
    ["silent", all("timeout", "not asked"), 50],
    ["emptyClose", all("closed", "not asked")],
    ["truncate", all("truncated", "not asked")],
    ["reset", all("truncated", "not asked")],
    ["split", all("ok")],
    ["drip", all("ok")],
    ["noLf", all("ok")],
    ["extraBytes", all("ok")],
    ["noEnd", all("malformed", "not asked")],
    ["badLength", all("malformed", "not asked")],
    ["wrongCommand", all("wrong_command", "not asked")],
    ["status01", all("ok", "id_mismatch")],
    ["status02", { info: "ok", realtime: "ok", signal: "status" }],
    ["surplusBytes", all("ok")],
    ["ecuAsInverter", all("ok")],
    ["shuffleSignal", all("ok")],
    ["acDisconnected", all("ok")],
  ])(
    "with the fault %s is told by its reason, over one connection at a time",
    async (fault, verdicts, silenceMs) => {
      const seen = await scrape(family, fault, silenceMs);
      expect(seen.verdicts).toEqual(verdicts);
      const { realtime, info } = verdicts;
      expect(seen.observation.up).toBe(info === "ok" && realtime === "ok");
      expect(seen.ecu.connections.peak).toBeLessThanOrEqual(1);
      expect(seen.ecu.writes).toEqual([]);
      if (seen.observation.up && fault !== "status02") {
        expect(seen.observation.reading.lifetimeEnergyJoules).toBe(1000 * KWH);
        expect(seen.observation.reading.inverters).toMatchObject([
          { uid: "702000000001", signalRatio: 1 },
          { uid: "702000000002", signalRatio: 0.2 },
        ]);
      }
    },
  );

  it("gets one connection a command, however many scrapes come at once", async () => {
    await using ecu = await startSimulatedEcu({ answers, family });
    const monitor = watch(ecu);
    const seen = await Promise.all(Array.from({ length: 20 }, () => monitor.observe(patient)));
    expect(seen.every(({ up }) => up)).toBe(true);
    expect(ecu.connections).toMatchObject({ peak: 1, total: 3 });
    expect(ecu.requests.map(({ code }) => code)).toEqual(["0001", "0002", "0030"]);
  });

  it("that recovers within the repeats was never down", async () => {
    await using ecu = await startSimulatedEcu({ answers, family, faults: ["emptyClose"] });
    const observing = watch(ecu, { retries: 2 }).observe(patient);
    while (ecu.requests.length === 0) await settled();
    ecu.faults.clear();
    const { up, counters } = await observing;
    expect(up).toBe(true);
    expect(counters.attempts.info).toBeGreaterThan(1);
    expect(counters.errors.info.closed).toBe(counters.attempts.info - 1);
  });
});
