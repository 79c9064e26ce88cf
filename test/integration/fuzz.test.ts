/** Malformed replies with a random seed. `FUZZ_SEED` repeats a run. */
import { randomInt } from "node:crypto";
import { describe, vi } from "vitest";
import { testMalformedReplies } from "../support/malformed-replies.ts";

const seed = Number(process.env["FUZZ_SEED"] ?? randomInt(2 ** 31));

vi.setConfig({ testTimeout: 120_000 });

// The title contains the seed, so that a failed run can be repeated.
describe(`malformed replies with the random seed ${seed}`, () => {
  testMalformedReplies(seed);
});
