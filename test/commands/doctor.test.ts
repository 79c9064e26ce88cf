/** The doctor against every trouble: what it finds, its verdict, what it says to do, and its exit code. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, createServer, Socket } from "node:net";
import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { type DoctorEnvironment, doctor } from "../../src/commands/doctor/doctor.ts";
import { isWell, type VerdictName, verdicts } from "../../src/doctor/verdicts.ts";
import { encodeReply, type Info } from "../../src/protocol/replies.ts";
import type { SimulationOptions } from "../../src/simulator/ecu.ts";
import { createPlant, doingAt } from "../../src/simulator/plant.ts";
import { createRounds } from "../../src/simulator/rounds.ts";
import { type SimulatedEcu, startSimulatedEcu } from "../../src/simulator/server.ts";
import { systemClock } from "../../src/time/clock.ts";
import { AFTERNOON, startEcu, usual } from "../simulator/client.ts";
import { hastyClock } from "../support/fake-clock.ts";
import { listening } from "../support/listening.ts";
import { paper } from "./screen.ts";

const NIGHT = Date.UTC(2026, 5, 21, 23, 3); // 1:03 in Utrecht
/** For an ECU that answers, however busy this machine is. */
const patient = { connectMs: 5_000, silenceMs: 5_000, replyMs: 10_000, closeMs: 150 };
/** For one that is waited for in vain. */
const limits = { connectMs: 800, silenceMs: 500, replyMs: 1_000, closeMs: 150 };

interface Place {
  readonly host: string;
  readonly port: number;
}

const run = async (
  { host, port }: Place,
  given: Partial<DoctorEnvironment> & { readonly timezone?: string; readonly now?: number } = {},
) => {
  const { timezone = "Europe/Amsterdam", now = AFTERNOON, ...others } = given;
  const screen = paper();
  const ecu = { name: "ecu.lan", host, port };
  const code = await doctor(
    { ecu, find: undefined, timezone },
    {
      terminal: screen,
      limits: patient,
      pauseMs: 10,
      clock: { ...systemClock, now: () => now },
      ...others,
    },
  );
  return { code, text: screen.text() };
};

/** The verdict and what follows from it, as they are printed. */
const expectVerdict = (
  { code, text }: { code: number; text: string },
  verdict: VerdictName,
): void => {
  const flat = text.replace(/\n +/g, " ");
  const { means, next } = verdicts[verdict];
  expect(flat).toContain(`\nVerdict: ${means} [${verdict}]\n`);
  expect(flat.endsWith(`\nNext:    ${next.replace("{ecu}", "ecu.lan")}\n`)).toBe(true);
  expect(code).toBe(isWell(verdict) ? 0 : 1);
};

interface Case extends Partial<SimulationOptions> {
  readonly what: string;
  readonly verdict: VerdictName;
  /** Stands in what is printed. */
  readonly says?: string;
  /** This machine's time and the zone that is named; without them those of the ECU. */
  readonly now?: number;
  readonly timezone?: string;
  /** The doctor has to wait until its patience is over. */
  readonly isInVain?: true;
}

const simulated: readonly Case[] = [
  { what: "in peace", verdict: "well", says: "3 of 3 in contact with the ECU" },
  { what: "an ECU-R in peace", family: "R", verdict: "well", says: "Wi-Fi address only" },
  {
    what: "by night",
    start: NIGHT,
    now: NIGHT,
    verdict: "night",
    says: "0 of 3 in contact with the ECU: off for the night",
  },
  {
    what: "in maintenance",
    faults: ["refuse"],
    now: Date.UTC(2026, 5, 21, 1, 0),
    verdict: "maintenance",
  },
  { what: "that refuses", faults: ["refuse"], verdict: "refused", says: "refuses the connection" },
  {
    what: "that takes no question",
    faults: ["blackhole"],
    isInVain: true,
    verdict: "silent",
    says: "no data",
  },
  { what: "that gives no answer", faults: ["silent"], isInVain: true, verdict: "silent" },
  {
    what: "that hangs up",
    faults: ["emptyClose"],
    verdict: "closed",
    says: "connection was closed",
  },
  { what: "that stops amid its answers", faults: ["truncate"], verdict: "cut short" },
  { what: "that resets the connection", faults: ["reset"], verdict: "cut short" },
  { what: "that never ends its answer", faults: ["endless"], isInVain: true, verdict: "cut short" },
  { what: "that mixes up two programs", faults: ["wrongCommand"], verdict: "wrong reply" },
  { what: "whose id is another", faults: ["status01"], verdict: "two ECUs" },
  {
    what: "that refuses to tell of signals",
    faults: [{ name: "status02", question: "signal" }],
    verdict: "refuses",
    says: "status 02",
  },
  { what: "without END", faults: ["noEnd"], verdict: "unreadable" },
  { what: "with a wrong length", faults: ["badLength"], verdict: "unreadable" },
  {
    what: "whose database is busy",
    faults: ["zeroGlitch"],
    verdict: "counters zero",
    says: "no registered inverters, but some in contact",
  },
  { what: "without inverters", inverters: [], verdict: "no inverters" },
  {
    what: "that was just started",
    faults: ["status02"],
    verdict: "no data yet",
    says: "from 3 inverters (status 02)",
  },
  { what: "that repeats old values", faults: ["staleTimestamp"], verdict: "old report" },
  {
    what: "in Tokyo, read as of Utrecht",
    family: "R",
    zone: "Asia/Tokyo",
    verdict: "zone not set",
    says: "7 h ahead of this machine's",
  },
  {
    what: "whose clock is wrong",
    faults: ["clockOffset"],
    verdict: "clock wrong",
    says: "3 h ahead of this machine's",
  },
  {
    what: "with an inverter of the future",
    inverters: [
      ["DS3", 2],
      ["UNKNOWN", 1],
    ],
    verdict: "records unknown",
    says: "record type 77",
  },
  { what: "with a disputed record type that can be read", faults: ["type05"], verdict: "well" },
  {
    what: "whose counters stand still",
    faults: ["frozenCounters"],
    verdict: "counters stuck",
    says: "0 kWh today",
  },
  {
    what: "whose plant is off at noon",
    site: { latitude: 52, longitude: -175 },
    verdict: "all off by day",
    says: "at 13:00",
  },
  { what: "with an inverter never reached", faults: ["type00"], verdict: "never reached" },
  { what: "with an inverter off the grid", faults: ["acDisconnected"], verdict: "no grid" },
  {
    what: "that lost an inverter (ECU-R)",
    family: "R",
    faults: ["staleOffline"],
    verdict: "not reached",
    says: "2 of 3 in contact with the ECU; not 7",
  },
  { what: "that lost an inverter", faults: ["linuxOffline"], verdict: "not reached" },
  {
    what: "silent at the first question",
    faults: [{ name: "silent", limit: { times: 1 } }],
    isInVain: true,
    verdict: "unsteady",
  },
  {
    what: "silent at the second question",
    faults: [{ name: "emptyClose", question: "realtime", limit: { times: 1 } }],
    verdict: "unsteady",
  },
  {
    what: "that does not answer for its inverters",
    faults: [{ name: "silent", question: "realtime" }],
    isInVain: true,
    verdict: "silent",
    says: "wrong  inverters",
  },
  // Oddities that do no harm.
  { what: "that lists itself", faults: ["ecuAsInverter"], verdict: "well", says: "own id" },
  {
    what: "with few signals",
    faults: ["shortSignal"],
    verdict: "well",
    says: "no signal for 2 of 3",
  },
  {
    what: "with surplus bytes",
    faults: ["surplusBytes"],
    verdict: "well",
    says: "12 bytes follow",
  },
  { what: "without line feeds", faults: ["noLf"], verdict: "well" },
  { what: "in small pieces", faults: ["split"], verdict: "well" },
];

/** Verdicts that are tried below, beside those of the table. */
const tried = new Set<VerdictName>(simulated.map(({ verdict }) => verdict));
const trying = (verdict: VerdictName): VerdictName => {
  tried.add(verdict);
  return verdict;
};

describe("a simulated ECU", () => {
  it.each(simulated)(
    "$what: $verdict",
    async ({ verdict, says, now, timezone, isInVain, ...options }) => {
      await using ecu = await startEcu(options);
      const told = await run(ecu, {
        ...(now !== undefined && { now }),
        ...(timezone !== undefined && { timezone }),
        limits: isInVain === true ? limits : patient,
      });
      expectVerdict(told, verdict);
      if (says !== undefined) expect(told.text.replace(/\n +/g, " ")).toContain(says);
      expectManners(ecu);
    },
  );

  it("whose inverters are faint: weak signal", async () => {
    const plant = createPlant(usual.inverters, usual.site, 1);
    const doing: typeof doingAt = (...of) => ({ ...doingAt(...of), signal: 40 });
    const rounds = createRounds({ ...usual, plant, doing });
    await using ecu = await startSimulatedEcu({
      family: "L",
      answers: {
        info: () => rounds.info(AFTERNOON),
        realtime: () => rounds.realtime(AFTERNOON),
        signal: () => rounds.signal(AFTERNOON),
      },
    });
    const told = await run(ecu);
    expectVerdict(told, trying("weak signal"));
    expect(told.text).toContain("the ECU does not report its time");
  });

  it.each([
    ["repeats old values", "staleTimestamp", "old report"],
    ["reports from the future", "clockOffset", "clock wrong"],
  ] as const)("that does not tell its clock, and %s (%s): %s", async (_what, fault, verdict) => {
    const rounds = createRounds({ ...usual, plant: createPlant(usual.inverters, usual.site, 1) });
    await using ecu = await startSimulatedEcu({
      family: "L",
      faults: [fault],
      answers: {
        info: () => rounds.info(AFTERNOON),
        realtime: () => rounds.realtime(AFTERNOON),
        signal: () => rounds.signal(AFTERNOON),
      },
    });
    expectVerdict(await run(ecu), verdict);
  });
});

/** Few questions, and none but those that only read. */
const expectManners = (ecu: SimulatedEcu): void => {
  expect(ecu.writes).toEqual([]);
  expect(ecu.requests.length).toBeLessThanOrEqual(7);
  for (const { code } of ecu.requests) expect(["0001", "0002", "0012", "0030"]).toContain(code);
};

describe("any ECU", () => {
  it.each([
    ["L", []],
    ["R", []],
    ["R", ["endless"]],
    ["L", ["emptyClose"]],
  ] as const)("of family %s %j has one connection at a time", async (family, faults) => {
    await using ecu = await startEcu({ family, faults });
    await run(ecu, { pauseMs: 50, limits });
    expect(ecu.connections.peak).toBe(1);
    expect(ecu.connections.total).toBeGreaterThan(1);
  });

  it("that does not come to an end is left after the longest time", async () => {
    await using ecu = await startEcu({ faults: ["endless"] });
    const begun = performance.now();
    const endless = { ...limits, silenceMs: 60_000, replyMs: 60_000 };
    expectVerdict(await run(ecu, { limits: endless, timeoutMs: 1_000 }), "cut short");
    expect(performance.now() - begun).toBeLessThan(10_000);
  });
});

describe("something else", () => {
  it.each([
    ["a web server", "HTTP/1.1 400 Bad Request\r\n\r\n"],
    ["a terminal server", "SSH-2.0-OpenSSH_9.2\r\n"],
    ["noise with control characters", "\u001b[2J\u0007\u0000\u009b31m"],
  ])("%s is not an ECU, and nothing it says reaches the terminal raw", async (_what, greeting) => {
    await using place = await listening((socket) => {
      socket.resume().end(greeting, "latin1");
    });
    const told = await run(place);
    expectVerdict(told, trying("not an ECU"));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
    expect(told.text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  });

  it("something that sends every question back is not an ECU", async () => {
    await using place = await listening((socket) => {
      socket.pipe(socket);
    });
    expectVerdict(await run(place), trying("not an ECU"));
  });

  it("two ECUs that share an address: two ECUs", async () => {
    const infoOf = (ecuId: string): Info => ({
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
    let calls = 0;
    await using place = await listening((socket) => {
      const ecuId = calls++ % 2 === 0 ? "216200000001" : "216200000002";
      socket.once("data", () => socket.end(encodeReply("info", infoOf(ecuId))));
    });
    const told = await run(place);
    expectVerdict(told, "two ECUs");
    expect(told.text).toContain("first 216200000001, then 216200000002");
  });

  it("a port whose queue is full neither accepts nor refuses: not accepted", async () => {
    const worker = new Worker(
      `const { parentPort } = require("node:worker_threads");
       const server = require("node:net").createServer();
       server.listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
         parentPort.postMessage(server.address().port);
         setTimeout(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20_000), 50);
       });`,
      { eval: true },
    );
    const [port] = (await once(worker, "message")) as [number];
    await new Promise((resolve) => setTimeout(resolve, 150)); // until it hangs
    const queue = Array.from({ length: 4 }, () => connect({ host: "127.0.0.1", port }));
    for (const socket of queue) socket.on("error", () => {});
    await new Promise((resolve) => setTimeout(resolve, 100));
    try {
      const told = await run({ host: "127.0.0.1", port }, { limits });
      expectVerdict(told, trying("not accepted"));
    } finally {
      for (const socket of queue) socket.destroy();
      await worker.terminate();
    }
  });

  it.each(["EHOSTUNREACH", "ENETUNREACH", "EADDRNOTAVAIL"])(
    "an address where nobody is (%s): no such host",
    async (code) => {
      const dial = (() => {
        const socket = new Socket();
        socket.destroy(Object.assign(new Error(code), { code }));
        return socket;
      }) as unknown as typeof connect;
      const told = await run({ host: "192.0.2.1", port: 8899 }, { dial });
      expectVerdict(told, trying("no such host"));
      expect(told.text).toContain(`no device can be reached (${code})`);
    },
  );
});

describe("a name", () => {
  const failing = (code: string) => () => Promise.reject(Object.assign(new Error(code), { code }));
  it.each([
    ["ENOTFOUND", "name unknown"],
    ["EAI_AGAIN", "name service silent"],
  ] as const)("that gives %s: %s, and nobody is asked", async (code, verdict) => {
    await using ecu = await startEcu();
    const told = await run({ ...ecu, host: "ecu.lan" }, { resolve: failing(code) });
    expectVerdict(told, trying(verdict));
    expect(ecu.requests).toEqual([]);
  });

  it("that is looked up for ever is given up after 5 s", async () => {
    const waited: number[] = [];
    const clock = {
      ...systemClock,
      sleep: (ms: number) => {
        waited.push(ms);
        return Promise.resolve();
      },
    };
    const told = await run(
      { host: "ecu.lan", port: 8899 },
      { clock, resolve: () => new Promise(() => {}) },
    );
    expectVerdict(told, "name service silent");
    expect(waited).toEqual([5_000]);
  });

  it("with several addresses is told with all of them", async () => {
    await using ecu = await startEcu();
    const told = await run(
      { host: "localhost", port: ecu.port },
      { resolve: () => Promise.resolve(["127.0.0.1", "::1"]) },
    );
    expect(told.text).toContain("localhost is 127.0.0.1 and ::1; the first that accepts a");
    expectVerdict(told, "well");
  });
});

describe("the close of a connection", () => {
  it.each([
    ["L", "it closes the connection after each reply, as ECU-R-Pros do"],
    ["R", "it leaves the connection open, as ECU-Rs do"],
  ] as const)("of an ECU of family %s is seen: %s", async (family, says) => {
    await using ecu = await startEcu({ family });
    expect((await run(ecu)).text).toContain(says);
  });
});

/** A command or a flag is set as code. */
const inCode = (text: string): string =>
  text.replace(/apsystems-ecu-exporter .*|--\S+=[^\s,]+/, "`$&`");

describe("the verdicts", () => {
  it("have each been tried here", () => {
    expect(Object.keys(verdicts).filter((name) => !tried.has(name as VerdictName))).toEqual([]);
  });

  it("stand in docs/doctor.md, each with its meaning and what to do, in this order", () => {
    const rows = Object.entries(verdicts).map(
      ([name, { means, next }]) =>
        `| ${name} | ${means} | ${inCode(next.replace("{ecu}", "ADDRESS"))} |`,
    );
    const page = readFileSync("docs/doctor.md", "utf8");
    expect(page).toContain(`\n${rows.join("\n")}\n`);
  });
});

describe("doctor --find", () => {
  const range = (network: string, prefix: number) => ({ network, prefix });
  const find = async (network: string, prefix: number, port: number, clock = systemClock) => {
    const screen = paper();
    const code = await doctor(
      { ecu: undefined, find: range(network, prefix), timezone: undefined },
      { terminal: screen, port, clock },
    );
    return { code, text: screen.text() };
  };

  it("lists the ECUs of a network, and says what is none, asking each once", async () => {
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

  it("leaves out the address of the network and that of all, and finds nobody: 1", async () => {
    await using network = await startEcu({ host: "127.71.1.0" });
    await using broadcast = await startEcu({ host: "127.71.1.3", port: network.port });
    const { code, text } = await find("127.71.1.0", 30, network.port);
    expect(code).toBe(1);
    expect(text).toContain("No ECU was found.");
    expect([...network.requests, ...broadcast.requests]).toEqual([]);
  });

  it("looks at both addresses of a /31, and at one that is named alone", async () => {
    await using ecu = await startEcu({ host: "127.71.2.0" });
    expect((await find("127.71.2.1", 31, ecu.port)).code).toBe(0);
    expect((await find("127.71.2.0", 32, ecu.port)).code).toBe(0);
    expect((await find("127.71.2.1", 32, ecu.port)).code).toBe(1);
  });

  it("tries no more than 50 addresses a second", async () => {
    await using ecu = await startEcu({ host: "127.71.3.1" });
    const clock = { ...systemClock, ...hastyClock() };
    expect((await find("127.71.3.0", 25, ecu.port, clock)).code).toBe(0);
    expect(clock.monotonic()).toBeGreaterThanOrEqual((126 - 1) * 20);
  });

  it.each([
    ["neither an ECU nor a network", undefined, undefined, "name the ECU, as in: doctor"],
    [
      "both",
      { name: "a", host: "10.0.0.1", port: 8899 },
      range("10.0.0.0", 24),
      "name an ECU or a network to search, not both",
    ],
  ])("is refused in one sentence with %s", async (_what, ecu, network, problem) => {
    const refused = async () => doctor({ ecu, find: network, timezone: undefined });
    await expect(refused()).rejects.toMatchObject({
      name: "UsageError",
      problems: [expect.stringContaining(problem)],
    });
  });
});
