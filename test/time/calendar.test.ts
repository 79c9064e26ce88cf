import { describe, expect, it } from "vitest";
import {
  dayBounds,
  daysBetween,
  daysInMonth,
  formatDate,
  isDate,
  listDates,
  monthBefore,
} from "../../src/time/calendar.ts";

describe("a day of the ECU's clock", () => {
  it.each([
    ["an ordinary day", "20261120", "2026-11-19T23:00:00Z", 24],
    ["the day that summer time begins", "20260329", "2026-03-28T23:00:00Z", 23],
    ["the day that it ends", "20261025", "2026-10-24T22:00:00Z", 25],
  ])("has its length: %s", (_what, date, begin, hours) => {
    const day = dayBounds(date, "Europe/Amsterdam");
    expect(day.begin).toBe(Date.parse(begin) / 1000);
    expect(day.end - day.begin).toBe(hours * 3_600);
  });

  it("begins at 01:00 if midnight is skipped", () => {
    expect(dayBounds("20240426", "Africa/Cairo").begin).toBe(
      Date.parse("2024-04-25T22:00:00Z") / 1000,
    );
  });
});

it("continues across years", () => {
  expect(listDates("20251230", "20260102")).toEqual([
    "20251230",
    "20251231",
    "20260101",
    "20260102",
  ]);
  expect(listDates("20260102", "20260101")).toEqual([]);
  expect(daysBetween("20251230", "20260102")).toBe(3);
  expect(monthBefore("202601")).toBe("202512");
  expect([daysInMonth("202602"), daysInMonth("202402")]).toEqual([28, 29]);
});

it("parses a date, and formats it", () => {
  expect(["20260228", "20260229", "20260100", "2026011"].map(isDate)).toEqual([
    true,
    false,
    false,
    false,
  ]);
  expect([formatDate("20261003"), formatDate("202610")]).toEqual(["2026-10-03", "2026-10"]);
});
