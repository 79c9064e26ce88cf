import { expect, it } from "vitest";
import { startCli } from "../support/cli.ts";

const MIB = 2 ** 20;

it("keeps the space of new objects small, however the program is started", async () => {
  const nodeArgs = ["--import=./test/support/allocate.mjs"];
  await using program = startCli(["--version"], {}, { nodeArgs });
  const { stdout } = await program.ended;
  const sizes = JSON.parse(/^sizes (.*)$/m.exec(stdout)?.[1] ?? "{}");
  // By default it has 32 MiB (Node.js 24: 64 MiB) during this work. Node.js counts both halves, of 1 MiB each.
  expect(sizes.new_space).toBeLessThanOrEqual(2 * MIB);
});
