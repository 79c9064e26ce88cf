/** The version of package.json, which other files name as well. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };

it.each([
  ["CHANGELOG.md", "## ", /^## (\S+) – \d{4}-\d{2}-\d{2}$/m],
  ["docs/deployment.md", "newTag: ", /^ +newTag: (\S+)$/m],
  ["docs/upgrading.md", "the newest step", /^## From \S+ to (\S+)$/m],
  ["deploy/kubernetes/deployment.yaml", "the image", /image: apsystems-ecu-exporter:(\S+)$/m],
])("%s names the version (%s)", (path, _where, pattern) => {
  expect(pattern.exec(readFileSync(path, "utf8"))?.[1]).toBe(version);
});
