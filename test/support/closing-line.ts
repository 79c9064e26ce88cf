import type { Reporter } from "vitest/node";

/** Ends a test run with one plain line of counts, for people and programs that read only that. */
export const closingLine: Reporter = {
  onTestRunEnd: (modules) => {
    const states = modules.flatMap((module) =>
      [...module.children.allTests()].map((test) => test.result().state),
    );
    const count = (state: string): number => states.filter((one) => one === state).length;
    // A file that did not even load has no tests to count, and has failed.
    const broken = modules.filter((module) => module.errors().length > 0).length;
    process.stdout.write(
      `\n${count("passed")} passed, ${count("failed") + broken} failed, ${count("skipped")} skipped\n`,
    );
  },
};
