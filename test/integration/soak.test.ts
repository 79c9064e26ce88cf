/** The short form of `npm run soak`: a few seconds of random faults and two scraping clients. */
import { execFile } from "node:child_process";
import { expect, it } from "vitest";

it("a soak test of six seconds passes, without late scrapes, failures or error messages", {
  timeout: 60_000,
}, async () => {
  const args = ["--import=tsx", "bench/soak.ts", "--minutes=0.1", "--seed=7"];
  const { code, output } = await new Promise<{ code: unknown; output: string }>((resolve) => {
    execFile(process.execPath, args, (error, stdout, stderr) => {
      resolve({ code: error?.code ?? 0, output: stdout + stderr });
    });
  });
  expect({ code, output }).toEqual({ code: 0, output: expect.stringMatching(/\npassed\n$/) });
  const scrapes = Number(/\| scrapes \| (\d+) \|/.exec(output)?.[1]);
  expect(scrapes).toBeGreaterThan(5);
});
