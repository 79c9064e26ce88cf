/** The npm package: its content, its installation in an empty folder without other packages, and each command there. */
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { parseSamples } from "../../support/exporter.ts";
import { freePort, poll, startProgram } from "../../support/programs.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 240_000 }); // starts other programs

const NAME = "apsystems-ecu-exporter";
/** Limit for the installed size. Raise it only on purpose. */
const MAX_MEGABYTES = 5;

const manifest = JSON.parse(readFileSync("package.json", "utf8"));

describe("the package", () => {
  let folder: string;
  let tarball: string;
  let files: readonly string[];
  /** The folder of the installation. */
  let prefix: string;

  const run = (program: string, args: readonly string[], cwd: string) => {
    const { status, stdout, stderr } = spawnSync(program, args, {
      cwd,
      encoding: "utf8",
      // Without the variables of the test run, as in the shell of a user.
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
    // Packing also builds. It is done in a copy, because other tests may use the build at the same time.
    const source = join(folder, "source");
    mkdirSync(source);
    for (const name of [
      "package.json",
      "package-lock.json",
      "tsconfig.json",
      "scripts/build.ts",
      "src",
      "deploy",
      "docs",
      "grafana/dashboards",
      "prometheus",
      "prometheus.yml",
      ...DOCUMENTS,
    ])
      cpSync(name, join(source, name), { recursive: true });
    symlinkSync(resolve("node_modules"), join(source, "node_modules"));
    const [result] = JSON.parse(
      npm(["pack", "--json", `--pack-destination=${folder}`, "--silent"], source).replace(
        /^[^[]*/,
        "",
      ),
    );
    tarball = join(folder, result.filename);
    files = result.files.map(({ path }: { path: string }) => path);
    // The command in the guide, with another folder and without root privileges.
    prefix = join(folder, "prefix");
    const guide = readFileSync("docs/deployment.md", "utf8");
    const [, line = ""] = /^ +sudo npm (install --prefix .*)$/m.exec(guide) ?? [];
    const args = line
      .replace("/opt/apsystems-ecu-exporter", prefix)
      .replace(`./${NAME}-*.tgz`, tarball)
      .split(" ");
    npm([...args, "--prefer-offline", "--no-audit", "--no-fund"], folder);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const DOCUMENTS = ["CHANGELOG.md", "LICENSE", "README.md"];
  const getProgram = (): string => join(prefix, "node_modules/.bin", NAME);
  const getPackageFolder = (): string => join(prefix, "node_modules", NAME);

  it("contains only the program, the files of the service, and the documents", () => {
    const others = files.filter(
      (path) => !/^dist\/[\w-]+\.js(\.map)?$|^(docs|grafana\/dashboards|prometheus)\//.test(path),
    );
    expect(others.toSorted()).toEqual([
      "CHANGELOG.md",
      "LICENSE",
      "README.md",
      "deploy/systemd/apsystems-ecu-exporter.env",
      "deploy/systemd/apsystems-ecu-exporter.service",
      "dist/THIRD-PARTY-LICENSES.txt",
      "package.json",
      "prometheus.yml",
    ]);
    expect(files).toContain("dist/main.js");
  });

  it("contains what its README links to, except what belongs to the source", () => {
    const readme = readFileSync("README.md", "utf8");
    const linked = [...readme.matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)].map(
      ([, path = ""]) => path,
    );
    expect(linked).toContain("docs/configuration.md");
    const missing = linked.filter(
      (path) => !files.some((file) => file === path || file.startsWith(`${path}/`)),
    );
    expect([...new Set(missing)].toSorted()).toEqual(["CONTRIBUTING.md", "compose.yaml"]);
  });

  it("has the program at the path in the service", () => {
    const unit = readFileSync(`deploy/systemd/${NAME}.service`, "utf8");
    const [, main = ""] = /^ExecStart=\S+ (\S+) serve$/m.exec(unit) ?? [];
    expect(main).toMatch(/^\/opt\/apsystems-ecu-exporter\//);
    expect(existsSync(main.replace("/opt/apsystems-ecu-exporter", prefix))).toBe(true);
  });

  it("passes publint", async () => {
    const { messages, pkg } = await publint({
      pkgDir: getPackageFolder(),
      pack: false,
      strict: true,
    });
    expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([]);
  });

  it("prints its version when started by its command name", () => {
    const { status, stdout } = run(getProgram(), ["--version"], prefix);
    expect({ status, stdout: stdout.trim() }).toEqual({ status: 0, stdout: manifest.version });
  });

  it("runs the demo without other environment variables", async () => {
    const port = await freePort();
    const path = `PATH=${dirname(process.execPath)}`;
    const args = ["-i", path, process.execPath, getProgram(), "demo"];
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

  it("runs every other command", async () => {
    const [ecu, replayed] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
    const start = (...args: string[]) => startProgram(process.execPath, [getProgram(), ...args]);
    const runToEnd = (...args: string[]) => {
      const { status, stdout, stderr } = run(process.execPath, [getProgram(), ...args], prefix);
      return { status, output: stdout + stderr };
    };
    const readTo = (address: string, output: () => string) =>
      poll(
        60,
        () => {
          const { status, output } = runToEnd("read", address, "--json");
          if (status !== 0) throw new Error(output);
          return Promise.resolve(output);
        },
        output,
      );
    writeFileSync(join(prefix, "ecus.yml"), `ecus: [{ address: "${ecu}" }]\n`);
    await using simulate = start("simulate", `--listen=${ecu}`, "--family=R", "--past=1");
    expect(await readTo(ecu, simulate.output)).toContain('"inverters"');
    expect(runToEnd("capture", ecu, "--output=capture.json").status).toBe(0);
    expect(runToEnd("decode", "capture.json")).toMatchObject({ status: 0 });
    expect(runToEnd("doctor", ecu).output).toContain("The ECU");
    expect(
      runToEnd("backfill", `--ecu.address=${ecu}`, "--dry-run", "--output=history.om"),
    ).toMatchObject({ status: 0 });
    expect(runToEnd("check-config", "--config.file=ecus.yml")).toMatchObject({ status: 0 });
    expect(runToEnd("completion", "bash")).toMatchObject({ status: 0 });
    await using replay = start("replay", join(prefix, "capture.json"), `--listen=${replayed}`);
    expect(await readTo(replayed, replay.output)).toContain('"inverters"');
    const port = await freePort();
    await using serve = start(
      "serve",
      `--config.file=${join(prefix, "ecus.yml")}`,
      `--web.listen-address=127.0.0.1:${port}`,
      "--log.format=text",
    );
    const page = await poll(
      30,
      async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).text(),
      serve.output,
    );
    expect(parseSamples(page, "ecu_up")).toEqual({ "": 1 });
  });

  it("installs no other package, and is within the limit for the size", () => {
    expect(
      readdirSync(join(prefix, "node_modules")).filter((name) => !name.startsWith(".")),
    ).toEqual([NAME]);
    const [kilobytes = ""] = run("du", ["-sk", "node_modules"], prefix).stdout.split("\t");
    const megabytes = Math.round(Number(kilobytes) / 102.4) / 10;
    process.stdout.write(`installed: ${megabytes} MB\n`);
    expect(megabytes).toBeLessThanOrEqual(MAX_MEGABYTES);
    expect(megabytes).toBeGreaterThan(1);
  });

  it("contains no packages with known vulnerabilities", (context) => {
    const { stdout, stderr } = run("npm", ["audit", "--json"], process.cwd());
    const report = JSON.parse(stdout);
    if (report.vulnerabilities === undefined) {
      const reason = `npm audit got no response from the registry: ${stderr.split("\n")[0]}`;
      process.stderr.write(`NOT CHECKED for known vulnerabilities: ${reason}\n`);
      context.skip(reason);
    }
    const licenses = readFileSync(
      join(getPackageFolder(), "dist/THIRD-PARTY-LICENSES.txt"),
      "utf8",
    );
    const bundled = [...licenses.matchAll(/^(\S+) \d+\.\d+\.\d\S*$/gm)].map(([, name]) => name);
    expect(bundled).toContain("express");
    expect(Object.keys(report.vulnerabilities).filter((name) => bundled.includes(name))).toEqual(
      [],
    );
  });
});
