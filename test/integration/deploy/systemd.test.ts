/** The unit in deploy/systemd, and the exporter under its system call filter. */
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

vi.setConfig({ testTimeout: 60_000 }); // starts other programs

const UNIT = "apsystems-ecu-exporter.service";
const text = readFileSync(`deploy/systemd/${UNIT}`, "utf8");
const example = readFileSync("deploy/systemd/apsystems-ecu-exporter.env", "utf8");

/** All values of a key in the unit. */
const listValues = (key: string): string[] =>
  [...text.matchAll(new RegExp(`^${key}=(.*)$`, "gm"))].map(([, value = ""]) => value);

/** Parses the lines `NAME=value` of an environment file, with or without the commented ones. */
const parseVariables = (file: string, lines: "active" | "all"): Record<string, string> =>
  Object.fromEntries(
    [...file.matchAll(lines === "active" ? /^(\w+)=(.*)$/gm : /^#?(\w+)=(.*)$/gm)].map(
      ([, name = "", value = ""]) => [name, value],
    ),
  );

/** Runs a function with the unit as a file in a temporary folder. */
const withUnitFile = <T>(unit: string, use: (path: string) => T): T => {
  const folder = mkdtempSync(join(tmpdir(), "unit-"));
  try {
    writeFileSync(join(folder, UNIT), unit);
    return use(join(folder, UNIT));
  } finally {
    rmSync(folder, { recursive: true });
  }
};

describe("the environment of the unit", () => {
  const own = Object.fromEntries(
    listValues("Environment").flatMap((line) =>
      line.split(" ").map((variable) => variable.split("=")),
    ),
  );

  it.each(["active", "all"] as const)(
    "has only existing settings, in its %s lines",
    async (lines) => {
      // The configuration file does not exist here, so only the name of its variable is checked.
      const { CONFIG_FILE, ...env } = { ...own, ...parseVariables(example, lines) };
      expect(CONFIG_FILE).toBe(lines === "active" ? undefined : "/etc/apsystems-ecu-exporter.yml");
      const names = Object.values(serve.settings).map(({ flag }) => envName(flag));
      expect([...names, "NODE_ENV", "MALLOC_ARENA_MAX"]).toEqual(
        expect.arrayContaining([...Object.keys(env), "CONFIG_FILE"]),
      );
      const { config } = (await parseCommandLine({
        argv: ["serve"],
        env,
        version: "0",
        program: "exporter",
      })) as {
        config: object;
      };
      expect(config).toMatchObject({
        ecus: [{ host: "192.168.1.50" }],
        listenAddresses: [{ host: "127.0.0.1", port: 10_899 }],
        logFormat: "text",
        stateFile: `/var/lib/${listValues("StateDirectory")[0]}/state.json`,
        ...(lines === "all" && { timezone: "Europe/Amsterdam", site: { latitude: 52.09 } }),
      });
    },
  );

  it("comes from the file that docs/deployment.md says to copy", () => {
    const [path = ""] = listValues("EnvironmentFile");
    const guide = readFileSync("docs/deployment.md", "utf8");
    expect(guide).toMatch(new RegExp(`cp .*apsystems-ecu-exporter\\.env ${path}$`, "m"));
  });

  it("reloads with the signal that the exporter handles", () => {
    expect(listValues("ExecReload")).toEqual(["/bin/kill -HUP $MAINPID"]);
    expect(readFileSync("src/commands/serve.ts", "utf8")).toContain("onHangup(");
    expect(readFileSync("src/cli/hangup.ts", "utf8")).toContain('process.on("SIGHUP", reload)');
  });

  it("allows connections only with private networks and this machine", () => {
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
  const analyzeSecurity = (unit: string) =>
    withUnitFile(unit, (path) =>
      runWithInput(
        "systemd-analyze",
        ["security", "--offline=true", "--no-pager", "--threshold=20", path],
        "",
      ),
    );

  it("rates the exposure of the unit at 1.3 of 10 or less", () => {
    const { code, output } = analyzeSecurity(text);
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
  ])("rates the exposure higher without %s", (key) => {
    const rateExposure = (unit: string): number =>
      Number(/exposure level for \S+: ([\d.]+)/.exec(analyzeSecurity(unit).output)?.[1]);
    const reduced = text.replaceAll(new RegExp(`^${key}=.*$`, "gm"), "");
    expect(rateExposure(reduced)).toBeGreaterThan(rateExposure(text));
  });

  const guide = readFileSync("docs/deployment.md", "utf8");
  const changes = [...guide.matchAll(/^ {4}\[Service\]\n(?: {4}.+\n)+/gm)].map(([change]) =>
    change.replaceAll(/^ {4}/gm, "").replace("/usr/local/bin/node", process.execPath),
  );

  /** Runs `systemd-analyze verify` on a unit. The path of Node.js is replaced by an existing one. */
  const verify = (unit: string) =>
    withUnitFile(unit.replace(/^ExecStart=\S+/m, `ExecStart=${process.execPath}`), (path) =>
      runWithInput("systemd-analyze", ["verify", "--man=no", path], ""),
    );

  it("accepts the unit", () => {
    const { code, output } = verify(text);
    expect(output.split("\n").filter((line) => line.includes(UNIT))).toEqual([]);
    expect(code).toBe(0);
  });

  it("accepts the unit with the changes in docs/deployment.md", () => {
    expect(changes).toHaveLength(3);
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
    ["an unknown value", "Restart=always", "Restart=sometimes"],
    ["an unknown group of system calls", "~@privileged", "~@privilege"],
    ["an invalid address", "fe80::/10", "fe80::/200"],
  ])("reports %s", (_what, from, to) => {
    expect(text).toContain(from);
    expect(verify(text.replace(from, to)).output).toContain(UNIT);
  });
});

/**
 * A Python program that runs another program under the system call filter of the unit, as systemd does: other calls fail with
 * EPERM. The members of the groups come from systemd-analyze.
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
)("under the system call filter of the unit", () => {
  /** The filter as one line. Groups with a tilde are removed from the filter. */
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
  const listArgs = (...program: string[]): string[] => ["-c", CONFINE, filter, ...program];

  it("the exporter starts, reads an ECU, and writes its state file", async () => {
    const ecu = await startEcu();
    const folder = mkdtempSync(join(tmpdir(), "confined-"));
    const port = await freePort();
    try {
      await using program = startProgram(
        "/usr/bin/python3",
        listArgs(process.execPath, "dist/main.js", "serve"),
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

  it("forbidden calls fail", () => {
    const createScript = (call: string): string =>
      `try: ${call}\nexcept PermissionError: print("refused")`;
    for (const call of ["os.chroot('/')", "os.setuid(1000)", "os.nice(-1)"]) {
      const args = listArgs("/usr/bin/python3", "-c", `import os\n${createScript(call)}`);
      expect(runWithInput("/usr/bin/python3", args, ""), call).toEqual({
        code: 0,
        output: "refused\n",
      });
    }
  });
});
