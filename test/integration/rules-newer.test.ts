/** The rule tests with the promtool of Debian unstable. */
import { readdirSync } from "node:fs";
import { describe, it } from "vitest";
import { newerProgram } from "../support/newer-programs.ts";
import { hasProgram } from "../support/programs.ts";
import { expectRuleTestsPass } from "../support/rule-tests.ts";

const files = readdirSync("test/rules").filter((name) => name.endsWith(".test.yml"));
const promtool = newerProgram("promtool");

describe.skipIf(!hasProgram(promtool, "--version"))("promtool of Prometheus 3", () => {
  it.each(files)("%s passes", (name) => {
    expectRuleTestsPass(promtool, name);
  });
});
