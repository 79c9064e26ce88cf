/** The unit of deploy/systemd, and the program under the unit's filter of system calls. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { parseCommandLine } from "../../../src/cli/parse.ts";
import { serve } from "../../../src/commands/serve.ts";
import { envName } from "../../../src/config/setting.ts";
import { startEcu } from "../../simulator/client.ts";
import { parseSamples } from "../../support/exporter.ts";
import { freePort, hasProgram, poll, runWithInput, startProgram } from "../../support/programs.ts";

vi.setConfig({ testTimeout: 60_000 }); // other programs are started

const UNIT = "apsystems-ecu-exporter.service";
const text = readFileSync(`deploy/systemd/${UNIT}`, "utf8");
const example = readFileSync("deploy/systemd/apsystems-ecu-exporter.env", "utf8");

/** Every value that a unit gives a key. */
const listValues = (key: string): string[] =>
  [...text.matchAll(new RegExp(`^${key}=(.*)$`, "gm"))].map(([, value = ""]) => value);

/** Lines `NAME=value` of a file for systemd, those behind a comment sign too where asked. */
const variablesIn = (file: string, also: "shown" | "commented"): Record<string, string> =>
  Object.fromEntries(
    [...file.matchAll(also === "shown" ? /^(\w+)=(.*)$/gm : /^#?(\w+)=(.*)$/gm)].map(
      ([, name = "", value = ""]) => [name, value],
    ),
  );

/** The unit in a folder of its own, for programs that read it from there. */
const inFolder = <T>(unit: string, ask: (path: string) => T): T => {
  const folder = mkdtempSync(join(tmpdir(), "unit-"));
  try {
    writeFileSync(join(folder, UNIT), unit);
    return ask(join(folder, UNIT));
  } finally {
    rmSync(folder, { recursive: true });
  }
};

describe("the environment of the unit", () => {
  const own = Object.fromEntries(
    listValues("Environment").flatMap((line) => line.split(" ").map((one) => one.split("="))),
  );

  it.each(["shown", "commented"] as const)("is of settings that there are, as %s", (also) => {
    // The file is not there; that the variable is one of the exporter's is seen by its name.
    const { CONFIG_FILE, ...env } = { ...own, ...variablesIn(example, also) };
    expect(CONFIG_FILE).toBe(also === "shown" ? undefined : "/etc/apsystems-ecu-exporter.yml");
    const known = Object.values(serve.settings).map(({ flag }) => envName(flag));
    expect([...known, "NODE_ENV"]).toEqual(
      expect.arrayContaining([...Object.keys(env), "CONFIG_FILE"]),
    );
    const { config } = parseCommandLine({
      argv: ["serve"],
      env,
      version: "0",
      program: "exporter",
    }) as {
      config: object;
    };
    expect(config).toMatchObject({
      ecus: [{ host: "192.168.1.50" }],
      listenAddress: { host: "127.0.0.1", port: 10_899 },
      logFormat: "text",
      stateFile: `/var/lib/${listValues("StateDirectory")[0]}/state.json`,
      ...(also === "commented" && { timezone: "Europe/Amsterdam", site: { latitude: 52.09 } }),
    });
  });

  it("comes from the file that docs/deployment.md has copied there", () => {
    const [path = ""] = listValues("EnvironmentFile");
    const guide = readFileSync("docs/deployment.md", "utf8");
    expect(guide).toMatch(new RegExp(`cp .*apsystems-ecu-exporter\\.env ${path}$`, "m"));
  });

  it("has a configuration file read again, by the signal that the program takes for it", () => {
    expect(listValues("ExecReload")).toEqual(["/bin/kill -HUP $MAINPID"]);
    expect(readFileSync("src/commands/serve.ts", "utf8")).toContain('process.on("SIGHUP"');
  });

  it("names private networks and this machine alone as those that may be talked with", () => {
    expect(listValues("IPAddressDeny")).toEqual(["any"]);
    expect(listValues("IPAddressAllow").join(" ").split(" ").toSorted()).toEqual([
      "10.0.0.0/8",
      "169.254.0.0/16",
      "172.16.0.0/12",
      "192.168.0.0/16",
      "fc00::/7",
      "fe80::/10",
      "localhost",
    ]);
  });
});

describe.skipIf(!hasProgram("systemd-analyze", "--version"))("systemd-analyze", () => {
  const security = (unit: string) =>
    inFolder(unit, (path) =>
      runWithInput(
        "systemd-analyze",
        ["security", "--offline=true", "--no-pager", "--threshold=20", path],
        "",
      ),
    );

  it("finds the unit exposed by less than 2.0 of 10", () => {
    const { code, output } = security(text);
    const [, exposure] = /exposure level for \S+: ([\d.]+)/.exec(output) ?? [];
    expect(Number(exposure)).toBeLessThanOrEqual(1.3);
    expect(code).toBe(0);
  });

  it.each([
    "IPAddressDeny",
    "SystemCallFilter",
    "CapabilityBoundingSet",
    "PrivateDevices",
    "DynamicUser",
  ])("would find it more exposed without %s", (key) => {
    const exposure = (unit: string): number =>
      Number(/exposure level for \S+: ([\d.]+)/.exec(security(unit).output)?.[1]);
    const less = text.replaceAll(new RegExp(`^${key}=.*$`, "gm"), "");
    expect(exposure(less)).toBeGreaterThan(exposure(text));
  });

  const guide = readFileSync("docs/deployment.md", "utf8");
  const changes = [...guide.matchAll(/^ {4}\[Service\]\n(?: {4}.+\n)+/gm)].map(([change]) =>
    change.replaceAll(/^ {4}/gm, "").replace("/usr/local/bin/node", process.execPath),
  );

  /** What `verify` says of a unit whose program is there: the real one is only where it has been installed. */
  const verify = (unit: string) =>
    inFolder(unit.replace(/^ExecStart=\S+/m, `ExecStart=${process.execPath}`), (path) =>
      runWithInput("systemd-analyze", ["verify", "--man=no", path], ""),
    );

  it("finds no fault with the unit", () => {
    const { code, output } = verify(text);
    expect(output.split("\n").filter((line) => line.includes(UNIT))).toEqual([]);
    expect(code).toBe(0);
  });

  it("finds no fault with it as docs/deployment.md has it changed", () => {
    expect(changes).toHaveLength(2);
    for (const change of changes) {
      const { code, output } = verify(`${text}\n${change}`);
      expect(output.split("\n").filter((line) => line.includes(UNIT))).toEqual([]);
      expect(code).toBe(0);
      expect(
        verify(`${text}\n${change.replace("[Service]\n", "[Service]\nNo=1\n")}`).output,
      ).toContain(UNIT);
    }
  });

  it.each([
    ["an unknown key", "ProtectHome=yes", "ProtectHouse=yes"],
    ["an unknown key of a section", "[Service]", "[Service]\nWantedBy=multi-user.target"],
    ["a value that is none", "Restart=always", "Restart=sometimes"],
    ["an unknown group of system calls", "~@privileged", "~@privilege"],
    ["an address that is none", "fe80::/10", "fe80::/200"],
  ])("would find fault with %s", (_what, from, to) => {
    expect(text).toContain(from);
    expect(verify(text.replace(from, to)).output).toContain(UNIT);
  });
});

/**
 * Runs a program under the filter of the unit, as systemd would set it: what is not allowed gives EPERM. It is told the
 * allowed calls by the names that systemd-analyze has for them.
 */
const CONFINE = `
import os, subprocess, sys, seccomp

groups, members = {}, set()
for line in subprocess.run(["systemd-analyze", "syscall-filter"], capture_output=True, text=True, check=True).stdout.split("\\n"):
    if line.startswith("@"): members = groups.setdefault(line.strip(), set())
    elif line.startswith(" ") and not line.strip().startswith("#"): members.add(line.strip())

def calls(group):
    return {call for member in groups[group] for call in (calls(member) if member.startswith("@") else [member])}

allowed = set()
for word in sys.argv[1].split():
    allowed = allowed - calls(word[1:]) if word.startswith("~") else allowed | calls(word)
allowed |= calls("@default") | {"execve"}
filter = seccomp.SyscallFilter(seccomp.ERRNO(1))
for name in sorted(allowed):
    try: filter.add_rule(seccomp.ALLOW, name)
    except Exception: pass # a call of another architecture
filter.load()
os.execvp(sys.argv[2], sys.argv[2:])
`;

describe.skipIf(
  !hasProgram("systemd-analyze", "--version") ||
    !hasProgram("/usr/bin/python3", "-c", "import seccomp"),
)("under the unit's filter of system calls", () => {
  /** The filter as one line: later lines of the unit take away what they name behind a tilde. */
  const filter = listValues("SystemCallFilter")
    .map((line) =>
      line.startsWith("~")
        ? line
            .slice(1)
            .split(" ")
            .map((group) => `~${group}`)
            .join(" ")
        : line,
    )
    .join(" ");
  const confined = (...program: string[]): string[] => ["-c", CONFINE, filter, ...program];

  it("the exporter starts, reads an ECU, and keeps its state", async () => {
    const ecu = await startEcu();
    const folder = mkdtempSync(join(tmpdir(), "confined-"));
    const port = await freePort();
    try {
      await using program = startProgram(
        "/usr/bin/python3",
        confined(process.execPath, "dist/main.js", "serve"),
        {
          ECU_ADDRESS: `127.0.0.1:${ecu.port}`,
          ECU_TIMEZONE: "Europe/Amsterdam",
          STATE_FILE: join(folder, "state.json"),
          WEB_LISTEN_ADDRESS: `127.0.0.1:${port}`,
        },
      );
      const page = await poll(
        20,
        async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).text(),
        program.output,
      );
      expect(parseSamples(page, "ecu_up")).toEqual({ "": 1 });
      expect(parseSamples(page, "process_resident_memory_bytes")[""]).toBeGreaterThan(0);
      await poll(
        10,
        async () => readFileSync(join(folder, "state.json"), "utf8") || undefined,
        program.output,
      );
    } finally {
      await ecu.close();
      rmSync(folder, { recursive: true });
    }
  });

  it("what the unit forbids is refused: another root, another user's rights", () => {
    const script = (call: string): string =>
      `try: ${call}\nexcept PermissionError: print("refused")`;
    for (const call of ["os.chroot('/')", "os.setuid(1000)", "os.nice(-1)"]) {
      const args = confined("/usr/bin/python3", "-c", `import os\n${script(call)}`);
      expect(runWithInput("/usr/bin/python3", args, ""), call).toEqual({
        code: 0,
        output: "refused\n",
      });
    }
  });
});
