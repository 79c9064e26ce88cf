import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { cliPage } from "../scripts/cli.ts";
import { withTables } from "../scripts/readme.ts";

it("the README's tables of metrics and settings are those of the source (npm run generate)", () => {
  const readme = readFileSync("README.md", "utf8");
  expect(withTables(readme)).toBe(readme);
});

it("docs/cli.md is made of the tables of commands and settings (npm run generate)", () => {
  expect(cliPage()).toBe(readFileSync("docs/cli.md", "utf8"));
});
