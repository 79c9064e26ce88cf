import { expect, it } from "vitest";
import { startCli } from "../support/cli.ts";

const MIB = 2 ** 20;

it("keeps the spaces of new and of old objects small", async () => {
  const nodeArgs = ["--import=./test/support/allocate.mjs"];
  await using program = startCli(["--version"], {}, { nodeArgs });
  const { stdout } = await program.ended;
  const sizes = JSON.parse(/^sizes (.*)$/m.exec(stdout)?.[1] ?? "{}");
  // By default it has 32 MiB (Node.js 24: 64 MiB) during this work. Node.js counts both halves, of 1 MiB each.
  expect(sizes.newSpace).toBeLessThanOrEqual(2 * MIB);
  // By default about 100 MiB with Node.js 20 and 22. Node.js 24 collects more often by itself.
  expect(sizes.oldPeak).toBeGreaterThan(16 * MIB);
  expect(sizes.oldPeak).toBeLessThan(60 * MIB);
});
