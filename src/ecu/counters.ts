/** The counters of one ECU. */
import { type QueryError, type Reason, reasons } from "./errors.ts";
import { type Query, queries } from "./read.ts";
import { type Field, fields } from "./validate.ts";

/** Counts since the process started. Every query, reason and field is present from the start, at 0. */
export interface QueryCounters {
  /** Attempts of each query, failed ones included. */
  readonly attempts: Readonly<Record<Query, number>>;
  /** Failed attempts of each query by reason. */
  readonly errors: Readonly<Record<Query, Readonly<Record<Reason, number>>>>;
  /** Values that were not exported because they are not plausible. */
  readonly rejected: Readonly<Record<Field, number>>;
  /** Scrapes that were answered without a read of their own. */
  readonly sharedReads: number;
}

/** The same counters for their owner, who increments them in place. */
export type WritableQueryCounters = ReturnType<typeof createQueryCounters>;

/** Creates counters at 0. */
export const createQueryCounters = () => ({
  attempts: mapKeys(queries, () => 0),
  errors: mapKeys(queries, () => mapKeys(reasons, () => 0)),
  rejected: mapKeys(fields, () => 0),
  sharedReads: 0,
});

/** Counts one attempt of a query, with its error if it failed. */
export const countAttempt = (
  counters: WritableQueryCounters,
  query: Query,
  error: QueryError | undefined,
): void => {
  counters.attempts[query]++;
  if (error !== undefined) counters.errors[query][error.reason]++;
};

/** Counts the values of one read that were not exported. */
export const countRejected = (
  counters: WritableQueryCounters,
  rejected: readonly Field[],
): void => {
  for (const field of rejected) counters.rejected[field]++;
};

const mapKeys = <K extends string, V>(keys: readonly K[], value: () => V): Record<K, V> =>
  Object.fromEntries(keys.map((key) => [key, value()])) as Record<K, V>;
