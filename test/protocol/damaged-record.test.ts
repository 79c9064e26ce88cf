/** One damaged record in a table: which records are still found (docs/protocol.md#unknown-type-codes). */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeReply, type InverterTable } from "../../src/protocol/replies.ts";
import { decodedRecords, records, table } from "../fixtures/frames.ts";

const read = (bytes: Uint8Array): InverterTable => decodeReply("realtime", bytes) as InverterTable;

const u16 = (value: number): string => value.toString(16).padStart(4, "0");

/** The numbers after the temperature by type code, from docs/protocol.md#record-layouts. */
const numbers = { "00": "", "01": "PVPV", "02": "PVPVPVP", "03": "PVPPP", "04": "PVPV" } as const;
type TypeCode = keyof typeof numbers;

/** A record as hexadecimal digits: in contact with the values of a live grid, or offline with zeros. */
const record = (position: number, typeCode: TypeCode) =>
  fc
    .record({
      serial: fc.nat(9_999_999),
      isOnline: fc.boolean(),
      watts: fc.array(fc.nat(600), { minLength: 4, maxLength: 4 }),
      volts: fc.integer({ min: 200, max: 260 }),
      celsius: fc.integer({ min: -20, max: 80 }),
    })
    .map(({ serial, isOnline, watts, volts, celsius }) => {
      const isLive = isOnline && typeCode !== "00";
      const uid = `703${String(position).padStart(2, "0")}${String(serial).padStart(7, "0")}`;
      const head = `${uid}0${Number(isLive)}${Buffer.from(typeCode, "latin1").toString("hex")}`;
      if (typeCode === "00") return head;
      const values = [...numbers[typeCode]].map((letter, i) =>
        letter === "V" ? volts : (watts[i >> 1] ?? 0),
      );
      const tail = isLive ? [500, celsius + 100, ...values] : [0, 0, ...values.map(() => 0)];
      return head + tail.map(u16).join("");
    });

/** Tables of 2 to 20 records, and the position of the one to damage. */
const tables = fc
  .array(fc.constantFrom<TypeCode>("00", "01", "02", "03", "04"), { minLength: 2, maxLength: 20 })
  .chain((types) =>
    fc.record({
      content: fc.tuple(...types.map((typeCode, i) => record(i, typeCode))),
      at: fc.nat(types.length - 1),
    }),
  );

const bytes = (length: number) =>
  fc
    .uint8Array({ minLength: length, maxLength: length })
    .map((list) => Buffer.from(list).toString("hex"));
const overwrite = (begin: number, end: number, by: string) => (content: string) =>
  content.slice(0, begin * 2) + by + content.slice(end * 2);

/** What can happen to the bytes of one record. */
const damages: Record<string, fc.Arbitrary<(content: string) => string>> = {
  "a type code of any two bytes": bytes(2).map((by) => overwrite(7, 9, by)),
  "a type code of a digit and a letter, a letter and a digit, NULs, or another type": fc
    .constantFrom("0A", "A1", "\0\0", "99", "00", "01", "02", "03")
    .map((code) => overwrite(7, 9, Buffer.from(code, "latin1").toString("hex"))),
  "a flag of any byte": bytes(1).map((by) => overwrite(6, 7, by)),
  "a flag of 2 and an unknown type code": fc.constant(overwrite(6, 9, "023939")),
  "a serial number of any bytes": bytes(6).map((by) => overwrite(0, 6, by)),
  "a head of any bytes": bytes(9).map((by) => overwrite(0, 9, by)),
  "nothing but FF, or NUL": fc
    .constantFrom("f", "0")
    .map((digit) => (content: string) => content.replace(/./g, digit)),
  "any bytes at all": bytes(27).map((by) => (content: string) => by.slice(0, content.length)),
  "its last bytes cut off": fc
    .nat(18)
    .map(
      (count) => (content: string) => content.slice(0, Math.max(18, content.length - 2 * count)),
    ),
  "more bytes behind it": fc
    .integer({ min: 1, max: 14 })
    .chain(bytes)
    .map((more) => (content: string) => content + more),
};

/** A fixed seed: in one of thousands of tables, a serial number looks like the head of another record. */
const runs = { numRuns: 150, seed: 1 };

describe("one damaged record in a table of 2 to 20 records", () => {
  it.each(Object.entries(damages))("of known types, with %s, costs at most itself", (_, damage) => {
    fc.assert(
      fc.property(tables, damage, ({ content, at }, change) => {
        const good = read(table(content.length, ...content)).records;
        const damaged = content.map((one, i) => (i === at ? change(one) : one));
        const found = read(table(content.length, ...damaged));
        const others = good.toSpliced(at, 1);
        const kept = found.records.filter(({ guessed }) => !guessed);
        // The damaged record itself may still be a valid one, with other values.
        const ownUid = damaged[at]?.slice(0, 12);
        expect(kept.filter(({ uid }) => uid !== ownUid)).toEqual(
          others.filter(({ uid }) => uid !== ownUid),
        );
        expect(found.records.length + found.lost).toBe(content.length);
        expect(found.records.length - kept.length + found.lost).toBeLessThanOrEqual(1);
      }),
      runs,
    );
  });

  /** Some records get a type code that no table has. */
  const unknownTypes = fc.array(fc.boolean(), { minLength: 20, maxLength: 20 });

  it.each(Object.entries(damages))(
    "of known and unknown types, with %s, costs no record of a known type",
    (_, damage) => {
      fc.assert(
        fc.property(tables, unknownTypes, damage, ({ content, at }, isUnknown, change) => {
          const good = read(table(content.length, ...content)).records;
          const damaged = content.map((one, i) => {
            if (i === at) return change(one);
            return isUnknown[i] ? overwrite(7, 9, "3737")(one) : one;
          });
          const found = read(table(content.length, ...damaged));
          const ownUid = damaged[at]?.slice(0, 12);
          for (const [i, wanted] of good.entries()) {
            if (i === at || isUnknown[i] || wanted.uid === ownUid) continue;
            expect(found.records).toContainEqual(wanted);
          }
          expect(found.records.length + found.lost).toBe(content.length);
        }),
        runs,
      );
    },
  );
});

describe("a damaged record", () => {
  const unknown = "999000000009 01 '88' 01f4 0078 0064 00e6 0065 00e6"; // 21 bytes
  const { two, four, fourThreePhase } = records;
  const twoAs = (head: string) => two.replace("703000000001 01 '01'", head);
  const known = { ...decodedRecords.two, guessed: true, raw: "01f40078006400e6006500e6" };

  it.each([
    ["type code 0A", "703000000001 01 '0A'", { typeCode: "0A" }],
    ["type code A1", "703000000001 01 'A1'", { typeCode: "A1" }],
    ["type code of NULs", "703000000001 01 0000", { typeCode: "\0\0" }],
    ["flag 2", "703000000001 02 '01'", {}],
    ["flag 2 and an unknown type", "703000000001 02 '77'", { typeCode: "77" }],
    ["a serial number of other digits", "f03000000001 01 '01'", { uid: "f03000000001" }],
    ["another known type", "703000000001 01 '03'", { typeCode: "03" }],
  ])("with %s keeps its values if a live grid shows its layout", (_, head, changes) => {
    for (const at of [0, 1, 2]) {
      const content = [four, fourThreePhase].toSpliced(at, 0, twoAs(head));
      const { records: found, ...walk } = read(table(3, ...content));
      const others = [decodedRecords.four, decodedRecords.fourThreePhase];
      expect(found).toEqual(others.toSpliced(at, 0, { ...known, ...changes } as never));
      expect(walk).toMatchObject({ lost: 0, surplus: 0, ambiguous: false });
    }
  });

  it("with a serial number of other digits, beside one of unknown type, costs nothing else", () => {
    for (const content of [
      [four, unknown, twoAs("f03000000001 01 '01'"), fourThreePhase],
      [twoAs("f03000000001 01 '01'"), unknown, four, fourThreePhase],
      [four, fourThreePhase, twoAs("f03000000001 01 '01'"), unknown],
    ]) {
      const { records: found, lost } = read(table(4, ...content));
      expect(lost).toBe(0);
      expect(found).toContainEqual(decodedRecords.four);
      expect(found).toContainEqual(decodedRecords.fourThreePhase);
      expect(found).toContainEqual(expect.objectContaining({ uid: "999000000009", guessed: true }));
      expect(found).toContainEqual({ ...known, uid: "f03000000001" });
    }
  });

  it("of nothing but FF beside one of unknown type costs both values, and no certain record", () => {
    const walk = read(table(4, four, unknown, "ff".repeat(21), fourThreePhase));
    expect(walk.records).toEqual([
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
      decodedRecords.fourThreePhase,
    ]);
    expect(walk).toMatchObject({ count: 4, lost: 1 });
  });

  it("is no obstacle in a table with surplus bytes or a wrong count", () => {
    const damaged = twoAs("703000000001 01 '0A'");
    for (const bytes of [
      table(3, four, damaged, fourThreePhase, "303030"),
      table(9, four, damaged, fourThreePhase),
    ]) {
      const { records: found } = read(bytes);
      expect(found).toContainEqual(decodedRecords.four);
      expect(found).toContainEqual(decodedRecords.fourThreePhase);
    }
  });

  it("may be one of three: the certain records remain", () => {
    const noise = "ff".repeat(21);
    const walk = read(table(5, noise, four, noise, noise, fourThreePhase));
    expect(walk.records).toEqual([decodedRecords.four, decodedRecords.fourThreePhase]);
    expect(walk.lost).toBe(3);
  });

  it("with a serial number of zeros is no inverter", () => {
    expect(() => read(table(1, twoAs("000000000000 00 '01'")))).toThrow("none of 1 records");
  });
});
