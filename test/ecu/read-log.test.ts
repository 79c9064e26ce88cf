import { describe, expect, it } from "vitest";
import type { Replies } from "../../src/ecu/read.ts";
import { createReadLog } from "../../src/ecu/read-log.ts";
import { joinReplies } from "../../src/ecu/reading.ts";
import { fakeLog } from "./fake-log.ts";
import {
  createInfo,
  createRecord,
  createSignals,
  createTable,
  failedOutcome,
  validOutcome,
} from "./messages.ts";

const now = Date.UTC(2025, 5, 21, 10); // noon in Amsterdam
const good: Replies = {
  info: validOutcome(createInfo()),
  realtime: validOutcome(createTable()),
  signal: validOutcome(createSignals()),
};
const refused: Replies = { info: failedOutcome("refused", "10.0.0.5:8899 refused the connection") };

/** The lines that each of these reads logs. */
const record = (...reads: Replies[]) => {
  const { log, lines } = fakeLog();
  const readLog = createReadLog("roof", log);
  return reads.map((replies) => {
    lines.length = 0;
    readLog.record(replies, joinReplies(replies, { zone: "Europe/Amsterdam", now }), now);
    return [...lines];
  });
};
const levels = (...reads: Replies[]) =>
  record(...reads).map((lines) => lines.map(([level]) => level));

describe("the log of reads", () => {
  it("has no line for a good read", () => {
    expect(record(good, good)).toEqual([[], []]);
  });

  it("has one warning for a failed read, with its fields", () => {
    expect(record(refused)).toEqual([
      [
        [
          "warn",
          { ecu: "roof", query: "info", reason: "refused", failed: "info refused" },
          expect.stringMatching(
            /^read failed: 10\.0\.0\.5:8899 refused the connection; an ECU-R or ECU-B accepts connections at its Wi-Fi address only;/,
          ),
        ],
      ],
    ]);
  });

  it("names every failed query in that line", () => {
    const [lines] = record({
      ...good,
      realtime: failedOutcome("closed"),
      signal: failedOutcome("timeout"),
    });
    expect(lines?.map(([, fields]) => fields)).toMatchObject([
      { query: "realtime", reason: "closed", failed: "realtime closed, signal timeout" },
    ]);
  });

  it("repeats a failure at debug, warns of a change, and reports its end once", () => {
    const closed = { info: failedOutcome("closed") };
    expect(levels(refused, refused, refused, closed, closed, good, good, refused)).toEqual([
      ["warn"],
      ["debug"],
      ["debug"],
      ["warn"],
      ["debug"],
      ["info"],
      [],
      ["warn"],
    ]);
  });

  it("reports that the ECU replies again only when every query succeeded", () => {
    const cutShort = { info: validOutcome(createInfo()) };
    expect(levels(refused, {}, cutShort, refused, good)).toEqual([
      ["warn"],
      [],
      [],
      ["debug"],
      ["info"],
    ]);
  });

  it("has the bytes of an invalid reply in hex, at debug", () => {
    const replies = { ...good, signal: failedOutcome("malformed", "no END", Buffer.from("APS\n")) };
    const [first, second] = record(replies, replies);
    const bytes = [
      "debug",
      { ecu: "roof", query: "signal", received: "4150530a" },
      "bytes received",
    ];
    expect(first).toEqual([expect.arrayContaining(["warn"]), bytes]);
    expect(second).toEqual([expect.arrayContaining(["debug"]), bytes]);
  });

  it("warns of an unexpected reply once, and has the raw record of unknown type at debug", () => {
    const unknown = createRecord("999000000001", {
      typeCode: "07",
      layout: undefined,
      guessed: true,
      raw: "0102",
    });
    const unexpected = { ...good, realtime: validOutcome(createTable([unknown])) };
    const [first, second] = record(unexpected, unexpected);
    const raw = [
      "debug",
      { ecu: "roof", uid: "999000000001", typeCode: "07", raw: "0102" },
      "record of unknown type",
    ];
    const notes = ["inverter 999000000001 has the unknown record type 07; please send a capture"];
    const message = `unexpected reply: ${notes[0]}`;
    expect(first).toEqual([["warn", { ecu: "roof", notes }, message], raw]);
    expect(second).toEqual([["debug", { ecu: "roof", notes }, message], raw]);
  });

  it("warns of an unexpected reply that comes and goes once, and again when it was absent for an hour", () => {
    const { log, lines } = fakeLog();
    const readLog = createReadLog("roof", log);
    const read = (minute: number, ...notes: string[]) => {
      lines.length = 0;
      readLog.record(good, { inverters: [], notes }, now + minute * 60_000);
      return lines.map(([level]) => level);
    };
    expect(read(0, "it fell below 15144.9 kWh")).toEqual(["warn"]);
    expect(read(1)).toEqual([]);
    expect(read(2, "it fell below 15145 kWh")).toEqual(["debug"]);
    expect(read(59, "it fell below 15146 kWh")).toEqual(["debug"]);
    expect(read(60, "it fell below 15146 kWh", "it is 0")).toEqual(["warn"]);
    expect(read(61, "it is 0")).toEqual(["debug"]);
    expect(read(121)).toEqual([]);
    expect(read(122, "it is 0")).toEqual(["warn"]);
    // A damaged ECU that sends other ids in each reply: the notes of an hour are forgotten above a thousand.
    read(123, ...Array.from({ length: 1_001 }, (_, i) => `inverter ${i} is listed twice`));
    expect(read(124, "it is 0")).toEqual(["warn"]);
  });

  // docs/protocol.md#time-and-time-zones: more than 5 minutes ahead or a day behind; it is noon in Amsterdam.
  // While inverters are online, half an hour behind is too much: they report every few minutes.
  it.each([
    ["20250621120500", 0, []],
    ["20250621120501", 0, ["warn"]],
    ["20250620120000", 0, []],
    ["20250620115959", 0, ["warn"]],
    ["20250621113000", 2, []],
    ["20250621112959", 2, ["warn"]],
  ])(
    "warns of a time of the last report that is far from now: %s, %i inverters online",
    (takenAt, invertersOnline, expected) => {
      const info = validOutcome(createInfo({ invertersOnline }));
      expect(
        levels({ ...good, info, realtime: validOutcome(createTable(undefined, { takenAt })) }),
      ).toEqual([expected]);
    },
  );

  it("has no warning if 0030 is refused before the first round", () => {
    const fresh: Replies = {
      ...good,
      realtime: validOutcome({ kind: "none" }),
      signal: failedOutcome("status"),
    };
    expect(levels(fresh)).toEqual([[]]);
  });
});
