import { expect, it } from "vitest";
import { decode } from "../../src/commands/decode/decode.ts";
import { decodeReply } from "../../src/protocol/replies.ts";
import type { Command } from "../../src/protocol/requests.ts";
import { applyFaults } from "../../src/simulator/apply-faults.ts";
import { type FaultName, faults } from "../../src/simulator/faults.ts";
import { goodReplies, reply, wire } from "../fixtures/frames.ts";
import { captures } from "../support/captures.ts";
import { recordingTerminal } from "./screen.ts";

// 13 bytes of head, 13 of the table without inverters, 9,970 NULs, END and a line feed: the longest possible reply.
it("prints a reply of 10,000 bytes, 12 bytes per line", async () => {
  const table = wire("'00' '01' 0000 20250621131500");
  const bytes = reply("0002", Buffer.concat([table, Buffer.alloc(9_970)]));
  expect(bytes).toHaveLength(10_000);
  const screen = recordingTerminal();
  await decode({ input: bytes.toString("hex") }, screen);
  const nuls = Array(12).fill("00").join(" ");
  expect(screen.text().split("\n").slice(9, -3)).toEqual([
    `    26  ${nuls}  unknown     9970 bytes      meaning unknown`,
    ...Array(829).fill(`        ${nuls}`),
    "        00 00 00 00 00 00 00 00 00 00",
  ]);
});

/** A reply of 10,000 bytes that repeats the body of another one. */
const stretch = (bytes: Buffer): Buffer => {
  const code = bytes.toString("latin1", 9, 13);
  const body = bytes.subarray(13, -4);
  return reply(code, Buffer.alloc(9_983, body.length === 0 ? "0" : body));
};

/** CPU seconds of `decode`, because other programs may share the processor. */
const measureDecode = async (bytes: Buffer): Promise<number> => {
  const before = process.cpuUsage();
  await decode({ input: bytes.toString("hex") }, recordingTerminal());
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
};

const replyUnderFault = (name: FaultName, command: Command, plain: Buffer): Buffer => {
  const message = decodeReply(command, plain);
  const options = { version: "11", ecuId: "216000000001" } as const;
  return applyFaults([{ name }], command, message, options).bytes;
};

/** Many faults change some replies only. */
const listDistinct = (replies: readonly Buffer[]): readonly Buffer[] => [
  ...new Map(replies.map((bytes) => [bytes.toString("hex"), bytes])).values(),
];

it.each([
  [
    "captured replies",
    captures.filter(({ bytes }) => bytes > 0).map(({ hex }) => Buffer.from(hex, "hex")),
  ],
  [
    "replies under each fault of the simulator",
    listDistinct(
      (Object.keys(faults) as FaultName[]).flatMap((name) =>
        goodReplies.map(([, command, plain]) => replyUnderFault(name, command, plain)),
      ),
    ),
  ],
  // Up to 5,000 fields.
  [
    "replies of zeros",
    ["0001", "0002", "0003", "0004", "0012", "0030"].map((code) =>
      reply(code, Buffer.alloc(9_983, "0")),
    ),
  ],
  ["bytes that are no reply", [Buffer.alloc(10_000, "A"), Buffer.alloc(10_000, "APS119999")]],
] as const)(
  "prints each of the %s in under a second, also with 10,000 bytes",
  async (_, list) => {
    for (const [number, bytes] of list.entries()) {
      expect(stretch(bytes)).toHaveLength(10_000);
      expect(await measureDecode(bytes), `number ${number}`).toBeLessThan(1);
      expect(await measureDecode(stretch(bytes)), `number ${number}, stretched`).toBeLessThan(1);
    }
  },
  60_000,
);
