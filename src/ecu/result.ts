/** The result of a read as a whole, and what was unexpected in it. */
import type { Observation } from "./observe.ts";
import { queries } from "./read.ts";

/** Whether all, some or none of the queries succeeded. */
export type ReadResult = "complete" | "partial" | "nothing";

/** @see ReadResult */
export const classifyResult = (observation: Observation): ReadResult => {
  const succeeded = queries.filter((query) => observation.queries[query].success).length;
  if (succeeded === queries.length) return "complete";
  return succeeded > 0 ? "partial" : "nothing";
};

/** The number of values of each field that have been left out so far. */
export type RejectedCounts = Observation["counters"]["rejected"];

/** The fields of inverters. Why a value of the ECU is left out is in the notes of the reading. */
const inverterFields = ["channel_power", "temperature", "frequency", "voltage"] as const;

/**
 * Lists what was unexpected in one read: in the replies, and the values that were left out.
 * @param before the counts before this read
 */
export const listNotes = (
  { reading, counters }: Observation,
  before: RejectedCounts | undefined,
): readonly string[] => [
  ...reading.notes,
  ...inverterFields.flatMap((field) => {
    const count = counters.rejected[field] - (before?.[field] ?? 0);
    if (count === 0) return [];
    return [
      `${field.replace("_", " ")}: ${count} impossible ${count === 1 ? "value" : "values"} left out`,
    ];
  }),
];
