/** The text of the state file: the memory of each ECU as JSON, by the configured name of the ECU. */
import { z } from "zod";
import type { Clock } from "../time/clock.ts";
import { isTimeZone } from "../time/zone-name.ts";
import type { MemoryEntry } from "./memories.ts";

type Times = Pick<Clock, "now" | "monotonic">;

/** Formats the memories. Monotonic times, which start again with each process, are written as times of the wall clock. */
export const formatState = (entries: ReadonlyMap<string, MemoryEntry>, clock: Times): string => {
  const ecus = [...entries].map(([ecu, { memory, unconfiguredSince }]) => [
    ecu,
    { ...memory, ...(unconfiguredSince !== undefined && { unconfiguredSince }) },
  ]);
  const state = z.encode(createSchema(clock), {
    format: FORMAT,
    version: 1,
    ecus: Object.fromEntries(ecus),
  });
  return `${JSON.stringify(state, undefined, 2)}\n`;
};

/** Texts near the start of each state. One of them can be damaged. */
const marks = [/apsystems-ecu-exporter state/, /"version": ?\d/, /"ecus": ?\{/];
const MARKS_WITHIN = 200;

/** Whether the text is a state, even if it is damaged, or has no content that could be lost. */
export const isState = (text: string): boolean => {
  const start = text.slice(0, MARKS_WITHIN);
  return marks.filter((mark) => mark.test(start)).length > 1 || /^[\s\0]*$/.test(text);
};

/** @throws Error that says what is wrong, if the text is not a state of this version */
export const parseState = (text: string, clock: Times): Map<string, MemoryEntry> => {
  const result = createSchema(clock).safeParse(JSON.parse(text));
  if (result.success) {
    const ecus = Object.entries(result.data.ecus);
    return new Map(
      ecus.map(([ecu, { unconfiguredSince, ...memory }]) => [
        ecu,
        { memory, ...(unconfiguredSince !== undefined && { unconfiguredSince }) },
      ]),
    );
  }
  const [issue] = result.error.issues;
  throw new Error(`${issue?.path.join(".") || "it"}: ${issue?.message}`);
};

const FORMAT = "apsystems-ecu-exporter state";

const unixMs = z.codec(z.iso.datetime(), z.number(), {
  decode: (at) => Date.parse(at),
  encode: (at) => new Date(at).toISOString(),
});
const date = z.string().regex(/^\d{8}$/, "expected a date such as 20250621");
const joules = z.number().nonnegative();

const createSchema = (clock: Times) => {
  const since = z.codec(z.iso.datetime(), z.number(), {
    // If the wall clock was set back in the meantime, the time is not in the future.
    decode: (at) => clock.monotonic() - Math.max(0, clock.now() - Date.parse(at)),
    encode: (at) => new Date(clock.now() - clock.monotonic() + at).toISOString(),
  });
  const streak = z.object({ since, times: z.int().positive() });
  const moment = z.object({ at: since, reportAt: z.exactOptional(z.number()) });
  const counter = z.object({
    good: z.exactOptional(joules),
    goodOn: date.optional(),
    seen: z.exactOptional(moment),
    provisionalSince: z.exactOptional(since),
    beforeRise: z.exactOptional(z.object({ joules, seen: moment })),
    zero: z.exactOptional(streak),
    lower: z.exactOptional(streak.extend({ joules })),
    higher: z.exactOptional(streak.extend({ joules, seen: moment })),
  });
  const ecuId = z.string().regex(/^\d{12}$/, "expected 12 digits");
  const memory = z.object({
    ecuId: z.exactOptional(ecuId),
    zone: z.exactOptional(z.string().refine(isTimeZone, "expected the name of a time zone")),
    stranger: z.exactOptional(streak.extend({ ecuId })),
    rival: z.exactOptional(z.object({ ecuId, at: since })),
    ecus: z.record(
      z.string(),
      z.object({
        date: date.optional(),
        lifetime: counter,
        today: counter,
        highPower: z.exactOptional(streak),
      }),
    ),
  });
  return z.object({
    format: z.literal(FORMAT),
    version: z.literal(1),
    ecus: z.record(z.string(), memory.extend({ unconfiguredSince: z.exactOptional(unixMs) })),
  });
};
