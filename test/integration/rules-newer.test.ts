/** The rule tests with the promtool of Debian unstable. */
import { describe, it } from "vitest";
import { newerProgram } from "../support/newer-programs.ts";
import { hasProgram } from "../support/programs.ts";
import { expectRuleTestsPass, ruleTestFiles } from "../support/rule-tests.ts";

const promtool = newerProgram("promtool");

describe.skipIf(!hasProgram(promtool, "--version"))("promtool of Prometheus 3", () => {
  it.each(ruleTestFiles)("%s passes", (name) => {
    expectRuleTestsPass(promtool, name);
  });
});
