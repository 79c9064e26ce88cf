/** The links from alerts to their documentation. */
import { readdirSync, readFileSync } from "node:fs";

const TESTS = "test/rules";

/** The files with `runbook_url`: the alerts, and their unit tests, which compare whole messages. */
export const runbookFiles = (): readonly string[] => [
  "prometheus/rules/alerts.yml",
  ...readdirSync(TESTS).map((name) => `${TESTS}/${name}`),
];

/** The address or path of the folder docs: "config.docs" of package.json, without a slash at the end. */
export const readDocsBase = (): string =>
  JSON.parse(readFileSync("package.json", "utf8")).config.docs;

/**
 * Makes each `runbook_url` begin with the base.
 * @param text rules or unit tests of rules as YAML
 * @param base address or path of the folder docs, without a slash at the end
 */
export const linkRunbooks = (text: string, base: string): string =>
  text.replace(/(runbook_url: )\S*(?=alerts\.md#)/g, (_, key: string) => `${key}${base}/`);
