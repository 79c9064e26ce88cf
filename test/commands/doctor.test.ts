/** The command doctor with each problem of an ECU: findings, verdict, remedy and exit code. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { type DoctorEnvironment, doctor } from "../../src/commands/doctor/doctor.ts";
import { isWell, type VerdictName, verdicts } from "../../src/doctor/verdicts.ts";
import type { EcuEndpoint } from "../../src/ecu/client.ts";
import { QueryError } from "../../src/ecu/errors.ts";
import { encodeReply, type Info } from "../../src/protocol/replies.ts";
import type { SimulationOptions } from "../../src/simulator/ecu.ts";
import { createPlant, inverterStateAt } from "../../src/simulator/plant.ts";
import { createRounds } from "../../src/simulator/rounds.ts";
import { type SimulatedEcu, startSimulatedEcu } from "../../src/simulator/server.ts";
import { AFTERNOON, defaultOptions, startEcu } from "../simulator/client.ts";
import { failConnections } from "../support/failing-connect.ts";
import { createFastClock, type FastClock, settle } from "../support/fake-clock.ts";
import { openFullPort } from "../support/full-port.ts";
import { startServer } from "../support/listening.ts";
import { createTimedExchange, type PassingTime, passTimeAfter } from "../support/timed-exchange.ts";
import { recordingTerminal } from "./screen.ts";

const NIGHT = Date.UTC(2026, 5, 21, 23, 3); // 1:03 in Utrecht
/** A port of the loopback address at which nothing listens. */
const CLOSED_PORT = 1;
const noTime: PassingTime = () => 0;
/** The doctor's wait for an ECU-R to close the connection, which it does not do. */
const leftOpen = passTimeAfter("replied", 3_000);

type Endpoint = EcuEndpoint & Partial<Pick<SimulatedEcu, "requests">>;

interface RunOptions extends Partial<DoctorEnvironment> {
  /** `null`: none is set. */
  readonly timezone?: string | null | undefined;
  readonly clock?: FastClock;
  readonly passing?: PassingTime;
}

/** Runs `doctor` with the ECU. `text` has no line breaks within sentences. */
const run = async (ecu: Endpoint, options: RunOptions = {}) => {
  const {
    timezone = "Europe/Amsterdam",
    clock = createFastClock(AFTERNOON),
    passing = noTime,
    ...environment
  } = options;
  const terminal = recordingTerminal();
  const { host, port } = ecu;
  const code = await doctor(
    { ecu: { name: "ecu.lan", host, port }, find: undefined, timezone: timezone ?? undefined },
    {
      terminal,
      clock,
      exchange: createTimedExchange({ clock, passing, ecu: isListed(ecu) ? ecu : undefined }),
      localApiPort: CLOSED_PORT,
      ...environment,
    },
  );
  return { code, raw: terminal.text(), text: terminal.text().replace(/\n +/g, " ") };
};

const isListed = (ecu: Endpoint): ecu is Pick<SimulatedEcu, "host" | "port" | "requests"> =>
  ecu.requests !== undefined;

/** Expects the verdict, its text, its remedy and its exit code. */
const expectVerdict = (
  { code, text }: { readonly code: number; readonly text: string },
  verdict: VerdictName,
): void => {
  const { means, next } = verdicts[verdict];
  expect(text).toContain(`\nVerdict: ${means} [${verdict}]\n`);
  expect(text.endsWith(`\nNext:    ${next.replace("{ecu}", "ecu.lan")}\n`)).toBe(true);
  expect(code).toBe(isWell(verdict) ? 0 : 1);
};

interface Case extends Partial<SimulationOptions> {
  readonly what: string;
  readonly verdict: VerdictName;
  /** Part of the output. */
  readonly text?: string;
  /** This machine's time and the configured zone, if they differ from those of the ECU. */
  readonly now?: number;
  readonly timezone?: string;
  /** The time that passes while the doctor waits for an event that does not occur. */
  readonly passing?: PassingTime;
}

const simulated: readonly Case[] = [
  { what: "without faults", verdict: "well", text: "3 of 3 in contact with the ECU" },
  {
    what: "without faults (ECU-R)",
    family: "R",
    verdict: "well",
    text: "Wi-Fi address only",
    passing: leftOpen,
  },
  {
    what: "at night",
    start: NIGHT,
    now: NIGHT,
    verdict: "night",
    text: "0 of 3 in contact with the ECU: off for the night",
  },
  {
    what: "in its nightly maintenance",
    faults: ["refuse"],
    now: Date.UTC(2026, 5, 21, 1, 0),
    verdict: "maintenance",
  },
  {
    what: "that refuses the connection",
    faults: ["refuse"],
    verdict: "refused",
    text: "refuses the connection",
  },
  {
    what: "that ignores connections",
    faults: ["blackhole"],
    passing: passTimeAfter("connected", 5_000),
    verdict: "silent",
    text: "none: no data",
  },
  {
    what: "that does not reply",
    faults: ["silent"],
    passing: passTimeAfter("arrived", 5_000),
    verdict: "silent",
    text: "none: no data",
  },
  {
    what: "that closes the connection without a reply",
    faults: ["emptyClose"],
    verdict: "closed",
    text: "none: the connection was closed",
  },
  {
    what: "that closes the connection in the middle of its reply",
    faults: ["truncate"],
    verdict: "cut short",
    text: "then the connection was closed",
  },
  { what: "that resets the connection", faults: ["reset"], verdict: "cut short" },
  {
    what: "that does not complete its reply",
    faults: ["endless"],
    passing: passTimeAfter("received", 4_000),
    verdict: "cut short",
    text: "then no more data",
  },
  {
    what: "that sends the reply to another request",
    faults: ["wrongCommand"],
    verdict: "wrong reply",
  },
  { what: "that replies with status 01", faults: ["status01"], verdict: "two ECUs" },
  {
    what: "that refuses the request for signal levels",
    faults: [{ name: "status02", query: "signal" }],
    verdict: "refuses",
    text: "status 02",
  },
  { what: "with replies without END", faults: ["noEnd"], verdict: "unreadable" },
  { what: "with replies of a wrong length", faults: ["badLength"], verdict: "unreadable" },
  {
    what: "with a busy database",
    faults: ["zeroGlitch"],
    verdict: "counters zero",
    text: "no registered inverters, but some in contact",
  },
  { what: "without inverters", inverters: [], verdict: "no inverters" },
  {
    what: "that sends an empty list",
    faults: ["emptyList"],
    verdict: "empty list",
    text: "3 are registered, but the list is empty",
  },
  {
    what: "that has just started",
    faults: ["status02"],
    verdict: "no data yet",
    text: "from 3 inverters (status 02)",
  },
  { what: "that repeats old values", faults: ["staleTimestamp"], verdict: "old report" },
  {
    what: "in Tokyo, with the zone of Amsterdam",
    family: "R",
    zone: "Asia/Tokyo",
    verdict: "zone not set",
    text: "7 h ahead of this machine's",
    passing: leftOpen,
  },
  {
    what: "with a wrong clock",
    faults: ["clockOffset"],
    verdict: "clock wrong",
    text: "3 h ahead of this machine's",
  },
  {
    what: "with an inverter of an unknown type",
    inverters: [
      ["DS3", 2],
      ["UNKNOWN", 1],
    ],
    verdict: "records unknown",
    text: "record type 77",
  },
  {
    what: "with two inverters of an unknown type",
    inverters: [["UNKNOWN", 2]],
    verdict: "records unknown",
    text: "fail  table      2 records of unknown type or layout\n",
  },
  {
    what: "with one inverter of an unknown type",
    inverters: [
      ["DS3", 2],
      ["UNKNOWN", 1],
    ],
    verdict: "records unknown",
    text: "fail  table      1 record of unknown type or layout\n",
  },
  {
    what: "with a damaged record",
    faults: ["oddType"],
    verdict: "records unknown",
    text: "is damaged: its type code is 0A",
  },
  { what: "with an ambiguous record type that fits", faults: ["type05"], verdict: "well" },
  {
    what: "with an energy of today that stays 0",
    faults: ["frozenCounters"],
    verdict: "counters stuck",
    text: "0 kWh today",
  },
  {
    what: "with all inverters off at noon",
    site: { latitude: 52, longitude: -175 },
    verdict: "all off by day",
    text: "at 13:00",
  },
  {
    what: "with an inverter that was never in contact",
    faults: ["type00"],
    verdict: "never reached",
  },
  { what: "with an inverter without grid", faults: ["acDisconnected"], verdict: "no grid" },
  {
    what: "that has lost contact with an inverter (ECU-R)",
    family: "R",
    faults: ["staleOffline"],
    verdict: "not reached",
    text: "2 of 3 in contact with the ECU; not 7",
    passing: leftOpen,
  },
  {
    what: "that has lost contact with an inverter",
    faults: ["linuxOffline"],
    verdict: "not reached",
  },
  {
    what: "that does not reply to the first request",
    faults: [{ name: "silent", limit: { times: 1 } }],
    passing: passTimeAfter("arrived", 5_000, { number: 1 }),
    verdict: "unsteady",
  },
  {
    what: "that does not reply to the first request for its inverters",
    faults: [{ name: "emptyClose", query: "realtime", limit: { times: 1 } }],
    verdict: "unsteady",
  },
  {
    what: "that does not reply to any request for its inverters",
    faults: [{ name: "silent", query: "realtime" }],
    passing: passTimeAfter("arrived", 5_000, { code: "0002" }),
    verdict: "silent",
    text: "fail  inverters",
  },
  // Harmless anomalies.
  { what: "that lists itself", faults: ["ecuAsInverter"], verdict: "well", text: "own id" },
  {
    what: "that lists few signal levels",
    faults: ["shortSignal"],
    verdict: "well",
    text: "no signal for 2 of 3",
  },
  {
    what: "with bytes after its records",
    faults: ["surplusBytes"],
    verdict: "well",
    text: "12 bytes follow",
  },
  {
    what: "with unprintable bytes in its texts",
    faults: ["oddText"],
    verdict: "well",
    text: "warn  reply      the base information has unprintable bytes, which are left out: ZigBee channel, firmware, time zone",
  },
  { what: "with replies without the line feed", faults: ["noLf"], verdict: "well" },
  { what: "with replies in small pieces", faults: ["split"], verdict: "well" },
];

/** The verdicts that the tests of this file expect; `cover` adds one. */
const tested = new Set<VerdictName>(simulated.map(({ verdict }) => verdict));
const cover = (verdict: VerdictName): VerdictName => {
  tested.add(verdict);
  return verdict;
};

describe("a simulated ECU", () => {
  it.each(simulated)(
    "$what: $verdict",
    async ({ verdict, text, now = AFTERNOON, timezone, passing = noTime, ...options }) => {
      await using ecu = await startEcu(options);
      const output = await run(ecu, { clock: createFastClock(now), timezone, passing });
      expectVerdict(output, verdict);
      if (text !== undefined) expect(output.text).toContain(text);
      expectHarmless(ecu);
    },
  );

  it("with weak radio signals: weak signal", async () => {
    const plant = createPlant(defaultOptions.inverters, defaultOptions.site, 1);
    const doing: typeof inverterStateAt = (...of) => ({ ...inverterStateAt(...of), signal: 40 });
    const rounds = createRounds({ ...defaultOptions, plant, stateAt: doing });
    await using ecu = await startSimulatedEcu({
      family: "L",
      messages: {
        info: () => rounds.info(AFTERNOON),
        realtime: () => rounds.realtime(AFTERNOON),
        signal: () => rounds.signal(AFTERNOON),
      },
    });
    const output = await run(ecu);
    expectVerdict(output, cover("weak signal"));
    expect(output.text).toContain("the ECU does not report its time");
  });

  it("that reports a zone which this machine does not know: the line says what to do", async () => {
    const rounds = createRounds({
      ...defaultOptions,
      plant: createPlant(defaultOptions.inverters, defaultOptions.site, 1),
    });
    await using ecu = await startSimulatedEcu({
      family: "L",
      messages: {
        info: () => ({ ...rounds.info(AFTERNOON), timezone: "Asia/Beijing" }),
        realtime: () => rounds.realtime(AFTERNOON),
        signal: () => rounds.signal(AFTERNOON),
      },
    });
    const lines = async (timezone: string | null) =>
      (await run(ecu, { timezone })).text.split("\n").filter((line) => /^\w+ +zone /.test(line));
    expect(await lines(null)).toEqual([
      expect.stringMatching(
        /^warn +zone +the ECU reports Asia\/Beijing, which this machine does not know; .* is assumed, the zone of this machine; set the ECU's zone \(--ecu.timezone\)$/,
      ),
    ]);
    expect(await lines("Europe/Amsterdam")).toEqual([
      expect.stringMatching(
        /^ok +zone +the ECU reports Asia\/Beijing, which this machine does not know; Europe\/Amsterdam is assumed, from --ecu.timezone$/,
      ),
    ]);
  });

  it.each([
    ["repeats old values", "staleTimestamp", "old report"],
    ["reports from the future", "clockOffset", "clock wrong"],
  ] as const)("that does not report its clock and %s (%s): %s", async (_, fault, verdict) => {
    const rounds = createRounds({
      ...defaultOptions,
      plant: createPlant(defaultOptions.inverters, defaultOptions.site, 1),
    });
    await using ecu = await startSimulatedEcu({
      family: "L",
      faults: [fault],
      messages: {
        info: () => rounds.info(AFTERNOON),
        realtime: () => rounds.realtime(AFTERNOON),
        signal: () => rounds.signal(AFTERNOON),
      },
    });
    expectVerdict(await run(ecu), verdict);
  });
});

/** Expects few requests, and only such that read. */
const expectHarmless = (ecu: SimulatedEcu): void => {
  expect(ecu.writes).toEqual([]);
  expect(ecu.requests.length).toBeLessThanOrEqual(7);
  for (const { code } of ecu.requests) expect(["0001", "0002", "0012", "0030"]).toContain(code);
};

describe("the diagnosis", () => {
  it.each([
    ["L", [], noTime],
    ["R", [], leftOpen],
    ["R", ["endless"], passTimeAfter("received", 4_000)],
    ["L", ["emptyClose"], noTime],
  ] as const)(
    "of an ECU of family %s with the faults %j has one connection at a time, with 250 ms between two",
    async (family, faults, passing) => {
      await using ecu = await startEcu({ family, faults });
      const clock = createFastClock(AFTERNOON);
      const pauses: number[] = [];
      const sleep: FastClock["sleep"] = async (ms, signal) => {
        pauses.push(ms);
        await clock.sleep(ms, signal);
        while (ecu.connections.open > 0) await settle(); // the ECU is in this process, and may lag behind
      };
      await run(ecu, { clock: { ...clock, sleep }, passing });
      expect(ecu.connections.peak).toBe(1);
      expect(ecu.connections.total).toBeGreaterThan(1);
      expect(pauses).toEqual(Array.from({ length: ecu.connections.total - 1 }, () => 250));
    },
  );

  it("ends after 55 s, whatever the ECU does", async () => {
    const clock = createFastClock(AFTERNOON);
    const signals: AbortSignal[] = [];
    const exchange: DoctorEnvironment["exchange"] = (_ecu, _request, signal) => {
      signals.push(signal);
      return new Promise((_, reject) => {
        const error = new QueryError("timed out", { reason: "timeout" });
        signal.addEventListener("abort", () => reject(error));
      });
    };
    const output = run({ host: "127.0.0.1", port: 8899 }, { clock, exchange });
    while (signals.length === 0) await settle();
    clock.pass(54_999);
    expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
    clock.pass(1);
    expectVerdict(await output, "not accepted");
    expect(signals).toHaveLength(1);
  });
});

describe("another device", () => {
  it.each([
    ["a terminal server", "SSH-2.0-OpenSSH_9.2\r\n"],
    ["noise with control characters", "\u001b[2J\u0007\u0000\u009b31m"],
  ])("%s is not an ECU, and its control characters are not printed", async (_, greeting) => {
    await using device = await startServer((socket) => {
      socket.resume().end(greeting, "latin1");
    });
    const output = await run(device);
    expectVerdict(output, cover("not an ECU"));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: checks that they are absent
    expect(output.raw).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  });

  it("that answers HTTP on the port of an ECU: another product", async () => {
    await using device = await startServer((socket) => {
      socket.resume().end("HTTP/1.1 400 Bad Request\r\n\r\n", "latin1");
    });
    const output = await run(device);
    expectVerdict(output, cover("another product"));
    expect(output.text).toContain('"HTTP/1.1 400 Bad Request" is not the reply of an ECU');
  });

  describe("that answers HTTP on the port of the EZ1", () => {
    const startEz1 = () =>
      startServer((socket) => {
        socket.once("data", (request) => {
          const isKnown = request.toString("latin1").startsWith("GET /getDeviceInfo HTTP/1.1\r\n");
          socket.end(`HTTP/1.1 ${isKnown ? "200 OK" : "404 Not Found"}\r\n\r\n{}`);
        });
      });

    it.each([
      ["refuses", { host: "127.0.0.1", port: CLOSED_PORT }],
      ["is silent on", undefined],
    ])("and %s that of an ECU: another product", async (_, endpoint) => {
      await using ez1 = await startEz1();
      await using silent = await startEcu({ faults: ["silent"] });
      const output = await run(endpoint ?? silent, {
        localApiPort: ez1.port,
        passing: passTimeAfter("arrived", 5_000),
      });
      expectVerdict(output, "another product");
      expect(output.text).toContain("\nfail  http       port 8050 answers HTTP\n");
    });

    it("and works as an ECU: the port is not tried", async () => {
      let requests = 0;
      await using other = await startServer((socket) => {
        requests++;
        socket.end("HTTP/1.1 200 OK\r\n\r\n");
      });
      await using ecu = await startEcu();
      expectVerdict(await run(ecu, { localApiPort: other.port }), "well");
      expect(requests).toBe(0);
    });
  });

  it("that sends every request back is not an ECU", async () => {
    await using device = await startServer((socket) => {
      socket.pipe(socket);
    });
    expectVerdict(await run(device, { passing: leftOpen }), cover("not an ECU"));
  });

  it("with the same address as an ECU: two ECUs", async () => {
    const createInfo = (ecuId: string): Info => ({
      ecuId,
      layout: "01",
      lifetimeEnergyJoules: 3_600_000,
      powerWatts: 100,
      todayEnergyJoules: 36_000,
      lastCloudContact: "20260621130000",
      inverters: 1,
      invertersOnline: 1,
      zigbeeChannel: "10",
      firmware: "ECU_R_PRO_2.1.27",
      timezone: "Europe/Amsterdam",
      ethernetMac: "80971b0a0b0c",
      wirelessMac: "60c5a80a0b0c",
      extension: "",
    });
    let connections = 0;
    await using devices = await startServer((socket) => {
      const ecuId = connections++ % 2 === 0 ? "216200000001" : "216200000002";
      socket.once("data", () => socket.end(encodeReply("info", createInfo(ecuId))));
    });
    const output = await run(devices);
    expectVerdict(output, "two ECUs");
    expect(output.text).toContain("first 216200000001, then 216200000002");
  });

  it("that neither accepts nor refuses a connection: not accepted", async () => {
    await using full = await openFullPort();
    const clock = createFastClock(AFTERNOON);
    const output = run(full, { clock });
    await settle();
    clock.pass(5_000);
    expectVerdict(await output, cover("not accepted"));
  });

  it.each(["EHOSTUNREACH", "ENETUNREACH", "EADDRNOTAVAIL"])(
    "that is not there (%s): no such host",
    async (code) => {
      using _ = failConnections(code);
      const output = await run({ host: "127.0.0.1", port: 8899 });
      expectVerdict(output, cover("no such host"));
      expect(output.text).toContain(`no device can be reached (${code})`);
    },
  );
});

describe("a name", () => {
  const failing = (code: string) => () => Promise.reject(Object.assign(new Error(code), { code }));
  it.each([
    ["ENOTFOUND", "name unknown"],
    ["EAI_AGAIN", "name service silent"],
  ] as const)(
    "with a lookup that fails with %s: %s, without any connection",
    async (code, verdict) => {
      await using ecu = await startEcu();
      const output = await run({ ...ecu, host: "ecu.lan" }, { resolve: failing(code) });
      expectVerdict(output, cover(verdict));
      expect(ecu.requests).toEqual([]);
    },
  );

  it("with a lookup of more than 5 s: name service silent", async () => {
    const clock = createFastClock(AFTERNOON);
    let isOver = false;
    const output = run(
      { host: "ecu.lan", port: 8899 },
      { clock, resolve: () => new Promise(() => {}) },
    ).finally(() => {
      isOver = true;
    });
    await settle();
    clock.pass(4_999);
    await settle();
    expect(isOver).toBe(false);
    clock.pass(1);
    expectVerdict(await output, "name service silent");
  });

  it("with several addresses is printed with all of them", async () => {
    await using ecu = await startEcu();
    const { port, requests } = ecu;
    const output = await run(
      { host: "localhost", port, requests },
      { resolve: () => Promise.resolve(["127.0.0.1", "::1"]) },
    );
    expect(output.text).toContain("localhost is 127.0.0.1 and ::1; the first that accepts a");
    expectVerdict(output, "well");
  });
});

describe("the close of the connection", () => {
  it.each([
    ["L", "it closes the connection after each reply, as ECU-R-Pros do", noTime],
    ["R", "it leaves the connection open, as ECU-Rs do", leftOpen],
  ] as const)("by an ECU of family %s is reported: %s", async (family, text, passing) => {
    await using ecu = await startEcu({ family });
    expect((await run(ecu, { passing })).text).toContain(text);
  });
});

/** Commands and flags as code. */
const formatCode = (text: string): string =>
  text.replace(/apsystems-ecu-exporter .*|--\S+=[^\s,]+/, "`$&`");

describe("the verdicts", () => {
  it("are each expected by a test above", () => {
    expect(Object.keys(verdicts).filter((name) => !tested.has(name as VerdictName))).toEqual([]);
  });

  it("are in docs/doctor.md with their meaning and what to do, in the same order", () => {
    const rows = Object.entries(verdicts).map(
      ([name, { means, next }]) =>
        `| ${name} | ${means} | ${formatCode(next.replace("{ecu}", "ADDRESS"))} |`,
    );
    const page = readFileSync("docs/doctor.md", "utf8");
    expect(page).toContain(`\n${rows.join("\n")}\n`);
  });
});

describe("doctor --find", () => {
  const range = (network: string, prefix: number) => ({ network, prefix });
  const find = async (network: string, prefix: number, port: number, clock = createFastClock()) => {
    const terminal = recordingTerminal();
    const code = await doctor(
      { ecu: undefined, find: range(network, prefix), timezone: undefined },
      { terminal, port, clock },
    );
    return { code, text: terminal.text() };
  };

  it("lists the ECUs of a network and other devices, with one request to each", async () => {
    await using first = await startEcu({ host: "127.71.0.1" });
    const { port } = first;
    await using second = await startEcu({ host: "127.71.0.14", port, family: "R" });
    await using outside = await startEcu({ host: "127.71.0.17", port });
    const other = createServer((socket) => socket.resume().end("220 mail\r\n"));
    other.listen(port, "127.71.0.9");
    await once(other, "listening");
    const { code, text } = await find("127.71.0.5", 28, port);
    other.close();
    expect(code).toBe(0);
    expect(text.split("\n").slice(2, 5).sort()).toEqual([
      "127.71.0.1       ECU-R-Pro  216200123456 ECU_R_PRO_2.1.27",
      "127.71.0.14      ECU-R      216000123456 ECU_R_1.3.14",
      "127.71.0.9       another kind of device",
    ]);
    expect(text).toContain("2 ECUs were found.");
    for (const ecu of [first, second]) expect(ecu.requests).toHaveLength(1);
    expect(outside.requests).toEqual([]);
  });

  it("leaves out the network and broadcast addresses; without an ECU the exit code is 1", async () => {
    await using network = await startEcu({ host: "127.71.1.0" });
    await using broadcast = await startEcu({ host: "127.71.1.3", port: network.port });
    const { code, text } = await find("127.71.1.0", 30, network.port);
    expect(code).toBe(1);
    expect(text).toContain("No ECU was found.");
    expect([...network.requests, ...broadcast.requests]).toEqual([]);
  });

  it("tries both addresses of a /31, and the only one of a /32", async () => {
    await using ecu = await startEcu({ host: "127.71.2.0" });
    expect((await find("127.71.2.1", 31, ecu.port)).code).toBe(0);
    expect((await find("127.71.2.0", 32, ecu.port)).code).toBe(0);
    expect((await find("127.71.2.1", 32, ecu.port)).code).toBe(1);
  });

  it("tries at most 50 addresses a second", async () => {
    await using ecu = await startEcu({ host: "127.71.3.1" });
    const clock = createFastClock();
    expect((await find("127.71.3.0", 25, ecu.port, clock)).code).toBe(0);
    expect(clock.monotonic()).toBeGreaterThanOrEqual((126 - 1) * 20);
  });

  it("gives an address 500 ms to accept the connection", async () => {
    await using full = await openFullPort();
    const clock = createFastClock();
    const result = find(full.host, 32, full.port, clock);
    await settle();
    clock.pass(500);
    expect((await result).code).toBe(1);
  });

  it.each([
    ["without an ECU and a network", undefined, undefined, "name the ECU, as in: doctor"],
    [
      "with both",
      { name: "a", host: "10.0.0.1", port: 8899 },
      range("10.0.0.0", 24),
      "name an ECU or a network to search, not both",
    ],
  ])("%s is rejected with one error message", async (_, ecu, network, problem) => {
    const start = async () => doctor({ ecu, find: network, timezone: undefined });
    await expect(start()).rejects.toMatchObject({
      name: "UsageError",
      problems: [expect.stringContaining(problem)],
    });
  });
});
