/**
 * The Dockerfile. buildah executes its steps on a base made from the local Node.js. The image is started without a container
 * engine: as its user, with a read-only root file system and without a shell.
 */
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { startEcu } from "../../simulator/client.ts";
import { parseSamples } from "../../support/exporter.ts";
import { freePort, hasProgram, poll, runWithInput, startProgram } from "../../support/programs.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 240_000 }); // starts other programs

const BASE = "localhost/node:local";
const IMAGE = "localhost/apsystems-ecu-exporter:test";
const CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt";
const DEFAULT_PORT = "10899";

describe("the Dockerfile", () => {
  const instructions = readFileSync("Dockerfile", "utf8")
    .replaceAll(/^#.*\n/gm, "")
    .replaceAll(/\\\n\s*/g, "")
    .split("\n")
    .filter((line) => line !== "");
  const stages = instructions.join("\n").split(/^FROM /m);
  const last = (stages.at(-1) ?? "").split("\n");

  it("has two stages with one configurable base image", () => {
    expect(stages.map((stage) => stage.split("\n")[0])).toEqual([
      "ARG NODE_IMAGE=node:24-slim",
      ["${", "NODE_IMAGE} AS build"].join(""),
      ["${", "NODE_IMAGE}"].join(""),
    ]);
  });

  it("copies only the needed files into the image, and runs it as the user node", () => {
    expect(last.filter((line) => line.startsWith("COPY"))).toEqual([
      "COPY package.json LICENSE ./",
      "COPY --from=build /app/dist dist",
    ]);
    expect(last.filter((line) => line.startsWith("USER"))).toEqual(["USER node"]);
    const after = last.slice(last.indexOf("USER node") + 1).map((line) => line.split(" ")[0]);
    expect(after).toEqual(["EXPOSE", "HEALTHCHECK", "ENTRYPOINT"]);
  });

  it("installs the versions in the lock file, without install scripts", () => {
    expect(instructions.filter((line) => /^RUN npm (?!run)/.test(line))).toEqual([
      "RUN npm ci --ignore-scripts",
    ]);
  });
});

interface ImageInfo {
  readonly Docker: { readonly config: Config };
}
interface Config {
  readonly User: string;
  readonly Env: readonly string[];
  readonly Entrypoint: readonly string[];
  readonly WorkingDir: string;
  readonly ExposedPorts: Readonly<Record<string, object>>;
  readonly Labels: Readonly<Record<string, string>>;
  readonly Healthcheck: { readonly Test: readonly string[] };
}

const canBuild =
  hasProgram("buildah", "--version") &&
  hasProgram("unshare", "--mount", "true") &&
  hasProgram("setpriv", "--version");

describe.skipIf(!canBuild)("the image", () => {
  let folder: string;
  /** Overlay is faster, but not every kernel supports it. The alternative, vfs, copies all files. */
  let driver: "overlay" | "vfs" = "overlay";
  let config: Config;
  /** The root file system of a container of the image. */
  let root: string;

  const buildah = (...args: string[]): string => {
    const { code, output } = runWithInput(
      "buildah",
      [`--root=${folder}/store`, `--runroot=${folder}/run`, `--storage-driver=${driver}`, ...args],
      "",
    );
    if (code !== 0) throw new Error(`buildah ${args.join(" ")} ended with ${code}\n${output}`);
    return output.trim();
  };
  const build = (...args: string[]): string =>
    buildah("build", "--isolation=chroot", "--format=docker", ...args);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "image-"));
    const testArgs = [
      "--storage-driver=overlay",
      `--root=${folder}/try`,
      `--runroot=${folder}/try-run`,
    ];
    if (runWithInput("buildah", [...testArgs, "info"], "").code !== 0) driver = "vfs";
    const base = [join(folder, "base"), process.execPath, CERTIFICATES];
    const result = runWithInput("sh", ["test/integration/deploy/base.sh", ...base], "");
    if (result.code !== 0) throw new Error(`the base was not created\n${result.output}`);
    const from = `FROM scratch\nCOPY base /\nENV npm_config_audit=false PATH=/usr/local/bin:/usr/bin NODE_EXTRA_CA_CERTS=${CERTIFICATES}\n`;
    writeFileSync(join(folder, "Base"), from);
    build("--quiet", `--tag=${BASE}`, `--file=${folder}/Base`, folder);
    // Reuse the cache of npm, so that packages are not downloaded again.
    const cache = runWithInput("npm", ["config", "get", "cache"], "").output.trim();
    const options = existsSync(cache) ? [`--volume=${cache}:/root/.npm`] : [];
    const args = [`NODE_IMAGE=${BASE}`, "REVISION=0123abc"].map((arg) => `--build-arg=${arg}`);
    build("--jobs=2", ...options, ...args, `--tag=${IMAGE}`, ".");
    config = (JSON.parse(buildah("inspect", "--type=image", IMAGE)) as ImageInfo).Docker.config;
    root = buildah("mount", buildah("from", IMAGE));
  });
  afterAll(() => {
    buildah("umount", "--all");
    buildah("rm", "--all");
    rmSync(folder, { recursive: true, force: true });
  });

  /** The command that runs a program in a container of the image, as its user, with a volume for the state file. */
  const createContainerCommand = (
    variables: Record<string, string>,
    program: readonly string[],
  ): [string, string[]] => {
    const SCRIPT = `
      mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && mount --rbind /proc "$0/proc" && mount --rbind /dev "$0/dev" &&
      mount -t tmpfs -o mode=700,uid=1000,gid=1000 tmpfs "$0/var/lib/apsystems" && exec env -i "$@"`;
    const env = [...config.Env, ...Object.entries(variables).map((pair) => pair.join("="))];
    const user = ["--setuid=1000", "--setgid=1000"];
    const become = ["unshare", `--root=${root}`, `--wd=${config.WorkingDir}`, ...user, "--"];
    const args = [...env, "/usr/bin/setpriv", "--no-new-privs", ...become, ...program];
    return ["unshare", ["--mount", "sh", "-c", SCRIPT, root, ...args]];
  };

  it("has the expected configuration and labels", () => {
    expect(config).toMatchObject({
      User: "node",
      Entrypoint: ["node", "dist/main.js"],
      WorkingDir: "/app",
      ExposedPorts: { [`${DEFAULT_PORT}/tcp`]: {} },
      Labels: {
        "org.opencontainers.image.title": "apsystems-ecu-exporter",
        "org.opencontainers.image.licenses": "MIT",
        "org.opencontainers.image.revision": "0123abc",
        "org.opencontainers.image.base.name": BASE,
      },
    });
    expect(config.Env).toEqual(
      expect.arrayContaining(["NODE_ENV=production", "APSYSTEMS_EXPORTER_REVISION=0123abc"]),
    );
  });

  it("adds only the program and a folder for the state file to its base", () => {
    const listFiles = (top: string): Set<string> =>
      new Set(runWithInput("find", [top, "-printf", "/%P\n"], "").output.split("\n"));
    const base = listFiles(join(folder, "base"));
    const own = [...listFiles(root)].filter((path) => !base.has(path));
    const tops = own.filter((path) => !/^\/app\/dist\//.test(path));
    expect(tops.toSorted()).toEqual([
      "/app",
      "/app/LICENSE",
      "/app/dist",
      "/app/package.json",
      "/var/lib/apsystems",
    ]);
    const dist = own.filter((path) => path.startsWith("/app/dist/") && path.includes("."));
    expect(dist).toContain("/app/dist/main.js");
    expect(dist).toContain("/app/dist/THIRD-PARTY-LICENSES.txt");
    for (const path of dist) expect(path).toMatch(/\.js(\.map)?$|LICENSES\.txt$/);
  });

  it("belongs to root, except the folder of the state file", () => {
    expect(statSync(join(root, "var/lib/apsystems")).uid).toBe(1000);
    const others = runWithInput(
      "find",
      [join(root, "app"), "-not", "-uid", "0", "-o", "-perm", "/o+w", "-not", "-type", "l"],
      "",
    );
    expect(others.output).toBe("");
  });

  it("reads an ECU and is healthy, without a shell, and is unhealthy after it stopped", async () => {
    rmSync(join(root, "usr/bin", "sh"), { force: true });
    rmSync(join(root, "usr/bin", "dash"), { force: true });
    expect(existsSync(join(root, "usr/bin/sh"))).toBe(false);
    const ecu = await startEcu();
    const port = await freePort();
    const health = config.Healthcheck.Test.slice(1).map((arg) =>
      arg.replace(DEFAULT_PORT, `${port}`),
    );
    const runHealthCheck = (): number | null =>
      runWithInput(...createContainerCommand({}, health), "").code;
    try {
      const [name, args] = createContainerCommand(
        {
          ECU_ADDRESS: `127.0.0.1:${ecu.port}`,
          WEB_LISTEN_ADDRESS: `127.0.0.1:${port}`,
          STATE_FILE: "/var/lib/apsystems/state.json",
        },
        config.Entrypoint,
      );
      await using program = startProgram(name, args);
      const page = await poll(
        30,
        async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).text(),
        program.output,
      );
      expect(parseSamples(page, "ecu_up")).toEqual({ "": 1 });
      expect(page).toContain('revision="0123abc"');
      expect(config.Healthcheck.Test[0]).toBe("CMD");
      expect(runHealthCheck(), program.output()).toBe(0);
      expect(program.output()).not.toMatch(/"level":[5-9]0/);
    } finally {
      await ecu.close();
    }
    expect(runHealthCheck()).toBe(1);
  });

  it("can write only to the folder of the state file", () => {
    const tries = ["/app/x", "/tmp/x", "/var/lib/apsystems/x"].map((path) => [
      path,
      runWithInput(
        ...createContainerCommand({}, ["node", "-e", `fs.writeFileSync("${path}", "")`]),
        "",
      ).code,
    ]);
    expect(tries).toEqual([
      ["/app/x", 1],
      ["/tmp/x", 1],
      ["/var/lib/apsystems/x", 0],
    ]);
  });
});
