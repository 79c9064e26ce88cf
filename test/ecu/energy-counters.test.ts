/** The rules for the energy counters and the power of a plant, in examples (docs/protocol.md#lifetime-energy). */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { validateCounters } from "../../src/ecu/energy-counters.ts";
import { type Memory, noMemory } from "../../src/ecu/memory.ts";
import type { Reading } from "../../src/ecu/reading.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const ROUND = 300_000;
const KWH = 3_600_000;

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
  readonly watts?: number;
  /** Serial numbers in the table. */
  readonly uids?: readonly string[];
  /** Time of the last report, Unix time in seconds. */
  readonly reportAt?: number;
}

const createReading = (step: Step): Reading => ({
  identity: { ecuId: step.ecuId ?? "1", model: "", firmware: "", timezone: "UTC" },
  lifetimeEnergyJoules: step.life ?? 1000,
  todayEnergyJoules: step.today ?? 50,
  registeredByInfo: step.registered ?? 6,
  invertersOnline: step.online ?? 6,
  ...(step.date && { lastReportLocal: `${step.date}120000` }),
  ...(step.date?.startsWith("20") && { lastReportAt: 1_750_000_000 }),
  ...(step.reportAt && { lastReportAt: step.reportAt }),
  ...(step.watts && { powerWatts: step.watts }),
  registered: step.registered ?? 6,
  inverters: (step.uids ?? []).map((uid) => ({
    uid,
    model: "",
    channelWatts: [],
    gridVolts: [],
  })),
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
    const { lifetimeEnergyJoules: life, todayEnergyJoules: today, powerWatts, notes } = reading;
    return { life, today, watts: powerWatts, notes, rejected };
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
    expect(shown).toMatchObject([
      { life: 1000, today: 50, rejected: [] },
      { life: none, today: none, rejected: ["lifetime_energy", "today_energy"] },
      { life: none, today: none, rejected: ["lifetime_energy", "today_energy"] },
      { life: 1000, today: 50, rejected: [] },
    ]);
  });

  it("are accepted if no inverter is registered and none is online", () => {
    expect(validateSteps([{ life: 7, registered: 0, online: 0 }])).toMatchObject([
      { life: 7, today: 50, rejected: [] },
    ]);
  });

  it("are remembered across one reply with another ECU id", () => {
    const shown = validateSteps([{}, { ecuId: "2", life: 3 }, { life: 900 }, { life: 1001 }]);
    expect(shown.map(({ life }) => life)).toEqual([1000, none, none, 1001]);
  });

  it("are remembered for the last four accepted ECUs only", () => {
    const ids = ["1", "2", "3", "4", "5"].flatMap((ecuId) => [{ ecuId }, { ecuId, after: ROUND }]);
    const memory = ids.reduce<Memory>(
      (before, step, i) => validateCounters(before, createReading(step), i * ROUND).memory,
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

/** Six inverters of unknown model: 6 × 2.4 kW, and a quarter more, are 18 kW. In 150 s and a round they produce 2.25 kWh. */
describe("the lifetime energy of a plant, in kWh", () => {
  const first: Step = { life: 15_144.9 };
  const confirmed = [first, { ...first, after: ROUND }];
  it.each<[string, Step[], (number | undefined)[]]>([
    [
      "is left out after the loss of its last steps, however long, until it reaches the last value again",
      [
        ...confirmed,
        { life: 15_144.5 },
        { life: 15_144.5, after: DAY },
        { life: 15_144.8, after: DAY },
        first,
        { life: 15_145 },
      ],
      [15_144.9, 15_144.9, none, none, none, 15_144.9, 15_145],
    ],
    [
      "is reset at the third reply of at most a tenth",
      [...confirmed, { life: 1_514.4 }, { life: 1_514.4 }, { life: 1_514.4 }],
      [15_144.9, 15_144.9, none, none, 1_514.4],
    ],
    [
      "is not reset by replies above a tenth",
      [...confirmed, ...Array<Step>(4).fill({ life: 1_514.5, after: DAY })],
      [15_144.9, 15_144.9, none, none, none, none],
    ],
    [
      "is replaced at the third reply if the first value after a start was wrong",
      [{ life: 20_000 }, first, first, first, { life: 15_145 }],
      [20_000, none, none, 15_144.9, 15_145],
    ],
    [
      "is provisional after a start until a later round",
      [
        first,
        { ...first, after: ROUND - 1 },
        { life: 15_144.5 },
        { life: 15_144.5 },
        { life: 15_144.5 },
      ],
      [15_144.9, 15_144.9, none, none, 15_144.5],
    ],
    [
      "rises by at most what the plant can produce",
      [{ life: 100 }, { life: 102.35 }, { life: 104.71 }],
      [100, 102.35, none],
    ],
    [
      "is left out once if it is far too high once",
      [{ life: 100 }, { life: 26_843_545 }, { life: 100.1 }],
      [100, none, 100.1],
    ],
    [
      "is left out if it is far too high within one round",
      [
        { life: 100 },
        { life: 900 },
        { life: 900, after: ROUND - 1 },
        { life: 100.1, after: 1 },
        { life: 900 },
        { life: 900 },
      ],
      [100, none, none, 100.1, none, none],
    ],
    [
      "is accepted if a later round repeats a rise, or continues from it",
      [{ life: 100 }, { life: 900 }, { life: 900 }, { life: 901 }, { life: 901.1 }],
      [100, none, none, 901, 901.1],
    ],
    [
      "is left out while each value rises by too much",
      [1, 2, 3, 4, 5].map((life) => ({ life: life * 1_000, after: ROUND })),
      [1_000, none, none, none, none],
    ],
    [
      "is replaced if later rounds contradict a rise that was accepted",
      [
        ...[{ life: 100 }, { life: 900 }, { life: 900 }, { life: 900 }],
        ...[{ life: 100.1 }, { life: 100.1 }, { life: 100.2 }],
      ],
      [100, none, none, 900, none, none, 100.2],
    ],
    [
      "is replaced if the value before the rise continues, however long the rise was repeated",
      [
        ...[{ life: 100 }, { life: 900 }, { life: 900 }, { life: 900 }],
        ...[
          { life: 900, after: ROUND },
          { life: 900, after: HOUR },
        ],
        ...[{ life: 100.1 }, { life: 100.1 }, { life: 100.2 }],
      ],
      [100, none, none, 900, 900, 900, none, none, 100.2],
    ],
    [
      "is not replaced by a value that does not continue from before the rise",
      [
        ...[{ life: 100 }, { life: 900 }, { life: 900 }, { life: 900 }],
        ...[
          { life: 900, after: ROUND },
          { life: 900, after: HOUR },
        ],
        ...[{ life: 899.6 }, { life: 899.6 }, { life: 899.6 }, { life: 900.1 }],
      ],
      [100, none, none, 900, 900, 900, none, none, none, 900.1],
    ],
    [
      "may rise by the production of a day without reads",
      [{ life: 100 }, { life: 533.6, after: DAY }],
      [100, 533.6],
    ],
    [
      "must not rise by more than the production of a day without reads",
      [{ life: 100 }, { life: 533.7, after: DAY }],
      [100, none],
    ],
    [
      "may rise by the production of a day of the ECU, while the machine of the exporter slept",
      [
        { life: 100, reportAt: 1_750_000_000 },
        { life: 533.6, after: 1_000, reportAt: 1_750_086_400 },
      ],
      [100, 533.6],
    ],
    [
      "is at first at most what the plant can produce in thirty years",
      [{ life: 4_743_360.1 }],
      [4_743_360.1],
    ],
    [
      "is accepted above that if a later round repeats it",
      [{ life: 4_743_361 }, { life: 4_743_361 }, { life: 4_743_361 }],
      [none, none, 4_743_361],
    ],
    [
      "has the limit of the known models: two DS3 produce 0.3 kWh in 450 s",
      [{ life: 100 }, { life: 100.4 }, { life: 100.81 }].map((step) => ({
        ...step,
        registered: 2,
        uids: ["703000000001", "703000000002"],
      })),
      [100, 100.4, none],
    ],
    [
      "has no limit without registered inverters",
      [{ life: 100 }, { life: 9e6 }].map((step) => ({ ...step, registered: 0, online: 0 })),
      [100, 9e6],
    ],
  ])("%s", (_, steps, shown) => {
    const inJoules = steps.map((step) => ({
      ...step,
      life: Math.round((step.life ?? 0) * KWH),
    }));
    expect(lifetimes(inJoules)).toEqual(shown.map((kwh) => kwh && Math.round(kwh * KWH)));
  });

  it("has no limit at the first read with a memory that has no time", () => {
    const memory = { ecuId: "1", ecus: { "1": { lifetime: { good: KWH }, today: {} } } };
    const reading = createReading({ life: 900_000 * KWH });
    expect(validateCounters(memory, reading, 0).reading.lifetimeEnergyJoules).toBe(900_000 * KWH);
  });

  it("is provisional if it rose since a memory that has no time", () => {
    const earlier: Memory = {
      ecuId: "1",
      ecus: { "1": { lifetime: { good: 100 * KWH }, today: {} } },
    };
    const lives = [900, 100.1, 100.1, 100.1];
    const shown: (number | undefined)[] = [];
    lives.reduce((memory, life, i) => {
      const reading = createReading({ life: life * KWH });
      const result = validateCounters(memory, reading, i * ROUND);
      shown.push(result.reading.lifetimeEnergyJoules);
      return result.memory;
    }, earlier);
    expect(shown).toEqual([900 * KWH, none, none, 100.1 * KWH]);
  });
});

describe("today's energy of a plant, in kWh", () => {
  it.each<[string, Step[], (number | undefined)[]]>([
    [
      "is left out after the loss of its last steps, until it reaches the last value again or a new day",
      [
        { date: D1, today: 10 },
        { date: D1, today: 10, after: ROUND },
        { date: D1, today: 9.9, after: HOUR },
        { date: D1, today: 9.95, after: HOUR },
        { date: D1, today: 10.01 },
        { date: D1, today: 10 },
        { date: D2, today: 0.02 },
      ],
      [10, 10, none, none, 10.01, none, 0.02],
    ],
    [
      "is accepted at the third reply of any lower value, if no reply has a date: the day may be another one",
      [
        { today: 30 },
        { today: 30, after: ROUND },
        { today: 5, after: HOUR },
        { today: 5.1 },
        { today: 5.2 },
      ],
      [30, 30, none, none, 5.2],
    ],
    [
      "is accepted at the third reply of any lower value after the ECU's clock was set back",
      [
        { date: "20300101", today: 30 },
        { date: "20300101", today: 30, after: ROUND },
        { date: D1, today: 5, after: HOUR },
        { date: D1, today: 5.1 },
        { date: D1, today: 5.2 },
      ],
      [30, 30, none, none, 5.2],
    ],
    [
      "is that of the new day after an ECU-R reported 0 once at night",
      [
        { date: D1, today: 30 },
        { date: D1, today: 30, after: ROUND },
        { date: D2, today: 0, online: 0, after: HOUR },
        ...Array<Step>(4).fill({ date: D2, today: 30, online: 0 }),
        { date: D2, today: 5, after: 8 * HOUR },
        { date: D2, today: 5.1 },
        { date: D2, today: 5.2 },
      ],
      [30, 30, 0, none, none, 30, 30, none, none, 5.2],
    ],
    [
      "is left out if it is too high once at night, while an ECU-R still reports that of yesterday",
      [
        { date: D1, today: 30 },
        { date: D1, today: 30, after: ROUND },
        { date: D2, today: 30, online: 0, after: HOUR },
        { date: D2, today: 90, online: 0 },
        { date: D2, today: 30, online: 0 },
        { date: D2, today: 5, after: 8 * HOUR },
      ],
      [30, 30, 30, none, 30, 5],
    ],
    [
      "is left out if it is too low once at night, while an ECU-R still reports that of yesterday",
      [
        { date: D1, today: 30 },
        { date: D1, today: 30, after: ROUND },
        { date: D2, today: 30, online: 0, after: HOUR },
        { date: D2, today: 12, online: 0 },
        { date: D2, today: 30, online: 0 },
        { date: D2, today: 5, after: 8 * HOUR },
      ],
      [30, 30, 30, none, 30, 5],
    ],
    [
      "is that of a new day in the morning, if an ECU-R was not read between the afternoon and the night",
      [
        { date: D1, today: 20 },
        { date: D1, today: 20, after: ROUND },
        { date: D2, today: 30, online: 0, after: 10 * HOUR },
        { date: D2, today: 5, after: 8 * HOUR },
      ],
      [20, 20, 30, 5],
    ],
    [
      "is at most what the plant can produce in the longest day, 25 hours",
      [
        { date: D1, today: 450.2 },
        { date: D1, today: 450.1 },
      ],
      [none, 450.1],
    ],
    [
      "is at most that on a new day, too",
      [
        { date: D1, today: 10 },
        { date: D2, today: 26_843_545 },
        { date: D2, today: 0.1 },
      ],
      [10, none, 0.1],
    ],
  ])("%s", (_, steps, shown) => {
    const inJoules = steps.map((step) => ({ ...step, today: Math.round((step.today ?? 0) * KWH) }));
    expect(todays(inJoules)).toEqual(shown.map((kwh) => kwh && Math.round(kwh * KWH)));
  });
});

describe("the power", () => {
  const powers = (steps: readonly Step[]) => validateSteps(steps).map(({ watts }) => watts);
  it.each<[string, Step[], (number | undefined)[]]>([
    ["is accepted up to that of all inverters", [{ watts: 18_000 }], [18_000]],
    ["is left out above that", [{ watts: 18_001 }, { watts: 400 }], [none, 400]],
    [
      "is accepted if a later round repeats it",
      [{ watts: 30_000 }, { watts: 29_000, after: ROUND - 1 }, { watts: 31_000, after: 1 }],
      [none, none, 31_000],
    ],
    [
      "is left out again after a possible value",
      [{ watts: 30_000 }, { watts: 400, after: ROUND }, { watts: 30_000 }],
      [none, 400, none],
    ],
  ])("%s", (_, steps, shown) => {
    expect(powers(steps)).toEqual(shown);
  });

  it("is counted each time it is left out", () => {
    expect(validateSteps([{ watts: 18_001 }])[0]?.rejected).toEqual(["power"]);
  });
});

describe("another ECU at the address", () => {
  const stranger: Step = { ecuId: "2", life: 7, today: 3, watts: 80 };
  const own: Step = { life: 1000, today: 50, watts: 90 };
  const shown = (steps: readonly Step[]) =>
    validateSteps(steps).map(({ life, today, watts }) => [life, today, watts]);
  const [nothing, ofStranger, ofOwn] = [
    [none, none, none],
    [7, 3, 80],
    [1000, 50, 90],
  ];

  it("is accepted when it has replied in each read for a round", () => {
    expect(shown([own, stranger, stranger, stranger])).toEqual([
      ofOwn,
      nothing,
      nothing,
      ofStranger,
    ]);
    expect(shown([own, stranger, { ...stranger, after: ROUND }])).toEqual([
      ofOwn,
      nothing,
      ofStranger,
    ]);
    expect(shown([own, stranger, { ...stranger, after: ROUND - 1 }])[2]).toEqual(nothing);
  });

  it("is never accepted while both reply by turns", () => {
    const turns = Array.from({ length: 10 }, () => [own, { ...stranger, after: ROUND }]).flat();
    expect(shown(turns)).toEqual(turns.map((_, i) => (i % 2 === 0 ? ofOwn : nothing)));
  });

  it("is not accepted with replies of a third one in between", () => {
    const third = { ...stranger, ecuId: "3" };
    expect(shown([own, stranger, third, stranger, third, stranger]).slice(1)).toEqual(
      Array(5).fill(nothing),
    );
  });

  // Each change is a fall of the same series, and increase() counts the whole counter again.
  it("is accepted once, until the first one returns, while both reply by turns of twenty minutes", () => {
    const turn = (step: Step) => Array<Step>(4).fill({ ...step, after: ROUND });
    const turns = Array.from({ length: 50 }, () => [...turn(own), ...turn(stranger)]).flat();
    const values = lifetimes(turns).filter((life) => life !== undefined);
    expect(values.slice(0, 7)).toEqual([1000, 1000, 1000, 1000, 7, 7, 7]);
    expect(new Set(values.slice(7))).toEqual(new Set([1000]));
    // The first one is left out for a single reply, when it returns.
    expect(values.filter((life) => life === 1000)).toHaveLength(199);
  });

  it("is accepted at most once a day while both reply in any order, and the first one is then accepted again", () => {
    const turns = fc.array(fc.boolean(), { minLength: 200, maxLength: 280 });
    fc.assert(
      fc.property(turns, (order) => {
        const steps = order.map((isOwn) => ({ ...(isOwn ? own : stranger), after: ROUND }));
        const values = lifetimes(steps).filter((life) => life !== undefined);
        const changes = values.filter((life, i) => i > 0 && life !== values[i - 1]);
        expect(changes.length).toBeLessThanOrEqual(2);
      }),
    );
  });

  it("is accepted after 24 hours in which no other one has replied", () => {
    const replies = [own, stranger, own, { ...stranger, after: ROUND }];
    const later = [
      { ...stranger, after: DAY - ROUND - 1 },
      { ...stranger, after: 1 },
    ];
    expect(lifetimes([...replies, ...later]).slice(2)).toEqual([1000, none, none, 7]);
  });

  it("has each of its values counted while it is not accepted", () => {
    const rejected = ["lifetime_energy", "today_energy", "power"];
    expect(validateSteps([own, stranger])[1]?.rejected).toEqual(rejected);
  });

  it("starts a new count of the replies that confirm a reset", () => {
    const low = { ...own, life: 10, today: 5 };
    const replies = [own, low, low, stranger, { ...stranger, after: DAY }];
    const back = [low, { ...low, after: DAY }];
    // The first two lower replies do not count; the one at which it is accepted again is the first.
    expect(lifetimes([...replies, ...back, low, low]).slice(5)).toEqual([none, none, none, 10]);
  });

  it("starts with the memory of the last time that it was accepted", () => {
    const back = { ...own, life: 999 };
    const replies = [own, { ...own, after: ROUND }, stranger, { ...stranger, after: ROUND }];
    expect(lifetimes([...replies, back, { ...back, after: ROUND }, { ...own }]).slice(2)).toEqual([
      none,
      7,
      none,
      none,
      1000,
    ]);
  });
});

describe("the notes say why a value is left out", () => {
  it.each<[string, Step[], string[]]>([
    ["nothing", [{}, {}], []],
    [
      "a failed look-up",
      [{}, { registered: 0 }],
      ["the ECU reports no registered inverters although some are online; its energy is left out"],
    ],
    [
      "zeros",
      [{}, { life: 0, today: 0 }],
      ["the lifetime energy is left out: it is 0", "the energy of today is left out: it is 0"],
    ],
    [
      "the loss of the last steps",
      [{ life: 2 * KWH }, { life: 2 * KWH, after: ROUND }, { life: 1.9 * KWH }],
      [
        "the lifetime energy is left out: it fell below 2 kWh; it is shown again from that value on",
      ],
    ],
    [
      "a reset",
      [{ life: 2 * KWH }, { life: 2 * KWH, after: ROUND }, { life: 0.1 * KWH }],
      [
        "the lifetime energy is left out: it fell below 2 kWh; it is shown again when a later round confirms the reset",
      ],
    ],
    [
      "a first value that is impossible",
      [{ life: 1e8 * KWH }],
      [
        "the lifetime energy is left out: it is more than the inverters can have produced; it is shown when a later round confirms it",
      ],
    ],
    [
      "an impossible rise and an impossible power",
      [{}, { life: 900 * KWH, watts: 90_000 }],
      [
        "the lifetime energy is left out: it rose by more than the inverters can produce; it is shown again when a later round confirms it",
        "the power is left out: it is more than the inverters can produce",
      ],
    ],
    [
      "another ECU",
      [{}, { ecuId: "2" }],
      [
        "another ECU, 2, replies at this address; its energy and power are left out until it has replied for 5 minutes",
      ],
    ],
    [
      "two ECUs by turns",
      [{}, { ecuId: "2" }, {}, { ecuId: "2" }],
      [
        "two ECUs, 1 and 2, reply at this address by turns; energy and power of 2 are left out until it has been the only one for 24 hours: give each ECU its own address",
      ],
    ],
    [
      "a replaced ECU",
      [{}, { ecuId: "2" }, { ecuId: "2", after: ROUND }],
      ["the ECU was replaced: its id changed from 1 to 2"],
    ],
    [
      "a replaced ECU, once",
      [{}, { ecuId: "2" }, { ecuId: "2", after: ROUND }, { ecuId: "2" }],
      [],
    ],
  ])("%s", (_, steps, notes) => {
    expect(validateSteps(steps).at(-1)?.notes).toEqual(notes);
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
