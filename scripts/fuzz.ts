/**
 * Passes malformed replies through the code of the exporter and checks the outcome. `npm run fuzz` takes half of the
 * frames from a fixed seed and half from a random one; `npm run fuzz -- FRAMES SEED` repeats a run.
 */
import { randomInt } from "node:crypto";
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { type FuzzReport, runFuzz } from "../test/support/fuzz.ts";

const FRAMES = 1_000_000;
const FIXED_SEED = 1;
const WARM_UP_FRAMES = 20_000;
const RENDER_ONE_IN = 500;
const MEAN_MICROSECONDS = 50;
const SLOWEST_MS = 20;
/** More than the noise between two garbage collections, and less than a byte per frame. */
const HEAP_GROWTH_MIB = 1;
const MIB = 2 ** 20;

/** The printed lines; a full run also writes them to docs/fuzz.md. */
const lines: string[] = [];
const say = (line: string): void => {
  lines.push(line);
  process.stdout.write(`${line}\n`);
};
const row = (name: string, ...cells: readonly string[]): void =>
  say(`${name.padEnd(34)}${cells.map((cell) => cell.padStart(12)).join("")}`.trimEnd());
const verdict = (isReached: boolean, target: number): string =>
  `  ${isReached ? "reached" : "MISSED"} (target ${target})`;

const usedHeap = (): number => {
  if (globalThis.gc === undefined) throw new Error("run node with --expose-gc");
  globalThis.gc();
  return process.memoryUsage().heapUsed / MIB;
};

/** Runs one seed and prints the outcomes. @returns whether there was no violation */
const run = async (seed: number, frames: number): Promise<boolean> => {
  await runFuzz({ seed: seed + 1, frames: WARM_UP_FRAMES, renderOneIn: RENDER_ONE_IN });
  const before = usedHeap();
  const report = await runFuzz({ seed, frames, renderOneIn: RENDER_ONE_IN });
  const after = usedHeap();
  row("frames", String(frames));
  row("seed", String(seed));
  for (const [outcome, count] of Object.entries(report.outcomes).sort(([, a], [, b]) => b - a)) {
    row(`  ${outcome}`, String(count), `${((100 * count) / frames).toFixed(1)} %`);
  }
  const isCheap = [
    cost("received and decoded", report.reading, MEAN_MICROSECONDS),
    cost("from bytes to metrics", report.whole),
  ];
  const isFlat = after - before < HEAP_GROWTH_MIB;
  row("heap before, MiB", before.toFixed(2));
  row("heap after, MiB", after.toFixed(2), verdict(isFlat, HEAP_GROWTH_MIB));
  row("violations", String(report.faults.length));
  for (const fault of report.faults) say(`  ${fault}`);
  return isCheap.every(Boolean) && isFlat && report.faults.length === 0;
};

/** Prints the time per frame. @returns whether the slowest frame, and the mean if given, are within their targets */
const cost = (name: string, { meanMicroseconds, slowest }: FuzzReport["whole"], mean?: number) => {
  const isMeanReached = mean === undefined || meanMicroseconds < mean;
  const isBounded = slowest.ms < SLOWEST_MS;
  row(
    `${name}, mean µs`,
    meanMicroseconds.toFixed(1),
    mean === undefined ? "" : verdict(isMeanReached, mean),
  );
  row(`${name}, max ms`, slowest.ms.toFixed(1), verdict(isBounded, SLOWEST_MS));
  return isMeanReached && isBounded;
};

const [frames, seed] = process.argv.slice(2).map(Number);
const runs: readonly (readonly [seed: number, frames: number])[] =
  seed === undefined
    ? [FIXED_SEED, randomInt(2 ** 31)].map((one) => [one, (frames ?? FRAMES) / 2])
    : [[seed, frames ?? FRAMES]];
let isGood = true;
for (const [one, count] of runs) {
  isGood = (await run(one, count)) && isGood;
  say("");
}
say(isGood ? "no violation" : "NOT without violation");
if (process.argv.length === 2) {
  const head = `# Fuzzing

Written by \`npm run fuzz\` on ${cpus()[0]?.model} with Node ${process.version}. Malformed replies pass through the code of the exporter. The table counts
the outcomes: \`exported\` and \`decoded\` for replies that were valid (the latter are not part of a scrape), otherwise the reason of
the error. A violation would be a crash, an impossible value or an invalid exposition.`;
  writeFileSync("docs/fuzz.md", `${head}\n\n\`\`\`\n${lines.join("\n")}\n\`\`\`\n`);
}
process.exitCode = isGood ? 0 : 1;
