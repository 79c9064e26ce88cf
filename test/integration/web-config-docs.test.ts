/** The commands and examples in docs/web-configuration.md work without changes. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import bcrypt from "bcryptjs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadWebConfig } from "../../src/http/web-config/file.ts";
import { hasProgram, runWithInput } from "../support/programs.ts";

const SLOW_MS = 60_000;
const doc = readFileSync("docs/web-configuration.md", "utf8");

/** Returns the code between two markers. */
const getBlock = (name: string): string => {
  const [, code] =
    new RegExp(`<!-- ${name}: begin -->\n\`\`\`\\w+\n(.*?)\`\`\`\n<!-- ${name}: end -->`, "s").exec(
      doc,
    ) ?? [];
  if (code === undefined) throw new Error(`the document has no getBlock named "${name}"`);
  return code;
};

describe.skipIf(!hasProgram("openssl", "version"))("the commands in the document", () => {
  let folder = "";
  let web = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "web-configuration-"));
    web = join(folder, "web.yml");
    for (const name of ["certificate", "client"])
      execFileSync("sh", ["-ec", getBlock(name)], { cwd: folder, stdio: "pipe" });
    writeFileSync(web, getBlock("example"));
  }, SLOW_MS);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("create the files of the example, which the exporter accepts", () => {
    const { result, files } = loadWebConfig(web);
    expect(result).toMatchObject({
      value: {
        tls: { clientAuthType: "RequireAndVerifyClientCert" },
        headers: [
          ["X-Frame-Options", "deny"],
          ["Strict-Transport-Security", "max-age=31536000"],
        ],
      },
    });
    expect([...files.keys()].map((file) => file.replace(folder, ""))).toEqual([
      "/web.yml",
      "/web.crt",
      "/web.key",
      "/ca.crt",
    ]);
  });

  it("create a client certificate that is signed by the authority of the example", () => {
    const verify = ["verify", "-CAfile", "ca.crt", "-purpose", "sslclient", "prometheus.crt"];
    expect(execFileSync("openssl", verify, { cwd: folder, encoding: "utf8" })).toBe(
      "prometheus.crt: OK\n",
    );
  });

  it.skipIf(!hasProgram("promtool", "--version"))("create files that promtool accepts", () => {
    expect(runWithInput("promtool", ["check", "web-config", web], "")).toEqual({
      code: 0,
      output: `${web} SUCCESS\n`,
    });
    const config = join(folder, "prometheus.yml");
    writeFileSync(config, getBlock("prometheus"));
    expect(runWithInput("promtool", ["check", "config", config], "").code).toBe(0);
  });
});

it("the hash in the example matches the password in the configuration of Prometheus", async () => {
  const [hash] = /\$2y\$\S+/.exec(getBlock("example")) ?? [""];
  expect(getBlock("prometheus")).toContain("password: change-me\n");
  expect(await bcrypt.compare("change-me", hash)).toBe(true);
});

it.skipIf(!hasProgram("bash", "--version"))(
  "the command for a hash creates the hash of the password that is entered",
  async () => {
    const hash = execFileSync("bash", ["-ec", getBlock("hash")], {
      input: "it's my $ecret\n",
      encoding: "utf8",
    }).trim();
    expect(hash).toMatch(/^\$2[aby]\$10\$.{53}$/);
    expect(await bcrypt.compare("it's my $ecret", hash)).toBe(true);
  },
  SLOW_MS,
);

it("the document describes every key of the file", () => {
  const folder = mkdtempSync(join(tmpdir(), "web-configuration-"));
  const file = join(folder, "web.yml");
  writeFileSync(
    file,
    "x: 1\ntls_server_config: {x: 1}\nhttp_server_config: {x: 1, headers: {x: 1}}\nrate_limit: {x: 1, burst: 1, interval: 1s}\n",
  );
  const { result } = loadWebConfig(file);
  rmSync(folder, { recursive: true });
  const keys = ("problems" in result ? result.problems : []).flatMap(
    (problem) => problem.split("known keys are ")[1]?.split(", ") ?? [],
  );
  expect(keys).toHaveLength(4 + 13 + 2 + 5 + 2);
  for (const key of keys) expect(doc).toContain(key);
});
