/** A real Prometheus scrapes the exporter over TLS, with a password and with a client certificate. */
import { mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import bcrypt from "bcryptjs";
import { afterAll, beforeAll, describe, it } from "vitest";
import { type CertificateFiles, createCertifier } from "../support/certificates.ts";
import {
  freePort,
  hasProgram,
  poll,
  type RunningProgram,
  startProgram,
} from "../support/programs.ts";
import { startPrometheus } from "../support/prometheus.ts";
import { describeReleases } from "../support/versions.ts";

const TIMEOUT_SECONDS = 90;

describe.skipIf(!hasProgram("openssl", "version"))(
  "over TLS, with passwords and certificates",
  () => {
    describeReleases(["prometheus"], "a Prometheus that scrapes", ({ path }) => {
      const running: RunningProgram[] = [];
      let folder = "";
      let api = "";

      beforeAll(async () => {
        folder = await mkdtemp(join(tmpdir(), "web-prometheus-"));
        const certify = createCertifier(folder);
        const ca = certify("ca");
        const sans = ["IP:127.0.0.1"];
        const server = certify("server", { by: ca, sans });
        const selfSigned = certify("self-signed", { sans });
        const client = certify("client", { by: ca });
        const stranger = certify("stranger");
        const tls = ({ certFile, keyFile }: CertificateFiles) =>
          `tls_server_config:\n  cert_file: ${certFile}\n  key_file: ${keyFile}\n`;
        const ports = {
          password: await startExporterWith(
            "password",
            `${tls(selfSigned)}basic_auth_users:\n  prometheus: ${bcrypt.hashSync("right", 5)}\n`,
          ),
          certificate: await startExporterWith(
            "certificate",
            `${tls(server)}  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ${ca.certFile}\n`,
          ),
        };
        const withPassword = (password: string) =>
          `basic_auth: {username: prometheus, password: ${password}}, tls_config: {ca_file: ${selfSigned.certFile}}`;
        const withCertificate = ({ certFile, keyFile }: CertificateFiles) =>
          `tls_config: {ca_file: ${ca.certFile}, cert_file: ${certFile}, key_file: ${keyFile}}`;
        const jobs = {
          "right-password": [ports.password, withPassword("right")],
          "wrong-password": [ports.password, withPassword("wrong")],
          "no-password": [ports.password, `tls_config: {ca_file: ${selfSigned.certFile}}`],
          "right-certificate": [ports.certificate, withCertificate(client)],
          "wrong-certificate": [ports.certificate, withCertificate(stranger)],
          "no-certificate": [ports.certificate, `tls_config: {ca_file: ${ca.certFile}}`],
        } as const;
        const lines = Object.entries(jobs).map(
          ([job, [port, options]]) =>
            `  - {job_name: ${job}, scheme: https, scrape_interval: 2s, scrape_timeout: 2s, static_configs: [{targets: ["127.0.0.1:${port}"]}], ${options}}`,
        );
        await writeFile(join(folder, "prometheus.yml"), `scrape_configs:\n${lines.join("\n")}\n`);
        const prometheus = await startPrometheus({
          program: path("prometheus"),
          config: `${folder}/prometheus.yml`,
          data: `${folder}/data`,
        });
        running.push(prometheus);
        api = prometheus.api;
      }, TIMEOUT_SECONDS * 1000);

      afterAll(async () => {
        for (const program of running) await program[Symbol.asyncDispose]();
        await rm(folder, { recursive: true, force: true });
      });

      /** Starts the demo with a web configuration. @returns its port */
      const startExporterWith = async (name: string, web: string): Promise<number> => {
        const port = await freePort();
        const file = join(folder, `${name}.yml`);
        await writeFile(file, web);
        running.push(
          startProgram(process.execPath, [
            ...["dist/main.js", "demo"],
            ...[`--web.listen-address=127.0.0.1:${port}`, `--web.config.file=${file}`],
          ]),
        );
        return port;
      };
      const request = async <T>(path: string): Promise<T> => {
        const response = await fetch(`${api}/${path}`);
        return ((await response.json()) as { data: T }).data;
      };
      /** For each job, its health and the error of its last scrape. */
      const fetchTargets = async (): Promise<Record<string, string>> => {
        const { activeTargets } = await request<{
          activeTargets: { health: string; lastError: string; labels: { job: string } }[];
        }>("targets");
        return Object.fromEntries(
          activeTargets.map(({ health, lastError, labels }) => [
            labels.job,
            `${health} ${lastError}`.trim(),
          ]),
        );
      };
      /** For each job that has it, the value of `ecu_up`. */
      const fetchEcus = async (): Promise<Record<string, string>> => {
        const { result } = await request<{
          result: { metric: { job: string }; value: [at: number, value: string] }[];
        }>("query?query=ecu_up");
        return Object.fromEntries(result.map(({ metric, value }) => [metric.job, value[1]]));
      };
      /** Polls until the result is as expected. */
      const expectEventually = async (
        load: () => Promise<object>,
        expected: object,
      ): Promise<void> => {
        let result: object = {};
        await poll(
          TIMEOUT_SECONDS,
          async () => {
            result = await load();
            return isDeepStrictEqual(result, expected) || undefined;
          },
          () => [JSON.stringify(result), ...running.map((program) => program.output())].join("\n"),
        );
      };

      it(
        "is accepted with the right password or certificate, and gets an error with a wrong one or none",
        async () => {
          await expectEventually(fetchTargets, {
            "right-password": "up",
            "wrong-password": "down server returned HTTP status 401 Unauthorized",
            "no-password": "down server returned HTTP status 401 Unauthorized",
            "right-certificate": "up",
            "wrong-certificate": "down server returned HTTP status 403 Forbidden",
            "no-certificate": "down server returned HTTP status 403 Forbidden",
          });
          await expectEventually(fetchEcus, { "right-password": "1", "right-certificate": "1" });
        },
        2 * TIMEOUT_SECONDS * 1000,
      );

      it(
        "is accepted with a new password and rejected with the old one, without a restart",
        async () => {
          const file = join(folder, "password.yml");
          const text = await readFile(file, "utf8");
          const hash = bcrypt.hashSync("wrong", 5);
          await writeFile(
            `${file}.new`,
            text.replace(/prometheus: .*/, () => `prometheus: ${hash}`),
          );
          await rename(`${file}.new`, file);
          const fetchBoth = async () => {
            const { "right-password": right, "wrong-password": wrong } = await fetchTargets();
            return { right, wrong };
          };
          await expectEventually(fetchBoth, {
            right: "down server returned HTTP status 401 Unauthorized",
            wrong: "up",
          });
        },
        TIMEOUT_SECONDS * 1000,
      );
    });
  },
);
