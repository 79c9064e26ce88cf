/**
 * Prints which tests ran with which version of other programs, from the results of vitest, as a table.
 * Usage: tsx scripts/compatibility.ts [--write] FOLDER
 * FOLDER has the results that `.ci/run` writes with TEST_RESULTS: of the integration tests (integration.json) and of the fast tests
 * (node-20.json, node-22.json, node-24.json).
 * --write writes the table to docs/compatibility.md. Exit code 1 if a test failed, did not run, or ran with an unexpected version.
 */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { cachedPath } from "../test/support/newer-programs.ts";
import { type Version, versions } from "../test/support/versions.ts";

const PAGE = "docs/compatibility.md";

/** One row of the table. */
interface Run {
  readonly program: keyof typeof versions;
  readonly what: string;
  /** The file of results. Default: `integration`. */
  readonly results?: string;
  /** Parts of the paths of the test files. Default: all. */
  readonly files?: readonly string[];
  /** Only tests whose title matches. A release in brackets is part of the titles of {@link describeReleases}. */
  readonly title?: string | RegExp;
}

const both = (
  [older, newer]: readonly [keyof typeof versions, keyof typeof versions],
  what: string,
  ...files: string[]
): Run[] =>
  [older, newer].map((program) => ({ program, what, files, title: versions[program].from }));

const backfill = (programs: readonly (keyof typeof versions)[], name: string): Run[] =>
  programs.map((program) => ({
    program,
    what: "backfill of 60 days, and scrapes after it",
    files: ["/backfill.test"],
    title: new RegExp(`${versions[program].from}.* in ${name} `),
  }));

const prometheus = ["prometheus2", "prometheus3"] as const;
const alertmanager = ["alertmanagerOld", "alertmanagerNew"] as const;
const victoria = ["victoriaOld", "victoriaNew"] as const;
const ALERTING = "from a fault of a simulated ECU to the message of an alert";
const runs: readonly Run[] = [
  { program: "node20", what: "all fast tests, also of the built program", results: "node-20" },
  { program: "node22", what: "all fast tests, also of the built program", results: "node-22" },
  { program: "node24", what: "all fast tests, also of the built program", results: "node-24" },
  {
    program: "prometheus2",
    what: "unit tests of the alert rules",
    files: ["/rules.test", "/rules-intervals.test"],
    title: /promtool(?! of)/,
  },
  {
    program: "prometheus3",
    what: "unit tests of the alert rules",
    files: ["/rules-newer.test", "/rules-intervals.test"],
    title: "promtool of Prometheus 3",
  },
  ...both(prometheus, "checks of the metrics, the configuration and the rules", "/exposition.test"),
  ...both(prometheus, "counters over days with glitches", "/counters.test"),
  ...both(prometheus, "queries of the dashboards", "/grafana/queries.test", "/grafana/values.test"),
  ...backfill(prometheus, "Prometheus"),
  ...both(
    prometheus,
    "scrapes over TLS, with passwords and client certificates",
    "/web-config.test",
  ),
  ...both(prometheus, ALERTING, "/alerting.test"),
  ...both(prometheus, "thirty days of the simulated year", "/thirty-days.test"),
  ...both(alertmanager, ALERTING, "/alerting.test"),
  ...both(
    alertmanager,
    "the example of a configuration: routes, methods, inhibition",
    "/alertmanager.test",
  ),
  ...backfill(victoria, "VictoriaMetrics"),
  {
    program: "victoriaNew",
    what: "unit tests of the alert rules with vmalert-tool, four files",
    files: ["/rules-vmalert.test"],
    title: "vmalert-tool",
  },
  {
    program: "docker",
    what: "the image; compose.yaml with the simulated ECU",
    files: ["/containers.test"],
  },
  {
    program: "compose",
    what: "compose.yaml with the simulated ECU",
    files: ["/containers.test", "/compose.test"],
    title: /compose\.yaml (in Docker Compose|with the profile demo) /,
  },
  { program: "nginx", what: "reverse proxy below several paths", files: ["/reverse-proxy.test"] },
  { program: "chromium", what: "the page of the exporter", files: ["/landing-page.test"] },
  { program: "systemd", what: "the files of the service", files: ["/systemd.test"] },
];

interface Results {
  readonly testResults: readonly {
    readonly name: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

/** The result of one test, with the path of its file. */
interface Result {
  readonly path: string;
  readonly fullName: string;
  readonly status: string;
}

/** The upstream version of a package or program, such as 3.5.3. @throws Error if it is not there */
const readVersion = ({ from, source }: Version): string => {
  const run = (name: string, ...args: string[]): string =>
    execFileSync(name, args, { encoding: "utf8" });
  const readPackage = (list: string): string | undefined =>
    new RegExp(`^${source}\t(.*)$`, "m").exec(list)?.[1];
  const text =
    from === "Debian unstable"
      ? readPackage(readFileSync(cachedPath("debian-unstable/versions"), "utf8"))
      : from === "Debian stable"
        ? readPackage(run("dpkg-query", "--show", source))
        : run(source, "--version");
  const version = /^(?:\d+:)?v?(\d[\d.]*\d)/.exec(text ?? "")?.[1];
  if (version === undefined) throw new Error(`no version of ${source} in ${from}`);
  return version;
};

/** The tests of a run that were not skipped. Those of a later run, such as `integration-2.json`, replace the earlier ones. */
const readResults = (folder: string, name: string): Result[] => {
  const names = readdirSync(folder).filter((file) => file.startsWith(name));
  const tests = names
    .toSorted((a, b) => a.length - b.length)
    .map((file) => JSON.parse(readFileSync(join(folder, file), "utf8")) as Results)
    .flatMap(({ testResults }) => testResults)
    .flatMap(({ name: path, assertionResults }) =>
      assertionResults.map(({ fullName, status }) => ({ path, fullName, status })),
    )
    .filter(({ status }) => status === "passed" || status === "failed");
  return [...new Map(tests.map((test) => [`${test.path} ${test.fullName}`, test])).values()];
};

/** Counts the tests of a row by status. */
const countTests = (folder: string, { results = "integration", files = [""], title = "" }: Run) => {
  const hasTitle = new RegExp(title);
  const tests = readResults(folder, results).filter(
    ({ path, fullName }) => files.some((file) => path.includes(file)) && hasTitle.test(fullName),
  );
  const passed = tests.filter(({ status }) => status === "passed").length;
  return { passed, failed: tests.length - passed };
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { write: { type: "boolean" } },
});
const [folder] = positionals;
if (folder === undefined) throw new Error("the folder with the results is missing");

const problems: string[] = [];
const rows = runs.map((run) => {
  const { program, from, expected, ...rest }: Version = versions[run.program];
  const version = readVersion({ program, from, expected, ...rest });
  const { passed, failed } = countTests(folder, run);
  const row = `${program} ${version}: ${run.what}`;
  if (!version.startsWith(expected)) problems.push(`${row}: the tests expect version ${expected}`);
  if (failed > 0 || passed === 0) problems.push(`${row}: ${passed} passed, ${failed} failed`);
  const result = failed > 0 ? `${passed} passed, ${failed} failed` : `${passed} passed`;
  return [program, version, from, run.what, result];
});
const table = [
  ["Program", "Version", "From", "What was run", "Result"],
  Array(5).fill("---"),
  ...rows,
]
  .map((cells) => `| ${cells.join(" | ")} |`)
  .join("\n");
process.stdout.write(`${table}\n`);
for (const problem of problems) process.stderr.write(`${problem}\n`);
if (values.write === true) {
  const date = new Date().toISOString().slice(0, 10);
  writeFileSync(
    PAGE,
    `# Compatibility

The tests ran with these versions of other programs on ${date}, on Debian 12 (${process.arch}), which "Debian stable" stands for. Written by
\`npm run compatibility\`, from the results of the tests.

${table}
`,
  );
}
process.exitCode = problems.length === 0 ? 0 : 1;
