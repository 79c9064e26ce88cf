import { describe, expect, it } from "vitest";
import { Cursor } from "../../src/protocol/codec.ts";
import { locateRecords } from "../../src/protocol/recover.ts";
import { decodeReply, encodeReply, type InverterTable } from "../../src/protocol/replies.ts";
import { decodedRecords, records, table, vectors } from "../fixtures/frames.ts";
import { capturesFile, readCapture } from "../support/captures.ts";

const read = (bytes: Uint8Array): InverterTable => {
  const message = decodeReply("realtime", bytes);
  if (message.kind !== "01") throw new Error(`read as kind ${message.kind}`);
  return message;
};

type Kind = keyof typeof records;
const kinds = ["two", "four", "none", "fourThreePhase"] as const;

/** The same record under a type code that no table has. */
const unknown = (kind: Kind): string => records[kind].replace(/'\d\d'/, "'77'");

/** What is made of it: the layout that its size and values suggest, and its bytes. */
const guessed = (kind: Kind) => ({
  ...decodedRecords[kind],
  typeCode: "77",
  guessed: true,
  raw: records[kind].replace(/^.*'/, "").replaceAll(" ", ""),
});

/** A record of size 25, which no layout has: 50.0 Hz, 20 °C, and more. */
const strange = (uid: string): string => `${uid} 01 '88' 01f4 0078 000102030405060708090a0b`;

const whole = { lost: 0, surplus: 0, ambiguous: false };

describe("an unknown type code", () => {
  it.each(kinds)("loses nothing at the record %s of a table", (kind) => {
    const content = kinds.map((one) => (one === kind ? unknown(one) : records[one]));
    const expected = kinds.map((one) => (one === kind ? guessed(one) : decodedRecords[one]));
    expect(read(table(4, ...content))).toMatchObject({ ...whole, records: expected });
  });

  it.each(kinds)("loses nothing of a table with one record of layout %s", (kind) => {
    expect(read(table(1, unknown(kind)))).toMatchObject({ ...whole, records: [guessed(kind)] });
  });

  it("loses nothing if all records have it", () => {
    expect(read(table(4, ...kinds.map(unknown)))).toMatchObject({
      ...whole,
      records: kinds.map(guessed),
    });
  });

  it("loses nothing of as many records as fit into one reply", () => {
    const { records: found, ...walk } = read(table(474, ...Array(474).fill(unknown("two"))));
    expect(walk).toMatchObject(whole);
    expect(found).toEqual(Array(474).fill(guessed("two")));
  });

  it.each([
    ["first", 0],
    ["in the middle", 1],
    ["last", 2],
  ])("in a record of unknown size, %s, keeps its bytes, frequency and temperature", (_, at) => {
    const content = [records.two, records.four];
    content.splice(at, 0, strange("999000000009"));
    const { records: found, ...walk } = read(table(3, ...content));
    expect(walk).toMatchObject(whole);
    expect(found[at]).toEqual({
      uid: "999000000009",
      online: true,
      typeCode: "88",
      layout: undefined,
      guessed: true,
      frequencyHertz: 50,
      temperatureCelsius: 20,
      powerWatts: [],
      gridVolts: [],
      raw: "01f40078000102030405060708090a0b",
    });
    expect(found.toSpliced(at, 1)).toEqual([decodedRecords.two, decodedRecords.four]);
  });

  it("encodes back to the same bytes", () => {
    const bytes = table(4, unknown("two"), records.four, strange("999000000009"), unknown("none"));
    expect(encodeReply("realtime", read(bytes))).toEqual(bytes);
  });

  it("gives no channels if the values do not fit a grid, as for an offline inverter", () => {
    const offline = "703000000009 00 '77' 0000 0064 0000 0000 0000 0000";
    const [record] = read(table(2, offline, records.two)).records;
    expect(record).toMatchObject({ layout: undefined, powerWatts: [], gridVolts: [] });
    expect(record).toMatchObject({ frequencyHertz: 0, temperatureCelsius: 0 });
  });

  it("is reported as ambiguous if two divisions fit, and uses the more likely size first", () => {
    // The unknown record is of 21 bytes and a 9-byte one follows, or of 30 bytes that end in what looks like one.
    const inside = "806000000007 00 '77'";
    const [first, second] = [
      unknown("two"),
      unknown("two").replace("703000000001", "703000000002"),
    ];
    const walk = read(table(3, first, inside, second, inside));
    expect(walk).toMatchObject({ lost: 0, surplus: 0, ambiguous: true });
    expect(walk.records[0]).toEqual(guessed("two"));
  });
});

describe("a type code with two meanings", () => {
  const typed = (kind: Kind, type: string, uid: string): string =>
    records[kind].replace(/^\d+ 01 '\d\d'/, `${uid} 01 '${type}'`);

  it.each<[string, string, Kind, boolean]>([
    ["04", "704000000001", "two", false],
    ["04", "999000000001", "two", false],
    ["05", "705000000001", "two", false],
    ["05", "901000000001", "fourThreePhase", false],
    ["05", "705000000001", "fourThreePhase", true],
    ["05", "901000000001", "two", true],
    ["05", "801000000001", "four", true],
  ])(
    "%s of uid %s is decoded with the layout that fits: %s (guessed: %s)",
    (typeCode, uid, kind, isGuess) => {
      const expected = { ...decodedRecords[kind], uid, typeCode, guessed: isGuess };
      for (const content of [
        [typed(kind, typeCode, uid), records.four],
        [records.four, typed(kind, typeCode, uid)],
      ]) {
        const { records: found, ...walk } = read(table(2, ...content));
        expect(walk).toMatchObject(whole);
        expect(found.find((record) => record.uid === uid)).toMatchObject(expected);
        expect(found.find((record) => record.uid !== uid)).toEqual(decodedRecords.four);
      }
    },
  );

  it("05 in both sizes, between 00 and 04, is divided as in S9", () => {
    const { records: found, ...walk } = read(vectors.S9);
    expect(walk).toMatchObject(whole);
    expect(found.map(({ uid, typeCode, powerWatts }) => [uid, typeCode, powerWatts])).toEqual([
      ["705000000001", "05", [310, 305]],
      ["806000000002", "00", []],
      ["901000000003", "05", [100, 101, 102, 103]],
      ["704000000004", "04", [200, 0]],
      ["801000000005", "03", [10, 11, 12, 13]],
    ]);
  });

  it("04 that becomes unknown in S9 changes no other record", () => {
    const bytes = Buffer.from(vectors.S9);
    bytes.write("77", 26 + 21 + 9 + 27 + 7, "latin1");
    const before = read(vectors.S9).records;
    const { records: found, ...walk } = read(bytes);
    expect(walk).toMatchObject(whole);
    expect(found.toSpliced(3, 1)).toEqual(before.toSpliced(3, 1));
    expect(found[3]).toMatchObject({ uid: "704000000004", powerWatts: [200, 0], guessed: true });
  });
});

describe("a table that contradicts itself", () => {
  const both = [records.two, records.four];

  it.each([
    ["bytes after its records", 2, "30303030", 0, 4],
    ["an ECU id after its records", 2, "'216000000001'", 0, 12],
    ["a count too large by one", 3, "", 1, 0],
    ["a count too large by thousands", 65_535, "", 65_533, 0],
    ["a count too small", 2, records.fourThreePhase, 0, 27],
  ])("keeps its valid records despite %s", (_, count, more, lost, surplus) => {
    const walk = read(table(count, ...both, more));
    expect(walk.records.slice(0, 2)).toEqual([decodedRecords.two, decodedRecords.four]);
    expect(walk).toMatchObject({ count, lost, surplus, ambiguous: false });
    expect(walk.records).toHaveLength(2);
  });

  it("keeps the records before one that cannot be skipped, and the head of that record", () => {
    const walk = read(table(4, ...both, strange("999000000009"), "ffffffff"));
    expect(walk.records).toEqual([
      decodedRecords.two,
      decodedRecords.four,
      {
        uid: "999000000009",
        online: true,
        typeCode: "88",
        layout: undefined,
        guessed: true,
        powerWatts: [],
        gridVolts: [],
        raw: "",
      },
    ]);
    expect(walk).toMatchObject({ lost: 1, surplus: 0 });
  });

  it("reports surplus bytes if it counts no records and has bytes", () => {
    expect(read(table(0, records.two))).toMatchObject({ records: [], lost: 0, surplus: 21 });
  });

  it.each([
    ["no records at all", table(3, "")],
    ["a record cut within its head", table(1, "703000000001 01")],
    ["ids without digits", table(1, "f03000000001 01 '77' 01f4 0078")],
    ["noise", table(2, "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff")],
  ])("is malformed if no record can be found: %s", (_, bytes) => {
    expect(() => read(bytes)).toThrow(
      expect.objectContaining({ reason: "malformed", position: { field: "records", offset: 26 } }),
    );
  });
});

describe("a flipped bit in a known type code", () => {
  const size = { two: 21, four: 23, none: 9, fourThreePhase: 27 };
  const orders = [kinds, kinds.toReversed(), ["four", "two", "fourThreePhase", "none"] as const];
  const rows = orders.flatMap((order) => order.map((kind, at) => ({ order, kind, at })));

  it.each(rows)("of $kind at $at of $order never changes another record", ({ order, kind, at }) => {
    const bytes = table(4, ...order.map((one) => records[one]));
    const type = order.slice(0, at).reduce((offset, one) => offset + size[one], 26 + 7);
    const others = order.filter((one) => one !== kind).map((one) => decodedRecords[one]);
    for (let bit = 0; bit < 16; bit++) {
      const flipped = Buffer.from(bytes);
      const place = type + (bit >> 3);
      flipped.writeUInt8(flipped.readUInt8(place) ^ (1 << (bit & 7)), place);
      for (const record of readRecords(flipped)) {
        if (record.uid !== decodedRecords[kind].uid) expect(others).toContainEqual(record);
      }
    }
  });

  const readRecords = (bytes: Uint8Array) => {
    try {
      return read(bytes).records;
    } catch (error) {
      expect(error).toMatchObject({ reason: "malformed" });
      return [];
    }
  };
});

describe("a hostile table", () => {
  /** Counts the bytes that are looked at: what a walk costs, whatever the machine. */
  class CountingCursor extends Cursor {
    looks = 0;

    override at(offset: number): number {
      this.looks++;
      return super.at(offset);
    }
  }

  it.each([
    ["as many as fit", 1_107, 0],
    ["a few", 12, 5_000],
    ["half of them, then noise", 500, 5_000],
    ["more than fit before the noise", 1_000, 4_000],
    ["one", 1, 9_000],
  ])("of record heads at every third byte is divided in bounded steps: %s", (_, count, noise) => {
    const body = Buffer.alloc(9_967, "\x0177", "latin1").fill(0xff, 9_967 - noise);
    const cursor = new CountingCursor(body);
    locateRecords(cursor, count);
    expect(cursor.looks).toBeLessThan(3_000_000);
  });
});

describe.skipIf(capturesFile === undefined)("a real table", () => {
  const names = [
    "site-08-inv-2",
    "site-08-inv-1",
    "site-01-inv-1",
    "site-01-inv-3",
    "site-03-inv-1",
    "site-06-inv-1",
    "site-17-inv-2",
  ];
  const sizeByType: Record<string, number> = { "00": 9, "01": 21, "02": 27, "03": 23 };

  /** Where each record begins, by the types that it says itself. */
  const begins = (bytes: Buffer): { begin: number; type: string }[] => {
    const found = [];
    for (let begin = 26; begin < bytes.length - 4; ) {
      const type = bytes.toString("latin1", begin + 7, begin + 9);
      found.push({ begin, type });
      begin += sizeByType[type] ?? Number.NaN;
    }
    return found;
  };

  it.each(
    names.flatMap((name) => [
      { name, which: "the first record" },
      { name, which: "every record that is not 00" },
    ]),
  )("$name is divided correctly with an unknown type code in $which", ({ name, which }) => {
    const bytes = readCapture(name);
    const truth = begins(bytes);
    const spoilt = Buffer.from(bytes);
    const targets = which === "the first record" ? truth.slice(0, 1) : truth;
    for (const { begin, type } of targets) {
      if (type !== "00") spoilt.write("77", begin + 7, "latin1");
    }
    const walk = locateRecords(new Cursor(spoilt, 26, spoilt.length - 4), truth.length);
    expect(walk.spans.map(({ begin }) => begin)).toEqual(truth.map(({ begin }) => begin));
    expect(walk).toMatchObject(whole);

    const good = read(bytes).records;
    read(spoilt).records.forEach((record, i) => {
      const { uid, online, frequencyHertz, powerWatts } = good[i] ?? {};
      expect(record).toMatchObject({ uid, online });
      if (good[i]?.layout !== "none") expect(record).toMatchObject({ frequencyHertz });
      if (record.powerWatts.length > 0) expect(record).toMatchObject({ powerWatts });
    });
  });
});
