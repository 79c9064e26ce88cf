import type { Reporter } from "vitest/node";

const SHOWN = 10;

/** Prints the slowest test files, so that a slow test is noticed when it is written. */
export const slowestFiles: Reporter = {
  onTestRunEnd: (modules) => {
    const slowest = modules
      .map((module) => ({ file: module.relativeModuleId, ms: module.diagnostic().duration }))
      .toSorted((a, b) => b.ms - a.ms)
      .slice(0, SHOWN);
    const lines = slowest.map(({ file, ms }) => `${(ms / 1000).toFixed(1).padStart(7)} s  ${file}`);
    process.stdout.write(`\nThe slowest files:\n${lines.join("\n")}\n`);
  },
};
