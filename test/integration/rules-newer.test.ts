/** The rule tests with the promtool and the vmalert-tool of Debian unstable, and at other evaluation intervals. */
import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { newerProgram } from "../support/newer-programs.ts";
import { hasProgram } from "../support/programs.ts";
import { runChangedRuleTests } from "../support/rule-tests.ts";

const files = readdirSync("test/rules").filter((name) => name.endsWith(".test.yml"));
/** Files whose expected values hold at another evaluation interval than their own. */
const otherIntervals = [
  ["failures.test.yml", "15s"],
  ["watching.test.yml", "5m"],
  ["gaps.test.yml", "5m"],
] as const;
const promtool = newerProgram("promtool");
const vmalertTool = newerProgram("vmalert-tool");

const expectPass = (program: string, name: string, interval?: string): void => {
  const { code, output } = runChangedRuleTests(program, name, interval);
  expect(code, output).toBe(0);
};

describe.skipIf(!hasProgram("promtool", "--version"))("promtool", () => {
  it.each(otherIntervals)("%s passes at %s", (name, interval) => {
    expectPass("promtool", name, interval);
  });
});

describe.skipIf(!hasProgram(promtool, "--version"))("promtool of Prometheus 3", () => {
  it.each(files)("%s passes", (name) => {
    expectPass(promtool, name);
  });

  it.each(otherIntervals)("%s passes at %s", (name, interval) => {
    expectPass(promtool, name, interval);
  });
});

/** Only some files, because vmalert-tool takes several times as long. One step is a minute, five minutes, and an hour. */
describe.skipIf(!hasProgram(vmalertTool, "--help"))("vmalert-tool", () => {
  it.each(["failures.test.yml", "gaps.test.yml", "intervals.test.yml", "retention.test.yml"])(
    "%s passes",
    (name) => {
      expectPass(vmalertTool, name);
    },
  );
});
