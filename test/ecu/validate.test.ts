import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { InverterReading, Reading } from "../../src/ecu/reading.ts";
import {
  dropImplausible,
  type Memory,
  noMemory,
  validateCounters,
} from "../../src/ecu/validate.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** One reading of an ECU. What a step does not say is as on any good day. */
interface Step {
  /** Milliseconds after the step before. */
  readonly after?: number;
  readonly date?: string | undefined;
  readonly life?: number;
  readonly today?: number;
  readonly registered?: number;
  readonly online?: number;
  readonly ecuId?: string;
}

const readingOf = (step: Step): Reading => ({
  identity: { ecuId: step.ecuId ?? "1", model: "", firmware: "", timezone: "UTC" },
  lifetimeEnergyJoules: step.life ?? 1000,
  todayEnergyJoules: step.today ?? 50,
  registeredByInfo: step.registered ?? 6,
  invertersOnline: step.online ?? 6,
  ...(step.date && { lastReportLocal: `${step.date}120000` }),
  ...(step.date?.startsWith("20") && { lastReportAt: 1_750_000_000 }),
  inverters: [],
  notes: [],
});

/** What is shown of each step, by one memory. */
const judged = (steps: readonly Step[]) => {
  let memory: Memory = noMemory;
  let at = 0;
  return steps.map((step) => {
    at += step.after ?? 150_000; // three of them span a round
    const { reading, rejected, memory: next } = validateCounters(memory, readingOf(step), at);
    memory = next;
    return { life: reading.lifetimeEnergyJoules, today: reading.todayEnergyJoules, rejected };
  });
};
const lifetimes = (steps: readonly Step[]) => judged(steps).map(({ life }) => life);
const todays = (steps: readonly Step[]) => judged(steps).map(({ today }) => today);
const none = undefined;

describe("both counters", () => {
  it("are withheld, and counted, while an ECU has forgotten its inverters and some answer", () => {
    const shown = judged([
      {},
      { life: 0, today: 0, registered: 0 },
      { life: 1001, registered: 0 },
      {},
    ]);
    expect(shown).toEqual([
      { life: 1000, today: 50, rejected: [] },
      { life: none, today: none, rejected: ["lifetime_energy", "today_energy"] },
      { life: none, today: none, rejected: ["lifetime_energy", "today_energy"] },
      { life: 1000, today: 50, rejected: [] },
    ]);
  });

  it("are believed where no inverter is registered and none answers", () => {
    expect(judged([{ life: 7, registered: 0, online: 0 }])).toEqual([
      { life: 7, today: 50, rejected: [] },
    ]);
  });

  it("are judged afresh when the ECU was replaced, from the second reply of the new one on", () => {
    const shown = judged([
      {},
      { ecuId: "2", life: 3, today: 1 },
      { ecuId: "2", life: 4, today: 2 },
    ]);
    expect(shown.map(({ life, today }) => [life, today])).toEqual([
      [1000, 50],
      [none, none],
      [4, 2],
    ]);
  });

  it("remember an ECU through a reply under another id", () => {
    const shown = judged([{}, { ecuId: "2", life: 3 }, { life: 900 }, { life: 1001 }]);
    expect(shown.map(({ life }) => life)).toEqual([1000, none, none, 1001]);
  });

  it("remember the last four ECUs and no more", () => {
    const ids = ["1", "2", "3", "4", "5"].map((ecuId) => readingOf({ ecuId }));
    const memory = ids.reduce<Memory>(
      (before, reading, at) => validateCounters(before, reading, at).memory,
      noMemory,
    );
    expect(Object.keys(memory.ecus)).toEqual(["2", "3", "4", "5"]);
  });

  it("are left alone, memory and all, by a reading without base information", () => {
    const before = validateCounters(noMemory, readingOf({}), 0).memory;
    const { reading, rejected, memory } = validateCounters(before, { inverters: [], notes: [] }, 1);
    expect(reading).toEqual({ inverters: [], notes: [] });
    expect(rejected).toEqual([]);
    expect(memory).toBe(before);
  });
});

describe("the lifetime energy", () => {
  it.each<[string, Step[], (number | undefined)[]]>([
    ["that rises or stands still is shown", [{ life: 5 }, { life: 5 }, { life: 6 }], [5, 5, 6]],
    ["that is 0 at first is not believed", [{ life: 0 }, { life: 700 }], [none, 700]],
    [
      "that is 0 at first for 24 hours is that of a new ECU",
      [{ life: 0 }, { life: 0 }, { life: 0, after: DAY }, { life: 0 }, { life: 1 }],
      [none, none, 0, 0, 1],
    ],
    ["that is 0 once is missing once", [{}, { life: 0 }, {}], [1000, none, 1000]],
    [
      "that is 0 for less than 24 hours is missing",
      [{}, { life: 0 }, { life: 0, after: HOUR }, { life: 0, after: DAY - HOUR - 1 }],
      [1000, none, none, none],
    ],
    [
      "that is 0 at two moments, 24 hours apart and nothing between, is missing",
      [{}, { life: 0 }, { life: 0, after: DAY }],
      [1000, none, none],
    ],
    [
      "that is 0 for 24 hours was reset",
      [{}, { life: 0 }, { life: 0 }, { life: 0, after: DAY }, { life: 1 }],
      [1000, none, none, 0, 1],
    ],
    [
      "that is 0 twice, 24 hours apart, and was good between, was not reset",
      [{}, { life: 0 }, {}, { life: 0, after: DAY }],
      [1000, none, 1000, none],
    ],
    [
      "that is 0 twice, 24 hours apart, and low between, was not reset",
      [{}, { life: 0 }, { life: 3 }, { life: 0, after: DAY }],
      [1000, none, none, none],
    ],
    ["that is lower once is missing once", [{}, { life: 999 }, {}], [1000, none, 1000]],
    [
      "that is lower three times was reset at the third",
      [{}, { life: 3 }, { life: 3 }, { life: 4 }, { life: 5 }],
      [1000, none, none, 4, 5],
    ],
    [
      "that is lower three times within one round is not believed before the next",
      [
        {},
        { life: 3, after: 100_000 },
        { life: 3, after: 100_000 },
        { life: 3, after: 100_000 },
        { life: 3, after: 100_000 },
      ],
      [1000, none, none, none, 3],
    ],
    [
      "that is lower, forgotten, and lower again begins to count anew",
      [{}, { life: 5 }, { life: 5 }, { registered: 0 }, { life: 5 }, { life: 5 }],
      [1000, none, none, none, none, none],
    ],
    [
      "that is lower and falls begins to count anew",
      [{}, { life: 5 }, { life: 4 }, { life: 4 }, { life: 4 }],
      [1000, none, none, none, 4],
    ],
    [
      "that is lower, good, and lower again begins to count anew",
      [{}, { life: 5 }, { life: 5 }, {}, { life: 5 }, { life: 5 }],
      [1000, none, none, 1000, none, none],
    ],
    [
      "that is lower, 0, and lower again begins to count anew",
      [{}, { life: 5 }, { life: 5 }, { life: 0 }, { life: 5 }, { life: 5 }],
      [1000, none, none, none, none, none],
    ],
    [
      "may not fall because the day is new",
      [{ date: "20250621" }, { date: "20250622", life: 999 }],
      [1000, none],
    ],
    ["may not fall because it is night", [{}, { life: 0, online: 0 }], [1000, none]],
  ])("%s", (_, steps, shown) => {
    expect(lifetimes(steps)).toEqual(shown);
  });

  it("that is withheld is counted once each time", () => {
    expect(judged([{}, { life: 0 }, { life: 0 }, {}]).map(({ rejected }) => rejected)).toEqual([
      [],
      ["lifetime_energy"],
      ["lifetime_energy"],
      [],
    ]);
  });
});

const D1 = "20250621";
const D2 = "20250622";

describe("today's energy", () => {
  it.each<[string, Step[], (number | undefined)[]]>([
    ["is shown at first, though it be 0", [{ today: 0 }], [0]],
    [
      "of 0 at noon is missing until it is something again",
      [{ date: D1 }, { date: D1, today: 0 }, { date: D1, today: 0 }, { date: D1, today: 51 }],
      [50, none, none, 51],
    ],
    [
      "of 0 is shown when no inverter is online",
      [{ date: D1 }, { date: D1, today: 0, online: 0 }],
      [50, 0],
    ],
    ["of 0 is shown on a new day", [{ date: D1 }, { date: D2, today: 0 }], [50, 0]],
    [
      "of 0 at noon is missing until the day changes",
      [{ date: D1 }, { date: D1, today: 0 }, { date: D2, today: 0 }],
      [50, none, 0],
    ],
    ["may be lower on a new day", [{ date: D1 }, { date: D2, today: 3 }], [50, 3]],
    [
      "that is lower once is missing once",
      [{ date: D1 }, { date: D1, today: 3 }, { date: D1 }],
      [50, none, 50],
    ],
    [
      "that is lower three times was reset",
      [{ date: D1 }, { date: D1, today: 3 }, { date: D1, today: 3 }, { date: D1, today: 4 }],
      [50, none, none, 4],
    ],
    [
      "of an ECU-R is yesterday's until sunrise, and then that of the new day",
      [
        { date: D1 },
        { date: D2, online: 0 },
        { date: D2, online: 0 },
        { date: D2, today: 0 },
        { date: D2, today: 1 },
      ],
      [50, 50, 50, 0, 1],
    ],
    [
      "of yesterday, its day not known then, is not taken for today's once it is",
      [{}, { date: D1 }, { date: D2, online: 0 }, { date: D2, today: 1 }],
      [50, 50, 50, 1],
    ],
    [
      "rises on a new day from where the ECU-R's first interval left it",
      [
        { date: D1 },
        { date: D2 },
        { date: D2, today: 1 },
        { date: D2, today: 0 },
        { date: D2, today: 2 },
      ],
      [50, 50, 1, none, 2],
    ],
    ...["d0d0d0d0", "00000000", "20000101"].map(
      (date): [string, Step[], (number | undefined)[]] => [
        `of 0 under the stamp ${date}, which is no new day, is missing`,
        [{ date: D1 }, { date, today: 0 }],
        [50, none],
      ],
    ),
    [
      "that is lower in a reading without a date is judged by the last one",
      [{ date: D1 }, { today: 3 }],
      [50, none],
    ],
  ])("%s", (_, steps, shown) => {
    expect(todays(steps)).toEqual(shown);
  });
});

describe("over any history", () => {
  const step = fc.record({
    after: fc.constantFrom(60_000, 12 * HOUR, DAY),
    life: fc.integer({ min: 0, max: 4 }),
    registered: fc.constantFrom(0, 6, 6, 6),
    ecuId: fc.constantFrom("1", "1", "1", "1", "1", "1", "2"),
  });

  type Past = (Step & { at: number; life: number })[];
  const ROUND = 300_000;

  /** Whether the rules of 4.7 allow the lifetime energy to fall from `shown` at the last of these replies. */
  const isReset = (shown: number, replies: Past): boolean => {
    const now = replies.at(-1);
    const isZero = now?.life === 0;
    // Backwards as long as every reply says the same of the counter; one that forgot its inverters says nothing.
    const streak: Past = [];
    for (const reply of replies.toReversed()) {
      if (reply.registered === 0) {
        if (isZero) continue;
        break;
      }
      const next = streak[0]?.life ?? reply.life;
      const fits = isZero
        ? reply.life === 0
        : reply.life > 0 && reply.life < shown && reply.life <= next;
      if (!fits) break;
      streak.unshift(reply);
    }
    const lasted = (now?.at ?? 0) - (streak[0]?.at ?? 0);
    return streak.length >= 3 && lasted >= (isZero ? DAY : ROUND);
  };

  it("a shown lifetime never falls except by a reset that the rules name", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const shown = lifetimes(steps);
        const pasts: Record<string, { last: number; replies: Past }> = {};
        let at = 0;
        for (const [i, one] of steps.entries()) {
          at += one.after;
          const value = shown[i];
          const past = pasts[one.ecuId];
          if (past === undefined) {
            pasts[one.ecuId] = { last: 0, replies: [] };
            if (i > 0) {
              expect(value).toBeUndefined(); // an ECU never seen before
              continue;
            }
          }
          const { last = 0, replies = [] } = pasts[one.ecuId] ?? {};
          replies.push({ ...one, at });
          pasts[one.ecuId] = { last: value ?? last, replies };
          if (value === undefined) continue;
          expect(value).toBe(one.life);
          if (value < last) expect(isReset(last, replies)).toBe(true);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it("an honest counter is shown every time", () => {
    const honest = fc.array(fc.nat({ max: 3 }), { minLength: 1 }).map((rises) => {
      let life = 1;
      return rises.map((rise) => {
        life += rise;
        return { life };
      });
    });
    fc.assert(
      fc.property(honest, (steps) => {
        expect(lifetimes(steps)).toEqual(steps.map(({ life }) => life));
      }),
    );
  });
});

describe("what no inverter can measure", () => {
  const inverter: InverterReading = {
    uid: "702000000001",
    model: "DS3-S",
    typeCode: "01",
    online: true,
    channelWatts: [100, 110],
    temperatureCelsius: 31,
    frequencyHertz: 50,
    gridVolts: [{ phase: "L1", volts: 231 }],
    signalRatio: 0.5,
  };
  const shown = (changes: Partial<InverterReading>) => {
    const inverters = [{ ...inverter, ...changes }];
    const { reading, rejected } = dropImplausible({ inverters, notes: [] });
    return { inverter: reading.inverters[0], rejected };
  };
  const volts = (...values: (number | undefined)[]) => ({
    gridVolts: values.map((value, i) => ({ phase: `L${i + 1}`, volts: value })),
  });

  // Protocol document, 4.2.
  it.each<[string, Partial<InverterReading>, Partial<InverterReading>]>([
    ["frequency", { frequencyHertz: 45 }, { frequencyHertz: none }],
    ["frequency", { frequencyHertz: 65 }, { frequencyHertz: none }],
    ["frequency", { frequencyHertz: 0 }, { frequencyHertz: none }],
    ["voltage", volts(49), volts(none)],
    ["voltage", volts(501), volts(none)],
    ["voltage", volts(0, 231, 231), volts(none, 231, 231)],
    ["temperature", { temperatureCelsius: -41 }, { temperatureCelsius: none }],
    ["temperature", { temperatureCelsius: 111 }, { temperatureCelsius: none }],
    ["temperature", { temperatureCelsius: -100 }, { temperatureCelsius: none }],
    ["channel_power", { channelWatts: [1201, 0] }, { channelWatts: [none, 0] }],
  ])("is withheld and counted, and the rest stays: %s %j", (field, said, left) => {
    expect(shown(said)).toEqual({ inverter: { ...inverter, ...left }, rejected: [field] });
  });

  it.each<[Partial<InverterReading>]>([
    [{ frequencyHertz: 45.1 }],
    [{ frequencyHertz: 64.9 }],
    [volts(50)],
    [volts(500)],
    [{ temperatureCelsius: -40 }],
    [{ temperatureCelsius: 110 }],
    [{ channelWatts: [1200, 0] }],
  ])("does not begin before its limit: %j", (said) => {
    expect(shown(said)).toEqual({ inverter: { ...inverter, ...said }, rejected: [] });
  });

  it("is counted value by value: an inverter with light and no grid keeps its power", () => {
    const said = { frequencyHertz: 65, channelWatts: [0, 0, 4, 4], ...volts(5) };
    expect(shown(said)).toEqual({
      inverter: { ...inverter, ...said, frequencyHertz: none, ...volts(none) },
      rejected: ["frequency", "voltage"],
    });
  });

  it("is not what was not measured", () => {
    const { uid, model } = inverter;
    const offline = { uid, model, online: false, channelWatts: [], gridVolts: [] };
    expect(dropImplausible({ inverters: [offline], notes: [] })).toEqual({
      reading: { inverters: [offline], notes: [] },
      rejected: [],
    });
  });
});
