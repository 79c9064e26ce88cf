/**
 * Sends hostile replies through the exporter's own code, and judges what becomes of them. `npm run fuzz` takes half of
 * its frames from a fixed seed and half from a random one; `npm run fuzz -- FRAMES SEED` repeats a run.
 */
import { randomInt } from "node:crypto";
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { type FuzzReport, fuzz } from "../test/support/fuzz.ts";

const FRAMES = 1_000_000;
const FIXED_SEED = 1;
const WARM_UP_FRAMES = 20_000;
const RENDER_ONE_IN = 500;
const MEAN_MICROSECONDS = 50;
const SLOWEST_MS = 20;
/** More than the noise between two collections of garbage, and less than a byte a frame. */
const HEAP_GROWTH_MIB = 1;
const MIB = 2 ** 20;

/** Everything that is said; a whole run also goes into docs/fuzz.md. */
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

/** Runs one seed and prints what came of it; whether every promise was kept. */
const run = async (seed: number, frames: number): Promise<boolean> => {
  await fuzz({ seed: seed + 1, frames: WARM_UP_FRAMES, renderOneIn: RENDER_ONE_IN });
  const before = usedHeap();
  const report = await fuzz({ seed, frames, renderOneIn: RENDER_ONE_IN });
  const after = usedHeap();
  row("frames", String(frames));
  row("seed", String(seed));
  for (const [outcome, count] of Object.entries(report.outcomes).sort(([, a], [, b]) => b - a)) {
    row(`  ${outcome}`, String(count), `${((100 * count) / frames).toFixed(1)} %`);
  }
  const isCheap = [
    cost("read and decoded", report.reading, MEAN_MICROSECONDS),
    cost("up to what is shown", report.whole),
  ];
  const isFlat = after - before < HEAP_GROWTH_MIB;
  row("heap before, MiB", before.toFixed(2));
  row("heap after, MiB", after.toFixed(2), verdict(isFlat, HEAP_GROWTH_MIB));
  row("promises broken", String(report.faults.length));
  for (const fault of report.faults) say(`  ${fault}`);
  return isCheap.every(Boolean) && isFlat && report.faults.length === 0;
};

/** Prints what a frame costs; whether none costs too much, and the mean is little enough where that is promised. */
const cost = (name: string, { meanMicroseconds, slowest }: FuzzReport["whole"], mean?: number) => {
  const isLittle = mean === undefined || meanMicroseconds < mean;
  const isBounded = slowest.ms < SLOWEST_MS;
  row(
    `${name}, mean µs`,
    meanMicroseconds.toFixed(1),
    mean === undefined ? "" : verdict(isLittle, mean),
  );
  row(`${name}, max ms`, slowest.ms.toFixed(1), verdict(isBounded, SLOWEST_MS));
  return isLittle && isBounded;
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
say(isGood ? "every promise is kept" : "NOT every promise is kept");
if (process.argv.length === 2) {
  const head = `# Hostile bytes\n\nWritten by \`npm run fuzz\`, on ${cpus()[0]?.model} with Node ${process.version}.`;
  writeFileSync("docs/fuzz.md", `${head}\n\n\`\`\`\n${lines.join("\n")}\n\`\`\`\n`);
}
process.exitCode = isGood ? 0 : 1;
