import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { withTables } from "../scripts/readme.ts";

it("the README's tables of metrics and settings are those of the source (npm run generate)", () => {
  const readme = readFileSync("README.md", "utf8");
  expect(withTables(readme)).toBe(readme);
});
