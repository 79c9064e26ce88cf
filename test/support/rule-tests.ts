import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { runWithInput } from "./programs.ts";

/** The names of all files of rule tests. */
export const ruleTestFiles = readdirSync("test/rules").filter((name) => name.endsWith(".test.yml"));

/** Go collects garbage less often: a sixth less time, and a quarter of a gigabyte of memory at most. */
const COLLECT_LESS = { GOGC: "400" };

/** Runs a file of rule tests. @param path path of promtool or vmalert-tool */
export const runRuleTests = (
  path: string,
  file: string,
): { code: number | null; output: string } => {
  const args = path.endsWith("vmalert-tool")
    ? ["unittest", "--disableAlertgroupLabel", `--files=${file}`]
    : ["test", "rules", file];
  return runWithInput(path, args, "", COLLECT_LESS);
};

/**
 * Expects that a file of `test/rules` passes, perhaps at another evaluation interval, or with vmalert-tool, which has another name
 * for tests of expressions.
 * @param path path of promtool or vmalert-tool
 * @param name name of the file
 * @param interval evaluation interval; default: that of the file
 */
export const expectRuleTestsPass = (path: string, name: string, interval?: string): void => {
  const text = readFileSync(`test/rules/${name}`, "utf8");
  const folder = mkdtempSync(join(tmpdir(), "rules-"));
  try {
    const file = join(folder, name);
    const changed = text
      .replaceAll("../../prometheus", `${process.cwd()}/prometheus`)
      .replace(/^(evaluation_interval: ).*$/m, interval === undefined ? "$&" : `$1${interval}`);
    writeFileSync(
      file,
      path.endsWith("vmalert-tool")
        ? changed.replaceAll("promql_expr_test:", "metricsql_expr_test:")
        : changed,
    );
    const { code, output } = runRuleTests(path, file);
    expect(code, output).toBe(0);
  } finally {
    rmSync(folder, { recursive: true });
  }
};
