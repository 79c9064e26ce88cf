/**
 * The building blocks of byte tables. Each decodes and encodes one type of value, so a table is decoder, encoder, type and
 * documentation. The encodings: docs/protocol.md#field-encodings.
 */
import { ProtocolError } from "./errors.ts";
import type { Trace } from "./trace.ts";

/** A position in received bytes that moves forward as fields are decoded, but never past `end`. */
export class Cursor {
  readonly bytes: Uint8Array;
  readonly end: number;
  /** Records what is decoded from this cursor; usually absent. */
  readonly trace: Trace | undefined;
  offset: number;

  constructor(bytes: Uint8Array, offset = 0, end = bytes.length, trace?: Trace) {
    this.bytes = bytes;
    this.offset = offset;
    this.end = end;
    this.trace = trace;
  }

  /** A new cursor on a part of the same bytes. */
  slice(begin: number, end: number): Cursor {
    return new Cursor(this.bytes, begin, end, this.trace);
  }

  get remaining(): number {
    return this.end - this.offset;
  }

  /**
   * Moves past the next `count` bytes and returns the offset of the first.
   * @throws ProtocolError `malformed` if fewer bytes remain
   */
  take(count: number): number {
    const begin = this.offset;
    if (count > this.end - begin) this.fail(`needs ${count} bytes, ${this.remaining} remain`);
    this.offset = begin + count;
    return begin;
  }

  /** The byte at an offset. */
  at(offset: number): number {
    return this.bytes[offset] ?? 0;
  }

  /** @throws ProtocolError always: `malformed`, at the current offset or at `offset` */
  fail(problem: string, offset = this.offset): never {
    throw new ProtocolError("malformed", problem, { field: "", offset });
  }
}

/** One wire type, both ways. `size` is its number of bytes if all values have the same. */
export interface Codec<T> {
  readonly size?: number;
  /** @throws ProtocolError if the bytes are not such a value */
  decode(from: Cursor): T;
  /** @throws RangeError if the value cannot be encoded */
  encode(value: T, into: number[]): void;
}

/** The type of the values of a codec. */
export type Infer<C> = C extends Codec<infer T> ? T : never;

/** A codec of constant size. */
type Sized<T> = Codec<T> & { readonly size: number };

const unsigned = (size: number): Sized<number> => {
  const limit = 256 ** size;
  return {
    size,
    decode: (from) => {
      const begin = from.take(size);
      let value = 0;
      for (let i = begin; i < begin + size; i++) value = value * 256 + from.at(i);
      return value;
    },
    encode: (value, into) => {
      if (!Number.isInteger(value) || value < 0 || value >= limit) {
        throw new RangeError(`${value} is not an unsigned number of ${size} bytes`);
      }
      for (let i = size - 1; i >= 0; i--) into.push(Math.floor(value / 256 ** i) % 256);
    },
  };
};

/** Unsigned big-endian numbers of 1, 2 and 4 bytes. */
export const u8 = unsigned(1);
export const u16 = unsigned(2);
export const u32 = unsigned(4);

/** The same bytes as another value: `mapped(u8, (n) => n !== 0, Number)`. */
export const mapped = <W, T>(
  wire: Codec<W>,
  fromWire: (wire: W) => T,
  toWire: (value: T) => W,
): Codec<T> => ({
  ...withSize(wire.size),
  decode: (from) => fromWire(wire.decode(from)),
  encode: (value, into) => wire.encode(toWire(value), into),
});

/** One byte: 0 is false, any other byte is true. Encoded as 0 or 1. */
export const flag = mapped(u8, (byte) => byte !== 0, Number);

/** A number of tenths, decoded as units. */
export const tenths = (wire: Codec<number>): Codec<number> =>
  mapped(
    wire,
    (raw) => raw / 10,
    (value) => Math.round(value * 10),
  );

/** A number with an offset on the wire: `shifted(u16, -100)` decodes 123 as 23. */
export const shifted = (wire: Codec<number>, by: number): Codec<number> =>
  mapped(
    wire,
    (raw) => raw + by,
    (value) => value - by,
  );

/** A number of steps of `unit`, exact: `scaled(u32, 360_000)` decodes steps of 0.1 kWh as joules. */
export const scaled = (wire: Codec<number>, unit: number): Codec<number> =>
  mapped(
    wire,
    (raw) => raw * unit,
    (value) => Math.round(value / unit),
  );

/** Text of exactly `size` characters with codes from `first` to `last`. */
const characters =
  (first: number, last: number, kind: string) =>
  (size: number): Codec<string> => ({
    size,
    decode: (from) => {
      const begin = from.take(size);
      let text = "";
      for (let i = begin; i < begin + size; i++) {
        const byte = from.at(i);
        if (byte < first || byte > last) from.fail(`0x${HEX[byte]} is not ${kind}`, i);
        text += String.fromCharCode(byte);
      }
      return text;
    },
    encode: (value, into) => {
      const codes = Array.from({ length: value.length }, (_, i) => value.charCodeAt(i));
      if (codes.length !== size || !codes.every((code) => code >= first && code <= last)) {
        throw new RangeError(`"${value}" is not ${size} characters that are each ${kind}`);
      }
      into.push(...codes);
    },
  });

/** Printable ASCII characters (0x20 to 0x7e), exactly `size` of them. */
export const ascii = characters(0x20, 0x7e, "a printable character");

/** Any bytes as characters with the same codes, exactly `size` of them: text that may be damaged and must not fail. */
export const text = characters(0, 0xff, "a byte");

/** ASCII decimal digits as text: `digits(12)` for an ECU id. */
export const digits = characters(0x30, 0x39, "a digit");

/** A number in `size` ASCII decimal digits, with leading zeros. */
export const decimal = (size: number): Codec<number> =>
  mapped(digits(size), Number, (value) => String(value).padStart(size, "0"));

/** Text after its own length, which has `lengthDigits` ASCII digits. Any bytes are decoded; only printable ones are encoded. */
export const prefixed = (lengthDigits: number): Codec<string> => {
  const length = decimal(lengthDigits);
  return {
    decode: (from) => {
      const begin = from.offset;
      const size = length.decode(from);
      from.trace?.add("length", begin, from.offset, size);
      const value = text(size).decode(from);
      from.trace?.add("", begin + lengthDigits, from.offset, value);
      return value;
    },
    encode: (value, into) => {
      length.encode(value.length, into);
      ascii(value.length).encode(value, into);
    },
  };
};

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/**
 * Bytes as lower-case hexadecimal text. In BCD fields these are the decimal digits; a nibble above 9 becomes a letter and
 * is not an error on the wire (docs/protocol.md#field-encodings).
 */
export const hex = (size: number): Codec<string> => ({
  size,
  decode: (from) => {
    const begin = from.take(size);
    let text = "";
    for (let i = begin; i < begin + size; i++) text += HEX[from.at(i)];
    return text;
  },
  encode: (value, into) => {
    if (value.length !== size * 2 || !/^([0-9a-f]{2})*$/.test(value)) {
      throw new RangeError(`"${value}" is not ${size} bytes of lower-case hexadecimal`);
    }
    for (let i = 0; i < value.length; i += 2) into.push(Number.parseInt(value.slice(i, i + 2), 16));
  },
});

/** Binary-coded decimal: two digits per byte, high nibble first. The same as `hex`; the name is documentation. */
export const bcd = (size: number): Codec<string> => hex(size);

/** All remaining bytes as hexadecimal text. */
export const rest: Codec<string> = {
  decode: (from) => hex(from.remaining).decode(from),
  encode: (value, into) => hex(value.length / 2).encode(value, into),
};

/** A field that older firmware does not send: `undefined` if no byte remains. */
export const optional = <T>(codec: Codec<T>): Codec<T | undefined> => ({
  decode: (from) => (from.remaining === 0 ? undefined : codec.decode(from)),
  encode: (value, into) => {
    if (value !== undefined) codec.encode(value, into);
  },
});

/** Decodes a part of a structure in which it has this name. */
const decodePart = <T>(name: string | number, codec: Codec<T>, from: Cursor): T =>
  from.trace === undefined
    ? codec.decode(from)
    : from.trace.within(String(name), from, () => codec.decode(from));

type Values<F> = { -readonly [K in keyof F]: Infer<F[K]> };

/** A codec of named fields, which documentation can list. */
export interface Struct<T> extends Codec<T> {
  readonly fields: Readonly<Record<string, Codec<unknown>>>;
}

/** Fields one after another, in the order of the keys. An error names its field. */
export const struct = <F extends Record<string, Codec<unknown>>>(fields: F): Struct<Values<F>> => {
  const entries = Object.entries(fields);
  const blank = Object.fromEntries(entries.map(([name]) => [name, undefined]));
  return {
    fields,
    ...withSize(entries.reduce(addSize, 0)),
    decode: (from) => {
      const values: Record<string, unknown> = { ...blank }; // with its final shape from the start: much faster
      let field = "";
      try {
        for (const [name, codec] of entries) {
          field = name;
          values[name] =
            from.trace === undefined ? codec.decode(from) : decodePart(name, codec, from);
        }
      } catch (error) {
        throw error instanceof ProtocolError ? error.within(field) : error;
      }
      return values as Values<F>;
    },
    encode: (value, into) => {
      const values = value as Record<string, unknown>;
      for (const [name, codec] of entries) codec.encode(values[name], into);
    },
  };
};

/** Records one after another: `times` of them, or up to the end of the bytes. Each has at least one byte. */
export const repeated = <T>(codec: Codec<T>, times?: number): Codec<T[]> => ({
  decode: (from) => {
    const items: T[] = [];
    const hasMore = (): boolean =>
      times === undefined ? from.remaining > 0 : items.length < times;
    try {
      while (hasMore()) items.push(decodePart(items.length, codec, from));
    } catch (error) {
      throw error instanceof ProtocolError ? error.within(String(items.length)) : error;
    }
    return items;
  },
  encode: (value, into) => {
    for (const item of value) codec.encode(item, into);
  },
});

/**
 * Lists of numbers that alternate on the wire. Each letter of `order` names the list of the next number:
 * `interleaved(u16, { P: "power", V: "volts" }, "PVP")` decodes 3 numbers as `{ power: [a, c], volts: [b] }`.
 */
export const interleaved = <const L extends Record<string, string>>(
  number: Sized<number>,
  lists: L,
  order: string,
): Codec<Record<L[keyof L], number[]>> => {
  const listNames = Object.values(lists);
  const names = [...order].map((letter) => lists[letter] ?? "");
  return {
    size: number.size * names.length,
    decode: (from) => {
      const values: Record<string, number[]> = {};
      for (const list of listNames) values[list] = [];
      for (const name of names) {
        const list = values[name] ?? [];
        list.push(
          from.trace === undefined
            ? number.decode(from)
            : decodePart(`${name}.${list.length}`, number, from),
        );
      }
      return values as Record<L[keyof L], number[]>;
    },
    encode: (value, into) => {
      const numbers: Record<string, number[]> = value;
      const next: Record<string, number> = {};
      for (const name of names) {
        const at = next[name] ?? 0;
        next[name] = at + 1;
        const item = numbers[name]?.[at];
        if (item === undefined) throw new RangeError(`${name} has too few numbers`);
        number.encode(item, into);
      }
      for (const list of listNames) {
        if (numbers[list]?.length !== next[list])
          throw new RangeError(`${list} has too many numbers`);
      }
    },
  };
};

/** The bytes of a value. @throws RangeError if it cannot be encoded */
export const encodeBytes = <T>(codec: Codec<T>, value: T): Buffer => {
  const into: number[] = [];
  codec.encode(value, into);
  return Buffer.from(into);
};

function withSize(size: number | undefined): { size?: number } {
  return size === undefined ? {} : { size };
}

function addSize(sum: number | undefined, [, codec]: [string, Codec<unknown>]): number | undefined {
  return sum === undefined || codec.size === undefined ? undefined : sum + codec.size;
}
