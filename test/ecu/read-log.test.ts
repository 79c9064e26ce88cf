import { describe, expect, it } from "vitest";
import type { Replies } from "../../src/ecu/read.ts";
import { createReadLog } from "../../src/ecu/read-log.ts";
import { joinReplies } from "../../src/ecu/reading.ts";
import { fakeLog } from "./fake-log.ts";
import { answered, failed, infoOf, recordOf, signalsOf, tableOf } from "./messages.ts";

const now = Date.UTC(2025, 5, 21, 10); // noon in Amsterdam
const good: Replies = {
  info: answered(infoOf()),
  realtime: answered(tableOf()),
  signal: answered(signalsOf()),
};
const refused: Replies = { info: failed("refused", "10.0.0.5:8899 refused the connection") };

/** What a journal says about each of these reads. */
const record = (...reads: Replies[]) => {
  const { log, lines } = fakeLog();
  const journal = createReadLog("roof", log);
  return reads.map((replies) => {
    lines.length = 0;
    journal.record(replies, joinReplies(replies, { zone: "Europe/Amsterdam", now }), now);
    return [...lines];
  });
};
const levels = (...reads: Replies[]) =>
  record(...reads).map((lines) => lines.map(([level]) => level));

describe("the journal", () => {
  it("has nothing to say of a good read", () => {
    expect(record(good, good)).toEqual([[], []]);
  });

  it("warns of a failing read in one line with its fields", () => {
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

  it("names every query that failed in that one line", () => {
    const [lines] = record({ ...good, realtime: failed("closed"), signal: failed("timeout") });
    expect(lines?.map(([, fields]) => fields)).toMatchObject([
      { query: "realtime", reason: "closed", failed: "realtime closed, signal timeout" },
    ]);
  });

  it("tells a night of silence at debug, a change as a warning, and its end once", () => {
    const closed = { info: failed("closed") };
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

  it("does not say that an ECU answers again before every question was answered", () => {
    const cutShort = { info: answered(infoOf()) };
    expect(levels(refused, {}, cutShort, refused, good)).toEqual([
      ["warn"],
      [],
      [],
      ["debug"],
      ["info"],
    ]);
  });

  it("shows the bytes of a useless reply as hex, at debug", () => {
    const replies = { ...good, signal: failed("malformed", "no END", Buffer.from("APS\n")) };
    const [first, second] = record(replies, replies);
    const bytes = [
      "debug",
      { ecu: "roof", query: "signal", received: "4150530a" },
      "bytes received",
    ];
    expect(first).toEqual([expect.arrayContaining(["warn"]), bytes]);
    expect(second).toEqual([expect.arrayContaining(["debug"]), bytes]);
  });

  it("warns of an odd reply once, and tells the raw record of unknown type at debug", () => {
    const unknown = recordOf("999000000001", {
      typeCode: "07",
      layout: undefined,
      guessed: true,
      raw: "0102",
    });
    const odd = { ...good, realtime: answered(tableOf([unknown])) };
    const [first, second] = record(odd, odd);
    const raw = [
      "debug",
      { ecu: "roof", uid: "999000000001", typeCode: "07", raw: "0102" },
      "record of unknown type",
    ];
    const notes = [
      "inverter 999000000001 is of record type 07, which is not known; please send a capture",
    ];
    const message = `odd reply: ${notes[0]}`;
    expect(first).toEqual([["warn", { ecu: "roof", notes }, message], raw]);
    expect(second).toEqual([["debug", { ecu: "roof", notes }, message], raw]);
  });

  // Protocol document, 4.8: more than 5 minutes ahead, more than a day behind; noon in Amsterdam is now.
  // While inverters are at work, half an hour behind is too much: they report every few minutes.
  it.each([
    ["20250621120500", 0, []],
    ["20250621120501", 0, ["warn"]],
    ["20250620120000", 0, []],
    ["20250620115959", 0, ["warn"]],
    ["20250621113000", 2, []],
    ["20250621112959", 2, ["warn"]],
  ])(
    "warns of a clock that is far off: %s, %i inverters online",
    (takenAt, invertersOnline, expected) => {
      const info = answered(infoOf({ invertersOnline }));
      expect(levels({ ...good, info, realtime: answered(tableOf([], { takenAt })) })).toEqual([
        expected,
      ]);
    },
  );

  it("takes a signal refused before the first round for what it is: no trouble", () => {
    const fresh: Replies = {
      ...good,
      realtime: answered({ kind: "none" }),
      signal: failed("status"),
    };
    expect(levels(fresh)).toEqual([[]]);
  });
});
