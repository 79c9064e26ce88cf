/** The rule tests at other evaluation intervals than their own, of which the expected values hold there, too. */
import { describe, it } from "vitest";
import { newerProgram } from "../support/newer-programs.ts";
import { hasProgram } from "../support/programs.ts";
import { expectRuleTestsPass } from "../support/rule-tests.ts";

describe.each([
  ["promtool", "promtool"],
  ["promtool of Prometheus 3", newerProgram("promtool")],
])("%s", (_title, promtool) => {
  it.skipIf(!hasProgram(promtool, "--version")).each([
    ["failures.test.yml", "15s"],
    ["watching.test.yml", "5m"],
    ["gaps.test.yml", "5m"],
  ])("%s passes at %s", (name, interval) => {
    expectRuleTestsPass(promtool, name, interval);
  });
});
