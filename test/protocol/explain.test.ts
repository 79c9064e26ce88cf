import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { explainReply } from "../../src/protocol/explain.ts";
import { decodeReply } from "../../src/protocol/replies.ts";
import { Trace } from "../../src/protocol/trace.ts";
import { goodReplies, info, records, table, vectors, wire } from "../fixtures/frames.ts";
import { captures, capturesFile } from "../support/captures.ts";

/** Field, offset and value of each entry. */
const listEntries = (bytes: Uint8Array) =>
  explainReply(bytes).entries.map(({ field, begin, value }) => [begin, field, value]);

/** The bytes of all entries in turn. */
const joined = (bytes: Uint8Array): string =>
  explainReply(bytes)
    .entries.map(({ begin, end }) => Buffer.from(bytes.subarray(begin, end)).toString("hex"))
    .join("");

const isCovered = (bytes: Uint8Array): void => {
  let at = 0;
  for (const { begin, end } of explainReply(bytes).entries) {
    expect(begin).toBe(at);
    expect(end).toBeGreaterThan(begin);
    at = end;
  }
  expect(at).toBe(bytes.length);
};

describe("explaining a reply", () => {
  it("gives the place and value of every field, from the signature to the line feed", () => {
    expect(listEntries(table(2, records.none, records.two))).toEqual([
      [0, "signature", "APS"],
      [3, "version", "11"],
      [5, "length", "0059"],
      [9, "command", "0002"],
      [13, "status", "00"],
      [15, "kind", "01"],
      [17, "count", 2],
      [19, "takenAt", "20250621131500"],
      [26, "records.0.uid", "806000000004"],
      [32, "records.0.online", false],
      [33, "records.0.typeCode", "00"],
      [35, "records.1.uid", "703000000001"],
      [41, "records.1.online", true],
      [42, "records.1.typeCode", "01"],
      [44, "records.1.frequencyHertz", 50],
      [46, "records.1.temperatureCelsius", 20],
      [48, "records.1.block.powerWatts.0", 100],
      [50, "records.1.block.gridVolts.0", 230],
      [52, "records.1.block.powerWatts.1", 101],
      [54, "records.1.block.gridVolts.1", 230],
      [56, "terminator", "END"],
      [59, "lineFeed", "0a"],
    ]);
  });

  it("distinguishes a text from the length before it", () => {
    expect(listEntries(info.version12).slice(12)).toEqual([
      [50, "zigbeeChannel", "10"],
      [52, "firmware.length", 12],
      [55, "firmware", "ECU_R_1.3.6C"],
      [67, "timezone.length", 9],
      [70, "timezone", "Etc/GMT-8"],
      [79, "ethernetMac", "80971b000001"],
      [85, "wirelessMac", "000000000000"],
      [91, "extension", "303000000000000000000000"],
      [103, "terminator", "END"],
      [106, "lineFeed", "0a"],
    ]);
  });

  it("omits a record size that did not fit", () => {
    expect(listEntries(vectors.S3).slice(5)).toEqual([
      [15, "period", "00"],
      [17, "records.0.date", "20240101"],
      [21, "records.0.energyJoules", 1234 * 36_000],
      [23, "records.1.date", "20240102"],
      [27, "records.1.energyJoules", 65_535 * 36_000],
      [29, "terminator", "END"],
      [32, "lineFeed", "0a"],
    ]);
  });

  it("shows the rest of a record of unknown type as bytes", () => {
    const unknown = "801000000009 01 '77' 01f4 0078 0102030405060708";
    expect(listEntries(table(2, records.two, unknown)).slice(-6)).toEqual([
      [54, "records.1.typeCode", "77"],
      [56, "records.1.frequencyHertz", 50],
      [58, "records.1.temperatureCelsius", 20],
      [60, "records.1.raw", "0102030405060708"],
      [68, "terminator", "END"],
      [71, "lineFeed", "0a"],
    ]);
  });

  it("shows bytes after the last record as unknown, and bytes after the reply as trailing", () => {
    const bytes = Buffer.concat([table(1, records.two, "abcdef"), wire("414243")]);
    expect(listEntries(bytes).slice(-4)).toEqual([
      [47, "unknown", "abcdef"],
      [50, "terminator", "END"],
      [53, "lineFeed", "0a"],
      [54, "trailing", "414243"],
    ]);
    expect(explainReply(bytes).error).toBeUndefined();
  });

  it("explains a truncated reply as far as possible, and reports its end", () => {
    const { entries, error, bodyError: stopped } = explainReply(info.version11.subarray(0, 60));
    expect(entries.slice(-2).map(({ field, begin, end }) => [field, begin, end])).toEqual([
      ["firmware.length", 52, 55],
      ["undecoded", 55, 60],
    ]);
    expect(error).toMatchObject({ reason: "truncated", position: { field: "frame", offset: 60 } });
    expect(stopped).toMatchObject({ position: { field: "firmware", offset: 55 } });
  });

  it("treats a reply as complete if only its line feed is missing", () => {
    const { entries, error } = explainReply(vectors.S9.subarray(0, -1));
    expect(error).toBeUndefined();
    expect(entries.at(-1)?.field).toBe("terminator");
  });

  it("reports that a reply belongs to another query, and explains it nevertheless", () => {
    const { entries, error } = explainReply(vectors.S9, "info");
    expect(error).toMatchObject({ reason: "wrong_command" });
    expect(entries.some(({ field }) => field === "records.4.uid")).toBe(true);
  });

  it.each([
    ["nothing", ""],
    ["a letter", "41"],
    ["no reply", "474554202f20485454502f312e310d0a"],
    ["an unknown command", "4150533131303032303939393930 30 61 454e440a".replaceAll(" ", "")],
  ])("reports an error for %s, and leaves no byte out", (_, digits) => {
    const bytes = Buffer.from(digits, "hex");
    expect(explainReply(bytes).error).toBeDefined();
    isCovered(bytes);
  });

  it("covers any bytes from the first to the last, in order and without a gap", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => isCovered(bytes)),
      { numRuns: 300 },
    );
  });

  it("covers every valid reply that is cut, damaged, or followed by other bytes", () => {
    const good = fc.constantFrom(...goodReplies.map(([, , bytes]) => bytes));
    fc.assert(
      fc.property(
        good,
        fc.nat(),
        fc.nat(),
        fc.nat(255),
        fc.uint8Array({ maxLength: 20 }),
        (bytes, cut, at, byte, behind) => {
          const damaged = Buffer.from(bytes);
          damaged[at % damaged.length] = byte;
          isCovered(damaged.subarray(0, cut % (damaged.length + 1)));
          isCovered(Buffer.concat([damaged, behind]));
        },
      ),
      { numRuns: 500 },
    );
  });

  it.each(goodReplies)("finds no error in %s", (_, command, bytes) => {
    const { error, entries } = explainReply(bytes);
    expect(error).toBeUndefined();
    expect(entries.filter(({ field }) => /undecoded|unknown|trailing/.test(field))).toEqual([]);
    expect(() => decodeReply(command, bytes)).not.toThrow();
  });
});

describe("a trace", () => {
  it("includes the fields before an error", () => {
    const trace = new Trace();
    const read = () =>
      trace.within("outer", { offset: 0 }, () => {
        trace.add("inner", 0, 2, 7);
        throw new Error("further on");
      });
    expect(read).toThrow("further on");
    expect(trace.entries).toEqual([{ field: "outer.inner", begin: 0, end: 2, value: 7 }]);
  });
});

describe.skipIf(capturesFile === undefined)("captured replies", () => {
  it.each(captures)("$id ($state): the explanation has all bytes of the capture", ({ hex }) => {
    expect(joined(Buffer.from(hex, "hex"))).toBe(hex);
  });
});
