/** Captures of hand-written frames. */
import {
  type CaptureFile,
  createEmptyCapture,
  type RecordedQuery,
} from "../../src/captures/format.ts";
import { type Command, commands } from "../../src/protocol/requests.ts";

export const TAKEN = Date.UTC(2026, 5, 21, 11, 3);

/** A query with a valid reply. */
export const createAnswered = (
  name: Command,
  bytes: Uint8Array,
  parameter?: string,
): RecordedQuery => ({
  name,
  code: commands[name].code,
  ...(parameter === undefined ? {} : { parameter }),
  reply: Buffer.from(bytes).toString("hex"),
});

/** A failed query. */
export const createFailed = (
  name: Command,
  reason: string,
  received: Uint8Array = Buffer.of(),
) => ({
  name,
  code: commands[name].code,
  failed: { reason, received: Buffer.from(received).toString("hex") },
});

export const createCapture = (...questions: RecordedQuery[]): CaptureFile => ({
  ...createEmptyCapture(TAKEN, "1.2.3"),
  ecu: { model: "ECU-R", firmware: "ECU_R_1.3.6C" },
  questions,
});

/** A reproducible source of random integers. */
export const seeded = (seed = 1) => {
  let state = seed;
  return (limit: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
};
