import { describe, expect, it } from "vitest";
import { buildCurve, cumulate, integrate, interpolate } from "../../src/history/curve.ts";
import { decodeReply } from "../../src/protocol/replies.ts";
import { dayBounds } from "../../src/time/calendar.ts";
import { records } from "./past.ts";

const ZONE = "Europe/Amsterdam";
const listMoments = (date: string, stamps: string, zone = ZONE) => {
  const all = stamps.split(" ").map((time) => ({ time, powerWatts: 100 }));
  const { points, dropped } = buildCurve(all, dayBounds(date, zone), zone);
  return { at: points.map(({ at }) => new Date(at * 1000).toISOString().slice(5, 16)), dropped };
};

describe("the times of a curve", () => {
  it("are in the ECU's zone: vector S1 in winter", () => {
    const hex = "4150533131303033303030303330300615000a0620001412000123454e440a";
    const reply = decodeReply("dayPower", Buffer.from(hex, "hex"));
    expect(buildCurve(reply, dayBounds("20261120", ZONE), ZONE)).toEqual({
      points: [
        { at: Date.UTC(2026, 10, 20, 5, 15) / 1000, watts: 10 },
        { at: Date.UTC(2026, 10, 20, 5, 20) / 1000, watts: 20 },
        { at: Date.UTC(2026, 10, 20, 11, 0) / 1000, watts: 291 },
      ],
      dropped: 0,
    });
  });

  it("are none for a day without data: vector S2", () => {
    const hex = "415053313130303138303030333030454e440a";
    const reply = decodeReply("dayPower", Buffer.from(hex, "hex"));
    expect(buildCurve(reply, dayBounds("20261120", ZONE), ZONE)).toEqual({
      points: [],
      dropped: 0,
    });
  });

  it("continue through the repeated hour in autumn: its second pass begins where the timestamps go back", () => {
    expect(listMoments("20261025", "0155 0200 0230 0255 0200 0230 0300")).toEqual({
      at: [
        "10-24T23:55",
        "10-25T00:00",
        "10-25T00:30",
        "10-25T00:55",
        "10-25T01:00",
        "10-25T01:30",
        "10-25T02:00",
      ],
      dropped: 0,
    });
  });

  it("are in the first pass if there is only one", () => {
    expect(listMoments("20261025", "0200 0230 0300").at).toEqual([
      "10-25T00:00",
      "10-25T00:30",
      "10-25T02:00",
    ]);
  });

  it("leave out a third pass", () => {
    expect(listMoments("20261025", "0230 0230 0230 0300")).toEqual({
      at: ["10-25T00:30", "10-25T01:30", "10-25T02:00"],
      dropped: 1,
    });
  });

  it("treat the missing hour in spring as if the clock had not been set forward yet", () => {
    expect(listMoments("20260329", "0155 0200 0205 0310")).toEqual({
      at: ["03-29T00:55", "03-29T01:00", "03-29T01:05", "03-29T01:10"],
      dropped: 0,
    });
  });

  it("leave out a later timestamp that has the same time as another", () => {
    expect(listMoments("20260329", "0205 0305 0310")).toEqual({
      at: ["03-29T01:05", "03-29T01:10"],
      dropped: 1,
    });
  });

  it("are in order and unique on an ordinary day, whatever the order of the reply", () => {
    expect(listMoments("20261120", "1205 1200 1205 2460 9999 1210")).toEqual({
      at: ["11-20T11:00", "11-20T11:05", "11-20T11:10"],
      dropped: 3,
    });
  });

  it("are right in a zone with summer time of half an hour", () => {
    // Lord Howe Island: from +11:00 to +10:30 at 02:00 on 5 April 2026.
    expect(listMoments("20260405", "0130 0145 0130 0145 0200", "Australia/Lord_Howe").at).toEqual([
      "04-04T14:30",
      "04-04T14:45",
      "04-04T15:00",
      "04-04T15:15",
      "04-04T15:30",
    ]);
  });
});

describe("the energy of a curve", () => {
  const day = dayBounds("20261120", ZONE);
  const buildPoints = (text: string) => buildCurve(records(text), day, ZONE).points;

  it("counts each power for the time since the previous one, the first for 5 minutes", () => {
    expect(integrate(buildPoints("1200 1000, 1205 2000, 1215 500"), day)).toBe(
      1000 * 300 + 2000 * 300 + 500 * 600,
    );
  });

  it("counts no power for more than 20 minutes", () => {
    expect(integrate(buildPoints("1200 1000, 1500 100"), day)).toBe(1000 * 300 + 100 * 1_200);
  });

  it("rises only while there is power", () => {
    const rise = cumulate(buildPoints("1200 1000, 1500 100"), day);
    const at = (hour: number, minute: number) =>
      interpolate(rise, Date.UTC(2026, 10, 20, hour - 1, minute) / 1000);
    expect([at(0, 0), at(11, 55), at(11, 56), at(12, 0), at(14, 40), at(14, 50)]).toEqual([
      0, 0, 60_000, 300_000, 300_000, 360_000,
    ]);
    expect([at(15, 0), at(24, 0)]).toEqual([420_000, 420_000]);
  });

  it("begins at 0 even if a timestamp is midnight", () => {
    const rise = cumulate(buildPoints("0000 1000, 0005 1000"), day);
    expect([0, 1, 300].map((after) => interpolate(rise, day.begin + after))).toEqual([
      0, 300_000, 600_000,
    ]);
  });
});
