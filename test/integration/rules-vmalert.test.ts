/**
 * Rule tests with vmalert-tool: only some files, because it takes several times as long. One step is a minute, five minutes, and an
 * hour.
 */
import { describe, it } from "vitest";
import { newerProgram } from "../support/newer-programs.ts";
import { hasProgram } from "../support/programs.ts";
import { expectRuleTestsPass } from "../support/rule-tests.ts";

const vmalertTool = newerProgram("vmalert-tool");

describe.skipIf(!hasProgram(vmalertTool, "--help"))("vmalert-tool", () => {
  it.each(["failures.test.yml", "gaps.test.yml", "intervals.test.yml", "retention.test.yml"])(
    "%s passes",
    (name) => {
      expectRuleTestsPass(vmalertTool, name);
    },
  );
});
