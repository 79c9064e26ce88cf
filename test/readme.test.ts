import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { cliPage } from "../scripts/cli.ts";
import { generatedParts, regenerate } from "../scripts/readme.ts";

it.each(Object.entries(generatedParts))(
  "the tables of %s are those of the source (npm run generate)",
  (path, parts) => {
    const page = readFileSync(path, "utf8");
    expect(regenerate(page, parts)).toBe(page);
  },
);

it("docs/cli.md matches the commands and settings (npm run generate)", () => {
  expect(cliPage()).toBe(readFileSync("docs/cli.md", "utf8"));
});

it("the README is short", () => {
  expect(readFileSync("README.md", "utf8").split("\n").length - 1).toBeLessThanOrEqual(230);
});
