import { expect, it } from "vitest";
import { decode } from "../../src/commands/decode/decode.ts";
import { reply, wire } from "../fixtures/frames.ts";
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
