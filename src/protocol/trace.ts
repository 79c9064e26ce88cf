/** A record of what a decoder read: one entry for each value, with its bytes. */

/** Bytes that were decoded as one value. */
export interface TraceEntry {
  /** Path of the field, in the form of errors: `records.0.uid`. */
  readonly field: string;
  /** Offsets from the `A` of `APS`; `end` is exclusive. */
  readonly begin: number;
  readonly end: number;
  /** The decoded value. Text is as on the wire, so it may contain any character. */
  readonly value: string | number | boolean;
}

/** Collects entries from every cursor that carries it. */
export class Trace {
  readonly #entries: TraceEntry[] = [];

  get entries(): readonly TraceEntry[] {
    return this.#entries;
  }

  /** Adds an entry. A value without bytes is ignored. */
  add(field: string, begin: number, end: number, value: unknown): void {
    if (end === begin) return;
    const plain = typeof value === "number" || typeof value === "boolean" ? value : String(value);
    this.#entries.push({ field, begin, end, value: plain });
  }

  /**
   * Decodes a part of a structure and adds `name` to the paths of its entries, also if decoding fails. A part that adds
   * no entry itself becomes one.
   * @param from position before and after decoding
   */
  within<T>(name: string, from: { readonly offset: number }, read: () => T): T {
    const mark = this.#entries.length;
    const begin = from.offset;
    try {
      const value = read();
      if (this.#entries.length === mark) this.add("", begin, from.offset, value);
      return value;
    } finally {
      for (let i = mark; i < this.#entries.length; i++) {
        const entry = this.#entries[i];
        if (entry === undefined) continue;
        const field = entry.field === "" ? name : `${name}.${entry.field}`;
        this.#entries[i] = { ...entry, field };
      }
    }
  }

  /** Decodes speculatively: the entries are dropped if the result is `undefined`. */
  attempt<T>(read: () => T | undefined): T | undefined {
    const mark = this.#entries.length;
    const value = read();
    if (value === undefined) this.#entries.length = mark;
    return value;
  }
}
