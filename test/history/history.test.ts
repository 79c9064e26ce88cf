import { describe, expect, it } from "vitest";
import { buildHistory, HistoryError } from "../../src/history/history.ts";
import { buildTestHistory, createPast, energies, KWH, NOW, records } from "./past.ts";

const range = { from: "20261118", to: "20261120" };
/** 1 kWh in an hour, of which the first record stands for 5 minutes. */
const curve = (hour: string, watts = 3_000) =>
  records(
    Array.from({ length: 4 }, (_, i) => `${hour}${String(5 * i).padStart(2, "0")} ${watts}`).join(
      ", ",
    ),
  );

describe("the counter", () => {
  const threeDays = createPast({
    days: energies({ "20261118": 3, "20261119": 4, "20261120": 1.5 }),
    curves: new Map([
      ["20261118", curve("12")],
      ["20261119", curve("10")],
      ["20261120", curve("11")],
    ]),
  });

  it("ends with the reading and begins with the energy before the first day", () => {
    const { counter, lifetime, notes } = buildTestHistory(threeDays, range);
    expect(lifetime.at(-1)).toEqual({ at: NOW, value: 1_000 * KWH });
    expect(counter["2026-11-20T12:00:00"]).toBe(1_000);
    expect(counter["2026-11-19T23:00:00"]).toBe(998); // today's 2 kWh are those of the reading
    expect(counter["2026-11-18T23:00:00"]).toBe(994);
    expect(counter["2026-11-17T23:00:00"]).toBe(991);
    expect(notes).toEqual([]);
  });

  it("rises with the curve, so that each day adds its energy", () => {
    const { counter } = buildTestHistory(threeDays, range);
    expect(counter["2026-11-18T10:55:00"]).toBe(991);
    expect(counter["2026-11-18T11:00:00"]).toBe(991.75);
    expect(counter["2026-11-18T11:15:00"]).toBe(994);
  });

  it("has a sample every 5 minutes, by night too, in whole joules, and never falls", () => {
    const { lifetime } = buildTestHistory(threeDays, range);
    expect(lifetime).toHaveLength(2 * 288 + 13 * 12 + 1);
    for (const [i, { at, value }] of lifetime.slice(1).entries()) {
      expect(at - (lifetime[i]?.at ?? 0)).toBe(300);
      expect(value).toBeGreaterThanOrEqual(lifetime[i]?.value ?? 0);
      expect(Number.isInteger(value)).toBe(true);
    }
  });

  it("has power at the ECU's timestamps only", () => {
    expect(buildTestHistory(threeDays, { from: "20261119", to: "20261119" }).power).toEqual({
      "2026-11-19T09:00:00": 3_000,
      "2026-11-19T09:05:00": 3_000,
      "2026-11-19T09:10:00": 3_000,
      "2026-11-19T09:15:00": 3_000,
    });
  });

  it("ends with the last requested day, at the level before the following days", () => {
    const { counter, lifetime } = buildTestHistory(threeDays, { from: "20261118", to: "20261118" });
    expect(lifetime).toHaveLength(289);
    expect(counter["2026-11-18T23:00:00"]).toBe(994);
  });

  it("leaves out the part of the curve after the reading", () => {
    const late = createPast({
      curves: new Map([["20261120", records("1255 100, 1300 200, 1305 300")]]),
    });
    expect(buildTestHistory(late, range).power).toEqual({
      "2026-11-20T11:55:00": 100,
      "2026-11-20T12:00:00": 200,
    });
  });
});

describe("a day", () => {
  it("has the energy of its curve if no table has it", () => {
    const { counter } = buildTestHistory(
      createPast({ curves: new Map([["20261119", curve("10")]]) }),
      range,
    );
    expect(counter["2026-11-18T23:00:00"]).toBe(999); // nothing today; 4 × 3 kW × 5 min
    expect(counter["2026-11-19T23:00:00"]).toBe(1_000);
  });

  it("has two samples if it has no curve", () => {
    const { counter, power, notes } = buildTestHistory(
      createPast({
        days: energies({ "20261119": 4 }),
        curves: new Map([["20261119", []]]),
      }),
      { from: "20261119", to: "20261119" },
    );
    expect(counter).toEqual({ "2026-11-18T23:00:00": 996, "2026-11-19T23:00:00": 1_000 });
    expect(power).toEqual({});
    expect(notes).toEqual(["2026-11-19: the ECU has the energy but no power"]);
  });

  it("has no samples if the ECU has no data for it, and is reported", () => {
    const { counter, notes } = buildTestHistory(
      createPast({ days: energies({ "20261116": 4, "20261119": 5 }) }),
      {
        from: "20261114",
        to: "20261119",
      },
    );
    expect(counter).toEqual({
      "2026-11-15T23:00:00": 991,
      "2026-11-16T23:00:00": 995,
      "2026-11-18T23:00:00": 995,
      "2026-11-19T23:00:00": 1_000,
    });
    expect(notes).toEqual([
      "2026-11-14 to 2026-11-15: the ECU has no data",
      "2026-11-17 to 2026-11-18: the ECU has no data",
    ]);
  });

  it("has the energy of its curve if the counter of the table did not change", () => {
    const stuck = createPast({
      days: energies({ "20261119": 0 }),
      curves: new Map([["20261119", curve("10")]]),
    });
    expect(buildTestHistory(stuck, range).counter["2026-11-18T23:00:00"]).toBe(999);
  });

  it("of a large plant has two bytes in the table, completed by the curve", () => {
    // 60 kW for 11 h 5 min are 665 kWh; the ECU says 14.64.
    const stamps = Array.from({ length: 133 }, (_, i) => {
      const minutes = 6 * 60 + 5 * i;
      const time = [Math.floor(minutes / 60), minutes % 60]
        .map((part) => String(part).padStart(2, "0"))
        .join("");
      return { time, powerWatts: 60_000 };
    });
    const great = createPast({
      days: energies({ "20261118": 30, "20261119": 14.64 }, true),
      curves: new Map([["20261119", stamps]]),
    });
    const { counter, notes } = buildTestHistory(great, range);
    expect(counter["2026-11-18T23:00:00"]).toBe(330);
    expect(counter["2026-11-17T23:00:00"]).toBeUndefined(); // 30 kWh, or a turn more
    expect(notes).toContain(
      "2026-11-18: its energy does not fit the ECU's table, and there is no other source",
    );
  });

  it("of today has no energy before its first power: an ECU-R still reports yesterday's energy", () => {
    const dawn = createPast({ days: energies({ "20261119": 4 }) });
    expect(buildTestHistory(dawn, range).counter["2026-11-19T23:00:00"]).toBe(1_000);
  });

  it("of today has the energy of its curve while the counter of today is still yesterday's", () => {
    const reading = { at: NOW, lifetimeJoules: 1_000 * KWH, todayJoules: 4 * KWH };
    const first = new Map([["20261120", curve("12")]]); // 1 kWh
    const dawn = createPast({ reading, days: energies({ "20261119": 4 }), curves: first });
    expect(buildTestHistory(dawn, range).counter["2026-11-19T23:00:00"]).toBe(999);
  });

  it.each([
    ["by the table of days", { days: energies({ "20261120": 1.5 }) }, 998.5],
    ["by its curve", { curves: new Map([["20261120", curve("11")]]) }, 999],
  ])("of today has its energy %s if the counter of today is briefly 0", (_by, change, begin) => {
    const reading = { at: NOW, lifetimeJoules: 1_000 * KWH, todayJoules: 0 };
    expect(
      buildTestHistory(createPast({ reading, ...change }), range).counter["2026-11-19T23:00:00"],
    ).toBe(begin);
  });

  it("has 25 hours when summer time ends, and 23 when it begins", () => {
    const [autumn, spring] = ["20261025", "20260329"].map((date) => {
      const what = createPast({ curves: new Map([[date, records("1200 100")]]) });
      return buildTestHistory(what, { from: date, to: date }).lifetime.length;
    });
    expect([autumn, spring]).toEqual([25 * 12 + 1, 23 * 12 + 1]);
  });
});

describe("the table of months", () => {
  const month = (days: number, kwh: number) =>
    energies(
      Object.fromEntries(
        Array.from({ length: days }, (_, i) => [`202610${String(i + 1).padStart(2, "0")}`, kwh]),
      ),
    );

  it("corrects days with the energy of their curves, so that the month is right", () => {
    const days = month(31, 2);
    days.delete("20261005");
    const october = createPast({
      days,
      curves: new Map([["20261005", curve("12")]]), // 1 kWh
      months: energies({ "202610": 61.1 }),
    });
    const { counter } = buildTestHistory(october, { from: "20261001", to: "20261031" });
    const [begin, end] = ["2026-10-04T22:00:00", "2026-10-05T22:00:00"];
    expect((counter[end] ?? 0) - (counter[begin] ?? 0)).toBeCloseTo(1.1, 6);
  });

  it("corrects nothing by more than a fifth, and reports that", () => {
    const days = month(31, 2);
    days.delete("20261005");
    const october = createPast({
      days,
      curves: new Map([["20261005", curve("12")]]),
      months: energies({ "202610": 61.3 }),
    });
    const { counter, notes } = buildTestHistory(october, { from: "20261001", to: "20261031" });
    expect((counter["2026-10-05T22:00:00"] ?? 0) - (counter["2026-10-04T22:00:00"] ?? 0)).toBe(1);
    expect(notes).toContain(
      "2026-10: the sum of its days and its total differ too much for a correction",
    );
  });

  it("has the counter at the first of each requested month before the days, also in the previous year", () => {
    const what = createPast({
      days: energies({ "20260210": 5, "20260211": 6 }),
      months: energies({ "202511": 40, "202512": 30, "202601": 50, "202602": 18 }),
      today: "20260211",
      reading: {
        at: Date.UTC(2026, 1, 11, 22) / 1000,
        lifetimeJoules: 1_000 * KWH,
        todayJoules: 0,
      },
    });
    const { counter, power } = buildTestHistory(what, { from: "20251115", to: "20260211" });
    expect(counter).toEqual({
      "2025-11-30T23:00:00": 902,
      "2025-12-31T23:00:00": 932,
      "2026-01-31T23:00:00": 982,
      "2026-02-09T23:00:00": 989,
      "2026-02-10T23:00:00": 994,
      "2026-02-11T22:00:00": 1_000,
    });
    expect(power).toEqual({});
  });

  it("of two bytes is used only if one more wrap would exceed the counter", () => {
    const what = (lifetime: number) =>
      buildTestHistory(
        createPast({
          days: energies({ "20261110": 5 }),
          months: energies({ "202610": 50, "202611": 25 }, true),
          reading: { at: NOW, lifetimeJoules: lifetime * KWH, todayJoules: 0 },
        }),
        { from: "20261001", to: "20261110" },
      );
    expect(what(600).counter).toEqual({
      "2026-09-30T22:00:00": 525,
      "2026-10-31T23:00:00": 575,
      "2026-11-09T23:00:00": 595,
      "2026-11-10T23:00:00": 600,
    });
    const { counter, notes } = what(700);
    expect(counter).toEqual({ "2026-11-09T23:00:00": 695, "2026-11-10T23:00:00": 700 });
    expect(notes.at(-1)).toMatch(/its energy may be 655.36 kWh higher than reported/);
  });
});

describe("a cutover", () => {
  const threeDays = createPast({
    days: energies({ "20261118": 3, "20261119": 4, "20261120": 2 }),
    curves: new Map([
      ["20261118", curve("12")],
      ["20261119", curve("12")],
      ["20261120", curve("11")],
    ]),
  });
  /** Noon of the 19th on the ECU's clock and a bit more: a quarter of the day's energy and more is made. */
  const at = Date.UTC(2026, 10, 19, 11, 0, 30) / 1000;

  it("ends before the first existing sample, at its value", () => {
    const { lifetime, power } = buildTestHistory(threeDays, {
      ...range,
      cutover: { at, joules: 500 * KWH },
    });
    expect(lifetime.at(-1)).toEqual({ at: at - 1, value: expect.closeTo(500 * KWH, -5) });
    expect(lifetime.at(-1)?.value).toBeLessThanOrEqual(500 * KWH);
    expect(Object.keys(power).at(-1)).toBe("2026-11-19T11:00:00");
  });

  it("alone is low enough that the counter cannot fall: its own steps, the steps of days, and 10 minutes", () => {
    const { counter, lifetime } = buildTestHistory(threeDays, { ...range, cutover: { at } });
    // 1000 − 2 − 4 kWh at the day's begin; lowered by 0.1 + 2 × 0.01, and the 1.1 kWh of the last 10 minutes.
    expect(counter["2026-11-18T23:00:00"]).toBeCloseTo(994 - 0.12 - 1.1, 6);
    expect(lifetime.at(-1)?.at).toBe(at - 1);
  });

  it("in a day without a curve keeps the counter at the start of that day", () => {
    const { counter } = buildTestHistory(
      createPast({ days: energies({ "20261118": 3, "20261119": 4 }) }),
      {
        ...range,
        cutover: { at },
      },
    );
    expect(Object.keys(counter)).toEqual(["2026-11-17T23:00:00", "2026-11-18T23:00:00"]);
    expect(counter["2026-11-18T23:00:00"]).toBeCloseTo(996 - 0.12, 6);
  });
});

describe("an impossible history", () => {
  it("has a counter below 0: it begins when the ECU was replaced", () => {
    const reading = { at: NOW, lifetimeJoules: 5 * KWH, todayJoules: 0 };
    const { counter, notes } = buildTestHistory(
      createPast({ reading, days: energies({ "20261117": 3, "20261118": 3, "20261119": 4 }) }),
      { from: "20261117", to: "20261119" },
    );
    expect(counter).toEqual({ "2026-11-18T23:00:00": 1, "2026-11-19T23:00:00": 5 });
    expect(notes).toEqual([
      "2026-11-18 and before: the counter would be negative, so the ECU was replaced or reset; no counter before this day",
    ]);
  });

  it("is not due to the rounding of a new ECU: its counter begins at 0", () => {
    const reading = { at: NOW, lifetimeJoules: 6.9 * KWH, todayJoules: 0 };
    const { counter, notes } = buildTestHistory(
      createPast({ reading, days: energies({ "20261118": 3, "20261119": 3.95 }) }),
      { from: "20261118", to: "20261119" },
    );
    expect(counter).toEqual({
      "2026-11-17T23:00:00": 0,
      "2026-11-18T23:00:00": expect.closeTo(2.95, 6),
      "2026-11-19T23:00:00": expect.closeTo(6.9, 6),
    });
    expect(notes).toEqual([]);
  });

  it("has nothing left", () => {
    const reading = { at: NOW, lifetimeJoules: KWH, todayJoules: 0 };
    const cutover = { at: Date.UTC(2026, 10, 19, 3) / 1000 };
    const reset = createPast({ reading, days: energies({ "20261118": 5, "20261119": 4 }) });
    expect(() => buildHistory(reset, { ...range, cutover })).toThrow(
      /nothing to write for .*reset/,
    );
  });

  it("has a lifetime energy of 0 after days with energy", () => {
    const reading = { at: NOW, lifetimeJoules: 0, todayJoules: 0 };
    const glitch = createPast({ reading, days: energies({ "20261119": 4 }) });
    expect(() => buildHistory(glitch, range)).toThrow(HistoryError);
  });

  it("has only days without data of the ECU", () => {
    expect(() => buildHistory(createPast(), range)).toThrow(
      "the ECU has no data for 2026-11-18 to 2026-11-20",
    );
  });

  it("has a counter before a day without energy, unless the value at the cutover is set", () => {
    const what = createPast({ days: energies({ "20261117": 3, "20261119": 4 }) });
    const cutover = { at: Date.UTC(2026, 10, 17, 23) / 1000 };
    const requested = { from: "20261117", to: "20261117" };
    expect(() => buildHistory(what, { ...requested, cutover })).toThrow(
      "the ECU has no energy for 2026-11-18, so the counter at --end cannot be computed; set --end-joules as well",
    );
    const { counter } = buildTestHistory(what, {
      ...requested,
      cutover: { ...cutover, joules: 900 * KWH },
    });
    expect(Object.values(counter)).toEqual([897]);
  });
});
