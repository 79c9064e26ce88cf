/** The short form of `npm run soak`: a few seconds of random faults and two scraping clients. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, it } from "vitest";

it("a soak test of six seconds passes, without late scrapes, failures or open handles", {
  timeout: 60_000,
}, async () => {
  const child = spawn(process.execPath, [
    "--import=tsx",
    "bench/soak.ts",
    "--minutes=0.1",
    "--seed=7",
  ]);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      output += chunk;
    });
  }
  const [code] = await once(child, "close");
  expect({ code, output }).toEqual({ code: 0, output: expect.stringMatching(/\npassed\n$/) });
  const scrapes = Number(/\| scrapes \| (\d+) \|/.exec(output)?.[1]);
  expect(scrapes).toBeGreaterThan(5);
});
