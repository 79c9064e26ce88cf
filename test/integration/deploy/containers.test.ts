/**
 * The image and compose.yaml in a real Docker engine, without Docker Hub: the base image is a minimal Debian with Node.js 24, and
 * Debian's Prometheus and Alertmanager stand in for theirs. Grafana is left out, because Debian does not have it.
 */
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import {
  type ContainerEngine,
  canStartEngine,
  startContainerEngine,
} from "../../support/container-engine.ts";
import {
  BASE,
  buildArgs,
  createBaseImages,
  createDemoStack,
  type DemoStack,
} from "../../support/demo-stack.ts";
import { parseSamples } from "../../support/exporter.ts";
import { poll } from "../../support/programs.ts";

vi.setConfig({ testTimeout: 180_000, hookTimeout: 420_000 }); // builds images

const IMAGE = "apsystems-ecu-exporter:test";
const MAX_ADDED_BYTES = 10e6;

describe.skipIf(!canStartEngine())("in a Docker engine", () => {
  let engine: ContainerEngine;
  beforeAll(async () => {
    engine = await startContainerEngine();
    createBaseImages(engine);
    engine.docker(
      "build",
      "--quiet",
      ...buildArgs,
      "--build-arg=REVISION=0123abc",
      `--tag=${IMAGE}`,
      ".",
    );
  });
  afterAll(() => engine?.[Symbol.asyncDispose]());

  const inspect = (type: "image" | "container", name: string) =>
    JSON.parse(engine.docker(type, "inspect", name))[0];

  describe("the image", () => {
    /** Runs a program in a container with a read-only root, as in docs/deployment.md. */
    const run = (program: string, ...args: string[]): string =>
      engine.docker(
        "run",
        "--rm",
        "--network=none",
        ...["--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"],
        `--entrypoint=${program}`,
        IMAGE,
        ...args,
      );

    it("has the expected configuration and labels", () => {
      const config = inspect("image", IMAGE).Config;
      expect(config).toMatchObject({
        User: "1000:1000",
        Entrypoint: ["node", "dist/main.js"],
        WorkingDir: "/app",
        ExposedPorts: { "10899/tcp": {} },
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
      const find = ["--rm", "--user=0", "--network=none", "--entrypoint=find"];
      const list = (image: string): string[] =>
        engine.docker("run", ...find, image, "/", "-xdev", "-printf", "/%P\n").split("\n");
      const base = new Set(list(BASE));
      const own = list(IMAGE).filter((path) => !base.has(path));
      const tops = own.filter((path) => !path.startsWith("/app/dist/"));
      expect(tops.toSorted()).toEqual([
        "/app",
        "/app/LICENSE",
        "/app/dist",
        "/app/package.json",
        "/var/lib/apsystems",
      ]);
      const dist = own.filter((path) => path.startsWith("/app/dist/") && path.includes("."));
      expect(dist).toContain("/app/dist/main.js");
      for (const path of dist) expect(path).toMatch(/\.js(\.map)?$|LICENSES\.txt$/);
      expect(inspect("image", IMAGE).Size - inspect("image", BASE).Size).toBeLessThan(
        MAX_ADDED_BYTES,
      );
    });

    it("belongs to root, except the folder of the state file", () => {
      const outside = ["/app", "-not", "-uid", "0", "-o", "-perm", "/o+w", "-not", "-type", "l"];
      expect(run("find", ...outside)).toBe("");
      expect(run("stat", "--format=%u:%g", "/var/lib/apsystems")).toBe("1000:1000\n");
    });

    it("can write only to a volume, which gets the owner of the folder", () => {
      const tryToWrite = (path: string): string =>
        `try { fs.writeFileSync("${path}/x", ""); console.log("${path}") } catch {}`;
      const script = ["/app", "/tmp", "/home/node", "/var/lib/apsystems"].map(tryToWrite).join(";");
      expect(run("node", "-e", script)).toBe("");
      const volume = "--volume=state:/var/lib/apsystems";
      const options = ["--rm", "--read-only", "--network=none", volume, "--entrypoint=node"];
      expect(engine.docker("run", ...options, IMAGE, "-e", script)).toBe("/var/lib/apsystems\n");
    });
  });

  describe("compose.yaml with the profile demo", () => {
    let stack: DemoStack;
    beforeAll(async () => {
      stack = await createDemoStack(engine);
      stack.up("0123abc");
      await stack.waitForResults("inverter:online:max1d", 4);
      await stack.waitForResults("ecu:inverter_temperature_celsius:warm", 1);
    });

    const LIFETIME = "ecu_lifetime_energy_joules_total";
    const readLifetime = async (): Promise<number | undefined> =>
      parseSamples(await stack.scrape(), LIFETIME)[""];
    const waitForLifetime = (): Promise<number> =>
      poll(20, readLifetime, () => stack.compose("logs", "--tail=20"));
    const readState = (): string =>
      stack.compose("exec", "-T", "exporter", "cat", "/var/lib/apsystems/state.json");
    const listContainers = (): string[] =>
      stack.compose("ps", "--all", "--quiet").split("\n").filter(Boolean);

    it("starts all services but Grafana, healthy, and Prometheus scrapes the exporter", async () => {
      const states = listContainers().map((id) => inspect("container", id));
      expect(
        Object.fromEntries(
          states.map(({ Config, State }) => [
            Config.Labels["com.docker.compose.service"],
            State.Health?.Status,
          ]),
        ),
      ).toEqual({
        exporter: "healthy",
        ecu: "healthy",
        prometheus: "healthy",
        alertmanager: "healthy",
        webhook: undefined,
      });
      expect(await stack.query('up{job="apsystems"}')).toMatchObject([
        { metric: { instance: "exporter:10899" }, value: [expect.any(Number), "1"] },
      ]);
      expect(await stack.query("sum(inverter_online)")).toMatchObject([
        { value: [expect.any(Number), "4"] },
      ]);
    });

    it("has volumes with the name of the project, also from a folder with another name", () => {
      expect(engine.docker("volume", "ls", "--format={{.Name}}").split("\n")).toEqual(
        expect.arrayContaining(
          ["alertmanager", "exporter", "prometheus"].map(
            (name) => `apsystems-ecu-exporter_${name}`,
          ),
        ),
      );
    });

    it("sends the alert of a failed inverter, and that it is back", async () => {
      const listMessages = () =>
        stack
          .notifications()
          .map(({ status, groupLabels, alerts }) => [status, groupLabels, alerts.length])
          .filter(
            ([, labels]) => (labels as Record<string, string>)["alertname"] === "InverterOffline",
          );
      const waitForMessages = (count: number) =>
        poll(
          90,
          () => Promise.resolve(listMessages().length >= count ? listMessages() : undefined),
          () => stack.compose("logs", "--tail=20"),
        );
      const labels = { alertname: "InverterOffline", ecu: "ecu" };
      stack.setFault("linuxOffline");
      expect(await waitForMessages(1)).toEqual([["firing", labels, 1]]);
      stack.setFault(undefined);
      expect((await waitForMessages(2)).slice(0, 2)).toEqual([
        ["firing", labels, 1],
        ["resolved", labels, 1],
      ]);
    });

    // While the ECU reports 5 kWh less than before, only the state file tells the exporter that the counter must not fall.
    it.each([
      ["a restart", "0123abc", () => stack.compose("restart", "exporter")],
      ["an upgrade", "4567def", () => stack.up("4567def", "exporter")],
    ])("keeps the counter over %s of the exporter", async (_what, revision, change) => {
      const before = await waitForLifetime();
      stack.setFault("lostTail");
      const firstState = readState();
      change();
      const page = await poll(
        30,
        async () => {
          const text = await stack.scrape();
          return parseSamples(text, "ecu_up")[""] === 1 ? text : undefined;
        },
        () => stack.compose("logs", "exporter"),
      );
      expect(page).toContain(`revision="${revision}"`);
      expect(parseSamples(page, LIFETIME)).toEqual({});
      expect(Object.keys(JSON.parse(readState()).ecus)).toEqual(
        Object.keys(JSON.parse(firstState).ecus),
      );
      stack.setFault(undefined);
      expect(await waitForLifetime()).toBeGreaterThanOrEqual(before);
    });

    it("runs on read-only file systems, and logs no errors", () => {
      for (const id of listContainers()) {
        const { Name, HostConfig } = inspect("container", id);
        if (!Name.includes("webhook")) expect(HostConfig.ReadonlyRootfs, Name).toBe(true);
      }
      expect(stack.compose("logs", "exporter", "ecu")).not.toMatch(/"level":[56]0/);
      expect(stack.compose("logs", "prometheus", "alertmanager")).not.toMatch(/level=error/i);
    });

    // Without a scrape in flight, for which the exporter waits up to a second.
    it.each(["exporter", "ecu"])("stops %s within a second, with exit code 0", (service) => {
      stack.compose("stop", "prometheus");
      const id = stack.compose("ps", "--quiet", service).trim();
      const since = Math.floor(Date.now() / 1000);
      engine.docker("stop", id);
      expect(inspect("container", id).State.ExitCode).toBe(0);
      const until = `--until=${Math.ceil(Date.now() / 1000) + 1}`;
      const format = "--format={{.Action}} {{.TimeNano}}";
      const filter = `--filter=container=${id}`;
      const events = engine.docker("events", `--since=${since}`, until, filter, format);
      const at = (action: string): number =>
        Number(new RegExp(`^${action} (\\d+)$`, "m").exec(events)?.[1]) / 1e6;
      expect(at("die") - at("kill"), events).toBeLessThan(1_000);
    });
  });
});
