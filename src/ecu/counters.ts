import { type Reason, reasons } from "./errors.ts";
import { type Query, queries } from "./read.ts";
import { type Field, fields } from "./validate.ts";

/** What has been counted of one ECU since the process began. Every reason and field is there from the start, at 0. */
export interface QueryCounters {
  readonly attempts: Readonly<Record<Query, number>>;
  readonly errors: Readonly<Record<Query, Readonly<Record<Reason, number>>>>;
  readonly rejected: Readonly<Record<Field, number>>;
  readonly sharedReads: number;
}

const each = <K extends string, V>(keys: readonly K[], value: () => V): Record<K, V> =>
  Object.fromEntries(keys.map((key) => [key, value()])) as Record<K, V>;

/** A fresh count, to be counted up in place by its one owner. */
export const createQueryCounters = () => ({
  attempts: each(queries, () => 0),
  errors: each(queries, () => each(reasons, () => 0)),
  rejected: each(fields, () => 0),
  sharedReads: 0,
});
