/** The manifests of deploy/kubernetes, as far as they can be proved without a cluster. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { PrometheusRule } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PrometheusRule";
import { ServiceMonitor } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor";
import { Deployment } from "kubernetes-models/apps/v1/Deployment";
import { ConfigMap } from "kubernetes-models/v1/ConfigMap";
import { Service } from "kubernetes-models/v1/Service";
import { describe, expect, it, vi } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { generated } from "../../../scripts/deploy.ts";
import { parseCommandLine } from "../../../src/cli/parse.ts";
import { hasProgram, poll, runWithInput } from "../../support/programs.ts";
import { startPrometheus } from "../../support/prometheus.ts";

vi.setConfig({ testTimeout: 60_000 }); // other programs are started

const FOLDER = "deploy/kubernetes";

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels: Record<string, string> };
}

const read = (name: string): string => readFileSync(`${FOLDER}/${name}`, "utf8");
/** The objects of YAML documents, aliases resolved. */
const objectsIn = (text: string): Manifest[] =>
  parseAllDocuments(text).map((document) => JSON.parse(JSON.stringify(document.toJS())));

const kustomization = parse(read("kustomization.yaml"));
const resources: readonly string[] = kustomization.resources;
const manifests = resources.flatMap((name) => objectsIn(read(name)));

const PROMETHEUS = "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1";
/** Where the types and the schema of each kind are. */
const models = {
  ConfigMap: { Model: ConfigMap, from: "kubernetes-models/v1/ConfigMap" },
  Deployment: { Model: Deployment, from: "kubernetes-models/apps/v1/Deployment" },
  PrometheusRule: { Model: PrometheusRule, from: `${PROMETHEUS}/PrometheusRule` },
  Service: { Model: Service, from: "kubernetes-models/v1/Service" },
  ServiceMonitor: { Model: ServiceMonitor, from: `${PROMETHEUS}/ServiceMonitor` },
} as const;
type Kind = keyof typeof models;

/** What is wrong with an object by the schema that Kubernetes publishes for its kind. */
const findProblems = (manifest: Manifest): string[] => {
  if (!Object.hasOwn(models, manifest.kind)) return [`${manifest.kind} is of no known kind`];
  const { Model } = models[manifest.kind as Kind];
  try {
    // The class fills in what the kind says of itself: only with these first is it the object's own words that count.
    if (!Model.is(manifest as never)) return [`this is no ${manifest.kind}`];
    new Model(manifest as never).validate();
    return [];
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
};

/** What a program says of a file, which is within the repository (there types are found), and where git does not look. */
const inFile = <T>(name: string, text: string, ask: (path: string) => T): T => {
  mkdirSync("build", { recursive: true });
  const folder = mkdtempSync("build/manifests-");
  try {
    writeFileSync(join(folder, name), text);
    return ask(join(folder, name));
  } finally {
    rmSync(folder, { recursive: true });
  }
};

/** What the compiler says of objects that are written down as values of their kinds: it knows of keys that there are not. */
const compiled = (objects: readonly Manifest[]): string[] => {
  const lines = objects.flatMap((object, i) => {
    const { from } = models[object.kind as Kind];
    return [
      `import type { I${object.kind} as I${i} } from ${JSON.stringify(from)};`,
      `export const object${i}: I${i} = ${JSON.stringify(object)};`,
    ];
  });
  const flags = "--noEmit --strict --skipLibCheck --ignoreConfig --types node --module nodenext";
  const { output } = inFile("manifests.mts", lines.join("\n"), (path) =>
    runWithInput("node_modules/.bin/tsc", [...flags.split(" "), path], ""),
  );
  return output.split("\n").filter((line) => line !== "");
};

/** The same object with one value at a path put in or taken away. */
const changed = (kind: Kind, path: string, value: unknown): Manifest => {
  const object = structuredClone(manifests.find((one) => one.kind === kind)) as Manifest;
  const keys = path.split(".");
  const last = keys.pop() ?? "";
  let at = object as unknown as Record<string, unknown>;
  for (const key of keys) at = at[key] as Record<string, unknown>;
  if (value === undefined) delete at[last];
  else at[last] = value;
  return object;
};

describe("the manifests", () => {
  it("are all named by the kustomization, and are those that the exporter needs", () => {
    const others = readdirSync(FOLDER).filter((name) => name !== "kustomization.yaml");
    expect(others.toSorted()).toEqual(resources.toSorted());
    expect(manifests.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([
      "Deployment apsystems-ecu-exporter",
      "Service apsystems-ecu-exporter",
      "ServiceMonitor apsystems-ecu-exporter",
      "PrometheusRule apsystems-ecu-exporter",
      "ConfigMap apsystems-ecu-exporter-dashboard-exporter",
      "ConfigMap apsystems-ecu-exporter-dashboard-fleet",
      "ConfigMap apsystems-ecu-exporter-dashboard-inverter",
      "ConfigMap apsystems-ecu-exporter-dashboard-plant",
    ]);
  });

  it.each(manifests.map((manifest) => [manifest.kind, manifest.metadata.name, manifest] as const))(
    "%s %s is what Kubernetes' schema asks for",
    (_kind, _name, manifest) => {
      expect(findProblems(manifest)).toEqual([]);
    },
  );

  it.each([
    ["Deployment", "spec.replicas", "1", "must be integer"],
    ["Deployment", "spec.selector", undefined, "required"],
    ["Deployment", "spec.template.spec.containers.0.name", undefined, "required"],
    ["Deployment", "spec.template.spec.containers.0.ports.0.containerPort", "http", "integer"],
    ["Deployment", "apiVersion", "apps/v2", "no Deployment"],
    ["Service", "spec.ports.0.port", undefined, "required"],
    ["ServiceMonitor", "spec.endpoints.0.interval", "60", "pattern"],
    ["ServiceMonitor", "spec.selector", undefined, "required"],
    ["PrometheusRule", "spec.groups.0.rules.0.expr", undefined, "required"],
    ["PrometheusRule", "spec.groups.0.rules.0.for", "ten minutes", "pattern"],
    ["ConfigMap", "data.more", 1, "must be string"],
  ] as const)("%s would be refused with %s as %s", (kind, path, value, problem) => {
    expect(findProblems(changed(kind, path, value)).join()).toContain(problem);
  });

  it("have no key that there is not, and the compiler would tell of one", () => {
    expect(compiled(manifests)).toEqual([]);
    const wrong = [
      changed("Deployment", "spec.replica", 1),
      changed("Deployment", "spec.template.spec.securityContext.runAsNonroot", true),
      changed("Deployment", "spec.template.spec.containers.0.livenessProbe.httpget", {}),
      changed("Service", "spec.port", 1),
      changed("ServiceMonitor", "spec.endpoints.0.scrapetimeout", "1s"),
      changed("PrometheusRule", "spec.groups.0.rules.0.fro", "1m"),
      changed("ConfigMap", "date", {}),
    ];
    const named = compiled(wrong).flatMap(
      (line) => /'"?(\w+)"?' does not exist/.exec(line)?.[1] ?? [],
    );
    expect(named.toSorted()).toEqual(
      ["date", "fro", "httpget", "port", "replica", "runAsNonroot", "scrapetimeout"].toSorted(),
    );
  });

  it("that are made from rules and dashboards are what the generator makes", () => {
    for (const [path, text] of Object.entries(generated()))
      expect(readFileSync(path, "utf8"), `${path}: run npm run generate`).toBe(text);
  });
});

describe("the exporter's Pod", () => {
  const spec = parse(read("deployment.yaml")).spec;
  const pod = spec.template.spec;
  const [container] = pod.containers;

  it("is the only one that asks the ECU, in an update too", () => {
    expect(spec).toMatchObject({ replicas: 1, strategy: { type: "Recreate" } });
  });

  it("has no rights: all that the restricted security standard asks for, and more", () => {
    expect(pod).toMatchObject({
      automountServiceAccountToken: false,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: 1000,
        runAsGroup: 1000,
        fsGroup: 1000,
        seccompProfile: { type: "RuntimeDefault" },
      },
    });
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
    expect(pod.volumes.map((volume: object) => Object.keys(volume))).toEqual([
      ["name", "emptyDir"],
    ]);
  });

  it("is configured by settings that there are, and writes where it may", () => {
    const [{ name, literals }] = kustomization.configMapGenerator;
    expect(container.envFrom).toEqual([{ configMapRef: { name } }]);
    const env = Object.fromEntries(literals.map((line: string) => line.split("=")));
    expect(Object.keys(env)).toEqual(["ECU_ADDRESS", "ECU_TIMEZONE", "STATE_FILE"]);
    const { config } = parseCommandLine({ argv: [], env, version: "0", program: "exporter" }) as {
      config: object;
    };
    const [{ mountPath }] = container.volumeMounts;
    expect(config).toMatchObject({
      ecus: [{ host: "192.168.1.50" }],
      timezone: "Europe/Amsterdam",
      stateFile: `${mountPath}/state.json`,
      listenAddress: { port: container.ports[0].containerPort },
    });
  });

  it("is found by its Service, and the Service by its ServiceMonitor, at a port that has a name", () => {
    const service = parse(read("service.yaml"));
    const monitor = parse(read("servicemonitor.yaml"));
    expect(service.spec.selector).toEqual(spec.template.metadata.labels);
    expect(spec.selector.matchLabels).toEqual(spec.template.metadata.labels);
    expect(monitor.spec.selector.matchLabels).toEqual(service.metadata.labels);
    expect(monitor.spec.endpoints).toMatchObject([
      { port: "http", interval: "60s", scrapeTimeout: "10s" },
    ]);
    expect(service.spec.ports).toMatchObject([{ name: "http", port: 10_899, targetPort: "http" }]);
    expect(container.ports).toEqual([{ name: "http", containerPort: 10_899 }]);
  });

  it("is asked for its health at paths that the exporter has", () => {
    const app = readFileSync("src/http/app.ts", "utf8");
    for (const probe of ["livenessProbe", "readinessProbe"] as const)
      expect(app).toContain(`"${container[probe].httpGet.path}"`);
  });

  it("runs the image of this version as the image's own user", () => {
    const { version } = JSON.parse(readFileSync("package.json", "utf8"));
    expect(container.image).toBe(`apsystems-ecu-exporter:${version}`);
    expect(readFileSync("Dockerfile", "utf8")).toMatch(/^USER node$/m);
  });
});

describe("the dashboards", () => {
  const maps = objectsIn(read("dashboards.yaml")) as (Manifest & { data: object })[];

  it("are those of Grafana, with the label that its sidecar looks for, and room to be applied", () => {
    const files = readdirSync("grafana/dashboards").filter((name) => name.endsWith(".json"));
    expect(maps.flatMap(({ data }) => Object.keys(data))).toEqual(files.toSorted());
    for (const map of maps) {
      expect(map.metadata.labels["grafana_dashboard"]).toBe("1");
      expect(JSON.stringify(map).length).toBeLessThan(256 * 1024);
      for (const [name, text] of Object.entries(map.data))
        expect(JSON.parse(text)).toEqual(
          JSON.parse(readFileSync(`grafana/dashboards/${name}`, "utf8")),
        );
    }
  });
});

describe.skipIf(!hasProgram("promtool", "--version"))("promtool", () => {
  it("finds no fault with the rules that are in the PrometheusRule", () => {
    const { spec } = parse(read("prometheusrule.yaml"));
    const { code, output } = inFile("rules.yml", JSON.stringify(spec), (path) =>
      runWithInput("promtool", ["check", "rules", path], ""),
    );
    const rules = spec.groups.flatMap(({ rules }: { rules: object[] }) => rules);
    expect(output).toContain(`SUCCESS: ${rules.length} rules found`);
    expect(code).toBe(0);
  });
});

describe.skipIf(!hasProgram("prometheus", "--version"))("Prometheus", () => {
  interface Told {
    readonly activeTargets: readonly { readonly labels: Record<string, string> }[];
  }
  /** What a Pod's target is called, where the operator has given it its own labels and then those of the ServiceMonitor. */
  const discoverLabels = async (pod: string): Promise<Record<string, string>> => {
    const [endpoint] = parse(read("servicemonitor.yaml")).spec.endpoints;
    const snake = (key: string): string =>
      key.replace(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`);
    const relabelings = endpoint.relabelings.map((rule: object) =>
      Object.fromEntries(Object.entries(rule).map(([key, value]) => [snake(key), value])),
    );
    const target = {
      targets: [`${pod}.invalid:10899`],
      labels: {
        __meta_kubernetes_service_name: "apsystems-ecu-exporter",
        ...{ namespace: "monitoring", service: "apsystems-ecu-exporter", pod },
        ...{ container: "exporter", endpoint: "http" },
      },
    };
    const job = {
      job_name: "apsystems-ecu-exporter",
      static_configs: [target],
      relabel_configs: relabelings,
    };
    const folder = mkdtempSync(join(tmpdir(), "monitor-"));
    try {
      writeFileSync(join(folder, "prometheus.yml"), JSON.stringify({ scrape_configs: [job] }));
      await using prometheus = await startPrometheus({
        config: `${folder}/prometheus.yml`,
        data: `${folder}/data`,
      });
      return await poll(
        30,
        async () => {
          const response = await fetch(`${prometheus.api}/targets`);
          const { data } = (await response.json()) as { data: Told };
          return data.activeTargets[0]?.labels;
        },
        prometheus.output,
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  };

  it("calls each Pod the same, so that the series go on", async () => {
    const labels = {
      instance: "apsystems-ecu-exporter",
      job: "apsystems-ecu-exporter",
      namespace: "monitoring",
      service: "apsystems-ecu-exporter",
    };
    expect(await discoverLabels("exporter-1")).toEqual(labels);
    expect(await discoverLabels("exporter-2")).toEqual(labels);
  });
});

describe.skipIf(!hasProgram("kubectl", "version", "--client"))("kustomize", () => {
  const build = (): Manifest[] => {
    const { code, output } = runWithInput("kubectl", ["kustomize", FOLDER], "");
    expect(code, output).toBe(0);
    return objectsIn(output);
  };

  it("builds the objects as they stand, and the settings beside them", () => {
    const built = build();
    const bare = ({ kind, metadata }: Manifest) => `${kind} ${metadata.name}`;
    const settings = built.filter((one) => !manifests.map(bare).includes(bare(one)));
    expect(settings.map(bare)).toEqual([
      expect.stringMatching(/^ConfigMap apsystems-ecu-exporter-[a-z0-9]{10}$/),
    ]);
    expect(built).toHaveLength(manifests.length + 1);
    for (const one of built) expect(findProblems(one)).toEqual([]);
  });

  it("takes the values that docs/deployment.md puts beside them", () => {
    const guide = readFileSync("docs/deployment.md", "utf8");
    const [, overlay = ""] = /(^ +apiVersion: kustomize[\s\S]*?\n)\n\d\. /m.exec(guide) ?? [];
    const [, place = ""] = /^ +- (\.\.\/\S+)$/m.exec(overlay) ?? [];
    // Debian's kubectl is of a time when a folder had a key of its own; it does not tell kustomize's version either.
    const isOld = !runWithInput("kubectl", ["version", "--client"], "").output.includes(
      "Kustomize",
    );
    const text = overlay
      .replaceAll(/^ {7}/gm, "")
      .replace(place, `../../${FOLDER}`)
      .replace("resources:", isOld ? "bases:" : "resources:")
      .replace("192.168.1.50", "10.1.2.3");
    const { code, output } = inFile("kustomization.yaml", text, (path) =>
      runWithInput("kubectl", ["kustomize", dirname(path)], ""),
    );
    expect(code, output).toBe(0);
    const built = objectsIn(output);
    for (const one of built) {
      expect(one.metadata).toMatchObject({ namespace: "monitoring" });
      expect(findProblems(one)).toEqual([]);
    }
    expect(built).toHaveLength(manifests.length + 1);
    expect(output).toContain("image: registry.example.org/apsystems-ecu-exporter:0.1.0");
    expect(built).toContainEqual(
      expect.objectContaining({
        data: {
          ECU_ADDRESS: "10.1.2.3",
          ECU_TIMEZONE: "Europe/Amsterdam",
          STATE_FILE: "/var/lib/apsystems/state.json",
        },
      }),
    );
  });

  it("gives the Pod the settings by the name that it made for them", () => {
    const built = build();
    const deployment = built.find(({ kind }) => kind === "Deployment") as unknown as {
      spec: {
        template: { spec: { containers: { envFrom: { configMapRef: Manifest["metadata"] }[] }[] } };
      };
    };
    const name = deployment.spec.template.spec.containers[0]?.envFrom[0]?.configMapRef.name;
    expect(built.filter(({ metadata }) => metadata.name === name)).toMatchObject([
      { kind: "ConfigMap", data: { ECU_ADDRESS: "192.168.1.50" } },
    ]);
  });
});
