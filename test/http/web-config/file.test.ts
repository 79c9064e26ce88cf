import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { UsageError } from "../../../src/config/usage-error.ts";
import { loadWebConfig } from "../../../src/http/web-config/file.ts";
import { watchWebConfig } from "../../../src/http/web-config/watch.ts";
import { certifier, type Pair } from "../../support/certificates.ts";
import { hasProgram, told } from "../../support/programs.ts";

const HASH = "$2y$10$mDwo.lAisC94iLAyP81MCesa29IzH37oigHC/42V2pdJlUprsJPze";
const hasOpenssl = hasProgram("openssl", "version");
const hasPromtool = hasProgram("promtool", "--version");

/** For tests that start programs, on a machine that has more to do. */
const SLOW_MS = 60_000;

let folder = "";
let web = "";
let ca: Pair;
let server: Pair;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "web-file-"));
  web = join(folder, "web.yml");
  if (!hasOpenssl) return;
  const certify = certifier(folder);
  ca = certify("ca");
  server = certify("server", { by: ca });
  certify("another", { by: ca });
  writeFileSync(join(folder, "nothing.pem"), "nothing\n");
  const lock = ["pkcs8", "-topk8", "-passout", "pass:1234", "-out", join(folder, "locked.key")];
  expect(told("openssl", lock, server.key).code).toBe(0);
  mkdirSync(join(folder, "folder"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What is wrong with a file, without the name of its folder. */
const problemsOf = (text: string | Uint8Array): readonly string[] => {
  writeFileSync(web, text);
  const { read } = loadWebConfig(web);
  return "problems" in read ? read.problems.map((it) => it.replaceAll(`${folder}/`, "")) : [];
};

const TLS = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n";

describe("a bad file", () => {
  it.each<{ text: string; problems: string[] }>([
    { text: "", problems: ["web.yml: is empty"] },
    { text: "# nothing yet\n", problems: ["web.yml: is empty"] },
    {
      text: "admin",
      problems: ["web.yml:1: is a text, and not a map of names and values"],
    },
    {
      text: "- basic_auth_users",
      problems: ["web.yml:1: is a list, and not a map of names and values"],
    },
    {
      text: "basic_auth_users:\n\talice: x\n",
      problems: ["web.yml:2: begins with a tab; indent with spaces"],
    },
    {
      text: `basic_auth_users:\n  alice: ${HASH}\n  alice: ${HASH}\n`,
      problems: ["web.yml:3: alice: stands here for the second time"],
    },
    {
      text: `basic_auth_users:\n  __proto__: ${HASH}\n`,
      problems: ["web.yml:2: __proto__: cannot be a key"],
    },
    {
      text: "basic_auth:\n  alice: x\nrate_limits: {}\n",
      problems: [
        "web.yml:1: basic_auth: is unknown here; known are tls_server_config, http_server_config, rate_limit, basic_auth_users",
        "web.yml:3: rate_limits: is unknown here; known are tls_server_config, http_server_config, rate_limit, basic_auth_users",
      ],
    },
    {
      text: "basic_auth_users:\n",
      problems: ["web.yml:1: basic_auth_users: is empty; give it a value or leave it out"],
    },
    {
      text: "basic_auth_users:\n  alice: s3cret\n  bob: 12345\n  carol:\n",
      problems: [
        "web.yml:2: basic_auth_users.alice: is no bcrypt hash, which begins with $2y$10$ or the like; see docs/web-configuration.md",
        "web.yml:3: basic_auth_users.bob: is a number, and not a text",
        "web.yml:4: basic_auth_users.carol: is empty; give it a value or leave it out",
      ],
    },
    {
      text: `basic_auth_users:\n  alice: ${HASH.slice(0, -1)}\n  bob: ${HASH}x\n  carol: ${HASH.replace("$10$", "$03$")}\n`,
      problems: ["alice", "bob", "carol"].map(
        (user, i) =>
          `web.yml:${i + 2}: basic_auth_users.${user}: is no bcrypt hash, which begins with $2y$10$ or the like; see docs/web-configuration.md`,
      ),
    },
    {
      text: `basic_auth_users:\n  alice: ${HASH.replace("$10$", "$15$")}\n`,
      problems: [
        "web.yml:2: basic_auth_users.alice: has a cost of 15; above 14 a check takes longer than a scrape may",
      ],
    },
    {
      text: `basic_auth_users:\n  "": ${HASH}\n  a:b: ${HASH}\n`,
      problems: [
        "web.yml:2: basic_auth_users.: is no name of a user: it must have a character, and no colon",
        "web.yml:3: basic_auth_users.a:b: is no name of a user: it must have a character, and no colon",
      ],
    },
    {
      text: "http_server_config:\n  http2: true\n",
      problems: [
        "web.yml:2: http_server_config.http2: cannot be had here, as only HTTP/1.1 is served; leave it out",
      ],
    },
    {
      text: "http_server_config:\n  headers:\n    Server: mine\n    X-Frame-Options: DENY\n    X-Content-Type-Options: sniff\n    Content-Security-Policy: 7\n    X-XSS-Protection: €\n",
      problems: [
        "web.yml:3: http_server_config.headers.Server: is unknown here; known are Content-Security-Policy, X-Frame-Options, X-Content-Type-Options, X-XSS-Protection, Strict-Transport-Security",
        'web.yml:4: http_server_config.headers.X-Frame-Options: "DENY" is none of deny, sameorigin',
        'web.yml:5: http_server_config.headers.X-Content-Type-Options: "sniff" is none of nosniff',
        "web.yml:6: http_server_config.headers.Content-Security-Policy: is a number, and not a text",
        "web.yml:7: http_server_config.headers.X-XSS-Protection: has a character in it that no header can have",
      ],
    },
    {
      text: "rate_limit:\n  interval: often\n  burst: 0\n",
      problems: [
        'web.yml:2: rate_limit.interval: "often" is not a duration; write it as 250ms, 9.5s or 10m',
        "web.yml:3: rate_limit.burst: is below 1",
      ],
    },
    {
      text: "rate_limit:\n  interval: 1s\n",
      problems: ["web.yml:1: rate_limit.burst: is missing"],
    },
  ])("$problems.0", ({ text, problems }) => {
    expect(problemsOf(text)).toEqual(problems);
  });

  it("that is no text, no file, or not there", () => {
    expect(problemsOf(new Uint8Array([0xff, 0xfe, 0x61]))).toEqual([
      "web.yml: is not a text in UTF-8",
    ]);
    expect(loadWebConfig("/nowhere/web.yml").read).toEqual({
      problems: ["/nowhere/web.yml: cannot be read: there is no such file"],
    });
    expect(loadWebConfig(folder).read).toEqual({
      problems: [`${folder}: cannot be read: it is a folder`],
    });
    expect(loadWebConfig("/dev/null").read).toEqual({
      problems: ["/dev/null: cannot be read: it is not a regular file"],
    });
    expect(problemsOf("#".repeat(1024 * 1024 + 1))).toEqual([
      "web.yml: cannot be read: it is larger than 1 MiB",
    ]);
    expect(problemsOf("tls_server_config: {cert_file: web.yml/x, key_file: /dev/null}")).toEqual([
      "web.yml:1: tls_server_config.cert_file: web.yml/x cannot be read: there is no such file",
      "web.yml:1: tls_server_config.key_file: /dev/null cannot be read: it is not a regular file",
    ]);
  });

  it("never has a password or a hash repeated", () => {
    const texts = [
      "basic_auth_users:\n  alice: s3cret: x\n",
      'basic_auth_users:\n  alice: "s3cret\n',
      "basic_auth_users:\n  alice: [s3cret\n",
      "basic_auth_users:\n  alice: 'x' s3cret\n",
      "basic_auth_users:\n  alice: @s3cret\n",
      "basic_auth_users: s3cret\n",
      "basic_auth_users: [s3cret]\n",
      "tls_server_config:\n  key: s3cret\n  cert: s3cret\n",
    ];
    for (const text of texts) {
      const problems = problemsOf(text);
      expect(problems).not.toEqual([]);
      expect(problems.join("\n")).not.toContain("s3cret");
    }
  });
});

describe.skipIf(!hasOpenssl)("bad TLS settings", () => {
  it.each<{ tls: string; problems: string[] }>([
    {
      tls: "{}",
      problems: [
        "web.yml:1: tls_server_config: names no certificate; give it a cert_file",
        "web.yml:1: tls_server_config: names no key; give it a key_file",
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
        "web.yml:2: tls_server_config.cert_file: nothing.pem holds no certificate in PEM form",
        "web.yml:3: tls_server_config.key_file: server.crt holds no private key in PEM form",
      ],
    },
    {
      tls: "\n  cert: nothing\n  key: nothing",
      problems: [
        "web.yml:2: tls_server_config.cert: holds no certificate in PEM form",
        "web.yml:3: tls_server_config.key: holds no private key in PEM form",
      ],
    },
    {
      tls: "\n  cert_file: server.crt\n  key_file: locked.key",
      problems: [
        "web.yml:3: tls_server_config.key_file: locked.key is locked with a passphrase; take it off",
      ],
    },
    {
      tls: "\n  cert_file: server.crt\n  key_file: another.key",
      problems: ["web.yml:3: tls_server_config.key_file: is not the key of the certificate"],
    },
    {
      tls: "\n  cert_file: server.crt\n  key_file: server.key\n  cert: x",
      problems: [
        "web.yml:4: tls_server_config.cert: stands beside cert_file; one of the two must go",
      ],
    },
    {
      tls: "\n  cert_file: server.crt\n  key_file: server.key\n  min_version: TLS09\n  max_version: TLS11",
      problems: [
        'web.yml:4: tls_server_config.min_version: "TLS09" is none of TLS10, TLS11, TLS12, TLS13',
        'web.yml:5: tls_server_config.max_version: "TLS11" is not served by Node.js; take TLS12 or TLS13',
      ],
    },
    {
      tls: "\n  cert_file: server.crt\n  key_file: server.key\n  min_version: TLS13\n  max_version: TLS12",
      problems: ["web.yml:4: tls_server_config.min_version: TLS13 is above max_version TLS12"],
    },
    {
      tls: "\n  cert_file: server.crt\n  key_file: server.key\n  client_auth_type: Maybe\n  prefer_server_cipher_suites: yes",
      problems: [
        'web.yml:4: tls_server_config.client_auth_type: "Maybe" is none of NoClientCert, RequestClientCert, RequireAnyClientCert, VerifyClientCertIfGiven, RequireAndVerifyClientCert, RequireClientCert',
        "web.yml:5: tls_server_config.prefer_server_cipher_suites: is a text, and not true or false",
      ],
    },
    ...["VerifyClientCertIfGiven", "RequireAndVerifyClientCert"].map((type) => ({
      tls: `\n  cert_file: server.crt\n  key_file: server.key\n  client_auth_type: ${type}`,
      problems: [
        `web.yml:4: tls_server_config.client_auth_type: ${type} needs a client_ca_file: who signs for the clients`,
      ],
    })),
    {
      tls: "\n  cert_file: server.crt\n  key_file: server.key\n  client_ca_file: ca.crt\n  client_allowed_sans: [a.lan]",
      problems: [
        "web.yml:4: tls_server_config.client_ca_file: is of no use while client_auth_type is NoClientCert; take RequireAndVerifyClientCert",
        "web.yml:5: tls_server_config.client_allowed_sans: needs a client_auth_type of RequireAndVerifyClientCert or RequireAnyClientCert",
      ],
    },
    {
      tls: "\n  cert_file: server.crt\n  key_file: server.key\n  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: nothing.pem",
      problems: [
        "web.yml:5: tls_server_config.client_ca_file: nothing.pem holds no certificate in PEM form",
      ],
    },
    {
      tls: "\n  cert_file: server.crt\n  key_file: server.key\n  cipher_suites: [TLS_AES_128_GCM_SHA256, TLS_RSA_WITH_RC4_128_SHA]\n  curve_preferences: [P256]",
      problems: [
        'web.yml:4: tls_server_config.cipher_suites[1]: "TLS_RSA_WITH_RC4_128_SHA" is none of TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384, TLS_CHACHA20_POLY1305_SHA256, TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA, TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256',
        'web.yml:5: tls_server_config.curve_preferences[0]: "P256" is none of X25519, CurveP256, CurveP384, CurveP521',
      ],
    },
    {
      tls: "\n  cert_file: server.crt\n  key_file: server.key\n  keyfile: server.key",
      problems: [
        "web.yml:4: tls_server_config.keyfile: is unknown here; known are cert_file, cert, key_file, key, client_auth_type, client_ca_file, client_ca, client_allowed_sans, min_version, max_version, cipher_suites, curve_preferences, prefer_server_cipher_suites",
      ],
    },
  ])("$problems.0", ({ tls, problems }) => {
    expect(problemsOf(`tls_server_config: ${tls}\n`)).toEqual(problems);
  });
});

describe("a good file", () => {
  it("of nothing is plain HTTP for anybody", () => {
    writeFileSync(web, "{}\n");
    expect(loadWebConfig(web).read).toEqual({
      value: { tls: undefined, headers: [], rateLimit: undefined, users: new Map() },
    });
  });

  it("says who, how often, and with which headers", () => {
    writeFileSync(
      web,
      `basic_auth_users: {alice: ${HASH}, 1: ${HASH.replace("2y", "2a")}}\nhttp_server_config: {http2: false, headers: {X-Frame-Options: deny, X-XSS-Protection: ""}}\nrate_limit: {interval: 1s, burst: 20}\n`,
    );
    expect(loadWebConfig(web)).toEqual({
      files: new Map([[web, expect.any(String)]]),
      read: {
        value: {
          tls: undefined,
          headers: [["X-Frame-Options", "deny"]],
          rateLimit: { intervalMs: 1_000, burst: 20 },
          users: new Map([
            ["1", HASH.replace("2y", "2a")],
            ["alice", HASH],
          ]),
        },
      },
    });
  });

  it.skipIf(!hasOpenssl)("says all of TLS in the words of OpenSSL", () => {
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
    const { read, files } = loadWebConfig(web);
    expect([...files.keys()]).toEqual([web, server.certFile, server.keyFile, ca.certFile]);
    expect({ read }).toMatchObject({
      read: {
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

  it.skipIf(!hasOpenssl)("may have certificate, key and CA in itself", () => {
    const inline = (pem: string) => `|\n${pem.replace(/^/gm, "    ")}\n`;
    writeFileSync(
      web,
      `tls_server_config:\n  client_auth_type: RequireClientCert\n  cert: ${inline(server.cert)}  key: ${inline(server.key)}  client_ca: ${inline(ca.cert)}`,
    );
    const { read, files } = loadWebConfig(web);
    expect([...files.keys()]).toEqual([web]);
    expect(read).toMatchObject({ value: { tls: { clientAuthType: "RequireAnyClientCert" } } });
  });

  it.skipIf(!hasOpenssl || !hasPromtool)(
    "is one that promtool accepts, and every word of it is",
    () => {
      const good = [
        `basic_auth_users: {alice: ${HASH}}`,
        "http_server_config: {http2: false, headers: {X-Frame-Options: deny, Content-Security-Policy: default-src 'self', X-Content-Type-Options: nosniff, X-XSS-Protection: '1', Strict-Transport-Security: max-age=60}}",
        `${TLS}  min_version: TLS12\n  max_version: TLS13\n  prefer_server_cipher_suites: true\n`,
        ...["RequestClientCert", "RequireAnyClientCert", "RequireClientCert"].map(
          (type) => `${TLS}  client_auth_type: ${type}\n`,
        ),
        ...["VerifyClientCertIfGiven", "RequireAndVerifyClientCert"].map(
          (type) => `${TLS}  client_auth_type: ${type}\n  client_ca_file: ca.crt\n`,
        ),
        `${TLS}  curve_preferences: [CurveP256, CurveP384, CurveP521, X25519]\n`,
        `${TLS}  cipher_suites: [TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384, TLS_CHACHA20_POLY1305_SHA256, TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA, TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256]\n`,
      ];
      for (const text of good) {
        expect(problemsOf(text)).toEqual([]);
        expect(told("promtool", ["check", "web-config", web], "")).toEqual({
          code: 0,
          output: `${web} SUCCESS\n`,
        });
      }
    },
    SLOW_MS,
  );
});

describe("a file that changes", () => {
  const watch = () => {
    let time = 0;
    const logged: Record<string, unknown>[] = [];
    const log = pino(
      { base: null, timestamp: false },
      { write: (line) => void logged.push(JSON.parse(line)) },
    );
    const access = watchWebConfig(web, { log, now: () => time });
    const later = () => {
      time += 1_000;
      return access();
    };
    return { access, later, logged };
  };
  /** As an editor does that means well: all at once. */
  const replace = (file: string, text: string): void => {
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
  };
  const userFile = (name: string): string => `basic_auth_users:\n  ${name}: ${HASH}\n`;

  it("stops the start where it is bad, with every problem", () => {
    writeFileSync(web, "basic_auth_users:\n  alice: x\nhttp: 1\n");
    expect(watch).toThrow(UsageError);
  });

  it("is reread within a second, and is the same object while nothing changes", () => {
    replace(web, userFile("alice"));
    const { access, later, logged } = watch();
    const first = access();
    expect(later()).toBe(first);
    replace(web, userFile("bob"));
    expect(access()).toBe(first);
    expect([...later().users.keys()]).toEqual(["bob"]);
    expect(later()).toBe(later());
    expect(logged).toEqual([
      { level: 30, file: web, msg: "the web configuration has changed and is in force" },
    ]);
  });

  it("changes nothing while it is bad, is complained about once, and is in force once it is good", () => {
    replace(web, userFile("alice"));
    const { access, later, logged } = watch();
    const first = access();
    replace(web, "basic_auth_users:\n  bob: secret\n");
    expect(later()).toBe(first);
    expect(later()).toBe(first);
    rmSync(web);
    expect(later()).toBe(first);
    writeFileSync(web, "");
    expect(later()).toBe(first);
    replace(web, userFile("bob"));
    expect([...later().users.keys()]).toEqual(["bob"]);
    const msg = "the web configuration is bad; the one before stays";
    expect(logged).toEqual([
      {
        level: 50,
        file: web,
        problems: [
          `${web}:2: basic_auth_users.bob: is no bcrypt hash, which begins with $2y$10$ or the like; see docs/web-configuration.md`,
        ],
        msg,
      },
      { level: 50, file: web, problems: [`${web}: cannot be read: there is no such file`], msg },
      { level: 50, file: web, problems: [`${web}: is empty`], msg },
      { level: 30, file: web, msg: "the web configuration has changed and is in force" },
    ]);
  });

  it.skipIf(!hasOpenssl)("is reread too when a certificate that it names is renewed", () => {
    replace(web, TLS);
    const { access, later, logged } = watch();
    const first = access();
    const another = (name: string) => readFileSync(join(folder, name), "utf8");
    replace(server.certFile, another("another.crt"));
    expect(later()).toBe(first); // the key is still that of the old one
    replace(server.keyFile, another("another.key"));
    expect(later().tls?.context).toMatchObject({ cert: another("another.crt") });
    replace(server.certFile, server.cert);
    replace(server.keyFile, server.key);
    expect(later().tls?.context).toMatchObject({ cert: server.cert });
    expect(logged.map(({ msg }) => msg)).toEqual([
      "the web configuration is bad; the one before stays",
      "the web configuration has changed and is in force",
      "the web configuration has changed and is in force",
    ]);
  });

  it.skipIf(!hasOpenssl)(
    "cannot switch TLS or the asking for certificates without a restart",
    () => {
      replace(web, TLS);
      const { access, later, logged } = watch();
      const first = access();
      replace(web, userFile("alice"));
      expect(later()).toBe(first);
      replace(web, `${TLS}  client_auth_type: RequestClientCert\n`);
      expect(later()).toBe(first);
      expect(logged.map(({ problems }) => problems)).toEqual([
        [`${web}: tls_server_config: TLS is switched on or off by a restart only`],
        [
          `${web}: tls_server_config.client_auth_type: changes from or to NoClientCert by a restart only`,
        ],
      ]);
    },
  );
});

describe("the program", () => {
  it(
    "refuses to start with a bad file, tells every problem, and ends with 2",
    () => {
      writeFileSync(web, "basic_auth_users:\n  alice: x\nhttp_server_config:\n  http2: true\n");
      const { code, output } = told(
        process.execPath,
        ["dist/main.js", "demo", `--web.config.file=${web}`],
        "",
      );
      expect(output).toBe(
        [
          `apsystems-ecu-exporter: ${web}:2: basic_auth_users.alice: is no bcrypt hash, which begins with $2y$10$ or the like; see docs/web-configuration.md`,
          `apsystems-ecu-exporter: ${web}:4: http_server_config.http2: cannot be had here, as only HTTP/1.1 is served; leave it out`,
          "",
        ].join("\n"),
      );
      expect(code).toBe(2);
    },
    SLOW_MS,
  );
});
