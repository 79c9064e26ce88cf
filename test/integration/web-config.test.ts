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

const PATIENCE_SECONDS = 90;

describe.skipIf(!hasProgram("prometheus", "--version") || !hasProgram("openssl", "version"))(
  "a Prometheus that scrapes over TLS",
  () => {
    const running: RunningProgram[] = [];
    let folder = "";
    let api = "";

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), "web-prometheus-"));
      const certify = createCertifier(folder);
      const ca = certify("ca");
      const sans = ["IP:127.0.0.1"];
      const server = certify("server", { by: ca, sans });
      const alone = certify("alone", { sans }); // signed by itself
      const client = certify("client", { by: ca });
      const stranger = certify("stranger");
      const tls = ({ certFile, keyFile }: CertificateFiles) =>
        `tls_server_config:\n  cert_file: ${certFile}\n  key_file: ${keyFile}\n`;
      const ports = {
        password: await exporterWith(
          "password",
          `${tls(alone)}basic_auth_users:\n  prometheus: ${bcrypt.hashSync("right", 5)}\n`,
        ),
        certificate: await exporterWith(
          "certificate",
          `${tls(server)}  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ${ca.certFile}\n`,
        ),
      };
      const password = (word: string) =>
        `basic_auth: {username: prometheus, password: ${word}}, tls_config: {ca_file: ${alone.certFile}}`;
      const certificate = ({ certFile, keyFile }: CertificateFiles) =>
        `tls_config: {ca_file: ${ca.certFile}, cert_file: ${certFile}, key_file: ${keyFile}}`;
      const jobs = {
        "right-password": [ports.password, password("right")],
        "wrong-password": [ports.password, password("wrong")],
        "no-password": [ports.password, `tls_config: {ca_file: ${alone.certFile}}`],
        "right-certificate": [ports.certificate, certificate(client)],
        "wrong-certificate": [ports.certificate, certificate(stranger)],
        "no-certificate": [ports.certificate, `tls_config: {ca_file: ${ca.certFile}}`],
      } as const;
      const lines = Object.entries(jobs).map(
        ([job, [port, how]]) =>
          `  - {job_name: ${job}, scheme: https, scrape_interval: 2s, scrape_timeout: 2s, static_configs: [{targets: ["127.0.0.1:${port}"]}], ${how}}`,
      );
      await writeFile(join(folder, "prometheus.yml"), `scrape_configs:\n${lines.join("\n")}\n`);
      const prometheus = await startPrometheus({
        config: `${folder}/prometheus.yml`,
        data: `${folder}/data`,
      });
      running.push(prometheus);
      api = prometheus.api;
    }, PATIENCE_SECONDS * 1000);

    afterAll(async () => {
      for (const program of running) await program[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    });

    /** Starts the demo with a web configuration. @returns its port */
    const exporterWith = async (name: string, web: string): Promise<number> => {
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
    const ask = async <T>(path: string): Promise<T> => {
      const response = await fetch(`${api}/${path}`);
      return ((await response.json()) as { data: T }).data;
    };
    /** Job → its health, and what Prometheus says of its last scrape. */
    const targets = async (): Promise<Record<string, string>> => {
      const { activeTargets } = await ask<{
        activeTargets: { health: string; lastError: string; labels: { job: string } }[];
      }>("targets");
      return Object.fromEntries(
        activeTargets.map(({ health, lastError, labels }) => [
          labels.job,
          `${health} ${lastError}`.trim(),
        ]),
      );
    };
    /** Job → `ecu_up`, where there is one. */
    const ecus = async (): Promise<Record<string, string>> => {
      const { result } = await ask<{
        result: { metric: { job: string }; value: [at: number, value: string] }[];
      }>("query?query=ecu_up");
      return Object.fromEntries(result.map(({ metric, value }) => [metric.job, value[1]]));
    };
    /** Looks until that is what is seen. */
    const sees = async (look: () => Promise<object>, expected: object): Promise<void> => {
      let seen: object = {};
      await poll(
        PATIENCE_SECONDS,
        async () => {
          seen = await look();
          return isDeepStrictEqual(seen, expected) || undefined;
        },
        () => [JSON.stringify(seen), ...running.map((program) => program.output())].join("\n"),
      );
    };

    it(
      "is let in with the right password or certificate, and told why not with another or none",
      async () => {
        await sees(targets, {
          "right-password": "up",
          "wrong-password": "down server returned HTTP status 401 Unauthorized",
          "no-password": "down server returned HTTP status 401 Unauthorized",
          "right-certificate": "up",
          "wrong-certificate": "down server returned HTTP status 403 Forbidden",
          "no-certificate": "down server returned HTTP status 403 Forbidden",
        });
        await sees(ecus, { "right-password": "1", "right-certificate": "1" });
      },
      2 * PATIENCE_SECONDS * 1000,
    );

    it(
      "is let in with a new password, and no more with the old one, without a restart",
      async () => {
        const file = join(folder, "password.yml");
        const text = await readFile(file, "utf8");
        const hash = bcrypt.hashSync("wrong", 5);
        await writeFile(
          `${file}.new`,
          text.replace(/prometheus: .*/, () => `prometheus: ${hash}`),
        );
        await rename(`${file}.new`, file);
        const both = async () => {
          const { "right-password": right, "wrong-password": wrong } = await targets();
          return { right, wrong };
        };
        await sees(both, {
          right: "down server returned HTTP status 401 Unauthorized",
          wrong: "up",
        });
      },
      PATIENCE_SECONDS * 1000,
    );
  },
);
