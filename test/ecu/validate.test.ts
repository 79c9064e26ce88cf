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

/** One reading of an ECU. Values that a step leaves out are those of a good day. */
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

const createReading = (step: Step): Reading => ({
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

/** The accepted values of each step, with the memory of the steps before. */
const validateSteps = (steps: readonly Step[]) => {
  let memory: Memory = noMemory;
  let at = 0;
  return steps.map((step) => {
    at += step.after ?? 150_000; // three of them span a round
    const { reading, rejected, memory: next } = validateCounters(memory, createReading(step), at);
    memory = next;
    return { life: reading.lifetimeEnergyJoules, today: reading.todayEnergyJoules, rejected };
  });
};
const lifetimes = (steps: readonly Step[]) => validateSteps(steps).map(({ life }) => life);
const todays = (steps: readonly Step[]) => validateSteps(steps).map(({ today }) => today);
const none = undefined;

describe("both counters", () => {
  it("are left out and counted while the ECU reports no registered inverters but some online", () => {
    const shown = validateSteps([
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

  it("are accepted if no inverter is registered and none is online", () => {
    expect(validateSteps([{ life: 7, registered: 0, online: 0 }])).toEqual([
      { life: 7, today: 50, rejected: [] },
    ]);
  });

  it("are accepted from the second reply of a replacement ECU", () => {
    const shown = validateSteps([
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

  it("are remembered across one reply with another ECU id", () => {
    const shown = validateSteps([{}, { ecuId: "2", life: 3 }, { life: 900 }, { life: 1001 }]);
    expect(shown.map(({ life }) => life)).toEqual([1000, none, none, 1001]);
  });

  it("are remembered for the last four ECUs only", () => {
    const ids = ["1", "2", "3", "4", "5"].map((ecuId) => createReading({ ecuId }));
    const memory = ids.reduce<Memory>(
      (before, reading, at) => validateCounters(before, reading, at).memory,
      noMemory,
    );
    expect(Object.keys(memory.ecus)).toEqual(["2", "3", "4", "5"]);
  });

  it("and their memory are unchanged after a reading without base information", () => {
    const before = validateCounters(noMemory, createReading({}), 0).memory;
    const { reading, rejected, memory } = validateCounters(before, { inverters: [], notes: [] }, 1);
    expect(reading).toEqual({ inverters: [], notes: [] });
    expect(rejected).toEqual([]);
    expect(memory).toBe(before);
  });
});

describe("the lifetime energy", () => {
  it.each<[string, Step[], (number | undefined)[]]>([
    [
      "is accepted when it rises or stays the same",
      [{ life: 5 }, { life: 5 }, { life: 6 }],
      [5, 5, 6],
    ],
    ["is left out if it is 0 in the first reply", [{ life: 0 }, { life: 700 }], [none, 700]],
    [
      "is accepted as 0 after 24 hours: a new ECU",
      [{ life: 0 }, { life: 0 }, { life: 0, after: DAY }, { life: 0 }, { life: 1 }],
      [none, none, 0, 0, 1],
    ],
    ["is left out once if it is 0 once", [{}, { life: 0 }, {}], [1000, none, 1000]],
    [
      "is left out while it is 0 for less than 24 hours",
      [{}, { life: 0 }, { life: 0, after: HOUR }, { life: 0, after: DAY - HOUR - 1 }],
      [1000, none, none, none],
    ],
    [
      "is left out if it is 0 twice, 24 hours apart, without a reply in between",
      [{}, { life: 0 }, { life: 0, after: DAY }],
      [1000, none, none],
    ],
    [
      "is accepted after 24 hours of 0: a reset",
      [{}, { life: 0 }, { life: 0 }, { life: 0, after: DAY }, { life: 1 }],
      [1000, none, none, 0, 1],
    ],
    [
      "is not reset by 0 twice, 24 hours apart, with a good value in between",
      [{}, { life: 0 }, {}, { life: 0, after: DAY }],
      [1000, none, 1000, none],
    ],
    [
      "is not reset by 0 twice, 24 hours apart, with a lower value in between",
      [{}, { life: 0 }, { life: 3 }, { life: 0, after: DAY }],
      [1000, none, none, none],
    ],
    ["is left out once if it is lower once", [{}, { life: 999 }, {}], [1000, none, 1000]],
    [
      "is accepted at the third lower reply: a reset",
      [{}, { life: 3 }, { life: 3 }, { life: 4 }, { life: 5 }],
      [1000, none, none, 4, 5],
    ],
    [
      "is left out while it is lower within one round only",
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
      "restarts the count of lower replies after a failed look-up",
      [{}, { life: 5 }, { life: 5 }, { registered: 0 }, { life: 5 }, { life: 5 }],
      [1000, none, none, none, none, none],
    ],
    [
      "restarts the count of lower replies when it falls again",
      [{}, { life: 5 }, { life: 4 }, { life: 4 }, { life: 4 }],
      [1000, none, none, none, 4],
    ],
    [
      "restarts the count of lower replies after a good value",
      [{}, { life: 5 }, { life: 5 }, {}, { life: 5 }, { life: 5 }],
      [1000, none, none, 1000, none, none],
    ],
    [
      "restarts the count of lower replies after 0",
      [{}, { life: 5 }, { life: 5 }, { life: 0 }, { life: 5 }, { life: 5 }],
      [1000, none, none, none, none, none],
    ],
    [
      "must not fall on a new day",
      [{ date: "20250621" }, { date: "20250622", life: 999 }],
      [1000, none],
    ],
    ["must not fall at night", [{}, { life: 0, online: 0 }], [1000, none]],
  ])("%s", (_, steps, shown) => {
    expect(lifetimes(steps)).toEqual(shown);
  });

  it("is counted once each time it is left out", () => {
    expect(
      validateSteps([{}, { life: 0 }, { life: 0 }, {}]).map(({ rejected }) => rejected),
    ).toEqual([[], ["lifetime_energy"], ["lifetime_energy"], []]);
  });
});

const D1 = "20250621";
const D2 = "20250622";

describe("today's energy", () => {
  it.each<[string, Step[], (number | undefined)[]]>([
    ["is accepted in the first reply, also if it is 0", [{ today: 0 }], [0]],
    [
      "is left out at noon while it is 0",
      [{ date: D1 }, { date: D1, today: 0 }, { date: D1, today: 0 }, { date: D1, today: 51 }],
      [50, none, none, 51],
    ],
    [
      "is accepted as 0 when no inverter is online",
      [{ date: D1 }, { date: D1, today: 0, online: 0 }],
      [50, 0],
    ],
    ["is accepted as 0 on a new day", [{ date: D1 }, { date: D2, today: 0 }], [50, 0]],
    [
      "is left out from noon while it is 0, until the next day",
      [{ date: D1 }, { date: D1, today: 0 }, { date: D2, today: 0 }],
      [50, none, 0],
    ],
    ["may be lower on a new day", [{ date: D1 }, { date: D2, today: 3 }], [50, 3]],
    [
      "is left out once if it is lower once",
      [{ date: D1 }, { date: D1, today: 3 }, { date: D1 }],
      [50, none, 50],
    ],
    [
      "is accepted at the third lower reply: a reset",
      [{ date: D1 }, { date: D1, today: 3 }, { date: D1, today: 3 }, { date: D1, today: 4 }],
      [50, none, none, 4],
    ],
    [
      "is yesterday's value of an ECU-R until sunrise, then that of the new day",
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
      "is accepted for yesterday without a date, and for the next day with one",
      [{}, { date: D1 }, { date: D2, online: 0 }, { date: D2, today: 1 }],
      [50, 50, 50, 1],
    ],
    [
      "rises on a new day from the first value of an ECU-R",
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
        `is left out as 0 if the date is ${date}, which is not a new day`,
        [{ date: D1 }, { date, today: 0 }],
        [50, none],
      ],
    ),
    [
      "is validated with the last date if a reading has none",
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

  /** Whether the rules (docs/protocol.md#lifetime-energy) allow the lifetime energy to fall from `shown` at the last of these replies. */
  const isReset = (shown: number, replies: Past): boolean => {
    const now = replies.at(-1);
    const isZero = now?.life === 0;
    // Backwards while every reply confirms the reset; one with a failed look-up counts as neither.
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

  it("the accepted lifetime energy falls only by a confirmed reset", () => {
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
              expect(value).toBeUndefined(); // a new ECU id
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

  it("a counter that never falls is always accepted", () => {
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

describe("a value that no inverter can measure", () => {
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
  const validateInverter = (changes: Partial<InverterReading>) => {
    const inverters = [{ ...inverter, ...changes }];
    const { reading, rejected } = dropImplausible({ inverters, notes: [] });
    return { inverter: reading.inverters[0], rejected };
  };
  const volts = (...values: (number | undefined)[]) => ({
    gridVolts: values.map((value, i) => ({ phase: `L${i + 1}`, volts: value })),
  });

  // docs/protocol.md#offline-records
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
  ])("is left out and counted, and the rest stays: %s %j", (field, reported, expected) => {
    expect(validateInverter(reported)).toEqual({
      inverter: { ...inverter, ...expected },
      rejected: [field],
    });
  });

  it.each<[Partial<InverterReading>]>([
    [{ frequencyHertz: 45.1 }],
    [{ frequencyHertz: 64.9 }],
    [volts(50)],
    [volts(500)],
    [{ temperatureCelsius: -40 }],
    [{ temperatureCelsius: 110 }],
    [{ channelWatts: [1200, 0] }],
  ])("is accepted up to its limit: %j", (reported) => {
    expect(validateInverter(reported)).toEqual({
      inverter: { ...inverter, ...reported },
      rejected: [],
    });
  });

  it("is counted once per value: an inverter with light and without grid keeps its power", () => {
    const reported = { frequencyHertz: 65, channelWatts: [0, 0, 4, 4], ...volts(5) };
    expect(validateInverter(reported)).toEqual({
      inverter: { ...inverter, ...reported, frequencyHertz: none, ...volts(none) },
      rejected: ["frequency", "voltage"],
    });
  });

  it("is not counted if it was not measured", () => {
    const { uid, model } = inverter;
    const offline = { uid, model, online: false, channelWatts: [], gridVolts: [] };
    expect(dropImplausible({ inverters: [offline], notes: [] })).toEqual({
      reading: { inverters: [offline], notes: [] },
      rejected: [],
    });
  });
});
