/** The manifests in deploy/kubernetes, tested without a cluster. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { PrometheusRule } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PrometheusRule";
import { ServiceMonitor } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor";
import { Deployment } from "kubernetes-models/apps/v1/Deployment";
import { NetworkPolicy } from "kubernetes-models/networking.k8s.io/v1/NetworkPolicy";
import { PriorityClass } from "kubernetes-models/scheduling.k8s.io/v1/PriorityClass";
import { ConfigMap } from "kubernetes-models/v1/ConfigMap";
import { Service } from "kubernetes-models/v1/Service";
import { describe, expect, it, vi } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { generated } from "../../../scripts/deploy.ts";
import { parseCommandLine } from "../../../src/cli/parse.ts";
import { ECU_PORT } from "../../../src/ecu/address.ts";
import { hasProgram, poll, runWithInput } from "../../support/programs.ts";
import { startPrometheus } from "../../support/prometheus.ts";

vi.setConfig({ testTimeout: 60_000 }); // starts other programs

const FOLDER = "deploy/kubernetes";

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels: Record<string, string> };
}

const { version } = JSON.parse(readFileSync("package.json", "utf8"));
const read = (name: string): string => readFileSync(`${FOLDER}/${name}`, "utf8");
/** Parses the objects in YAML documents and resolves aliases. */
const parseObjects = (text: string): Manifest[] =>
  parseAllDocuments(text).map((document) => JSON.parse(JSON.stringify(document.toJS())));

const kustomization = parse(read("kustomization.yaml"));
const resources: readonly string[] = kustomization.resources;
const manifests = resources.flatMap((name) => parseObjects(read(name)));

const PROMETHEUS = "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1";
/** The schema of each kind, and the module with its types. */
const models = {
  ConfigMap: { Model: ConfigMap, module: "kubernetes-models/v1/ConfigMap" },
  Deployment: { Model: Deployment, module: "kubernetes-models/apps/v1/Deployment" },
  NetworkPolicy: {
    Model: NetworkPolicy,
    module: "kubernetes-models/networking.k8s.io/v1/NetworkPolicy",
  },
  PriorityClass: {
    Model: PriorityClass,
    module: "kubernetes-models/scheduling.k8s.io/v1/PriorityClass",
  },
  PrometheusRule: { Model: PrometheusRule, module: `${PROMETHEUS}/PrometheusRule` },
  Service: { Model: Service, module: "kubernetes-models/v1/Service" },
  ServiceMonitor: { Model: ServiceMonitor, module: `${PROMETHEUS}/ServiceMonitor` },
} as const;
type Kind = keyof typeof models;

/** Validates an object with the schema that Kubernetes publishes for its kind. @returns the errors */
const findProblems = (manifest: Manifest): string[] => {
  if (!Object.hasOwn(models, manifest.kind)) return [`unknown kind ${manifest.kind}`];
  const { Model } = models[manifest.kind as Kind];
  try {
    // The constructor adds kind and apiVersion, so they are checked first.
    if (!Model.is(manifest as never)) return [`not a ${manifest.kind}`];
    new Model(manifest as never).validate();
    return [];
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
};

/** Runs a function with a temporary file below build/, where TypeScript finds the types and Git ignores the file. */
const withFile = <T>(name: string, text: string, use: (path: string) => T): T => {
  mkdirSync("build", { recursive: true });
  const folder = mkdtempSync("build/manifests-");
  try {
    writeFileSync(join(folder, name), text);
    return use(join(folder, name));
  } finally {
    rmSync(folder, { recursive: true });
  }
};

/** The types are those of an operator before 0.68, which does not know this key. promtool checks it. */
const withoutNewKeys = (key: string, value: unknown): unknown =>
  key === "keep_firing_for" ? undefined : value;

/** Type-checks objects with the types of their kinds, which finds unknown keys. @returns the errors */
const typeCheck = (objects: readonly Manifest[]): string[] => {
  const lines = objects.flatMap((object, i) => {
    const { module } = models[object.kind as Kind];
    return [
      `import type { I${object.kind} as I${i} } from ${JSON.stringify(module)};`,
      `export const object${i}: I${i} = ${JSON.stringify(object, withoutNewKeys)};`,
    ];
  });
  const flags = "--noEmit --strict --skipLibCheck --ignoreConfig --types node --module nodenext";
  const { output } = withFile("manifests.mts", lines.join("\n"), (path) =>
    runWithInput("node_modules/.bin/tsc", [...flags.split(" "), path], ""),
  );
  return output.split("\n").filter((line) => line !== "");
};

/** Returns an object with one value at a path set or deleted. */
const modify = (kind: Kind, path: string, value: unknown): Manifest => {
  const object = structuredClone(manifests.find((manifest) => manifest.kind === kind)) as Manifest;
  const keys = path.split(".");
  const last = keys.pop() ?? "";
  let parent = object as unknown as Record<string, unknown>;
  for (const key of keys) parent = parent[key] as Record<string, unknown>;
  if (value === undefined) delete parent[last];
  else parent[last] = value;
  return object;
};

describe("the manifests", () => {
  it("are all in the kustomization, and contain the expected objects", () => {
    const others = readdirSync(FOLDER).filter((name) => name !== "kustomization.yaml");
    expect(others.toSorted()).toEqual(resources.toSorted());
    expect(manifests.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([
      "Deployment apsystems-ecu-exporter",
      "Service apsystems-ecu-exporter",
      "NetworkPolicy apsystems-ecu-exporter",
      "PriorityClass apsystems-ecu-exporter",
      "ServiceMonitor apsystems-ecu-exporter",
      "PrometheusRule apsystems-ecu-exporter",
      "ConfigMap apsystems-ecu-exporter-dashboard-exporter",
      "ConfigMap apsystems-ecu-exporter-dashboard-fleet",
      "ConfigMap apsystems-ecu-exporter-dashboard-inverter",
      "ConfigMap apsystems-ecu-exporter-dashboard-plant",
    ]);
  });

  it.each(manifests.map((manifest) => [manifest.kind, manifest.metadata.name, manifest] as const))(
    "%s %s is valid by the schema of Kubernetes",
    (_kind, _name, manifest) => {
      expect(findProblems(manifest)).toEqual([]);
    },
  );

  it.each([
    ["Deployment", "spec.replicas", "1", "must be integer"],
    ["Deployment", "spec.selector", undefined, "required"],
    ["Deployment", "spec.template.spec.containers.0.name", undefined, "required"],
    ["Deployment", "spec.template.spec.containers.0.ports.0.containerPort", "http", "integer"],
    ["Deployment", "apiVersion", "apps/v2", "not a Deployment"],
    ["Service", "spec.ports.0.port", undefined, "required"],
    ["NetworkPolicy", "spec.podSelector", undefined, "required"],
    ["PriorityClass", "value", "high", "must be integer"],
    ["ServiceMonitor", "spec.endpoints.0.interval", "60", "pattern"],
    ["ServiceMonitor", "spec.selector", undefined, "required"],
    ["PrometheusRule", "spec.groups.0.rules.0.expr", undefined, "required"],
    ["PrometheusRule", "spec.groups.0.rules.0.for", "ten minutes", "pattern"],
    ["ConfigMap", "data.more", 1, "must be string"],
  ] as const)("%s is invalid with %s set to %s", (kind, path, value, problem) => {
    expect(findProblems(modify(kind, path, value)).join()).toContain(problem);
  });

  it("have no unknown keys, which the compiler reports", () => {
    expect(typeCheck(manifests)).toEqual([]);
    const wrong = [
      modify("Deployment", "spec.replica", 1),
      modify("Deployment", "spec.template.spec.securityContext.runAsNonroot", true),
      modify("Deployment", "spec.template.spec.containers.0.livenessProbe.httpget", {}),
      modify("Service", "spec.port", 1),
      modify("NetworkPolicy", "spec.egres", []),
      modify("PriorityClass", "preemption", "Never"),
      modify("ServiceMonitor", "spec.endpoints.0.scrapetimeout", "1s"),
      modify("PrometheusRule", "spec.groups.0.rules.0.fro", "1m"),
      modify("ConfigMap", "date", {}),
    ];
    const keys = typeCheck(wrong).flatMap(
      (line) => /'"?(\w+)"?' does not exist/.exec(line)?.[1] ?? [],
    );
    expect(keys.toSorted()).toEqual(
      [
        ...["date", "egres", "fro", "httpget", "port", "preemption", "replica"],
        ...["runAsNonroot", "scrapetimeout"],
      ].toSorted(),
    );
  });

  it("that are generated from rules and dashboards are up to date", () => {
    for (const [path, text] of Object.entries(generated()))
      expect(readFileSync(path, "utf8"), `${path}: run npm run generate`).toBe(text);
  });
});

describe("the Pod of the exporter", () => {
  const spec = parse(read("deployment.yaml")).spec;
  const pod = spec.template.spec;
  const [container] = pod.containers;

  it("is the only one that reads the ECU, also during an update", () => {
    expect(spec).toMatchObject({ replicas: 1, strategy: { type: "Recreate" } });
  });

  it('meets the Pod security standard "restricted", with a read-only root file system', () => {
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

  it("has existing settings, and a state file in its volume", async () => {
    const [{ name, literals }] = kustomization.configMapGenerator;
    expect(container.envFrom).toEqual([{ configMapRef: { name } }]);
    const env = Object.fromEntries(literals.map((line: string) => line.split("=")));
    expect(Object.keys(env)).toEqual(["ECU_ADDRESS", "ECU_TIMEZONE", "STATE_FILE"]);
    const { config } = (await parseCommandLine({
      argv: [],
      env,
      version: "0",
      program: "exporter",
    })) as {
      config: object;
    };
    const [{ mountPath }] = container.volumeMounts;
    expect(config).toMatchObject({
      ecus: [{ host: "192.168.1.50" }],
      timezone: "Europe/Amsterdam",
      stateFile: `${mountPath}/state.json`,
      listenAddresses: [{ port: container.ports[0].containerPort }],
    });
  });

  it("is selected by its Service, and the Service by its ServiceMonitor, with a named port", () => {
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

  it("has the priority of the class, and a network policy for its ports and those of the ECU", () => {
    expect(pod.priorityClassName).toBe(parse(read("priorityclass.yaml")).metadata.name);
    const [policy] = parseObjects(read("networkpolicy.yaml"));
    const privateNetworks = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"];
    expect(policy).toHaveProperty("spec", {
      podSelector: { matchLabels: spec.template.metadata.labels },
      policyTypes: ["Ingress", "Egress"],
      ingress: [{ from: [{ namespaceSelector: {} }], ports: [{ port: container.ports[0].name }] }],
      egress: [
        {
          to: privateNetworks.map((cidr) => ({ ipBlock: { cidr } })),
          ports: [{ port: ECU_PORT }],
        },
        {
          ports: [
            { port: 53, protocol: "UDP" },
            { port: 53, protocol: "TCP" },
          ],
        },
      ],
    });
  });

  it("has probes with existing paths of the exporter", () => {
    const app = readFileSync("src/http/app.ts", "utf8");
    for (const probe of ["livenessProbe", "readinessProbe"] as const)
      expect(app).toContain(`"${container[probe].httpGet.path}"`);
  });

  it("runs the image of this version as the user of the image", () => {
    expect(container.image).toBe(`apsystems-ecu-exporter:${version}`);
    const { runAsUser, runAsGroup } = pod.securityContext;
    expect(readFileSync("Dockerfile", "utf8")).toContain(`\nUSER ${runAsUser}:${runAsGroup}\n`);
  });
});

describe("the dashboards", () => {
  const maps = parseObjects(read("dashboards.yaml")) as (Manifest & { data: object })[];

  it("are those in grafana/dashboards, with the label for the sidecar, and small enough to apply", () => {
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
  it("accepts the rules in the PrometheusRule", () => {
    const { spec } = parse(read("prometheusrule.yaml"));
    const { code, output } = withFile("rules.yml", JSON.stringify(spec), (path) =>
      runWithInput("promtool", ["check", "rules", path], ""),
    );
    const rules = spec.groups.flatMap(({ rules }: { rules: object[] }) => rules);
    expect(output).toContain(`SUCCESS: ${rules.length} rules found`);
    expect(code).toBe(0);
  });
});

describe.skipIf(!hasProgram("prometheus", "--version"))("Prometheus", () => {
  interface TargetsData {
    readonly activeTargets: readonly { readonly labels: Record<string, string> }[];
  }
  /** The labels of the target of a Pod, after the labels of the operator and the relabelings of the ServiceMonitor. */
  const discoverLabels = async (pod: string): Promise<Record<string, string>> => {
    const [endpoint] = parse(read("servicemonitor.yaml")).spec.endpoints;
    const toSnakeCase = (key: string): string =>
      key.replace(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`);
    const relabelings = endpoint.relabelings.map((rule: object) =>
      Object.fromEntries(Object.entries(rule).map(([key, value]) => [toSnakeCase(key), value])),
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
          const { data } = (await response.json()) as { data: TargetsData };
          return data.activeTargets[0]?.labels;
        },
        prometheus.output,
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  };

  it("gives each Pod the same labels, so that the series continue", async () => {
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
    return parseObjects(output);
  };

  it("builds the objects and a ConfigMap with the settings", () => {
    const objects = build();
    const formatName = ({ kind, metadata }: Manifest) => `${kind} ${metadata.name}`;
    const settings = objects.filter(
      (object) => !manifests.map(formatName).includes(formatName(object)),
    );
    expect(settings.map(formatName)).toEqual([
      expect.stringMatching(/^ConfigMap apsystems-ecu-exporter-[a-z0-9]{10}$/),
    ]);
    expect(objects).toHaveLength(manifests.length + 1);
    for (const object of objects) expect(findProblems(object)).toEqual([]);
  });

  it("builds the example in docs/deployment.md", () => {
    const guide = readFileSync("docs/deployment.md", "utf8");
    const [, overlay = ""] = /(^ +apiVersion: kustomize[\s\S]*?\n)\n\d\. /m.exec(guide) ?? [];
    const [, base = ""] = /^ +- (\.\.\/\S+)$/m.exec(overlay) ?? [];
    // The kubectl of Debian is old: it needs the key "bases", and it does not print the version of Kustomize.
    const isOld = !runWithInput("kubectl", ["version", "--client"], "").output.includes(
      "Kustomize",
    );
    const text = overlay
      .replaceAll(/^ {7}/gm, "")
      .replace(base, `../../${FOLDER}`)
      .replace("resources:", isOld ? "bases:" : "resources:")
      .replace("192.168.1.50", "10.1.2.3");
    const { code, output } = withFile("kustomization.yaml", text, (path) =>
      runWithInput("kubectl", ["kustomize", dirname(path)], ""),
    );
    expect(code, output).toBe(0);
    const objects = parseObjects(output);
    for (const object of objects) {
      if (object.kind === "PriorityClass") continue; // has no namespace
      expect(object.metadata).toMatchObject({ namespace: "monitoring" });
      expect(findProblems(object)).toEqual([]);
    }
    expect(objects).toHaveLength(manifests.length + 1);
    expect(output).toContain(`image: registry.example.org/apsystems-ecu-exporter:${version}`);
    expect(objects).toContainEqual(
      expect.objectContaining({
        data: {
          ECU_ADDRESS: "10.1.2.3",
          ECU_TIMEZONE: "Europe/Amsterdam",
          STATE_FILE: "/var/lib/apsystems/state.json",
        },
      }),
    );
  });

  it("gives the Pod the ConfigMap with the settings", () => {
    const objects = build();
    const deployment = objects.find(({ kind }) => kind === "Deployment") as unknown as {
      spec: {
        template: { spec: { containers: { envFrom: { configMapRef: Manifest["metadata"] }[] }[] } };
      };
    };
    const name = deployment.spec.template.spec.containers[0]?.envFrom[0]?.configMapRef.name;
    expect(objects.filter(({ metadata }) => metadata.name === name)).toMatchObject([
      { kind: "ConfigMap", data: { ECU_ADDRESS: "192.168.1.50" } },
    ]);
  });
});
