/** A Docker engine of its own, for tests: with its own socket and data, and without changes to the network of this machine. */
import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cachedPath } from "./newer-programs.ts";
import { hasProgram, poll, startProgram } from "./programs.ts";

/** Docker Compose of Debian unstable. */
export const COMPOSE = cachedPath("debian-unstable/usr/libexec/docker/cli-plugins/docker-compose");

/** The file system of a minimal Debian, the base of images. */
export const DEBIAN = cachedPath("debian.tar");

/** Whether this machine can start an engine: as root, with the programs. @throws Error in CI if it cannot */
export const canStartEngine = (): boolean =>
  hasProgram("test", "-O", "/") &&
  hasProgram("dockerd", "--version") &&
  hasProgram("docker", "--version") &&
  hasProgram(COMPOSE, "version") &&
  hasProgram("test", "-f", DEBIAN);

export interface ContainerEngine extends AsyncDisposable {
  /** A folder that is deleted with the engine. */
  readonly folder: string;
  /** Runs `docker`. @returns its output @throws Error if it fails */
  docker(...args: string[]): string;
  /** Runs Docker Compose. @returns its output @throws Error if it fails */
  compose(...args: string[]): string;
}

/** Starts an engine. Disposal stops it and deletes all containers, images and volumes. */
export const startContainerEngine = async (): Promise<ContainerEngine> => {
  const folder = await mkdtemp(join(tmpdir(), "engine-"));
  const host = `unix://${folder}/docker.sock`;
  const env = {
    ...process.env,
    DOCKER_HOST: host,
    DOCKER_CONFIG: folder, // not the settings and passwords of the user
    DOCKER_BUILDKIT: "0", // the builder of the engine itself; BuildKit needs another program
  };
  const run = (program: string, args: readonly string[]): string => {
    const { status, stdout, stderr } = spawnSync(program, args, {
      env,
      encoding: "utf8",
      timeout: 300_000,
    });
    if (status === 0) return stdout;
    throw new Error(`${program} ${args.join(" ")} ended with ${status}\n${stdout}${stderr}`);
  };
  const docker = (...args: string[]): string => run("docker", args);
  await writeFile(`${folder}/daemon.json`, "{}"); // not the settings of this machine
  const engine = startProgram("dockerd", [
    `--host=${host}`,
    `--data-root=${folder}/data`,
    `--exec-root=${folder}/run`,
    `--pidfile=${folder}/pid`,
    `--config-file=${folder}/daemon.json`,
    // Containers reach each other without rules in the firewall, and published ports are forwarded by a program.
    ...["--iptables=false", "--ip6tables=false", "--ip-forward=false", "--bridge=none"],
  ]);
  const dispose = async (): Promise<void> => {
    await engine[Symbol.asyncDispose]();
    spawnSync("umount", [`${folder}/run/netns/default`]); // stays mounted
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await poll(60, () => Promise.resolve(docker("version")), engine.output);
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    folder,
    docker,
    compose: (...args) => run(COMPOSE, args),
    [Symbol.asyncDispose]: async () => {
      const containers = docker("ps", "--all", "--quiet").split("\n").filter(Boolean);
      if (containers.length > 0) docker("rm", "--force", ...containers);
      docker("network", "prune", "--force");
      await dispose();
    },
  };
};
