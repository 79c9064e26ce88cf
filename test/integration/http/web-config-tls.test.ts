/** TLS settings of the web configuration file, with certificates from openssl, checked by promtool. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadWebConfig } from "../../../src/http/web-config/file.ts";
import { type CertificateFiles, createCertifier } from "../../support/certificates.ts";
import { hasProgram, runWithInput } from "../../support/programs.ts";
import { findProblems, HASH, replaceFile, userFile, watchFile } from "../../support/web-config.ts";

const hasOpenssl = hasProgram("openssl", "version");
const hasPromtool = hasProgram("promtool", "--version");

/** For tests that start programs, which are slow on a busy machine. */
const SLOW_MS = 60_000;

let folder = "";
let web = "";
let ca: CertificateFiles;
let server: CertificateFiles;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "web-file-"));
  web = join(folder, "web.yml");
  if (!hasOpenssl) return;
  const certify = createCertifier(folder);
  ca = certify("ca");
  server = certify("server", { by: ca });
  certify("another", { by: ca });
  writeFileSync(join(folder, "nothing.pem"), "nothing\n");
  const lock = ["pkcs8", "-topk8", "-passout", "pass:1234", "-out", join(folder, "locked.key")];
  expect(runWithInput("openssl", lock, server.key).code).toBe(0);
  mkdirSync(join(folder, "folder"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const listProblems = (text: string): readonly string[] => findProblems(folder, web, text);

const TLS = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n";
describe.skipIf(!hasOpenssl)("invalid TLS settings", () => {
  it.each<{ tls: string; problems: string[] }>([
    {
      tls: "{}",
      problems: [
        "web.yml:1: tls_server_config: has no certificate; set cert_file",
        "web.yml:1: tls_server_config: has no key; set key_file",
      ],
    },
    {
      tls: "\n  cert_file: gone.crt\n  key_file: folder",
      problems: [
        "web.yml:2: tls_server_config.cert_file: gone.crt cannot be read: there is no such file",
        "web.yml:3: tls_server_config.key_file: folder cannot be read: it is a folder",
      ],
    },
    {
      tls: "\n  cert_file: nothing.pem\n  key_file: server.crt",
      problems: [
        "web.yml:2: tls_server_config.cert_file: nothing.pem contains no certificate in PEM format",
        "web.yml:3: tls_server_config.key_file: server.crt contains no private key in PEM format",
      ],
    },
    {
      tls: "\n  cert: nothing\n  key: nothing",
      problems: [
        "web.yml:2: tls_server_config.cert: contains no certificate in PEM format",
        "web.yml:3: tls_server_config.key: contains no private key in PEM format",
      ],
    },
    {
      tls: "\n  cert_file: server.crt\n  key_file: locked.key",
      problems: [
        "web.yml:3: tls_server_config.key_file: locked.key is encrypted with a passphrase; remove the passphrase",
      ],
    },
    {
      tls: "\n  cert_file: server.crt\n  key_file: another.key",
      problems: ["web.yml:3: tls_server_config.key_file: does not match the certificate"],
    },
    {
      tls: "\n  cert_file: server.crt\n  key_file: server.key\n  cert: x",
      problems: [
        "web.yml:4: tls_server_config.cert: cannot be combined with cert_file; remove one of the two",
      ],
    },
    {
      tls: "\n  cert_file: server.crt\n  key_file: server.key\n  min_version: TLS09\n  max_version: TLS11",
      problems: [
        'web.yml:4: tls_server_config.min_version: "TLS09" is not one of TLS10, TLS11, TLS12, TLS13',
        'web.yml:5: tls_server_config.max_version: "TLS11" is not supported by Node.js; use TLS12 or TLS13',
      ],
    },
    {
      tls: "\n  cert_file: server.crt\n  key_file: server.key\n  min_version: TLS13\n  max_version: TLS12",
      problems: [
        "web.yml:4: tls_server_config.min_version: TLS13 is higher than max_version TLS12",
      ],
    },
    {
      tls: "\n  cert_file: server.crt\n  key_file: server.key\n  client_auth_type: Maybe\n  prefer_server_cipher_suites: maybe",
      problems: [
        'web.yml:4: tls_server_config.client_auth_type: "Maybe" is not one of NoClientCert, RequestClientCert, RequireAnyClientCert, VerifyClientCertIfGiven, RequireAndVerifyClientCert, RequireClientCert',
        "web.yml:5: tls_server_config.prefer_server_cipher_suites: must be true or false, not a string",
      ],
    },
    {
      tls: '\n  cert_file: ""\n  cert:\n  key: ""',
      problems: [
        "web.yml:1: tls_server_config: has no certificate; set cert_file",
        "web.yml:1: tls_server_config: has no key; set key_file",
      ],
    },
    {
      tls: "\n  cert_file: server.crt\n  key_file: server.key\n  client_ca_file: ca.crt\n  client_allowed_sans: [a.lan]",
      problems: [
        "web.yml:4: tls_server_config.client_ca_file: has no effect with client_auth_type NoClientCert; use RequireAndVerifyClientCert",
        "web.yml:5: tls_server_config.client_allowed_sans: needs client_auth_type RequireAndVerifyClientCert or RequireAnyClientCert",
      ],
    },
    {
      tls: "\n  cert_file: server.crt\n  key_file: server.key\n  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: nothing.pem",
      problems: [
        "web.yml:5: tls_server_config.client_ca_file: nothing.pem contains no certificate in PEM format",
      ],
    },
    {
      tls: "\n  cert_file: server.crt\n  key_file: server.key\n  cipher_suites: [TLS_AES_128_GCM_SHA256, TLS_RSA_WITH_RC4_128_SHA]\n  curve_preferences: [P256]",
      problems: [
        'web.yml:4: tls_server_config.cipher_suites[1]: "TLS_RSA_WITH_RC4_128_SHA" is not one of TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384, TLS_CHACHA20_POLY1305_SHA256, TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA, TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256',
        'web.yml:5: tls_server_config.curve_preferences[0]: "P256" is not one of X25519, CurveP256, CurveP384, CurveP521',
      ],
    },
    {
      tls: "\n  cert_file: server.crt\n  key_file: server.key\n  keyfile: server.key",
      problems: [
        "web.yml:4: tls_server_config.keyfile: is not a known key; known keys are cert_file, cert, key_file, key, client_auth_type, client_ca_file, client_ca, client_allowed_sans, min_version, max_version, cipher_suites, curve_preferences, prefer_server_cipher_suites",
      ],
    },
  ])("$problems.0", ({ tls, problems }) => {
    expect(listProblems(`tls_server_config: ${tls}\n`)).toEqual(problems);
  });
});

describe("a valid file", () => {
  it.skipIf(!hasOpenssl)("has all TLS settings translated for OpenSSL", () => {
    writeFileSync(
      web,
      `${TLS}  client_ca_file: ca.crt
  client_auth_type: RequireAndVerifyClientCert
  client_allowed_sans: [prometheus.lan]
  min_version: TLS12
  max_version: TLS12
  prefer_server_cipher_suites: false
  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256]
  curve_preferences: [CurveP384, X25519]
`,
    );
    const { result, files } = loadWebConfig(web);
    expect([...files.keys()]).toEqual([web, server.certFile, server.keyFile, ca.certFile]);
    expect({ result }).toMatchObject({
      result: {
        value: {
          tls: {
            clientAuthType: "RequireAndVerifyClientCert",
            allowedSans: ["prometheus.lan"],
            context: {
              cert: server.cert,
              key: server.key,
              ca: ca.cert,
              minVersion: "TLSv1.2",
              maxVersion: "TLSv1.2",
              honorCipherOrder: false,
              ciphers: "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305",
              ecdhCurve: "P-384:X25519",
            },
          },
        },
      },
    });
  });

  it.skipIf(!hasOpenssl)("can contain certificate, key and CA", () => {
    const inline = (pem: string) => `|\n${pem.replace(/^/gm, "    ")}\n`;
    writeFileSync(
      web,
      `tls_server_config:\n  client_auth_type: RequireClientCert\n  cert: ${inline(server.cert)}  key: ${inline(server.key)}  client_ca: ${inline(ca.cert)}`,
    );
    const { result, files } = loadWebConfig(web);
    expect([...files.keys()]).toEqual([web]);
    expect(result).toMatchObject({ value: { tls: { clientAuthType: "RequireAnyClientCert" } } });
  });

  it.skipIf(!hasOpenssl || !hasPromtool)(
    "is accepted by promtool too, with every setting",
    () => {
      const files = [
        `basic_auth_users: {alice: ${HASH}}`,
        "http_server_config: {http2: false, headers: {X-Frame-Options: deny, Content-Security-Policy: default-src 'self', X-Content-Type-Options: nosniff, X-XSS-Protection: 1, Strict-Transport-Security: max-age=60}}",
        `${TLS}  min_version: TLS12\n  max_version: TLS13\n  prefer_server_cipher_suites: true\n`,
        ...["RequestClientCert", "RequireAnyClientCert", "RequireClientCert"].map(
          (type) => `${TLS}  client_auth_type: ${type}\n`,
        ),
        ...["VerifyClientCertIfGiven", "RequireAndVerifyClientCert"].map(
          (type) => `${TLS}  client_auth_type: ${type}\n  client_ca_file: ca.crt\n`,
        ),
        "http_server_config: {http2: no, headers: {X-XSS-Protection: false, Content-Security-Policy: 7, Strict-Transport-Security: }}",
        `${TLS}  client_auth_type: VerifyClientCertIfGiven\n  prefer_server_cipher_suites: off\n`,
        `${TLS}  client_auth_type: RequireAndVerifyClientCert\n`,
        `${TLS}  client_auth_type: ""\n  client_ca_file: ""\n`,
        `${TLS}  client_auth_type:\n  client_ca_file:\n`,
        `basic_auth_users: {alice: ${HASH.replace("$10$", "$18$")}}`,
        `${TLS}  curve_preferences: [CurveP256, CurveP384, CurveP521, X25519]\n`,
        `${TLS}  cipher_suites: [TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384, TLS_CHACHA20_POLY1305_SHA256, TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA, TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256]\n`,
      ];
      for (const text of files) {
        expect(listProblems(text)).toEqual([]);
        expect(runWithInput("promtool", ["check", "web-config", web], "")).toEqual({
          code: 0,
          output: `${web} SUCCESS\n`,
        });
      }
    },
    SLOW_MS,
  );
});

describe.skipIf(!hasOpenssl)("settings of a file", () => {
  const loadTls = (settings: string) => {
    writeFileSync(web, `${TLS}${settings}`);
    const { result } = loadWebConfig(web);
    if ("problems" in result) throw new Error(result.problems.join());
    return result.value.tls;
  };

  it("a blank setting is not set: client_auth_type is NoClientCert", () => {
    for (const blank of ['""', ""]) {
      const settings = ["client_auth_type", "client_ca_file", "client_ca", "cert", "key"];
      const tls = loadTls(settings.map((name) => `  ${name}: ${blank}\n`).join(""));
      expect(tls).toMatchObject({
        clientAuthType: "NoClientCert",
        context: { cert: server.cert, ca: undefined },
      });
    }
  });

  it("yes and no, on and off are true and false", () => {
    for (const [word, value] of [
      ["yes", true],
      ["On", true],
      ["no", false],
      ["OFF", false],
    ])
      expect(loadTls(`  prefer_server_cipher_suites: ${word}\n`)?.context.honorCipherOrder).toBe(
        value,
      );
  });

  it("a client certificate that any public authority may have signed causes a warning", () => {
    writeFileSync(web, `${TLS}  client_auth_type: RequireAndVerifyClientCert\n`);
    expect(watchFile(web).logged).toEqual([
      {
        level: 40,
        file: web,
        msg: "tls_server_config: RequireAndVerifyClientCert without client_ca_file accepts the certificates of all public authorities",
      },
    ]);
    writeFileSync(
      web,
      `${TLS}  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.crt\n`,
    );
    expect(watchFile(web).logged).toEqual([]);
  });
});

describe("a file that changes", () => {
  it.skipIf(!hasOpenssl)("is reloaded when one of its certificates is renewed", () => {
    replaceFile(web, TLS);
    const { config, later, logged } = watchFile(web);
    const first = config();
    const readText = (name: string) => readFileSync(join(folder, name), "utf8");
    replaceFile(server.certFile, readText("another.crt"));
    expect(later()).toBe(first); // the key still belongs to the old certificate
    replaceFile(server.keyFile, readText("another.key"));
    expect(later().tls?.context).toMatchObject({ cert: readText("another.crt") });
    replaceFile(server.certFile, server.cert);
    replaceFile(server.keyFile, server.key);
    expect(later().tls?.context).toMatchObject({ cert: server.cert });
    expect(logged.map(({ msg }) => msg)).toEqual([
      "the web configuration is invalid; the previous one stays in effect",
      "the web configuration was reloaded",
      "the web configuration was reloaded",
    ]);
  });

  it.skipIf(!hasOpenssl)("cannot enable TLS or client certificates without a restart", () => {
    replaceFile(web, TLS);
    const { config, later, logged } = watchFile(web);
    const first = config();
    replaceFile(web, userFile("alice"));
    expect(later()).toBe(first);
    replaceFile(web, `${TLS}  client_auth_type: RequestClientCert\n`);
    expect(later()).toBe(first);
    expect(logged.map(({ problems }) => problems)).toEqual([
      [`${web}: tls_server_config: enabling or disabling TLS needs a restart`],
      [
        `${web}: tls_server_config.client_auth_type: a change from or to NoClientCert needs a restart`,
      ],
    ]);
  });
});
