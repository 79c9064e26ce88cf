/** How a read went as a whole, and what was odd about it. */
import type { Observation } from "../../ecu/observe.ts";
import { queries } from "../../ecu/read.ts";
import { fields } from "../../ecu/validate.ts";

/** Exit code of each result. */
export const exitCodes = { complete: 0, partial: 1, nothing: 2 } as const;
export type ReadResult = keyof typeof exitCodes;

/** Whether all, some or none of the questions were answered. */
export const resultOf = (observation: Observation): ReadResult => {
  const answered = queries.filter((query) => observation.queries[query].success).length;
  if (answered === queries.length) return "complete";
  return answered > 0 ? "partial" : "nothing";
};

/** How often values of each field have been withheld so far. */
export type Withheld = Observation["counters"]["rejected"];

/**
 * Oddities of one read: those of its replies, and values that cannot be true and are left out.
 * @param before what had been withheld before this read
 */
export const oddities = (
  { reading, counters }: Observation,
  before: Withheld | undefined,
): readonly string[] => [
  ...reading.notes,
  ...fields.flatMap((field) => {
    const values = counters.rejected[field] - (before?.[field] ?? 0);
    if (values === 0) return [];
    const what = `${field.replace("_", " ")}${values === 1 ? "" : ` of ${values} inputs`}`;
    return [`${what}: not plausible, left out`];
  }),
];
