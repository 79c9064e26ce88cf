import { describe, expect, it } from "vitest";
import {
  buildFrame,
  buildStatusFrame,
  MAX_REPLY_BYTES,
  parseFrame,
  readReplyLength,
} from "../../src/protocol/frame.ts";
import { decodeReply } from "../../src/protocol/replies.ts";
import { goodReplies, vectors, wire } from "../fixtures/frames.ts";

const refusal = (reason: string, field: string, offset: number) =>
  expect.objectContaining({ reason, position: { field, offset } });

/** S2, 19 bytes, with other bytes in place of those at an offset. */
const altered = (offset: number, text: string): Buffer => {
  const bytes = Buffer.from(vectors.S2);
  bytes.write(text, offset, "latin1");
  return bytes;
};

const short = [
  ["S5", "signal", vectors.S5],
  ["S12", "realtime", vectors.S12],
] as const;

describe.each([...goodReplies, ...short])("%s", (_, command, bytes) => {
  const cuts = Array.from(bytes, (_, size) => bytes.subarray(0, size));

  it("has a known size from its ninth byte on, and not before", () => {
    expect(cuts.map(readReplyLength)).toEqual(
      cuts.map((cut) => (cut.length < 9 ? undefined : bytes.length)),
    );
  });

  it("is truncated if it is cut anywhere, never malformed or valid", () => {
    for (const cut of cuts) {
      const truncated = refusal("truncated", "frame", cut.length);
      expect(() => parseFrame(cut)).toThrow(truncated);
      expect(() => decodeReply(command, cut)).toThrow(truncated);
    }
  });

  it("is rejected with noise before it, from the first wrong byte on", () => {
    for (const noise of ["\n", "\0", "A", "AP", "APS"]) {
      const noisy = Buffer.concat([Buffer.from(noise), bytes]);
      const place = noise === "APS" ? ["length", 5] : ["signature", 0];
      expect(() => parseFrame(noisy)).toThrow(refusal("malformed", ...(place as [string, number])));
    }
  });

  it("ends at its declared length, whatever follows", () => {
    for (const more of ["\n", "\0\0\0\0", "END\n", bytes.toString("latin1")]) {
      const longer = Buffer.concat([bytes, Buffer.from(more, "latin1")]);
      expect(parseFrame(longer).body.end).toBe(parseFrame(bytes).body.end);
    }
  });
});

describe("a reply", () => {
  it("is parsed into its version, its code and the body between head and END", () => {
    const { version, code, body, isStatusOnly: short } = parseFrame(vectors.S4);
    expect({ version, code, short }).toEqual({ version: "12", code: "0004", short: false });
    expect([body.offset, body.end]).toEqual([13, 41]);
  });

  it("of a status alone has no END and is short", () => {
    const { version, code, body, isStatusOnly: short } = parseFrame(vectors.S5);
    expect({ version, code, short }).toEqual({ version: "11", code: "0030", short: true });
    expect([body.offset, body.end]).toEqual([13, 15]);
  });

  it.each(["    ", "00a8", "-018", "+018", "1e02", "0x12", "18.0", "\0\0\0\0", "0000", "0014"])(
    "with the length %j is malformed as soon as the length is complete",
    (length) => {
      const place = refusal("malformed", "length", 5);
      expect(() => readReplyLength(altered(5, length).subarray(0, 9))).toThrow(place);
      expect(() => parseFrame(altered(5, length))).toThrow(place);
    },
  );

  it.each([
    ["0015", 16],
    ["0018", 19],
    ["9999", 10_000],
  ])("with the length %s has %i bytes", (length, bytes) => {
    expect(readReplyLength(altered(5, length))).toBe(bytes);
  });

  it.each([
    ["a length one too large", altered(5, "0019"), "truncated", "frame", 19],
    ["a length one too small", altered(5, "0017"), "malformed", "terminator", 17],
    ["the length of a status", altered(5, "0015"), "malformed", "terminator", 15],
    ["no line feed yet", vectors.S2.subarray(0, 18), "truncated", "frame", 18],
    ["another byte for its line feed", altered(18, "\r"), "malformed", "terminator", 18],
    ["no END", altered(15, "EMD"), "malformed", "terminator", 15],
    ["END in lower case", altered(15, "end"), "malformed", "terminator", 15],
    ["a signature in lower case", altered(0, "aps"), "malformed", "signature", 0],
  ])("with %s is rejected, with the offset", (_, bytes, reason, field, offset) => {
    expect(() => parseFrame(bytes)).toThrow(refusal(reason, field, offset));
  });

  it("does not end at a line feed or an END within its body", () => {
    const body = wire("'00' 000a 'END' 0a 'END' 0a");
    const bytes = wire("'APS1100280003' '00' 000a 'END' 0a 'END' 0a 'END' 0a");
    expect(buildFrame("0003", body)).toEqual(bytes);
    expect(parseFrame(bytes).body.end).toBe(25);
  });
});

describe("building a frame", () => {
  it.each([
    ["0003", "3030", "11", vectors.S2],
    ["0004", "303030312023 09020000023d 202309030000027a 20230904000003a5", "12", vectors.S4],
  ])("wraps the body of %s", (code, body, version, bytes) => {
    expect(buildFrame(code, wire(body), version)).toEqual(bytes);
  });

  it.each([
    ["0030", vectors.S5],
    ["0002", vectors.S12],
  ])("writes status 01 for %s as a short frame", (code, bytes) => {
    expect(buildStatusFrame(code, "01")).toEqual(bytes);
  });

  it("builds a reply of the maximum length, and rejects one more byte", () => {
    expect(buildFrame("0002", Buffer.alloc(9_983))).toHaveLength(MAX_REPLY_BYTES);
    expect(() => buildFrame("0002", Buffer.alloc(9_984))).toThrow(RangeError);
  });
});
