/** Malformed replies with a fixed seed. test/integration/fuzz.test.ts has a random one, `npm run fuzz` a million replies. */
import { describe, expect, it } from "vitest";
import { exchange } from "../../src/ecu/client.ts";
import { encodeReply, encodeStatus } from "../../src/protocol/replies.ts";
import { encodeRequest } from "../../src/protocol/requests.ts";
import { createSignals } from "../ecu/messages.ts";
import { testMalformedReplies } from "../support/malformed-replies.ts";
import { servePieces } from "../support/serve-pieces.ts";

const request = encodeRequest("info");
const never = new AbortController().signal;

describe("malformed replies of a fixed seed", () => {
  testMalformedReplies(1);
});

describe("a reply in three pieces", () => {
  it.each([
    ["with two signals", encodeReply("signal", createSignals())],
    ["with a status only", encodeStatus("realtime", "02")],
  ])("cut at any two bytes, %s, is returned whole", async (_, reply) => {
    const cuts = [...reply.keys()].flatMap((second) =>
      [...Array(second).keys()].map((first) => [first, second] as const),
    );
    const pieces = cuts.map(([first, second]) =>
      [reply.subarray(0, first), reply.subarray(first, second), reply.subarray(second)].filter(
        ({ length }) => length > 0,
      ),
    );
    expect(cuts).toHaveLength((reply.length * (reply.length - 1)) / 2);
    await using server = await servePieces(pieces.values());
    for (const [first, second] of cuts) {
      expect(await exchange(server, request, never), `cut at ${first} and ${second}`).toEqual({
        bytes: reply,
        missingLineFeed: false,
        trailingBytes: 0,
      });
    }
  });
});
