import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { UsageError } from "../../../src/config/usage-error.ts";
import { loadWebConfig } from "../../../src/http/web-config/file.ts";
import { runWithInput } from "../../support/programs.ts";
import { findProblems, HASH, replaceFile, userFile, watchFile } from "../../support/web-config.ts";

/** For tests that start programs on a busy machine. */
const SLOW_MS = 60_000;

let folder = "";
let web = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "web-file-"));
  web = join(folder, "web.yml");
  mkdirSync(join(folder, "folder"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const problemsIn = (text: string | Uint8Array): readonly string[] =>
  findProblems(folder, web, text);

describe("an invalid file", () => {
  it.each<{ text: string; problems: string[] }>([
    { text: "", problems: ["web.yml: is empty"] },
    { text: "# nothing yet\n", problems: ["web.yml: is empty"] },
    {
      text: "admin",
      problems: ["web.yml:1: must be a map of names and values, not a string"],
    },
    {
      text: "- basic_auth_users",
      problems: ["web.yml:1: must be a map of names and values, not a list"],
    },
    {
      text: "basic_auth_users:\n\talice: x\n",
      problems: ["web.yml:2: starts with a tab; indent with spaces"],
    },
    {
      text: `basic_auth_users:\n  alice: ${HASH}\n  alice: ${HASH}\n`,
      problems: ["web.yml:3: alice: is set twice"],
    },
    {
      text: `basic_auth_users:\n  __proto__: ${HASH}\n`,
      problems: ["web.yml:2: __proto__: is not allowed as a key"],
    },
    {
      text: "basic_auth:\n  alice: x\nrate_limits: {}\n",
      problems: [
        "web.yml:1: basic_auth: is not a known key; known keys are tls_server_config, http_server_config, rate_limit, basic_auth_users",
        "web.yml:3: rate_limits: is not a known key; known keys are tls_server_config, http_server_config, rate_limit, basic_auth_users",
      ],
    },
    {
      text: "basic_auth_users:\n",
      problems: ["web.yml:1: basic_auth_users: is empty; set a value or remove the key"],
    },
    {
      text: "basic_auth_users:\n  alice: s3cret\n  bob: 12345\n  carol:\n",
      problems: [
        "web.yml:2: basic_auth_users.alice: is not a bcrypt hash, which starts with $2y$10$ or similar; see docs/web-configuration.md",
        "web.yml:3: basic_auth_users.bob: must be a string, not a number",
        "web.yml:4: basic_auth_users.carol: is empty; set a value or remove the key",
      ],
    },
    {
      text: `basic_auth_users:\n  alice: ${HASH.slice(0, -1)}\n  bob: ${HASH}x\n  carol: ${HASH.replace("$10$", "$03$")}\n`,
      problems: ["alice", "bob", "carol"].map(
        (user, i) =>
          `web.yml:${i + 2}: basic_auth_users.${user}: is not a bcrypt hash, which starts with $2y$10$ or similar; see docs/web-configuration.md`,
      ),
    },
    {
      text: `basic_auth_users:\n  alice: ${HASH.replace("$10$", "$19$")}\n`,
      problems: [
        "web.yml:2: basic_auth_users.alice: has a cost of 19; the maximum is 18, with which a check takes about half a minute",
      ],
    },
    {
      text: `basic_auth_users:\n  "": ${HASH}\n  a:b: ${HASH}\n`,
      problems: [
        "web.yml:2: basic_auth_users.: is not a valid user name: it must not be empty or contain a colon or control characters",
        "web.yml:3: basic_auth_users.a:b: is not a valid user name: it must not be empty or contain a colon or control characters",
      ],
    },
    {
      text: "http_server_config:\n  http2: true\n",
      problems: [
        "web.yml:2: http_server_config.http2: is not supported: the exporter uses HTTP/1.1 only; remove this setting",
      ],
    },
    {
      text: "http_server_config:\n  headers:\n    Server: mine\n    X-Frame-Options: DENY\n    X-Content-Type-Options: sniff\n    Content-Security-Policy: [7]\n    X-XSS-Protection: €\n",
      problems: [
        "web.yml:3: http_server_config.headers.Server: is not a known key; known keys are Content-Security-Policy, X-Frame-Options, X-Content-Type-Options, X-XSS-Protection, Strict-Transport-Security",
        'web.yml:4: http_server_config.headers.X-Frame-Options: "DENY" is not one of deny, sameorigin',
        'web.yml:5: http_server_config.headers.X-Content-Type-Options: "sniff" is not one of nosniff',
        "web.yml:6: http_server_config.headers.Content-Security-Policy: must be a string, not a list",
        "web.yml:7: http_server_config.headers.X-XSS-Protection: contains a character that is not allowed in a header",
      ],
    },
    {
      text: "rate_limit:\n  interval: often\n  burst: -1\n",
      problems: [
        'web.yml:2: rate_limit.interval: "often" is not a duration; write it as 100ms, 1.5s or 1m30s',
        "web.yml:3: rate_limit.burst: is below 0",
      ],
    },
    {
      text: "rate_limit:\n  interval: 1s\n  burst: 0\n",
      problems: [
        "web.yml:3: rate_limit.burst: must be at least 1; otherwise every request is rejected",
      ],
    },
    {
      text: "rate_limit:\n  interval: 1s\n",
      problems: [
        "web.yml:1: rate_limit.burst: must be at least 1; otherwise every request is rejected",
      ],
    },
  ])("$problems.0", ({ text, problems }) => {
    expect(problemsIn(text)).toEqual(problems);
  });

  it("may be missing, too large, not a regular file, or not UTF-8", () => {
    expect(problemsIn(new Uint8Array([0xff, 0xfe, 0x61]))).toEqual(["web.yml: is not valid UTF-8"]);
    expect(loadWebConfig("/nowhere/web.yml").result).toEqual({
      problems: ["/nowhere/web.yml: cannot be read: there is no such file"],
    });
    expect(loadWebConfig(folder).result).toEqual({
      problems: [`${folder}: cannot be read: it is a folder`],
    });
    expect(loadWebConfig("/dev/null").result).toEqual({
      problems: ["/dev/null: cannot be read: it is not a regular file"],
    });
    expect(problemsIn("#".repeat(64 * 1024 + 1))).toEqual([
      "web.yml: cannot be read: it is larger than 64 KiB",
    ]);
    expect(problemsIn("tls_server_config: {cert_file: web.yml/x, key_file: /dev/null}")).toEqual([
      "web.yml:1: tls_server_config.cert_file: web.yml/x cannot be read: there is no such file",
      "web.yml:1: tls_server_config.key_file: /dev/null cannot be read: it is not a regular file",
    ]);
  });

  it("is reported without passwords, hashes and keys", () => {
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
      const problems = problemsIn(text);
      expect(problems).not.toEqual([]);
      expect(problems.join("\n")).not.toContain("s3cret");
    }
  });
});

describe("a valid file", () => {
  it("without settings means plain HTTP for every client", () => {
    writeFileSync(web, "{}\n");
    expect(loadWebConfig(web).result).toEqual({
      value: { tls: undefined, headers: [], rateLimit: undefined, users: new Map() },
    });
  });

  it("sets users, headers and the rate limit", () => {
    writeFileSync(
      web,
      `basic_auth_users: {alice: ${HASH}, 1: ${HASH.replace("2y", "2a")}}\nhttp_server_config: {http2: false, headers: {X-Frame-Options: deny, X-XSS-Protection: ""}}\nrate_limit: {interval: 1s, burst: 20}\n`,
    );
    expect(loadWebConfig(web)).toEqual({
      files: new Map([[web, expect.any(String)]]),
      result: {
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
});

describe("a value in the format of the exporter toolkit", () => {
  const load = (text: string) => {
    writeFileSync(web, text);
    const { result } = loadWebConfig(web);
    if ("problems" in result) throw new Error(result.problems.join());
    return result.value;
  };

  it.each<[text: string, ms: number]>([
    ["0", 0],
    ["'0'", 0],
    ["0s", 0],
    ["250ms", 250],
    ["1m30s", 90_000],
    ["1h0m0s", 3_600_000],
    ["500us", 0.5],
    ["500µs", 0.5], // the micro sign
    ["500μs", 0.5], // the Greek letter
    ["2500000ns", 2.5],
    [".5s", 500],
    ["1.s", 1_000],
    ["26h3m4.5s", 93_784_500],
    ["2562047h", 9_223_369_200_000],
  ])("the interval %s is %d ms", (text, ms) => {
    const { rateLimit } = load(`rate_limit: {interval: ${text}, burst: 20}`);
    expect(rateLimit).toEqual({ intervalMs: expect.closeTo(ms, 9), burst: 20 });
  });

  it.each(["1", "1000000000", "-1s", "1d", "s", "1m 30s", "1.2.3s", "1S", "''", "2562048h"])(
    "the interval %s is invalid",
    (text) => {
      expect(() => load(`rate_limit: {interval: ${text}, burst: 20}`)).toThrow(
        "rate_limit.interval: ",
      );
    },
  );

  it("without an interval, there is no limit", () => {
    for (const text of ["{}", "{burst: 0}", "{interval: 0, burst: 0}"])
      expect(load(`rate_limit: ${text}`).rateLimit?.intervalMs).toBe(0);
  });

  it("a header can be a number, true or false; it is not set without a value", () => {
    const names = ["X-XSS-Protection", "Content-Security-Policy", "Strict-Transport-Security"];
    const loadHeaders = (...values: string[]) =>
      load(
        `http_server_config: {headers: {${names.map((name, i) => `${name}: ${values[i]}`).join(", ")}}}`,
      ).headers;
    expect(Object.fromEntries(loadHeaders("01", "1.0", "false"))).toEqual({
      "X-XSS-Protection": "01",
      "Content-Security-Policy": "1.0",
      "Strict-Transport-Security": "false",
    });
    expect(loadHeaders("", '""', "null")).toEqual([]);
  });

  it("a password with a slow hash causes a warning, at the start and when it is added", () => {
    const slow = HASH.replace("$10$", "$15$");
    replaceFile(web, `basic_auth_users: {alice: ${HASH}, bob: ${slow}}`);
    const { later, logged } = watchFile(web);
    const warning = (name: string) => ({
      level: 40,
      file: web,
      msg: `basic_auth_users.${name}: with a cost of 15, the first check of a password takes longer than a scrape; use 10 to 12`,
    });
    expect(logged).toEqual([warning("bob")]);
    replaceFile(web, `basic_auth_users: {carol: ${slow}}`);
    expect([...later().users.keys()]).toEqual(["carol"]);
    expect(logged.slice(2)).toEqual([warning("carol")]);
  });
});

describe("a changed file", () => {
  const watch = () => watchFile(web);

  it("prevents the start if it is invalid", () => {
    writeFileSync(web, "basic_auth_users:\n  alice: x\nhttp: 1\n");
    expect(watch).toThrow(UsageError);
  });

  it("is reloaded within a second; without a change, the configuration is the same object", () => {
    replaceFile(web, userFile("alice"));
    const { config, later, logged } = watch();
    const first = config();
    expect(later()).toBe(first);
    replaceFile(web, userFile("bob"));
    expect(config()).toBe(first);
    expect([...later().users.keys()]).toEqual(["bob"]);
    expect(later()).toBe(later());
    expect(logged).toEqual([{ level: 30, file: web, msg: "the web configuration was reloaded" }]);
  });

  it("has no effect while it is invalid, is logged once, and takes effect when it is valid", () => {
    replaceFile(web, userFile("alice"));
    const { config, later, logged } = watch();
    const first = config();
    replaceFile(web, "basic_auth_users:\n  bob: secret\n");
    expect(later()).toBe(first);
    expect(later()).toBe(first);
    rmSync(web);
    expect(later()).toBe(first);
    writeFileSync(web, "");
    expect(later()).toBe(first);
    replaceFile(web, userFile("bob"));
    expect([...later().users.keys()]).toEqual(["bob"]);
    const msg = "the web configuration is invalid; the previous one stays in effect";
    expect(logged).toEqual([
      {
        level: 50,
        file: web,
        problems: [
          `${web}:2: basic_auth_users.bob: is not a bcrypt hash, which starts with $2y$10$ or similar; see docs/web-configuration.md`,
        ],
        msg,
      },
      { level: 50, file: web, problems: [`${web}: cannot be read: there is no such file`], msg },
      { level: 50, file: web, problems: [`${web}: is empty`], msg },
      { level: 30, file: web, msg: "the web configuration was reloaded" },
    ]);
  });
});

describe("the program", () => {
  it(
    "reports every problem of an invalid file and exits with 2",
    () => {
      writeFileSync(web, "basic_auth_users:\n  alice: x\nhttp_server_config:\n  http2: true\n");
      const { code, output } = runWithInput(
        process.execPath,
        ["dist/main.js", "demo", `--web.config.file=${web}`],
        "",
      );
      expect(output).toBe(
        [
          `apsystems-ecu-exporter: ${web}:2: basic_auth_users.alice: is not a bcrypt hash, which starts with $2y$10$ or similar; see docs/web-configuration.md`,
          `apsystems-ecu-exporter: ${web}:4: http_server_config.http2: is not supported: the exporter uses HTTP/1.1 only; remove this setting`,
          "",
        ].join("\n"),
      );
      expect(code).toBe(2);
    },
    SLOW_MS,
  );
});
