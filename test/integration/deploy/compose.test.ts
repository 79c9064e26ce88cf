/** The services in compose.yaml, without a container engine; containers.test.ts starts them in one. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { parseCommandLine } from "../../../src/cli/parse.ts";
import { serve } from "../../../src/commands/serve.ts";
import { simulate } from "../../../src/commands/simulate.ts";
import { envName, type Setting } from "../../../src/config/setting.ts";
import { startEcu } from "../../simulator/client.ts";
import { COMPOSE } from "../../support/container-engine.ts";
import { startTestExporter } from "../../support/exporter.ts";
import { freePort, hasProgram, poll, runWithInput, startProgram } from "../../support/programs.ts";
import { startPrometheus } from "../../support/prometheus.ts";

interface Service {
  readonly image?: string;
  readonly build?: object;
  readonly profiles?: readonly string[];
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly depends_on?: Readonly<Record<string, object>>;
}

interface Compose {
  readonly name?: string;
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

const text = readFileSync("compose.yaml", "utf8");
const read = (yaml: string): Compose => parse(yaml, { merge: true });
const compose = read(text);
const services = Object.entries(compose.services);
const service = (name: string): Service => compose.services[name] ?? {};
const volumes = services.flatMap(([name, { volumes = [] }]) =>
  volumes.map((volume) => {
    const [source = "", target = "", mode] = volume.split(":");
    return { name, source, target, mode };
  }),
);
const isFolder = ({ source }: { source: string }): boolean => source.startsWith(".");

describe("compose.yaml", () => {
  it("has a name, so that a newer version in another folder finds the volumes", () => {
    expect(compose.name).toBe("apsystems-ecu-exporter");
  });

  it("keeps samples for longer than the alerts need, and alerts over a restart of Prometheus", () => {
    expect(service("prometheus").command).toContain("--storage.tsdb.retention.time=10y");
    expect(service("prometheus").command).toContain("--rules.alert.resend-delay=3m");
  });

  it("has a default for every variable", () => {
    const variables = text.match(/\$\{[^}]*\}/g) ?? [];
    expect(variables.length).toBeGreaterThan(10);
    for (const variable of variables) expect(variable).toMatch(/^\$\{[A-Z_]+:-[^}]*\}$/);
  });

  it("has the five services, with the simulated ECU only in the profile demo", () => {
    expect(services.map(([name, { profiles = [] }]) => [name, profiles])).toEqual([
      ["exporter", []],
      ["ecu", ["demo"]],
      ["prometheus", []],
      ["alertmanager", []],
      ["grafana", []],
    ]);
  });

  it.each(services)(
    "pins the version of %s or builds it from source",
    (_name, { image, build }) => {
      if (build === undefined) expect(image).toMatch(/^[a-z]+\/[a-z]+:v?\d+\.\d+\.\d+$/);
      else expect({ image, build }).toMatchObject({ image: undefined, build: { context: "." } });
    },
  );

  it.each(services)("restricts %s to its own volume", (_name, settings) => {
    expect(settings).toMatchObject({
      read_only: true,
      cap_drop: ["ALL"],
      security_opt: ["no-new-privileges:true"],
    });
  });

  it.each(services)("has a health check for %s that needs no shell", (_name, { healthcheck }) => {
    expect(healthcheck?.test[0]).toBe("CMD");
    expect(healthcheck?.test.length).toBeGreaterThan(2);
  });

  it("starts services in the order of their dependencies", () => {
    const order = (name: string): string[] =>
      Object.keys(service(name).depends_on ?? {}).flatMap((dependency) => [
        dependency,
        ...order(dependency),
      ]);
    expect(order("grafana")).toEqual(["prometheus", "exporter", "alertmanager"]);
  });

  it("publishes each port on this machine only, by default", () => {
    const ports = services.flatMap(([, { ports = [] }]) => ports);
    expect(ports).toHaveLength(4);
    for (const port of ports) expect(replaceVariables(port)).toMatch(/^127\.0\.0\.1:(\d+):\1$/);
  });

  it("declares exactly the volumes that it uses", () => {
    const used = volumes.filter((volume) => !isFolder(volume)).map(({ source }) => source);
    expect(used.toSorted()).toEqual(Object.keys(compose.volumes).toSorted());
  });

  it.each(volumes.filter(isFolder))(
    "mounts the existing folder or file $source read-only in $name",
    (volume) => {
      expect(existsSync(volume.source)).toBe(true);
      expect(volume.mode).toBe("ro");
    },
  );
});

describe.skipIf(!hasProgram(COMPOSE, "version"))("compose.yaml in Docker Compose", () => {
  const validate = (yaml: string) =>
    runWithInput(COMPOSE, ["--file=-", "--project-directory=.", "config", "--quiet"], yaml);

  it("is valid", () => {
    expect(validate(text)).toEqual({ code: 0, output: "" });
  });

  it.each([
    ["an unknown key of a service", "healthcheck:", "healthchecks:"],
    ["an unknown key of a health check", "start_period:", "start_time:"],
    ["a duration without its unit", "interval: 30s", "interval: 30"],
    ["an unknown condition", "service_healthy", "service_is_healthy"],
    ["a list instead of a string", "image: prom/prometheus:v", "image: [prom/prometheus] #"],
    ["an unknown top-level key", "\nvolumes:", "\nvolume:"],
  ])("is invalid with %s", (_what, from, to) => {
    expect(text).toContain(from);
    expect(validate(text.replace(from, to))).toMatchObject({
      code: 1,
      output: expect.stringContaining("validating"),
    });
  });
});

/** Creates a temporary folder that is deleted with its scope. */
const createTemporaryFolder = async () => {
  const path = await mkdtemp(join(tmpdir(), "compose-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
};

/** Replaces `${NAME:-value}` with its default, as Compose does without the variable. */
const replaceVariables = (value: string): string => value.replace(/\$\{\w+:-([^}]*)\}/g, "$1");

describe("the exporter's own containers", () => {
  const parseConfig = (name: string) => {
    const { command = [], environment = {} } = service(name);
    const env = Object.fromEntries(
      Object.entries(environment).map(([key, value]) => [key, replaceVariables(value)]),
    );
    return parseCommandLine({ argv: command, env, version: "0", program: "exporter" });
  };

  it("read the simulated ECU by default", async () => {
    expect(await parseConfig("exporter")).toMatchObject({
      command: "serve",
      config: {
        ecus: [{ name: "ecu", host: "ecu", port: 8899 }],
        minInterval: 30_000,
        stateFile: "/var/lib/apsystems/state.json",
        listenAddresses: [{ port: 10_899 }],
      },
    });
    expect(await parseConfig("ecu")).toMatchObject({
      command: "simulate",
      config: { listen: { port: 8899 }, fault: [], control: { host: "127.0.0.1", port: 8898 } },
    });
  });

  it.each([
    ["exporter", serve.settings],
    ["ecu", simulate.settings],
  ] as const)("set only existing variables of %s", (name, rows) => {
    const names = Object.values<Setting<unknown>>(rows).map(({ flag }) => envName(flag));
    const variables = Object.keys(service(name).environment ?? {});
    expect(variables.length).toBeGreaterThan(4);
    expect(names).toEqual(expect.arrayContaining(variables));
  });

  const dockerfile = readFileSync("Dockerfile", "utf8");

  it("have the same health check as the image", () => {
    const [, check = ""] = /^HEALTHCHECK .*\\\n +CMD (\[.*\])$/m.exec(dockerfile) ?? [];
    expect(["CMD", ...JSON.parse(check)]).toEqual(service("exporter").healthcheck?.test);
  });

  it("are built from existing files, which .dockerignore includes", () => {
    const sources = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(
      ([, list = ""]) => list.split(" "),
    );
    expect(sources).toContain("src");
    const included = readFileSync(".dockerignore", "utf8").match(/(?<=^!).+$/gm);
    for (const source of sources) expect(existsSync(source), source).toBe(true);
    expect(new Set(sources)).toEqual(new Set(included));
  });

  it("run as an unprivileged user, from a base image with a version", () => {
    const [, last = ""] = dockerfile.split(/^FROM (?!.* AS )/m);
    expect(last).toMatch(/^USER [1-9]\d*:[1-9]\d*$/m);
    expect(dockerfile).toMatch(/^ARG NODE_IMAGE=node:\d+-slim$/m);
  });

  /** Runs a health check at another port. @returns the exit code */
  const runHealthCheck = async (
    name: string,
    port: number,
    defaultPort: number,
  ): Promise<unknown> => {
    const [, program = "", ...args] = service(name).healthcheck?.test ?? [];
    expect(args.join()).toContain(`${defaultPort}`);
    const child = spawn(
      program,
      args.map((arg) => arg.replaceAll(`${defaultPort}`, `${port}`)),
    );
    const [code] = await once(child, "exit");
    return code;
  };

  it("are healthy while they respond, and unhealthy after they stopped", async () => {
    const ecu = await startEcu();
    const exporter = await startTestExporter(ecu);
    const port = Number(new URL(exporter.url).port);
    expect(await runHealthCheck("exporter", port, 10_899)).toBe(0);
    expect(await runHealthCheck("ecu", ecu.port, 8899)).toBe(0);
    await exporter.stop();
    await ecu.close();
    expect(await runHealthCheck("exporter", port, 10_899)).toBe(1);
    expect(await runHealthCheck("ecu", ecu.port, 8899)).toBe(1);
  });
});

describe("compose/prometheus.yml", () => {
  it("differs from prometheus.yml only in the addresses and the folder of the rules", () => {
    const expected = readFileSync("prometheus.yml", "utf8")
      .replace("localhost:10899", "exporter:10899")
      .replace("localhost:9093", "alertmanager:9093")
      .replace("prometheus/rules/*.yml", "rules/*.yml");
    expect(parse(readFileSync("compose/prometheus.yml", "utf8"))).toEqual(parse(expected));
  });
});

describe("the container of Grafana", () => {
  const { environment = {} } = service("grafana");
  const findSource = (target: string): string =>
    volumes.find((volume) => volume.name === "grafana" && volume.target === target)?.source ?? "";

  it("has the address of Prometheus, and the dashboards in the provisioned folder", () => {
    const provisioning = findSource("/etc/grafana/provisioning");
    const datasource = readFileSync(`${provisioning}/datasources/prometheus.yml`, "utf8");
    const [, variable = ""] = /^\$\{(\w+)\}$/.exec(parse(datasource).datasources[0].url) ?? [];
    expect(environment[variable]).toBe("http://prometheus:9090");
    const dashboards = readFileSync(`${provisioning}/dashboards/apsystems.yml`, "utf8");
    const { path } = parse(dashboards).providers[0].options;
    expect(findSource(path)).toBe("./grafana/dashboards");
  });

  it("has an existing dashboard as its home page", () => {
    const home = environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"] ?? "";
    expect(existsSync(join(findSource(dirname(home)), basename(home)))).toBe(true);
  });
});

describe.skipIf(
  !hasProgram("promtool", "--version") ||
    !hasProgram("prometheus", "--version") ||
    !hasProgram("prometheus-alertmanager", "--version"),
)("Prometheus and Alertmanager of Debian", () => {
  /** Copies the mounted files to their paths below a folder. */
  const copyMounts = async (folder: string): Promise<void> => {
    for (const { source, target } of volumes.filter(isFolder)) {
      await cp(source, join(folder, target), { recursive: true });
    }
  };
  /** The arguments of a service, with paths below the folder and another port. */
  const listArgs = (name: string, folder: string, port: number): string[] => [
    ...(service(name).command ?? []).map((arg) => arg.replace("=/", `=${folder}/`)),
    `--web.listen-address=127.0.0.1:${port}`,
  ];
  const checkHealth = async (name: string, port: number): Promise<true | undefined> => {
    const url = service(name).healthcheck?.test.at(-1) ?? "";
    return (await fetch(url.replace(/:\d+/, `:${port}`))).ok || undefined;
  };
  /** The Alertmanagers, targets and rule files of Prometheus, from its API. */
  const fetchConfiguration = async (port: number) => {
    const get = async (path: string) => {
      const response = await fetch(`http://127.0.0.1:${port}/api/v1/${path}`);
      return ((await response.json()) as { data: ApiData }).data;
    };
    const { activeAlertmanagers } = await get("alertmanagers");
    return {
      alertmanagers: activeAlertmanagers.map(({ url }) => new URL(url).host),
      targets: (await get("targets")).activeTargets.map(({ scrapeUrl }) => scrapeUrl),
      files: new Set((await get("rules")).groups.map(({ file }) => basename(file))),
    };
  };
  /** Waits until Prometheus has discovered its targets, which takes a few seconds. */
  const waitForConfiguration = (port: number, output: () => string) =>
    poll(
      30,
      async () => {
        const result = await fetchConfiguration(port);
        return result.alertmanagers.length > 0 && result.targets.length > 0 ? result : undefined;
      },
      output,
    );
  interface ApiData {
    readonly activeAlertmanagers: readonly { readonly url: string }[];
    readonly activeTargets: readonly { readonly scrapeUrl: string }[];
    readonly groups: readonly { readonly file: string }[];
  }

  it("accept the configuration, inside and outside the containers", async () => {
    await using folder = await createTemporaryFolder();
    await copyMounts(folder.path);
    for (const config of ["prometheus.yml", `${folder.path}/etc/prometheus/prometheus.yml`]) {
      const { code, output } = runWithInput("promtool", ["check", "config", config], "");
      expect(output).toContain("SUCCESS: 2 rule files found");
      expect(code).toBe(0);
    }
    await rm(`${folder.path}/etc/prometheus/rules/alerts.yml`);
    const { output } = runWithInput(
      "promtool",
      ["check", "config", `${folder.path}/etc/prometheus/prometheus.yml`],
      "",
    );
    expect(output).toContain("SUCCESS: 1 rule files found");
  });

  it("start and are healthy with the arguments and files of the containers", async () => {
    await using folder = await createTemporaryFolder();
    await copyMounts(folder.path);
    const [prometheusPort, alertmanagerPort] = [await freePort(), await freePort()];
    await using alertmanager = startProgram(
      "prometheus-alertmanager",
      listArgs("alertmanager", folder.path, alertmanagerPort),
    );
    await using prometheus = startProgram(
      "prometheus",
      listArgs("prometheus", folder.path, prometheusPort),
    );
    await poll(30, () => checkHealth("alertmanager", alertmanagerPort), alertmanager.output);
    await poll(30, () => checkHealth("prometheus", prometheusPort), prometheus.output);
    expect(await waitForConfiguration(prometheusPort, prometheus.output)).toEqual({
      alertmanagers: ["alertmanager:9093"],
      targets: ["http://exporter:10899/metrics"],
      files: new Set(["alerts.yml", "recording.yml"]),
    });
  });

  it("start and are ready with the files for a machine without containers", async () => {
    await using folder = await createTemporaryFolder();
    const [prometheusPort, alertmanagerPort] = [await freePort(), await freePort()];
    await using alertmanager = startProgram("prometheus-alertmanager", [
      "--config.file=prometheus/alertmanager.yml",
      `--storage.path=${folder.path}/alertmanager`,
      `--web.listen-address=127.0.0.1:${alertmanagerPort}`,
      "--cluster.listen-address=",
    ]);
    await using prometheus = await startPrometheus({
      config: "prometheus.yml",
      data: `${folder.path}/prometheus`,
      port: prometheusPort,
    });
    const checkReady = async () =>
      (await fetch(`http://127.0.0.1:${alertmanagerPort}/-/ready`)).ok || undefined;
    await poll(30, checkReady, alertmanager.output);
    expect(await waitForConfiguration(prometheusPort, prometheus.output)).toEqual({
      alertmanagers: ["localhost:9093"],
      targets: ["http://localhost:10899/metrics"],
      files: new Set(["alerts.yml", "recording.yml"]),
    });
  });
});
