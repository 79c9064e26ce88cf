import { describe, expect, it } from "vitest";
import type { CommandConfig } from "../../src/cli/command.ts";
import { type Invocation, parseCommandLine } from "../../src/cli/parse.ts";
import { type CommandName, commands } from "../../src/cli/registry.ts";
import { envName, hasEnv, isBareSwitch, type Setting } from "../../src/config/setting.ts";
import { UsageError } from "../../src/config/usage-error.ts";

type Env = Readonly<Record<string, string>>;

const FILE = "--config.file=apsystems.yml";
const parsed = (argv: readonly string[], env: Env = {}): Promise<Invocation> =>
  parseCommandLine({
    argv,
    env,
    version: "1.2.3",
    program: "apsystems-ecu-exporter",
    readFile: () => Buffer.from("ecus: [{ address: ecu.lan }]"),
  });

type Config<N extends CommandName> = CommandConfig<Extract<(typeof commands)[number], { name: N }>>;

const parseConfig = async <N extends CommandName>(
  command: N,
  argv: readonly string[],
  env?: Env,
): Promise<Config<N>> => {
  const invocation = await parsed(argv, env);
  if (invocation.command !== command) throw new Error(`it is ${invocation.command}`);
  return (invocation as unknown as { readonly config: Config<N> }).config;
};

const listProblems = async (argv: readonly string[], env?: Env): Promise<readonly string[]> => {
  try {
    await parsed(argv, env);
  } catch (error) {
    if (error instanceof UsageError) return error.problems;
    throw error;
  }
  return [];
};

const helpText = async (...argv: string[]): Promise<string> => {
  const invocation = await parsed(argv);
  return invocation.command === "help" ? invocation.text : `it is ${invocation.command}`;
};

const ECU = "--ecu.address=192.168.1.50";
const COMMAND_NAMES =
  "serve, demo, simulate, check-config, read, doctor, capture, decode, replay, backfill, completion";
const FIRST_WORD = `the first argument may be a command: ${COMMAND_NAMES}`;
const NO_ECU =
  "no ECU is configured; set --ecu.address=192.168.1.50 (or the environment variable ECU_ADDRESS), or try the exporter without an ECU: apsystems-ecu-exporter demo";
const rows = commands.flatMap(({ name, settings }) =>
  Object.entries<Setting<unknown>>(settings).map(([key, row]) => ({
    command: name,
    key,
    ...row,
  })),
);
/** The required arguments of each command. */
const requiredArguments: Record<CommandName, readonly string[]> = {
  serve: [ECU],
  demo: [],
  simulate: [],
  "check-config": [FILE],
  read: ["192.168.1.50"],
  doctor: ["192.168.1.50"],
  capture: ["192.168.1.50"],
  decode: ["capture.json"],
  replay: ["capture.json"],
  backfill: [ECU, "--output=history.om"],
  completion: ["bash"],
};

describe("a valid command line", () => {
  it("needs only the address of an ECU", async () => {
    expect(await parsed([ECU])).toEqual({
      command: "serve",
      config: {
        ecus: [{ name: "192.168.1.50", host: "192.168.1.50", port: 8899 }],
        timezone: undefined,
        site: undefined,
        panels: [],
        probeAllow: [],
        enableLifecycle: false,
        systemdSocket: false,
        minInterval: 30_000,
        nightInterval: 300_000,
        timeout: 9_500,
        commandPause: 250,
        retries: 2,
        listenAddresses: [{ port: 10_899 }],
        telemetryPath: "/metrics",
        maxRequests: 40,
        logLevel: "info",
        logFormat: "json",
      },
    });
  });

  it("sets every setting of serve", async () => {
    const argv =
      "serve --ecu.address=a.lan --ecu.address=[fd00::50]:8900 --ecu.timezone=Europe/Amsterdam --ecu.site=52.09,-5.12 --ecu.panel=703000000001/2=A1 --ecu.panel=801000000002/4=B2/barn/2/7 --ecu.min-interval=0s --ecu.night-interval=2m --ecu.timeout=3s --ecu.command-pause=1s --ecu.retries=0 --probe.allow=192.168.1.0/24 --probe.allow=fd00::7 --web.enable-lifecycle --web.systemd-socket --web.listen-address=127.0.0.1:0 --web.telemetry-path=/prom/ecu --web.external-url=https://home.example/ecu --web.route-prefix=/ --web.max-requests=7 --web.config.file=/etc/ecu/web.yml --log.level=debug --log.format=text";
    expect(await parsed(argv.split(" "))).toEqual({
      command: "serve",
      config: {
        ecus: [
          { name: "a.lan", host: "a.lan", port: 8899 },
          { name: "[fd00::50]:8900", host: "fd00::50", port: 8900 },
        ],
        timezone: "Europe/Amsterdam",
        site: { latitude: 52.09, longitude: -5.12 },
        panels: [
          { uid: "703000000001", channel: 2, panel: "A1", array: "", row: "", column: "" },
          { uid: "801000000002", channel: 4, panel: "B2", array: "barn", row: "2", column: "7" },
        ],
        minInterval: 0,
        nightInterval: 120_000,
        timeout: 3_000,
        commandPause: 1_000,
        retries: 0,
        probeAllow: [
          { network: "192.168.1.0", prefix: 24 },
          { network: "fd00::7", prefix: 128 },
        ],
        enableLifecycle: true,
        systemdSocket: true,
        listenAddresses: [{ host: "127.0.0.1", port: 0 }],
        telemetryPath: "/prom/ecu",
        externalUrl: { href: "https://home.example/ecu/", path: "/ecu" },
        routePrefix: "",
        maxRequests: 7,
        webConfigFile: "/etc/ecu/web.yml",
        logLevel: "debug",
        logFormat: "text",
      },
    });
  });

  it("needs nothing for demo", async () => {
    expect(await parsed(["demo"])).toEqual({
      command: "demo",
      config: {
        listenAddresses: [{ port: 10_899 }],
        telemetryPath: "/metrics",
        maxRequests: 40,
        minInterval: 30_000,
        inverters: [
          ["QS1", 3],
          ["DS3", 4],
        ],
        family: "L",
        seed: 1,
        timeScale: 1,
        fault: [],
        logLevel: "info",
        logFormat: undefined,
      },
    });
  });

  it("sets every setting of simulate", async () => {
    const argv =
      "simulate --listen=:8900 --family=R --inverters=QS1=5,DS3=3 --seed=7 --start=2026-06-21T10:00:00+02:00 --time-scale=0.5 --site=-33.9,151.2 --timezone=Australia/Sydney --past=60 --history=12 --fault=drip --fault=noLf --control=127.0.0.1:8898 --log.level=warn";
    expect(await parsed(argv.split(" "))).toEqual({
      command: "simulate",
      config: {
        listen: { port: 8900 },
        family: "R",
        inverters: [
          ["QS1", 5],
          ["DS3", 3],
        ],
        seed: 7,
        start: Date.UTC(2026, 5, 21, 8),
        timeScale: 0.5,
        site: { latitude: -33.9, longitude: 151.2 },
        timezone: "Australia/Sydney",
        past: 60,
        history: "12",
        fault: [{ name: "drip" }, { name: "noLf" }],
        control: { host: "127.0.0.1", port: 8898 },
        logLevel: "warn",
        logFormat: undefined,
      },
    });
  });

  it("accepts a value as the word after its flag", async () => {
    const config = await parseConfig("serve", [
      "--ecu.address",
      "ecu.lan",
      "--ecu.min-interval",
      "1m",
    ]);
    expect(config).toMatchObject({ ecus: [{ host: "ecu.lan" }], minInterval: 60_000 });
  });
});

it.each([
  ["0s", 0],
  ["250ms", 250],
  ["9.5s", 9_500],
  ["10m", 600_000],
  ["1.5h", 5_400_000],
])("reads the duration %s as %i milliseconds", async (text, ms) => {
  expect((await parseConfig("serve", [ECU, `--ecu.min-interval=${text}`])).minInterval).toBe(ms);
});

it.each([
  ["192.168.1.50", "192.168.1.50", 8899],
  ["ecu.lan", "ecu.lan", 8899],
  ["ecu_1:65535", "ecu_1", 65_535],
  ["[fe80::1]", "fe80::1", 8899],
  ["[::ffff:10.0.0.1]:1", "::ffff:10.0.0.1", 1],
])("reads the ECU's address %s", async (name, host, port) => {
  expect((await parseConfig("serve", [`--ecu.address=${name}`])).ecus).toEqual([
    { name, host, port },
  ]);
});

it.each([
  [":10899", { port: 10_899 }],
  ["localhost:80", { host: "localhost", port: 80 }],
  ["[::]:0", { host: "::", port: 0 }],
])("reads the listen address %s", async (text, address) => {
  expect(
    (await parseConfig("demo", ["demo", `--web.listen-address=${text}`])).listenAddresses,
  ).toEqual([address]);
});

it("listens at every listen address", async () => {
  const addresses = [
    { host: "127.0.0.1", port: 10_899 },
    { host: "::1", port: 0 },
  ];
  const flags = ["--web.listen-address=127.0.0.1:10899", "--web.listen-address", "[::1]:0"];
  expect((await parseConfig("serve", [ECU, ...flags])).listenAddresses).toEqual(addresses);
  const env = { WEB_LISTEN_ADDRESS: "127.0.0.1:10899,[::1]:0" };
  expect((await parseConfig("serve", [ECU], env)).listenAddresses).toEqual(addresses);
});

describe("a flag that is set twice", () => {
  const single = rows.filter((row) => !row.positional && !row.repeatable);

  it.each(single.map((row) => [row.command, row.flag, row]))(
    "%s rejects it: --%s",
    async (command, flag, row) => {
      const others = requiredArguments[command].filter((word) => !word.startsWith(`--${flag}=`));
      const problem = `--${flag} is set 2 times; set it once`;
      const argv = isBareSwitch(row)
        ? [`--${flag}`, `--${flag}`]
        : [`--${flag}=1`, `--${flag}`, "2"];
      expect(await listProblems([command, ...others, ...argv])).toContain(problem);
    },
  );

  it("is reported with a value and without one", async () => {
    const twice = ["--web.enable-lifecycle", "--web.enable-lifecycle=false"];
    const problem = "--web.enable-lifecycle is set 2 times; set it once";
    expect(await listProblems([ECU, ...twice])).toEqual([problem]);
    expect(await listProblems([ECU, ...twice.toReversed()])).toEqual([problem]);
  });

  it("needs a value each time, if it is repeatable", async () => {
    const problem = "--ecu.address needs a value: --ecu.address=HOST[:PORT]";
    expect(await listProblems([ECU, "--ecu.address"])).toEqual([problem]);
    expect(await listProblems(["--ecu.address", ECU])).toEqual([problem]);
  });
});

it.each([
  ["https://home.example", "https://home.example/", ""],
  ["http://home.example:8080/a/ecu", "http://home.example:8080/a/ecu/", "/a/ecu"],
  ["http://[fd00::1]/ecu//", "http://[fd00::1]/ecu/", "/ecu"],
  ["/ecu/", "/ecu/", "/ecu"],
  ["/", "/", ""],
])("reads the external URL %s", async (text, href, path) => {
  expect((await parseConfig("serve", [ECU, `--web.external-url=${text}`])).externalUrl).toEqual({
    href,
    path,
  });
});

it.each([
  ["/", ""],
  ["ecu", "/ecu"],
  ["/ecu/", "/ecu"],
  ["/a/b-c.d", "/a/b-c.d"],
])("reads the route prefix %s", async (text, prefix) => {
  expect((await parseConfig("serve", [ECU, `--web.route-prefix=${text}`])).routePrefix).toBe(
    prefix,
  );
});

it.each([
  ["silent", {}],
  ["silent@realtime", { query: "realtime" }],
  ["silent:once", { limit: { times: 1 } }],
  ["silent:3times", { limit: { times: 3 } }],
  ["silent:500ms", { limit: { ms: 500 } }],
  ["silent:1.5h", { limit: { ms: 5_400_000 } }],
  ["silent:0.2", { limit: { chance: 0.2 } }],
  ["silent@signal:.25", { query: "signal", limit: { chance: 0.25 } }],
])("reads the fault %s", async (text, fault) => {
  expect((await parseConfig("simulate", ["simulate", `--fault=${text}`])).fault).toEqual([
    { name: "silent", ...fault },
  ]);
});

it.each([
  ["127.0.0.1:0", { host: "127.0.0.1", port: 0 }],
  ["127.1.2.3:8898", { host: "127.1.2.3", port: 8898 }],
  ["localhost:8898", { host: "localhost", port: 8898 }],
  ["[::1]:8898", { host: "::1", port: 8898 }],
])("reads the control address %s", async (text, address) => {
  expect((await parseConfig("demo", ["demo", `--control=${text}`])).control).toEqual(address);
});

describe("the environment", () => {
  it("sets every flag", async () => {
    for (const { command, key, ...row } of rows) {
      const { flag } = row;
      expect(await parsed([command, ...requiredArguments[command]])).toHaveProperty([
        "config",
        key,
      ]);
      if (!hasEnv(row)) continue;
      const variable = envName(flag);
      const argv = [
        command,
        ...requiredArguments[command].filter((word) => !word.startsWith(`--${flag}=`)),
      ];
      expect(await listProblems(argv, { [variable]: "?" }), variable).toEqual([
        expect.stringMatching(new RegExp(`^${variable}: "\\?" `)),
      ]);
    }
  });

  it("does not set flags with names that are common environment variables", async () => {
    const env = { JSON: "true", WATCH: "true", EVERY: "5m", HOST: "ecu.lan", OUTPUT: "x" };
    expect(await parseConfig("read", ["read", "ecu.lan"], env)).toMatchObject({
      json: false,
      watch: false,
      every: undefined,
    });
    expect((await parseConfig("capture", ["capture", "ecu.lan"], env)).output).toBe("-");
    expect(await listProblems(["read"], env)).toEqual(["name the ECU, as in: read 192.168.1.50"]);
  });

  it.each([
    ["ecu.address", "ECU_ADDRESS"],
    ["ecu.min-interval", "ECU_MIN_INTERVAL"],
    ["web.listen-address", "WEB_LISTEN_ADDRESS"],
    ["time-scale", "TIME_SCALE"],
  ])("has for --%s the variable %s", (flag, variable) => {
    expect(envName(flag)).toBe(variable);
  });

  it("is overridden by a flag, for every setting", async () => {
    for (const row of rows) {
      const { command, flag } = row;
      if (row.positional || isBareSwitch(row)) continue;
      const others = requiredArguments[command].filter((word) => !word.startsWith(`--${flag}=`));
      const argv = [command, ...others, `--${flag}=?`];
      const problems = await listProblems(argv, { [envName(flag)]: "!" });
      expect(problems[0], flag).toMatch(new RegExp(`^--${flag}: "\\?" `));
    }
  });

  it("lists several ECUs, separated by commas", async () => {
    const { ecus } = await parseConfig("serve", [], { ECU_ADDRESS: "a.lan, [fd00::50]:8900" });
    expect(ecus.map(({ host, port }) => [host, port])).toEqual([
      ["a.lan", 8899],
      ["fd00::50", 8900],
    ]);
  });

  it("has link-local addresses with their interface", async () => {
    const { ecus } = await parseConfig("serve", ["--ecu.address=[fe80::50%eth0]:8900"], {});
    expect(ecus.map(({ host, port }) => [host, port])).toEqual([["fe80::50%eth0", 8900]]);
  });

  it("ignores empty variables", async () => {
    expect((await parseConfig("serve", [ECU], { ECU_RETRIES: "" })).retries).toBe(2);
    expect(await listProblems([], { ECU_ADDRESS: "" })).toEqual([NO_ECU]);
  });
});

const address = "is not an address; write it as 192.168.1.50, ecu.lan:8899 or [fd00::50]:8899";
const listen = "is not an address to listen on; write it as :10899 or 127.0.0.1:10899";
const duration = "is not a duration; write it as 250ms, 9.5s or 10m";
const zone = "is not a time zone; write it as Europe/Amsterdam or America/New_York";
const path = "is not a path such as /metrics";
const prefix = "is not a path such as / or /ecu";
const externalUrl = "is not a URL such as https://home.example/ecu/";
const time = "is not a time; write it as 2026-06-21T10:00:00Z";
const panel =
  "is not a panel; write it as 703000000001/1=A1 or, with its array, row and column, 703000000001/1=A1/south/1/3";
const range = "is not a range of addresses; write it as 192.168.1.0/24 or fd00::/8";
const taken = "is reserved: the exporter serves /probe, /self, /sd and paths below /-/";
const day = "is not a date; write it as 2026-06-21";
const labels = "is not a list of labels such as job=apsystems,instance=localhost:10899";
const place = "is not a pair of coordinates; write it as 52.09,5.12";
const faultNames =
  "refuse, blackhole, emptyClose, silent, split, drip, truncate, reset, endless, longest, noEnd, noLf, extraBytes, status02, status01, badLength, type00, ecuAsInverter, type05, staleOffline, linuxOffline, zeroGlitch, frozenCounters, emptyList, lostTail, spike, idChange, clockOffset, wrongCommand, surplusBytes, staleTimestamp, aps12, shortSignal, acDisconnected, shuffleSignal, oddText, oddType";

it.each<readonly [command: string, flag: string, text: string, problem: string]>([
  ["serve", "ecu.address", "", address],
  ["serve", "ecu.address", "fe80::1", address],
  ["serve", "ecu.address", "[1::2::3]", address],
  ["serve", "ecu.address", "[fe80::1%]", address],
  ["serve", "ecu.address", "[fe80::1%25eth0]", address],
  ["serve", "ecu.address", "192.168.1.500", address],
  ["serve", "ecu.address", "http://ecu.lan", address],
  ["serve", "ecu.address", "a.lan,b.lan", address],
  ["serve", "ecu.address", "ecu.lan:", address],
  ["serve", "ecu.address", "ecu.lan:port", address],
  ["serve", "ecu.address", "ecu.lan:0", "needs a port from 1 to 65535"],
  ["serve", "ecu.address", "ecu.lan:65536", "needs a port from 1 to 65535"],
  ["serve", "ecu.timezone", "Europe/Atlantis", zone],
  ["serve", "ecu.site", "here", place],
  ["serve", "ecu.panel", "", panel],
  ["serve", "ecu.panel", "A1", panel],
  ["serve", "ecu.panel", "703000000001=A1", panel],
  ["serve", "ecu.panel", "703000000001/1=", panel],
  ["serve", "ecu.panel", "703000000001/1= /south", panel],
  ["serve", "ecu.panel", "703000000001/5=A1", panel],
  ["serve", "ecu.panel", "70300000000/1=A1", panel],
  ["serve", "ecu.panel", "703000000001/1=A1/south/1", panel],
  ["serve", "ecu.panel", "703000000001/1=A1/south/1/2/3", panel],
  ["serve", "ecu.panel", "703000000001/1=A\u00001", panel],
  ["serve", "probe.allow", "", range],
  ["serve", "probe.allow", "ecu.lan", range],
  ["serve", "probe.allow", "192.168.1.0/33", range],
  ["serve", "probe.allow", "192.168.1/24", range],
  ["serve", "probe.allow", "fd00::/129", range],
  ["serve", "web.enable-lifecycle", "yes", "is not true or false"],
  ["serve", "ecu.min-interval", "30", duration],
  ["serve", "ecu.min-interval", "-1s", duration],
  ["serve", "ecu.min-interval", "1 s", duration],
  ["serve", "ecu.min-interval", "25h", "is not between 0s and 24h"],
  ["serve", "ecu.timeout", "0s", "is not between 100ms and 10m"],
  ["serve", "ecu.command-pause", "61s", "is not between 0s and 1m"],
  ["serve", "ecu.retries", "11", "is not a whole number from 0 to 10"],
  ["serve", "ecu.retries", "1.5", "is not a whole number from 0 to 10"],
  ["serve", "web.listen-address", "10899", listen],
  ["serve", "web.listen-address", "localhost", listen],
  ["serve", "web.listen-address", "127.0.0.256:80", listen],
  ["serve", "web.listen-address", ":65536", "needs a port from 0 to 65535"],
  ["serve", "web.telemetry-path", "metrics", path],
  ["serve", "web.telemetry-path", "/", path],
  ["serve", "web.telemetry-path", "/a?b", path],
  ["serve", "web.telemetry-path", "/-/healthy", taken],
  ["serve", "web.telemetry-path", "/Probe", taken],
  ["serve", "web.telemetry-path", "/self", taken],
  ["serve", "web.telemetry-path", "/sd", taken],
  ["serve", "web.telemetry-path", "/a/../b", path],
  ["serve", "web.route-prefix", "", prefix],
  ["serve", "web.route-prefix", "/a//b", prefix],
  ["serve", "web.route-prefix", "/..", prefix],
  ["serve", "web.route-prefix", "/a?b", prefix],
  ["serve", "web.external-url", "", externalUrl],
  ["serve", "web.external-url", "home.example/ecu", externalUrl],
  ["serve", "web.external-url", "ftp://home.example/", externalUrl],
  ["serve", "web.external-url", '"https://home.example/"', externalUrl],
  ["serve", "web.external-url", "https://home.example:port/", externalUrl],
  ["serve", "web.external-url", "https://me:secret@home.example/", externalUrl],
  ["serve", "web.external-url", "https://home.example/ecu?x", externalUrl],
  ["serve", "log.level", "verbose", "is not one of debug, info, warn, error"],
  ["serve", "log.format", "xml", "is not one of json, text"],
  ["demo", "inverters", "QS1", "is not a list such as QS1=5,DS3=3"],
  [
    "demo",
    "inverters",
    "QS9=1",
    "contains QS9, which is not one of YC600, DS3, DS3D-L, DS3-H, QS1, QS1A, YC1000, QT2, UNKNOWN, UNCONTACTED",
  ],
  ["demo", "inverters", "QS1=200,DS3=101", "has a total of 301; the total must be from 1 to 300"],
  ["demo", "inverters", "DS3=0", "has a total of 0; the total must be from 1 to 300"],
  ["demo", "family", "r", "is not one of R, L"],
  ["demo", "seed", "-1", "is not a whole number from 0 to 2147483647"],
  ["demo", "time-scale", "0", "is not a number greater than 0 and at most 10000"],
  ["simulate", "listen", "nowhere", listen],
  ["simulate", "start", "2026-06-21", time],
  ["simulate", "start", "2026-06-21T10:00:00", time],
  ["simulate", "start", "2026-02-30T10:00:00Z", time],
  ["simulate", "site", "52.09", place],
  ["simulate", "site", "90.1,5", place],
  ["simulate", "timezone", "CEST", zone],
  ["simulate", "fault", "gremlins", `is not one of ${faultNames}`],
  ["simulate", "fault", "toString:once", `names "toString", not one of ${faultNames}`],
  [
    "simulate",
    "fault",
    "silent@",
    'names "", which is not a query; queries are info, realtime, signal',
  ],
  [
    "simulate",
    "fault",
    "silent@clock",
    'names "clock", which is not a query; queries are info, realtime, signal',
  ],
  ["simulate", "fault", "zeroGlitch@signal", "does not change the reply to signal"],
  ["simulate", "fault", "status01@info", "does not change the reply to info"],
  ["simulate", "fault", "refuse@info", "has a query, but acts on connections, before any query"],
  ...[
    "",
    "always",
    "0times",
    "1",
    "0",
    "0.0",
    "1.5",
    "0s",
    "25h",
    "-1s",
    "3 times",
    "once:once",
  ].map(
    (limit) =>
      [
        "demo",
        "fault",
        `silent:${limit}`,
        "does not end in a limit such as once, 3times, 30s or 0.2",
      ] as const,
  ),
  ...[":8898", "0.0.0.0:8898", "192.168.1.5:8898", "[::]:8898", "ecu.lan:8898"].map(
    (text) =>
      ["demo", "control", text, "is not a loopback address; write it as 127.0.0.1:8898"] as const,
  ),
  ["demo", "control", "127.0.0.1", listen],
  ["read", "every", "29s", "is not between 30s and 24h"],
  ["doctor", "find", "192.168.1.0/33", range],
  ["doctor", "find", "fd00::/120", "is not an IPv4 network"],
  [
    "doctor",
    "find",
    "10.0.0.0/19",
    "has more than 4096 addresses; search a part of it, such as 10.0.0.0/24",
  ],
  ["capture", "output", "folder/", "is not a file path such as /var/lib/apsystems/state.json"],
  ["backfill", "from", "2026-02-30", day],
  ["backfill", "from", "26-01-01", day],
  ["backfill", "to", "20260101", day],
  ["backfill", "pace", "100ms", "is not between 250ms and 10m"],
  ["backfill", "end-joules", "-1", "is not a number greater than 0 and at most 9007199254740991"],
  ["backfill", "labels", "job", labels],
  ["backfill", "labels", "job=", labels],
  ["backfill", "labels", "1=x", labels],
  ["backfill", "labels", "job=a\u0000b", labels],
  ["backfill", "labels", "ecu=roof", "sets the label ecu, which is reserved"],
  ["backfill", "labels", "__name__=x", "sets the label __name__, which is reserved"],
  ["backfill", "labels", "job=a,job=b", "sets the label job twice"],
])("%s rejects --%s=%s", async (command, flag, text, problem) => {
  const others = requiredArguments[command as CommandName].filter(
    (word) => !word.startsWith(`--${flag}=`),
  );
  const argv = [command, ...others, `--${flag}=${text}`];
  expect(await listProblems(argv)).toEqual([`--${flag}: "${text}" ${problem}`]);
});

it.each([
  [[], [NO_ECU]],
  [["serve"], [NO_ECU]],
  [
    [ECU, "--ecu.adress=x"],
    ["unknown flag --ecu.adress (did you mean --ecu.address?); serve --help lists all flags"],
  ],
  [["demo", "-x"], ["unknown flag -x; demo --help lists all flags"]],
  [["demo", "now"], ['unexpected argument "now"; demo --help lists what it accepts']],
  ...[
    ["docter", " (did you mean doctor?)"],
    ["check", " (did you mean check-config?)"],
    ["192.168.1.50", ""],
  ].map(([word = "", suggestion]): [string[], string[]] => [
    [word, "a.lan", "--bogus"],
    [
      `unknown command "${word}"${suggestion}; the commands are ${COMMAND_NAMES}; to start the exporter, set --ecu.address=192.168.1.50`,
    ],
  ]),
  [["help", "nope"], [`unknown command "nope"; the commands are ${COMMAND_NAMES}`]],
  [
    ["help", "raed"],
    [`unknown command "raed" (did you mean read?); the commands are ${COMMAND_NAMES}`],
  ],
  ...[
    ["--listen-address=:80", "--listen-address (did you mean --web.listen-address?)"],
    ["--weblisten-address=:80", "--weblisten-address (did you mean --web.listen-address?)"],
    ["-log.level=debug", "-log.level (did you mean --log.level?)"],
    ["--ecu-timeout=3s", "--ecu-timeout (did you mean --ecu.timeout?)"],
    ["--log=debug", "--log (did you mean one of --log.level, --log.format?)"],
    ["--verbose", "--verbose"],
  ].map(([word = "", unknown]): [string[], string[]] => [
    [ECU, word],
    [`unknown flag ${unknown}; serve --help lists all flags`],
  ]),
  ...["doctor", "read", "capture"].flatMap((command) =>
    ["--ecu.address=a.lan", "--address=a.lan", "--host=a.lan"].map((word): [string[], string[]] => [
      [command, word],
      [`unknown flag ${word.split("=")[0]}; the address of the ECU stands alone: ${command} a.lan`],
    ]),
  ),
  [
    ["doctor", "--ecu.address", "a.lan"],
    ["unknown flag --ecu.address; the address of the ECU stands alone: doctor 192.168.1.50"],
  ],
  [["read", "--help=yes", "a.lan"], ["--help takes no value"]],
  [[ECU, "demo"], [`unexpected argument "demo"; ${FIRST_WORD}`]],
  [
    [ECU, ECU],
    ['the ECU "192.168.1.50" is listed twice, with the same address, 192.168.1.50:8899'],
  ],
  [
    ["--ecu.address=ECU.lan", "--ecu.address=ecu.lan:8899"],
    ['the ECUs "ECU.lan" and "ecu.lan:8899" have the same address, ecu.lan:8899'],
  ],
  [
    ["--ecu.address=[fd00::50]", "--ecu.address=[fd00:0::50]:8899"],
    ['the ECUs "[fd00::50]" and "[fd00:0::50]:8899" have the same address, [fd00::50]:8899'],
  ],
  ...(["127.1", "0x7f.0.0.1", "2130706433", "127.0.0.1:8899"].map((same) => [
    ["--ecu.address=127.0.0.1", `--ecu.address=${same}`],
    [`the ECUs "127.0.0.1" and "${same}" have the same address, 127.0.0.1:8899`],
  ]) satisfies [string[], string[]][]),
  [[ECU, "--log.level"], ["--log.level needs a value: --log.level=LEVEL"]],
  [[ECU, "--log.level", "--log.format=text"], ["--log.level needs a value: --log.level=LEVEL"]],
  [["serve", "--ecu.address"], ["--ecu.address needs a value: --ecu.address=HOST[:PORT]"]],
  [["read"], ["name the ECU, as in: read 192.168.1.50"]],
  [["read", "a.lan", "b.lan"], ['unexpected argument "b.lan"; read --help lists what it accepts']],
  [["read", "a b"], [`HOST[:PORT]: "a b" ${address}`]],
  [["read", "--json=true", "a.lan"], ["--json takes no value"]],
  [["decode"], ["name the file of a capture, or give the bytes of a reply as hexadecimal digits"]],
  [["decode", ""], ['FILE|HEX: "" is empty']],
  [["replay"], ["name the file of a capture, as in: replay capture.json"]],
  [["completion", "tcsh"], ['SHELL: "tcsh" is not one of bash, zsh, fish']],
  [
    ["backfill"],
    [
      "name the ECU: --ecu.address=192.168.1.50",
      "name the file to write: --output=history.om, or - for standard output",
    ],
  ],
  [["demo", "--fault"], ["--fault needs a value: --fault=NAME[@QUERY][:LIMIT]"]],
])("rejects the arguments %j", async (argv, problems) => {
  expect(await listProblems(argv)).toEqual(problems);
});

it("reports all problems at once", async () => {
  const argv = ["serve", "all", "--bogus", "--ecu.timeout=5", "--web.listen-address"];
  expect(await listProblems(argv, { ECU_TIMEZONE: "Mars/Olympus", ECU_RETRIES: "many" })).toEqual([
    `unexpected argument "all"; ${FIRST_WORD}`,
    "unknown flag --bogus; serve --help lists all flags",
    'ECU_TIMEZONE: "Mars/Olympus" is not a time zone; write it as Europe/Amsterdam or America/New_York',
    '--ecu.timeout: "5" is not a duration; write it as 250ms, 9.5s or 10m',
    'ECU_RETRIES: "many" is not a whole number from 0 to 10',
    "--web.listen-address needs a value: --web.listen-address=[HOST]:PORT",
    NO_ECU,
  ]);
});

describe("a configuration file", () => {
  const files: Readonly<Record<string, string>> = {
    "good.yml":
      "ecus:\n  - { name: house, address: house.lan }\n  - { address: barn.lan, retries: 0 }\n",
    "bad.yml": "ecus:\n  - address: ''\n",
    "twice.yml": "ecus:\n  - { name: a, address: 10.0.0.1 }\n  - { name: a, address: 10.0.0.2 }\n",
  };
  const read = (...argv: string[]) =>
    parseCommandLine({
      argv,
      env: {},
      version: "1.2.3",
      program: "apsystems-ecu-exporter",
      readFile: (path) => {
        const text = files[path];
        if (text === undefined) throw new Error("cannot be read: there is no such file");
        return Buffer.from(text);
      },
    });
  const problems = async (...argv: string[]): Promise<readonly string[]> => {
    try {
      await read(...argv);
    } catch (error) {
      if (error instanceof UsageError) return error.problems;
      throw error;
    }
    return [];
  };

  it("adds ECUs to those of the command line", async () => {
    const { config } = (await read("--config.file=good.yml", ECU)) as { config: Config<"serve"> };
    expect(config.ecus.map(({ name, host, retries }) => [name, host, retries])).toEqual([
      ["192.168.1.50", "192.168.1.50", undefined],
      ["house", "house.lan", undefined],
      ["barn.lan", "barn.lan", 0],
    ]);
  });

  it("reports its problems together with those of the flags, without the problem that no ECU is configured", async () => {
    expect(await problems("--config.file=bad.yml", "--ecu.retries=x")).toEqual([
      '--ecu.retries: "x" is not a whole number from 0 to 10',
      'bad.yml:2: ecus[0].address: "" is not an address; write it as 192.168.1.50, ecu.lan:8899 or [fd00::50]:8899',
    ]);
  });

  it("is reported if it does not exist", async () => {
    expect(await problems("--config.file=gone.yml")).toEqual([
      "gone.yml: cannot be read: there is no such file",
    ]);
  });

  it("cannot have two ECUs with the same name", async () => {
    expect(await problems("--config.file=twice.yml")).toEqual([
      'the ECUs at 10.0.0.1:8899 and 10.0.0.2:8899 have the same name, "a"; give each ECU its own name',
    ]);
  });

  it("is checked by check-config, which needs its name", async () => {
    expect(await read("check-config", "--config.file=good.yml")).toMatchObject({
      command: "check-config",
      config: { ecus: [{ name: "house" }, { name: "barn.lan" }] },
    });
    expect(await problems("check-config")).toEqual([
      "name the file: apsystems-ecu-exporter check-config --config.file=apsystems.yml",
    ]);
  });
});

it("rejects two names for one panel, and accepts the two panels of an inverter", async () => {
  const named = (channel: number, name: string) => `--ecu.panel=703000000001/${channel}=${name}`;
  expect(await listProblems([ECU, named(1, "A1"), named(2, "A2")])).toEqual([]);
  expect(await listProblems([ECU, named(1, "A1"), named(1, "A2")])).toEqual([
    "the panel at 703000000001/1 is set twice",
  ]);
});

it("reports each invalid ECU address together with duplicates", async () => {
  const argv = ["a b", "ecu.lan", "c:d", "ecu.lan"].map((text) => `--ecu.address=${text}`);
  expect(await listProblems(argv)).toEqual([
    `--ecu.address: "a b" ${address}`,
    `--ecu.address: "c:d" ${address}`,
    'the ECU "ecu.lan" is listed twice, with the same address, ecu.lan:8899',
  ]);
});

it("reports the first hundred duplicates, and the number of the others", async () => {
  const found = await listProblems(Array.from({ length: 301 }, () => ECU));
  expect(found).toHaveLength(101);
  expect(found[100]).toBe("and 200 more ECUs are listed twice");
});

describe("help", () => {
  it.each([
    ["simulate", "--time-scale is TIME_SCALE."],
    ["check-config", "--config.file is CONFIG_FILE."],
    ["demo", "--web.listen-address is WEB_LISTEN_ADDRESS."],
  ])("illustrates the variables of %s with a flag that it has", async (command, example) => {
    expect((await helpText(command, "--help")).replace(/\s+/g, " ")).toContain(
      `Each flag is also an environment variable: ${example}`,
    );
  });

  it("has lines of at most 80 columns, besides examples", async () => {
    for (const { name, examples } of commands) {
      const lines = (await helpText(name, "--help")).split("\n");
      const isExample = (line: string): boolean =>
        examples.some((example) => line.endsWith(example));
      const prose = lines.filter((line) => !isExample(line));
      for (const line of prose) expect(line.length, line).toBeLessThanOrEqual(80);
    }
  });

  it("lists the commands and how to get their help", async () => {
    const help = await helpText("--help");
    for (const command of commands) expect(help).toMatch(new RegExp(`\n  ${command.name} \\[`));
    expect(help).toContain("Run COMMAND --help for details.");
  });

  it.each(commands.map(({ name, settings }) => [name, settings] as const))(
    "of %s shows every flag of its settings",
    async (name, settings) => {
      const help = (await helpText(name, "--help")).replace(/\s+/g, " ");
      for (const row of Object.values<Setting<unknown>>(settings)) {
        const { flag, value, help: meaning } = row;
        if (row.positional || isBareSwitch(row)) {
          expect(help).toContain(`${row.positional ? value : `--${flag}`} ${meaning}`);
          continue;
        }
        expect(help).toContain(`--${flag} <${value}> ${meaning}`);
        if ("fallback" in row) expect(help).toContain(`(default: ${row.fallback})`);
        if ("defaultText" in row) expect(help).toContain(`(${row.defaultText})`);
      }
    },
  );

  it.each(commands.map(({ name, examples }) => [name, examples] as const))(
    "of %s has examples that are valid",
    async (name, examples) => {
      expect(examples.length).toBeGreaterThan(0);
      for (const example of examples) {
        expect(await helpText(name, "--help")).toContain(`\n  apsystems-ecu-exporter ${example}\n`);
        expect(await parsed(example.split(" "))).toHaveProperty("command", name);
      }
    },
  );

  it("is printed even if other arguments are invalid", async () => {
    expect(await helpText("simulate", "--seed=x", "--help")).toContain("--time-scale <FACTOR>");
  });

  it.each(["--version", "-V"])("%s prints only the version", async (flag) => {
    expect(await helpText(flag)).toBe("1.2.3\n");
  });
});
