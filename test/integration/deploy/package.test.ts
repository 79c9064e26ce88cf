/** The npm package: what is in it, and that it installs and runs in an empty folder with nothing else. */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { parseSamples } from "../../support/exporter.ts";
import { freePort, poll, startProgram } from "../../support/programs.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 240_000 }); // other programs are started

const NAME = "apsystems-ecu-exporter";
/** As much as a person should have to download and to trust; raise them knowingly. */
const MOST_PACKAGES = 135;
const MOST_MEGABYTES = 30;

const manifest = JSON.parse(readFileSync("package.json", "utf8"));

describe("the package", () => {
  let folder: string;
  let tarball: string;
  let files: readonly string[];
  /** Where it is installed. */
  let empty: string;

  const run = (program: string, args: readonly string[], cwd: string) => {
    const { status, stdout, stderr } = spawnSync(program, args, {
      cwd,
      encoding: "utf8",
      // Nothing of the run of the tests: that npm is told as a person would tell it.
      env: Object.fromEntries(
        Object.entries(process.env).filter(
          ([name]) => !/^(npm_|NODE_(ENV|OPTIONS|PATH))/.test(name),
        ),
      ),
    });
    return { status, stdout, stderr };
  };
  const npm = (args: readonly string[], cwd: string): string => {
    const { status, stdout, stderr } = run("npm", args, cwd);
    if (status !== 0) throw new Error(`npm ${args.join(" ")} ended with ${status}\n${stderr}`);
    return stdout;
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "package-"));
    // Packing builds: away from here, where other tests may be building at the same time.
    const source = join(folder, "source");
    mkdirSync(source);
    for (const name of [
      "package.json",
      "package-lock.json",
      "tsconfig.json",
      "src",
      "deploy",
      ...TEXTS,
    ])
      cpSync(name, join(source, name), { recursive: true });
    symlinkSync(resolve("node_modules"), join(source, "node_modules"));
    const [packed] = JSON.parse(
      npm(["pack", "--json", `--pack-destination=${folder}`, "--silent"], source).replace(
        /^[^[]*/,
        "",
      ),
    );
    tarball = join(folder, packed.filename);
    files = packed.files.map(({ path }: { path: string }) => path);
    // The very line of the guide for the service, into another folder and without becoming root.
    empty = join(folder, "empty");
    const guide = readFileSync("docs/deployment.md", "utf8");
    const [, line = ""] = /^ +sudo npm (install --prefix .*)$/m.exec(guide) ?? [];
    const args = line
      .replace("/opt/apsystems-ecu-exporter", empty)
      .replace(`./${NAME}-*.tgz`, tarball)
      .split(" ");
    npm([...args, "--prefer-offline", "--no-audit", "--no-fund"], folder);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const TEXTS = ["CHANGELOG.md", "LICENSE", "README.md"];
  const program = (): string => join(empty, "node_modules/.bin", NAME);
  const installed = (): string => join(empty, "node_modules", NAME);

  it("holds the program, the files of the service, and who it is, and nothing else", () => {
    const others = files.filter((path) => !/^dist\/([a-z-]+\/)*[a-z0-9-]+(\.css)?\.js$/.test(path));
    expect(others.toSorted()).toEqual([
      "CHANGELOG.md",
      "LICENSE",
      "README.md",
      "deploy/systemd/apsystems-ecu-exporter.env",
      "deploy/systemd/apsystems-ecu-exporter.service",
      "package.json",
    ]);
    expect(files).toContain("dist/main.js");
  });

  it("is where the service looks for it", () => {
    const unit = readFileSync(`deploy/systemd/${NAME}.service`, "utf8");
    const [, main = ""] = /^ExecStart=\S+ (\S+) serve$/m.exec(unit) ?? [];
    expect(main).toMatch(/^\/opt\/apsystems-ecu-exporter\//);
    expect(existsSync(main.replace("/opt/apsystems-ecu-exporter", empty))).toBe(true);
  });

  it("is without fault for publint", async () => {
    const { messages, pkg } = await publint({ pkgDir: installed(), pack: false, strict: true });
    expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([]);
  });

  it("tells its version by the name that it is installed under", () => {
    const { status, stdout } = run(program(), ["--version"], empty);
    expect({ status, stdout: stdout.trim() }).toEqual({ status: 0, stdout: manifest.version });
  });

  it("runs the demo with nothing else, and is scraped", async () => {
    const port = await freePort();
    const path = `PATH=${dirname(process.execPath)}`;
    const args = ["-i", path, process.execPath, program(), "demo"];
    await using demo = startProgram("env", [...args, `--web.listen-address=127.0.0.1:${port}`]);
    const page = await poll(
      30,
      async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).text(),
      demo.output,
    );
    expect(parseSamples(page, "ecu_up")).toEqual({ "": 1 });
    expect(Object.keys(parseSamples(page, "inverter_online"))).toHaveLength(7);
    expect(page).toContain(`version="${manifest.version}"`);
  });

  it("is small, with few packages", () => {
    const lock = JSON.parse(readFileSync(join(empty, "node_modules/.package-lock.json"), "utf8"));
    const packages = Object.keys(lock.packages).length;
    const [kilobytes = ""] = run("du", ["-sk", "node_modules"], empty).stdout.split("\t");
    const megabytes = Math.round(Number(kilobytes) / 102.4) / 10;
    process.stdout.write(`installed: ${packages} packages, ${megabytes} MB\n`);
    expect(packages).toBeLessThanOrEqual(MOST_PACKAGES);
    expect(packages).toBeGreaterThan(Object.keys(manifest.dependencies).length);
    expect(megabytes).toBeLessThanOrEqual(MOST_MEGABYTES);
    expect(megabytes).toBeGreaterThan(1);
  });

  it("has no package with a known weakness", (context) => {
    const { stdout, stderr } = run("npm", ["audit", "--omit=dev", "--json"], empty);
    const answer = JSON.parse(stdout);
    if (answer.vulnerabilities === undefined) {
      const reason = `the registry gives no answer to npm audit here: ${stderr.split("\n")[0]}`;
      process.stderr.write(`NOT CHECKED for known weaknesses: ${reason}\n`);
      context.skip(reason);
    }
    expect(answer.vulnerabilities).toEqual({});
  });
});
