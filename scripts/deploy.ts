/** Writes the Kubernetes manifests that are generated from the alert rules and the dashboards. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { pathToFileURL } from "node:url";
import { parse, stringify } from "yaml";

const NAME = "apsystems-ecu-exporter";
const RULES = "prometheus/rules";
const DASHBOARDS = "grafana/dashboards";

const filesIn = (folder: string, ending: string): readonly string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith(ending))
    .toSorted();

const labels = { "app.kubernetes.io/name": NAME };
const manifest = (content: object): string => stringify(content, { lineWidth: 0 });
const madeFrom = (folder: string): string =>
  `# Generated from ${folder} by \`npm run generate\`. Change the files there, not this one.\n`;

/** The rules of all files in one object for the Prometheus operator. */
const prometheusRule = (): string =>
  madeFrom(RULES) +
  manifest({
    apiVersion: "monitoring.coreos.com/v1",
    kind: "PrometheusRule",
    metadata: { name: NAME, labels },
    spec: {
      groups: filesIn(RULES, ".yml").flatMap(
        (name) => parse(readFileSync(`${RULES}/${name}`, "utf8")).groups,
      ),
    },
  });

/** A ConfigMap for each dashboard, with the label that Grafana's sidecar looks for. */
const dashboardMaps = (): string =>
  madeFrom(DASHBOARDS) +
  filesIn(DASHBOARDS, ".json")
    .map((name) =>
      manifest({
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: {
          name: `${NAME}-${basename(name, ".json").replace("apsystems-", "dashboard-")}`,
          labels: { ...labels, grafana_dashboard: "1" },
        },
        // Without line breaks: kubectl keeps a second copy in an annotation, which may have at most 256 KiB.
        data: { [name]: JSON.stringify(JSON.parse(readFileSync(`${DASHBOARDS}/${name}`, "utf8"))) },
      }),
    )
    .join("---\n");

/** The generated files: text by path. */
export const generated = (): Readonly<Record<string, string>> => ({
  "deploy/kubernetes/prometheusrule.yaml": prometheusRule(),
  "deploy/kubernetes/dashboards.yaml": dashboardMaps(),
});

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  for (const [path, text] of Object.entries(generated())) writeFileSync(path, text);
}
