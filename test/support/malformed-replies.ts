/** The tests of malformed replies, for a fixed seed in the unit tests and a random one in the integration tests. */
import { expect, it } from "vitest";
import { exchange } from "../../src/ecu/client.ts";
import { QueryError, reasons } from "../../src/ecu/errors.ts";
import { encodeRequest } from "../../src/protocol/requests.ts";
import { runFuzz } from "./fuzz.ts";
import { createHostileReply } from "./hostile.ts";
import { servePieces } from "./serve-pieces.ts";

const request = encodeRequest("info");
const never = new AbortController().signal;

/** Defines the tests. @param seed of the replies */
export const testMalformedReplies = (seed: number): void => {
  it("give finite numbers and valid labels, or an error with a reason", async () => {
    const { outcomes, faults } = await runFuzz({ seed, frames: 10_000, renderOneIn: 50 });
    expect(faults).toEqual([]);
    // Each outcome must occur; otherwise the replies do not exercise all of the code.
    expect(Object.keys(outcomes).sort()).toEqual([
      "decoded",
      "exported",
      "id_mismatch",
      "malformed",
      "status",
      "truncated",
      "wrong_command",
    ]);
    expect(outcomes["exported"]).toBeGreaterThan(2_000);
  });

  it("followed by a flood are kept up to 10,009 bytes", async () => {
    const flood = Buffer.alloc(50_000, "9");
    const hostile = Array.from({ length: 299 }, (_, number) => {
      const { bytes } = createHostileReply(seed, number);
      return number % 3 === 0 ? [bytes, flood] : [bytes];
    });
    const replies = [[Buffer.from("APS1199990030"), flood], ...hostile];
    await using server = await servePieces(replies.values());
    const kept: number[] = [];
    for (const [number] of replies.entries()) {
      const asking = exchange(server, request, never);
      const what = await asking.catch((error: unknown) => error);
      if (what instanceof Error) {
        expect(what, `frame ${number}`).toBeInstanceOf(QueryError);
        expect(reasons).toContain((what as QueryError).reason);
        kept.push((what as QueryError).received.length);
      } else {
        const { bytes, trailingBytes } = await asking;
        kept.push(bytes.length + trailingBytes);
      }
    }
    expect(kept).toHaveLength(300);
    expect(Math.max(...kept)).toBeLessThanOrEqual(10_009);
    expect(kept[0]).toBeGreaterThanOrEqual(10_000);
  });
};
