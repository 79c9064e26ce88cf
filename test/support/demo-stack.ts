/** The services of compose.yaml with the simulated ECU, in a container engine without access to Docker Hub. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parse } from "yaml";
import { enableMethod, example, findMethod, replaceEach } from "./alertmanager.ts";
import { type ContainerEngine, DEBIAN } from "./container-engine.ts";
import { cachedPath, newerProgram } from "./newer-programs.ts";
import { freePort, poll, runWithInput } from "./programs.ts";
import { type QueriedSeries, queryAt } from "./prometheus.ts";
import { readScaledRules, SPEED, scaleDurations } from "./scale-durations.ts";
import type { Notification } from "./webhook.ts";

const CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt";
const services = parse(readFileSync("compose.yaml", "utf8"), { merge: true }).services as Record<
  string,
  { image?: string }
>;
/** The base image that the Dockerfile names. */
export const BASE = /^ARG NODE_IMAGE=(\S+)$/m.exec(readFileSync("Dockerfile", "utf8"))?.[1] ?? "";

/** The arguments of a build, in which npm reaches its registry through the network of this machine. */
export const buildArgs = ["--network=host"].concat(
  ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"]
    .flatMap((name) => [name, name.toLowerCase()])
    .filter((name) => process.env[name] !== undefined)
    .map((name) => `--build-arg=${name}`),
);

/** Creates images with the names of those of Docker Hub: Node.js 24, and Debian's Prometheus and Alertmanager. */
export const createBaseImages = ({ docker, folder }: ContainerEngine): void => {
  const context = join(folder, "stand-ins");
  mkdirSync(context);
  const findNpm = runWithInput("sh", ["-c", 'readlink -f "$(command -v npm)"'], "");
  const npm = dirname(dirname(findNpm.output));
  const templates = cachedPath("debian-unstable/usr/share/prometheus/alertmanager");
  for (const [source, target] of [
    [cachedPath("node-24/bin/node"), "node"],
    [npm, "npm"],
    [CERTIFICATES, "ca-certificates.crt"],
    [newerProgram("prometheus"), "prometheus"],
    [newerProgram("prometheus-alertmanager"), "alertmanager"],
    [`${templates}/default.tmpl`, "default.tmpl"],
    [`${templates}/email.tmpl`, "email.tmpl"],
  ] as const) {
    cpSync(source, join(context, target), { recursive: true, dereference: true });
  }
  docker("import", DEBIAN, "debian:local");
  const file = "--file=test/integration/deploy/stand-ins.Dockerfile";
  const registry = runWithInput("npm", ["config", "get", "registry"], "").output.trim();
  for (const [target, image = ""] of [
    ["node", BASE],
    ["prometheus", services["prometheus"]?.image],
    ["alertmanager", services["alertmanager"]?.image],
  ] as const) {
    const args = ["--network=none", `--build-arg=REGISTRY=${registry}`, `--tag=${image}`];
    docker("build", "--quiet", file, `--target=${target}`, ...args, context);
  }
};

export interface DemoStack {
  /** Runs Docker Compose with the files of the stack. @returns its output @throws Error if it fails */
  compose(...args: string[]): string;
  /** Starts or updates services, by default all, and waits until they are healthy. The revision is that of the exporter. */
  up(revision: string, ...services: string[]): void;
  /** The exporter's metrics. */
  scrape(): Promise<string>;
  /** The result of an instant query. */
  query(expression: string): Promise<readonly QueriedSeries[]>;
  /** Waits until a query has this number of results. */
  waitForResults(expression: string, count: number): Promise<readonly QueriedSeries[]>;
  /** The notifications to the owner, oldest first. */
  notifications(): readonly Notification[];
  /** Switches a fault of the simulated ECU on, or all off. It is the command in the comment of compose.yaml. */
  setFault(name: string | undefined): void;
}

/** Prints each request that it gets as a line: path, space, body. */
const WEBHOOK = `
require("node:http").createServer(async (request, response) => {
  console.log(request.url, await new Response(request).text().catch(() => ""));
  response.end();
}).listen(8080)`;

/** A plant of four inverters, at noon on the longest day. */
const DEMO = `DEMO_INVERTERS=DS3=4
DEMO_START=2026-06-21T10:00:00Z
DEMO_TIME_SCALE=${SPEED}
ECU_MIN_INTERVAL=1s
`;

/** Shorter waits, free ports, a webhook, and no Grafana, which Debian does not have. */
const createOverride = (folder: string, ports: Readonly<Record<string, number>>): string => `
services:
  exporter: { build: { network: host }, healthcheck: { interval: 1s }, ports: !override ["127.0.0.1:${ports["exporter"]}:10899"] }
  ecu: { build: { network: host }, healthcheck: { interval: 1s } }
  prometheus:
    healthcheck: { interval: 1s }
    ports: !override ["127.0.0.1:${ports["prometheus"]}:9090"]
    volumes: ["${folder}/prometheus.yml:/etc/prometheus/prometheus.yml:ro", "${folder}/rules:/etc/prometheus/rules:ro"]
  alertmanager:
    healthcheck: { interval: 1s }
    ports: !override []
    volumes: ["${folder}/alertmanager.yml:/etc/alertmanager/alertmanager.yml:ro"]
  webhook: { image: "${BASE}", command: ["node", "-e", ${JSON.stringify(WEBHOOK)}] }
  grafana: { profiles: [left-out] }
`;

/** Copies of the configuration with shorter waits. */
const writeFiles = (folder: string): void => {
  mkdirSync(join(folder, "rules"), { recursive: true });
  for (const [name, rules] of readScaledRules()) writeFileSync(join(folder, "rules", name), rules);
  writeFileSync(
    join(folder, "prometheus.yml"),
    readFileSync("compose/prometheus.yml", "utf8").replaceAll(
      /(scrape_interval|scrape_timeout|evaluation_interval): \d+s/g,
      "$1: 1s",
    ),
  );
  const alertmanager = enableMethod(example, findMethod("localhost:8123"));
  writeFileSync(
    join(folder, "alertmanager.yml"),
    replaceEach(scaleDurations(alertmanager), [
      [/http:\/\/localhost:8123\S+/, "http://webhook:8080/owner"],
    ]),
  );
};

/** Prepares the stack: files and ports. The images of {@link createBaseImages} must exist. */
export const createDemoStack = async (engine: ContainerEngine): Promise<DemoStack> => {
  const folder = join(engine.folder, "stack");
  writeFiles(folder);
  const ports = { exporter: await freePort(), prometheus: await freePort() };
  writeFileSync(join(folder, "override.yml"), createOverride(folder, ports));
  const files = ["compose.yaml", `${folder}/override.yml`].map((file) => `--file=${file}`);
  const args = [...files, "--project-directory=.", `--env-file=${folder}/.env`, "--profile=demo"];
  const compose = (...more: string[]): string => engine.compose(...args, ...more);
  const query = (expression: string): Promise<readonly QueriedSeries[]> =>
    queryAt(`http://127.0.0.1:${ports.prometheus}/api/v1`, expression);
  const runInEcu = (script: string): string => compose("exec", "-T", "ecu", "node", "-e", script);
  return {
    compose,
    up: (revision, ...names) => {
      writeFileSync(join(folder, ".env"), `${DEMO}REVISION=${revision}\n`);
      compose("up", "--detach", "--wait", "--wait-timeout=120", ...names);
    },
    scrape: async () => (await fetch(`http://127.0.0.1:${ports.exporter}/metrics`)).text(),
    query,
    waitForResults: (expression, count) =>
      poll(
        90,
        async () => {
          const results = await query(expression);
          return results.length === count ? results : undefined;
        },
        () => compose("logs", "--tail=20"),
      ),
    notifications: () =>
      compose("logs", "--no-log-prefix", "webhook")
        .split("\n")
        .filter((line) => line.startsWith("/owner "))
        .map((line) => JSON.parse(line.slice("/owner ".length)) as Notification),
    setFault: (name) => {
      if (name === undefined)
        runInEcu("fetch('http://127.0.0.1:8898/faults', { method: 'DELETE' })");
      else runInEcu(`fetch('http://127.0.0.1:8898/faults/${name}', { method: 'PUT' })`);
    },
  };
};
