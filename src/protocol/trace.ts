/** What a decoder read, and where: one entry for each value that it took from the bytes. */

/** Bytes that were read as one value. */
export interface Entry {
  /** Path of the field, as in errors: `records.0.uid`. */
  readonly field: string;
  /** Offsets from the `A` of `APS`; `end` is the first byte after it. */
  readonly begin: number;
  readonly end: number;
  /** The value as decoded; text is as on the wire, and may hold anything. */
  readonly value: string | number | boolean;
}

/** A place that moves forward. */
interface Place {
  readonly offset: number;
}

/** Collects entries while a cursor that carries it is decoded from. */
export class Trace {
  readonly #entries: Entry[] = [];

  get entries(): readonly Entry[] {
    return this.#entries;
  }

  /** Notes a value; nothing where it took no bytes. */
  note(field: string, begin: number, end: number, value: unknown): void {
    if (end === begin) return;
    const plain = typeof value === "number" || typeof value === "boolean" ? value : String(value);
    this.#entries.push({ field, begin, end, value: plain });
  }

  /**
   * Reads a part, and names what was read of it, also where it ends in an error. A part that notes nothing itself is
   * one value.
   */
  within<T>(name: string, from: Place, read: () => T): T {
    const mark = this.#entries.length;
    const begin = from.offset;
    try {
      const value = read();
      if (this.#entries.length === mark) this.note("", begin, from.offset, value);
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

  /** Reads on trial: what was noted is forgotten where nothing came of it. */
  attempt<T>(read: () => T | undefined): T | undefined {
    const mark = this.#entries.length;
    const value = read();
    if (value === undefined) this.#entries.length = mark;
    return value;
  }
}
