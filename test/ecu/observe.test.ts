import { describe, expect, it } from "vitest";
import { type Memory, noMemory } from "../../src/ecu/memory.ts";
import { isWaitingForData, observe } from "../../src/ecu/observe.ts";
import {
  createInfo,
  createRecord,
  createSignals,
  createTable,
  ECU_ID,
  failedOutcome,
  KWH,
  validOutcome,
} from "./messages.ts";

const TIMES = { zone: "Europe/Amsterdam", now: Date.UTC(2025, 5, 21, 10), monotonic: 1_000 };
const replies = {
  info: validOutcome(createInfo()),
  realtime: validOutcome(createTable()),
  signal: validOutcome(createSignals()),
};

describe("replies of a read", () => {
  it("that are complete: the ECU is up, every query succeeded, nothing is rejected", () => {
    const { up, reading, queries, rejected, memory } = observe({
      replies,
      memory: noMemory,
      ...TIMES,
    });
    expect({ up, rejected }).toEqual({ up: true, rejected: [] });
    expect(reading).toMatchObject({ lifetimeEnergyJoules: 1000 * KWH, powerWatts: 420 });
    expect(queries.info).toEqual({ success: true, durationSeconds: 0.005 });
    expect(memory).toMatchObject({ ecuId: ECU_ID, zone: "Europe/Amsterdam" });
  });

  it("without 0002: the ECU is down, with the reason and the values of 0001", () => {
    const part = { ...replies, realtime: failedOutcome("timeout") };
    const { up, reading, queries } = observe({ replies: part, memory: noMemory, ...TIMES });
    expect(up).toBe(false);
    expect(queries.realtime).toMatchObject({ success: false, error: { reason: "timeout" } });
    expect(reading).toMatchObject({ powerWatts: 420, inverters: [{ signalRatio: 1 }, {}] });
  });

  it("before any query was sent: the ECU is down, and no query succeeded", () => {
    const { up, reading, queries } = observe({ replies: {}, memory: noMemory, ...TIMES });
    expect({ up, inverters: reading.inverters }).toEqual({ up: false, inverters: [] });
    expect(queries).toEqual({
      info: { success: false },
      realtime: { success: false },
      signal: { success: false },
    });
  });

  it("with an impossible value and a counter that fell: both are left out and named", () => {
    const lower = observe({
      replies: {
        ...replies,
        info: validOutcome(createInfo({ lifetimeEnergyJoules: 900 * KWH })),
        realtime: validOutcome(
          createTable([createRecord("702000000001", { temperatureCelsius: 111 })]),
        ),
      },
      memory: observe({ replies, memory: noMemory, ...TIMES }).memory,
      ...TIMES,
    });
    expect(lower.rejected).toEqual(["temperature", "lifetime_energy"]);
    expect(lower.reading).not.toHaveProperty("lifetimeEnergyJoules");
    expect(lower.reading.inverters[0]?.temperatureCelsius).toBeUndefined();
    expect(lower.memory.ecus[ECU_ID]?.lifetime.good).toBe(1000 * KWH);
  });

  it("do not change the memory that was passed in", () => {
    const memory: Memory = Object.freeze({ ecus: Object.freeze({}) });
    expect(observe({ replies, memory, ...TIMES }).memory).not.toEqual(memory);
    expect(memory).toEqual({ ecus: {} });
  });
});

it("an ECU that is up without a report is waiting for data", () => {
  const noData = { ...replies, realtime: validOutcome({ kind: "none" } as const) };
  const waiting = observe({ replies: noData, memory: noMemory, ...TIMES });
  expect(isWaitingForData(waiting)).toBe(true);
  expect(isWaitingForData(observe({ replies, memory: noMemory, ...TIMES }))).toBe(false);
  expect(isWaitingForData(observe({ replies: {}, memory: noMemory, ...TIMES }))).toBe(false);
});
