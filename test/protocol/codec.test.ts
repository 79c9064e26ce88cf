import { describe, expect, it } from "vitest";
import {
  ascii,
  bcd,
  type Codec,
  Cursor,
  decimal,
  digits,
  encodeBytes,
  flag,
  hex,
  interleaved,
  mapped,
  optional,
  prefixed,
  repeated,
  rest,
  scaled,
  shifted,
  struct,
  tenths,
  u8,
  u16,
  u32,
} from "../../src/protocol/codec.ts";
import { ProtocolError } from "../../src/protocol/errors.ts";
import { recordFormats } from "../../src/protocol/layouts.ts";
import { wire } from "../fixtures/frames.ts";

const block = interleaved(u16, { P: "power", V: "volts" }, "PVP");
const nested = struct({ channels: repeated(struct({ powerWatts: u16, volts: u16 })) });

const pair = <T>(name: string, codec: Codec<T>, bytes: string, value: T) => ({
  name,
  bytes,
  value,
  read: () => {
    const from = new Cursor(wire(bytes));
    return { value: codec.decode(from), left: from.remaining };
  },
  write: () => encodeBytes(codec, value).toString("hex"),
});

const pairs = [
  pair("u8", u8, "00", 0),
  pair("u8", u8, "ff", 255),
  pair("u16", u16, "0102", 258),
  pair("u32", u32, "80000000", 2_147_483_648),
  pair("u32", u32, "ffffffff", 4_294_967_295),
  pair("flag", flag, "00", false),
  pair("flag", flag, "01", true),
  pair("tenths", tenths(u16), "01f3", 49.9),
  pair("shifted", shifted(u16, -100), "0000", -100),
  pair("shifted", shifted(u16, -100), "007b", 23),
  pair("scaled", scaled(u32, 360_000), "00000001", 360_000),
  pair("scaled", scaled(u32, 36_000), "ffffffff", 154_618_822_620_000),
  pair(
    "mapped",
    mapped(u8, (byte) => -byte, Math.abs),
    "05",
    -5,
  ),
  pair("ascii", ascii(3), "20417e", " A~"),
  pair("digits", digits(4), "30303730", "0070"),
  pair("decimal", decimal(3), "303132", 12),
  pair("prefixed", prefixed(3), "303033 4f4b21", "OK!"),
  pair("prefixed", prefixed(3), "303030", ""),
  pair("hex", hex(3), "80971b", "80971b"),
  pair("bcd", bcd(2), "0615", "0615"),
  pair("bcd with nibbles that are no digits", bcd(2), "d0ff", "d0ff"),
  pair("rest", rest, "abcdef", "abcdef"),
  pair("rest of nothing", rest, "", ""),
  pair("optional", optional(u8), "05", 5),
  pair("optional, left out", optional(u8), "", undefined),
  pair("struct", struct({ a: u8, b: u16 }), "010203", { a: 1, b: 515 }),
  pair("repeated", repeated(u16), "00010002", [1, 2]),
  pair("repeated, no times", repeated(u16), "", []),
  pair("interleaved", block, "000100e60002", { power: [1, 2], volts: [230] }),
];

describe("a codec", () => {
  it.each(pairs)("decodes $bytes as $name and consumes every byte", ({ read, value }) => {
    expect(read()).toEqual({ value, left: 0 });
  });

  it.each(pairs)("encodes $name as $bytes", ({ write, bytes }) => {
    expect(write()).toBe(bytes.replaceAll(" ", ""));
  });

  it("decodes any byte except 0 as a set flag", () => {
    expect(flag.decode(new Cursor(wire("80")))).toBe(true);
  });

  it("does not consume the bytes after its own", () => {
    const from = new Cursor(wire("01020304"), 1);
    expect([u16.decode(from), from.offset, from.remaining]).toEqual([0x0203, 3, 1]);
  });

  it.each([
    ["u16 of one byte", u16, "01", "", 0],
    ["u32 of three bytes", u32, "010203", "", 0],
    ["hex of three bytes out of four", hex(4), "010203", "", 0],
    ["optional with only its first byte", optional(u16), "01", "", 0],
    ["ascii with a control character", ascii(2), "4107", "", 1],
    ["ascii above 0x7e", ascii(2), "417f", "", 1],
    ["digits with a colon", digits(3), "30313a", "", 2],
    ["decimal with a sign", decimal(2), "2d31", "", 0],
    ["prefixed with a length beyond the end", prefixed(3), "303035 4142", "", 3],
    ["prefixed with a length that is not a number", prefixed(3), "30780a 41", "", 1],
    ["interleaved that ends early", block, "0001 0002 00", "", 4],
    ["a field of a struct", struct({ a: u8, b: ascii(1) }), "0100", "b", 1],
    ["a repeated number", repeated(u16), "0001 0002 00", "2", 4],
    ["the first field of the first record", nested, "01", "channels.0.powerWatts", 0],
    ["the last field of the second record", nested, "0001 0002 0003 00", "channels.1.volts", 6],
  ])("rejects %s, with the offset", (_, codec: Codec<unknown>, bytes, field, offset) => {
    expect(() => codec.decode(new Cursor(wire(bytes)))).toThrow(
      expect.objectContaining({ reason: "malformed", position: { field, offset } }),
    );
  });

  it("gives the offset of an error from the start of the frame, not of the field", () => {
    const from = new Cursor(wire("00000000 41ff"), 4);
    expect(() => struct({ name: ascii(2) }).decode(from)).toThrow(
      new ProtocolError("malformed", "0xff is not a printable character", {
        field: "name",
        offset: 5,
      }),
    );
  });

  it("decodes the given number of records, and does not consume the rest", () => {
    const from = new Cursor(wire("0001 0002 0003"));
    expect([repeated(u16, 2).decode(from), from.remaining]).toEqual([[1, 2], 2]);
  });

  it("never reads past its given end, although more bytes follow", () => {
    expect(() => u16.decode(new Cursor(wire("01020304"), 1, 2))).toThrow(ProtocolError);
  });

  const refusal = <T>(name: string, codec: Codec<T>, value: T) => ({
    name,
    value,
    write: () => encodeBytes(codec, value),
  });

  it.each([
    refusal("u8", u8, -1),
    refusal("u8", u8, 256),
    refusal("u8", u8, 1.5),
    refusal("u16", u16, 65_536),
    refusal("u16", u16, Number.NaN),
    refusal("u32", u32, 4_294_967_296),
    refusal("u32", u32, Number.POSITIVE_INFINITY),
    refusal("tenths", tenths(u16), 6553.6),
    refusal("shifted", shifted(u16, -100), -101),
    refusal("scaled", scaled(u32, 36_000), -36_000),
    refusal("ascii(2)", ascii(2), "abc"),
    refusal("ascii(2)", ascii(2), "é"),
    refusal("ascii(2)", ascii(2), "a\n"),
    refusal("digits(2)", digits(2), "1a"),
    refusal("decimal(2)", decimal(2), 100),
    refusal("decimal(2)", decimal(2), -1),
    refusal("decimal(3)", decimal(3), 1.5),
    refusal("decimal(3)", decimal(3), Number.NaN),
    refusal("prefixed(1)", prefixed(1), "ten chars."),
    refusal("prefixed(3)", prefixed(3), "Zürich"),
    refusal("hex(2)", hex(2), "ABCD"),
    refusal("hex(2)", hex(2), "abc"),
    refusal("hex(2)", hex(2), "abcdef"),
    refusal("rest, half a byte", rest, "abc"),
    refusal("struct", struct({ a: u8 }), { a: 300 }),
    refusal("repeated", repeated(u8), [1, -1]),
    refusal("interleaved, one too few", block, { power: [1], volts: [230] }),
    refusal("interleaved, one too many", block, { power: [1, 2], volts: [230, 231] }),
  ])("rejects $value as $name", ({ write }) => {
    expect(write).toThrow(RangeError);
  });

  it.each([
    ["none", 9],
    ["two", 21],
    ["fourThreePhase", 27],
    ["four", 23],
  ] as const)("computes the size of a record of layout %s: %i bytes", (layout, bytes) => {
    expect(recordFormats[layout].bytes).toBe(bytes);
  });

  it("has no size if it varies", () => {
    expect([struct({ a: u8, b: rest }).size, optional(u8).size, prefixed(3).size]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});
