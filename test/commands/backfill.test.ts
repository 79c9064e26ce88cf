/** The command backfill against simulated ECUs, over TCP. */
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { UsageError } from "../../src/config/usage-error.ts";
import { encodeReply, type Messages } from "../../src/protocol/replies.ts";
import { type SimulationOptions, simulateEcu } from "../../src/simulator/ecu.ts";
import { createPlant } from "../../src/simulator/plant.ts";
import { createRounds } from "../../src/simulator/rounds.ts";
import {
  type MessageSources,
  type SimulatedEcu,
  startSimulatedEcu,
} from "../../src/simulator/server.ts";
import { type BackfillFolder, createBackfillFolder } from "../support/backfill.ts";
import { startReplyingEcu } from "../support/replay.ts";

/** 20 November 2026, 13:00 in Amsterdam. */
const NOW = Date.UTC(2026, 10, 20, 12);
const KWH = 3_600_000;
const week = { from: "20261114", to: "20261120" };

const opened: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one[Symbol.asyncDispose]();
});
const kept = async <T extends AsyncDisposable>(starting: Promise<T>): Promise<T> => {
  const started = await starting;
  opened.push(started);
  return started;
};

const workshop = (now = NOW): Promise<BackfillFolder> => kept(createBackfillFolder(() => now));
const simulated = (change: Partial<SimulationOptions> = {}): Promise<SimulatedEcu> =>
  kept(
    simulateEcu({
      inverters: [["DS3", 1]],
      family: "R",
      site: { latitude: 52.09, longitude: 5.12 },
      zone: "Europe/Amsterdam",
      seed: 1,
      start: NOW,
      past: 6,
      timeScale: 1,
      elapsed: () => 0,
      ...change,
    }),
  );
/** The received requests: codes with their parameters. */
const listRequests = ({ requests }: SimulatedEcu): string[] =>
  requests.map(({ code, parameter }) => [code, parameter].filter((part) => part !== "").join("/"));
const requestedDays = (ecu: SimulatedEcu): string[] =>
  ecu.requests.filter(({ code }) => code === "0003").map(({ parameter }) => parameter);

const info = (change: Partial<Messages["info"]> = {}): Messages["info"] =>
  ({
    ecuId: "216000000001",
    layout: "01",
    lifetimeEnergyJoules: 1_000 * KWH,
    powerWatts: 100,
    todayEnergyJoules: KWH,
    lastCloudContact: "00000000000000",
    inverters: 1,
    invertersOnline: 1,
    zigbeeChannel: "10",
    firmware: "ECU_R_1.3.14",
    timezone: "Etc/GMT-8",
    ethernetMac: "80971b0a0b0c",
    wirelessMac: "000000000000",
    extension: "",
    ...change,
  }) as Messages["info"];
const curve = [{ time: "1200", powerWatts: 1_200 }];

/** An ECU of family L with these replies. It closes the connection if it has no reply. */
const scripted = (replies: MessageSources): Promise<SimulatedEcu> =>
  kept(
    startSimulatedEcu({
      family: "L",
      messages: {
        info: () => info(),
        clock: () => ({ now: "20261120130000" }),
        dayPower: () => curve,
        energy: (period) => ({ period, records: [] }),
        ...replies,
      },
    }),
  );

describe("a history", () => {
  it("is requested slowly over one connection at a time: base information, clock, tables, then days, newest first", async () => {
    const [shop, ecu] = [await workshop(), await simulated()];
    const begun = performance.now();
    const { code, stderr } = await shop.run(ecu, { ...week, pace: 500 }); // an ECU notices a closed connection later on a busy machine
    expect(code, stderr).toBe(0);
    expect(performance.now() - begun).toBeGreaterThan(11 * 500);
    expect(listRequests(ecu)).toEqual([
      ...["0001", "0012", "0004/01", "0004/00", "0004/02"],
      ...["20", "19", "18", "17", "16", "15", "14"].map((day) => `0003/202611${day}`),
    ]);
    expect(ecu.connections.peak).toBe(1);
    expect(ecu.writes).toEqual([]);
  });

  it("ends with the current counter and has the requested labels; a summary describes the import", async () => {
    const [shop, ecu] = [await workshop(), await simulated({ lifetimeJoules: 100 * KWH })];
    const { file = "", stderr } = await shop.run(ecu, {
      ...week,
      labels: { job: "aps", instance: "localhost:10899" },
    });
    const lines = file.trimEnd().split("\n");
    const [, value, at] = lines.at(-2)?.split(" ") ?? [];
    expect(Number(at)).toBe(NOW / 1000);
    expect(Number(value) % (0.1 * KWH)).toBe(0);
    expect(Number(value) / KWH).toBeGreaterThan(100);
    expect(lines.at(-2)).toContain('{ecu="roof",job="aps",instance="localhost:10899"}');
    expect(stderr).toContain(`promtool tsdb create-blocks-from`);
    expect(stderr).toContain(`--data-binary @${shop.output}`);
    expect(await readdir(shop.folder)).toEqual(["cache", "history.om"]);
  });

  it("is the only text on standard output", async () => {
    const [shop, ecu] = [await workshop(), await simulated()];
    const { stdout, file } = await shop.run(ecu, { ...week, output: "-" });
    expect(stdout).toMatch(/^# TYPE ecu_power_watts gauge\n[\s\S]*\n# EOF\n$/);
    expect(file).toBeUndefined();
  });

  it.each([
    [true, /7 of 7 days, 0 s to go/],
    [false, /^requesting 7 days, about 1 s\nrequested 7 of 7 days\n\d+ samples of power/],
  ])(
    "shows its progress as a bar if standard error is a terminal (%s), otherwise in two lines",
    async (isTTY, shown) => {
      const [shop, ecu] = [await workshop(), await simulated()];
      const { stderr } = await shop.run(ecu, week, undefined, isTTY);
      expect(stderr).toMatch(shown);
      expect(stderr.includes("requesting")).toBe(!isTTY);
    },
  );

  it("is the same for an ECU-R-Pro with 8-byte records", async () => {
    const files = [];
    for (const history of ["11", "12"] as const) {
      const [shop, ecu] = [await workshop(), await simulated({ family: "L", history })];
      files.push((await shop.run(ecu, week)).file);
    }
    expect(files[0]).toBeDefined();
    expect(files[0]).toBe(files[1]);
  });

  it("uses the configured zone for the clock of an ECU-R, and the reported zone for that of an ECU-R-Pro", async () => {
    const change = { zone: "America/New_York", past: 1 };
    for (const [family, firstHour] of [
      ["R", "2026-11-19T05:00"],
      ["L", "2026-11-19T05:00"],
    ] as const) {
      const [shop, ecu] = [await workshop(), await simulated({ ...change, family, history: "11" })];
      const timezone = family === "R" ? "America/New_York" : "Europe/Amsterdam";
      const { file = "" } = await shop.run(ecu, { timezone, from: "20261119" });
      const first = /ecu_lifetime_energy_joules_total\S* \S+ (\d+)/.exec(file)?.[1];
      expect(new Date(Number(first) * 1000).toISOString().slice(0, 16)).toBe(firstHour);
    }
  });
});

describe("a day with a change of daylight saving time", () => {
  // The sun of these plants is highest as the clocks of Amsterdam are set, at 01:00 UTC.
  const site = { latitude: 20, longitude: 165 };

  it.each([
    ["in autumn", "2026-10-25"],
    ["in spring", "2026-03-29"],
  ])(
    "%s has the power of every round at its time, and the energy of the day",
    async (_when, day) => {
      const begin = Date.parse(`${day}T00:00:00Z`) - (day.includes("-10-") ? 2 : 1) * 3_600_000;
      const end = Date.parse(`${day}T00:00:00Z`) + (day.includes("-10-") ? 23 : 22) * 3_600_000;
      const now = end + 12 * 3_600_000;
      const [shop, ecu] = [await workshop(now), await simulated({ site, start: now, past: 2 })];
      const date = day.replaceAll("-", "");
      const { code, stderr, file = "" } = await shop.run(ecu, { from: date, to: date });
      expect(code, stderr).toBe(0);
      const parseFileSamples = (name: string) =>
        [...file.matchAll(new RegExp(`^${name}\\S* (\\d+) (\\d+)$`, "gm"))].map(
          ([, value, at]): [number, number] => [Number(at), Number(value)],
        );

      const plant = createPlant([["DS3", 1]], site, 1);
      const zone = "Europe/Amsterdam";
      const twin = createRounds({ plant, family: "R", zone, start: begin });
      const rounds: [number, number][] = [];
      for (let at = begin; at < end; at += 300_000) {
        const { powerWatts } = twin.info(at + 299_000);
        if (powerWatts > 0) rounds.push([at / 1000, powerWatts]);
      }
      expect(rounds.length).toBeGreaterThan(120);
      expect(parseFileSamples("ecu_power_watts")).toEqual(rounds);
      const counter = parseFileSamples("ecu_lifetime_energy_joules_total");
      expect(counter).toHaveLength((end - begin) / 300_000 + 1);
      const [first, last] = [counter[0] ?? [0, 0], counter.at(-1) ?? [0, 0]];
      expect([first[0], last[0]]).toEqual([begin / 1000, end / 1000]);
      const short = twin.producedJoules() - ((last[1] ?? 0) - (first[1] ?? 0));
      expect(short).toBeGreaterThanOrEqual(0);
      expect(short).toBeLessThan(0.01 * KWH);
    },
  );
});

describe("a cutover in the past with an unknown counter value", () => {
  const start = NOW - 2 * 3_600_000;
  const small = { inverters: [["DS3", 2]], past: 6, start: NOW } as const;
  /** Times in daylight, within a round, and at night. */
  const ends = ["15T11:20:00", "16T09:00:07", "17T13:37:21", "18T12:00:00", "19T02:00:00"];

  it.each([...ends, "20T11:50:00"])("is not exceeded by the counter: %s", async (end) => {
    const [shop, ecu] = [await workshop(), await simulated(small)];
    // What the exporter would have read at that time.
    const plant = createPlant(small.inverters, { latitude: 52.09, longitude: 5.12 }, 1);
    const twin = createRounds({
      plant,
      family: "R",
      zone: "Europe/Amsterdam",
      start: start - 6 * 86_400_000,
    });
    const at = Date.parse(`2026-11-${end}Z`);
    const { lifetimeEnergyJoules } = twin.info(at);
    const { code, stderr, file = "" } = await shop.run(ecu, { ...week, end: at });
    expect(code, stderr).toBe(0);
    const [, value, last] = /(\d+) (\d+)\n# EOF\n$/.exec(file) ?? [];
    expect(Number(last)).toBe(at / 1000 - 1);
    expect(Number(value)).toBeLessThanOrEqual(lifetimeEnergyJoules);
    expect(Number(value)).toBeGreaterThan(lifetimeEnergyJoules - 0.6 * KWH);
  });

  it("with a known counter value is reached exactly", async () => {
    const [shop, ecu] = [await workshop(), await simulated(small)];
    const at = Date.parse("2026-11-17T13:37:21Z");
    const { file } = await shop.run(ecu, { ...week, end: at, endJoules: 50 * KWH });
    expect(file).toMatch(/\} 17\d{7} 1794922640\n# EOF\n$/);
  });
});

describe("the cache", () => {
  it("has every finished day, so that a second run only requests today and writes the same file", async () => {
    const [shop, ecu] = [await workshop(), await simulated()];
    const first = await shop.run(ecu, week);
    const before = ecu.requests.length;
    const second = await shop.run(ecu, week);
    expect(listRequests(ecu).slice(before)).toEqual([
      ...["0001", "0012", "0004/01", "0004/00", "0004/02", "0003/20261120"],
    ]);
    expect(second.file).toBe(first.file);
  });

  it("keeps the days of an interrupted run, which writes no file; no finished day is requested twice", async () => {
    const stop = new AbortController();
    const ecu = await scripted({
      dayPower: (date) => {
        if (date === "20261117") stop.abort();
        return curve;
      },
    });
    const shop = await workshop();
    const { code, file, stderr } = await shop.run(ecu, week, stop.signal);
    expect([code, file]).toEqual([1, undefined]);
    expect(stderr).toContain("nothing was written: stopped; run the command again to continue\n");
    expect(requestedDays(ecu)).toEqual(["20261120", "20261119", "20261118", "20261117"]);
    expect((await shop.run(ecu, week)).code).toBe(0);
    expect(requestedDays(ecu).slice(4)).toEqual([
      ...["20261120", "20261117", "20261116", "20261115", "20261114"],
    ]);
  });

  it("is cleared for another ECU", async () => {
    const shop = await workshop();
    const [one, other] = [await simulated(), await simulated({ family: "L", history: "12" })];
    await shop.run(one, week);
    await shop.run(other, week);
    expect(requestedDays(other)).toHaveLength(7);
  });

  it.each([
    ["empty", ""],
    ["cut", '{"version":1,"ecuId":"2162'],
    ["incomplete", '{"version":1,"ecuId":""}'],
    [
      "invalid because of a date",
      '{"version":1,"ecuId":"","firmware":"","unknown":[],"days":{"20260231":[]}}',
    ],
  ])("that is %s is renamed, with a message", async (_what, text) => {
    const [shop, ecu] = [await workshop(), await simulated({ past: 1 })];
    await mkdir(dirname(shop.cache));
    await writeFile(shop.cache, text);
    const { code, stderr } = await shop.run(ecu, { from: "20261119" });
    expect(code).toBe(0);
    expect(stderr).toContain(
      `${shop.cache} is invalid; renamed to ${shop.cache}.broken, all days are requested again\n`,
    );
    expect(await readFile(`${shop.cache}.broken`, "utf8")).toBe(text);
    expect(Object.keys(JSON.parse(await readFile(shop.cache, "utf8")).days)).toEqual(["20261119"]);
  });

  it.each([
    ["a folder", undefined],
    ["a note", "buy milk\n"],
    ["a capture", '{"format":"apsystems-ecu-capture","version":1}'],
    ["a package of npm", '{\n  "name": "house",\n  "version": "1.0.0"\n}\n'],
  ])("does not replace %s at its path", async (_, text) => {
    const [shop, ecu] = [await workshop(), await simulated({ past: 1 })];
    await mkdir(dirname(shop.cache), { recursive: true });
    if (text === undefined) await mkdir(shop.cache);
    else await writeFile(shop.cache, text);
    const error = await shop.run(ecu, week).catch((cause: unknown) => cause);
    expect(error).toMatchObject({
      problems: [`--cache: ${shop.cache} is not a cache file; set another path`],
    });
    expect(ecu.requests).toEqual([]);
    expect(await readdir(dirname(shop.cache))).toEqual(["roof.json"]);
    if (text !== undefined) expect(await readFile(shop.cache, "utf8")).toBe(text);
  });

  it("that cannot be written is reported once, and the history is written", async () => {
    const [shop, ecu] = [await workshop(), await simulated({ past: 3 })];
    await writeFile(dirname(shop.cache), "a file where a folder should be");
    const { code, stderr } = await shop.run(ecu, { from: "20261117" });
    expect(code).toBe(0);
    expect(stderr.match(/no day is stored/g)).toHaveLength(1);
  });
});

describe("an ECU that does not support its history", () => {
  const tableOfDays = (period: string): Messages["energy"] => ({
    period,
    records: period === "02" ? [] : [{ date: "20261119", energyJoules: 4 * KWH }],
  });
  const pro = { ecuId: "216200000001", timezone: "Europe/Amsterdam" };

  it("is queried once more, and not again until its firmware changes", async () => {
    let firmware = "ECU_R_PRO_2.1.27";
    const ecu = await scripted({
      info: () => info({ ...pro, firmware }),
      dayPower: () => undefined,
      energy: () => undefined,
    });
    const shop = await workshop();
    const { code, stderr, file } = await shop.run(ecu, week);
    expect([code, file]).toEqual([1, undefined]);
    expect(stderr).toContain(
      "nothing was written: this ECU does not report its history: it supports neither 0003 nor 0004",
    );
    expect(listRequests(ecu)).toEqual([
      ...["0001", "0012", "0004/01", "0004/01", "0001"],
      ...["0003/20261120", "0003/20261120", "0001"],
    ]);
    const before = ecu.requests.length;
    expect((await shop.run(ecu, week)).code).toBe(1);
    expect(listRequests(ecu).slice(before)).toEqual(["0001", "0012"]);
    firmware = "ECU_R_PRO_2.1.29";
    await shop.run(ecu, week);
    expect(listRequests(ecu).filter((one) => one === "0004/01")).toHaveLength(4);
  });

  it("with 0004 gets energies from its curves, and the summary says so", async () => {
    const shop = await workshop();
    const ecu = await scripted({ info: () => info(pro), energy: () => undefined });
    const { code, stderr, file } = await shop.run(ecu, week);
    expect(code).toBe(0);
    expect(stderr).toContain(
      "this ECU does not support 0004; the energy is that of the power curves (remembered; set another --cache to try again)",
    );
    expect(file?.match(/^ecu_power_watts/gm)).toHaveLength(7);
  });

  it("with 0003 gets the energy of days", async () => {
    const records = [
      { date: "20261118", energyJoules: 3 * KWH },
      { date: "20261119", energyJoules: 4 * KWH },
    ];
    const ecu = await scripted({
      info: () => info(pro),
      dayPower: () => undefined,
      energy: (period) => ({ period, records: period === "02" ? [] : records }),
    });
    const { code, stderr, file } = await (await workshop()).run(ecu, week);
    expect(code).toBe(0);
    expect(stderr).toContain("this ECU does not support 0003");
    expect(file).not.toContain("ecu_power_watts");
    expect(file?.match(/^ecu_lifetime_energy_joules_total/gm)?.length).toBe(4);
  });

  it.each(["energy", "dayPower"] as const)(
    "with %s although it is an ECU-R has a problem: nothing is remembered, and it is queried again",
    async (command) => {
      let isFailing = true;
      const replies = { energy: tableOfDays, dayPower: () => curve };
      const ecu = await scripted({
        ...replies,
        [command]: (parameter: string) => (isFailing ? undefined : replies[command](parameter)),
      });
      const shop = await workshop();
      const { code, stderr, file } = await shop.run(ecu, week);
      expect([code, file]).toEqual([1, undefined]);
      expect(stderr).toContain(
        `the ECU replies, but not to requests for its history (${command === "energy" ? "0004" : "0003"}); let no other program read it; then run the command again`,
      );
      isFailing = false;
      expect((await shop.run(ecu, week)).code).toBe(0);
    },
  );

  it("that once has no power for a day with energy is queried for that day again", async () => {
    let isFailing = true;
    const ecu = await scripted({
      energy: tableOfDays,
      dayPower: (date) => (isFailing && date === "20261119" ? [] : curve),
    });
    const shop = await workshop();
    const first = await shop.run(ecu, week);
    expect(first.stderr).toContain("2026-11-19: the ECU has the energy but no power");
    isFailing = false;
    const before = ecu.requests.length;
    const { stderr } = await shop.run(ecu, week);
    expect(stderr).not.toContain("no power");
    expect(listRequests(ecu).slice(before)).toContain("0003/20261119");
    expect(listRequests(ecu).slice(before)).not.toContain("0003/20261118");
  });

  it("without 0012 gets its date from its last round", async () => {
    const ecu = await scripted({
      clock: () => undefined,
      realtime: () => ({
        kind: "01",
        count: 0,
        takenAt: "20261120125500",
        records: [],
        lost: 0,
        surplus: 0,
        ambiguous: false,
      }),
    });
    expect((await (await workshop()).run(ecu, week)).code).toBe(0);
    expect(listRequests(ecu).slice(0, 5)).toEqual(["0001", "0012", "0012", "0001", "0002"]);
  });
});

it("an ECU in another zone than this machine, without a configured zone: nothing is written", async () => {
  const [shop, ecu] = [await workshop(), await simulated({ zone: "Asia/Kathmandu" })];
  const { code, stderr, file } = await shop.run(ecu, { ...week, timezone: undefined });
  expect([code, file]).toEqual([1, undefined]);
  expect(stderr).toMatch(
    /nothing was written: the ECU's clock is \d+ min (ahead of|behind) that of \S+, this machine's zone; set the ECU's zone, such as --ecu\.timezone=/,
  );
  expect((await shop.run(ecu, { ...week, timezone: "Asia/Kathmandu" })).code).toBe(0);
});

describe("an ECU with invalid or missing replies", () => {
  it("for one day with known energy: the day has no curve, with a note", async () => {
    const ecu = await scripted({
      dayPower: (date) => (date === "20261118" ? undefined : curve),
      energy: (period) => ({
        period,
        records: period === "02" ? [] : [{ date: "20261118", energyJoules: 3 * KWH }],
      }),
    });
    const { code, stderr, file } = await (await workshop()).run(ecu, week);
    expect(code).toBe(0);
    expect(requestedDays(ecu).filter((date) => date === "20261118")).toHaveLength(3);
    expect(stderr).toContain("2026-11-18: its power could not be read (closed); its energy could");
    expect(file?.match(/^ecu_power_watts/gm)).toHaveLength(6);
  });

  it("for one day with unknown energy: nothing is written, and the next run only requests this day and today", async () => {
    let isFailing = true;
    const ecu = await scripted({
      dayPower: (date) => (isFailing && date === "20261118" ? undefined : curve),
    });
    const shop = await workshop();
    const { code, stderr, file } = await shop.run(ecu, week);
    expect([code, file]).toEqual([1, undefined]);
    expect(stderr).toMatch(
      /nothing was written: the power of 2026-11-18 could not be read: .* run the command again to continue\n/,
    );
    isFailing = false;
    const before = requestedDays(ecu).length;
    expect((await shop.run(ecu, week)).code).toBe(0);
    expect(requestedDays(ecu).slice(before)).toEqual(["20261120", "20261118"]);
  });

  it("for five consecutive days is not queried further", async () => {
    const ecu = await scripted({ dayPower: (date) => (date > "20261118" ? curve : undefined) });
    const { code, stderr } = await (await workshop()).run(ecu, { from: "20261101" });
    expect(code).toBe(1);
    expect(stderr).toContain("requested 7 of 20 days\n");
    expect(requestedDays(ecu)).toHaveLength(2 + 5 * 3);
  });

  it("to all requests: one error message, and an existing file is kept", async () => {
    const [shop, ecu] = [await workshop(), await simulated({ past: 0 })];
    await writeFile(shop.output, "old content");
    await ecu.close();
    const { code, stderr, file } = await shop.run(ecu, week);
    expect([code, file]).toEqual([1, "old content"]);
    expect(stderr).toMatch(/^nothing was written: \S+ refused the connection .*\n$/);
  });

  it("with the glitch of zero counters: it is queried again", async () => {
    const ecu = await simulated({ past: 1, faults: [{ name: "zeroGlitch", limit: { times: 2 } }] });
    const { code } = await (await workshop()).run(ecu, { from: "20261119" });
    expect(code).toBe(0);
    expect(listRequests(ecu).slice(0, 4)).toEqual(["0001", "0001", "0001", "0012"]);
  });

  it("with a permanent lifetime energy of 0: nothing is written", async () => {
    const ecu = await scripted({ info: () => info({ lifetimeEnergyJoules: 0 }) });
    const { code, stderr, file } = await (await workshop()).run(ecu, week);
    expect([code, file]).toEqual([1, undefined]);
    expect(stderr).toContain("the ECU reports a lifetime energy of 0, which is wrong");
  });

  it("with a clock that is wrong by hours: a note; by days: nothing is written", async () => {
    let now = "20261120100000";
    const ecu = await scripted({ clock: () => ({ now }) });
    const shop = await workshop();
    const { code, stderr } = await shop.run(ecu, week);
    expect(code).toBe(0);
    expect(stderr).toContain("the ECU's clock is 180 min behind, or its zone is not");
    now = "20240601100000";
    const wrong = await shop.run(ecu, week);
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toContain("the ECU's clock shows 2024-06-01");
  });

  it("with an id that changes: nothing is written", async () => {
    const ecu = await simulated({ faults: ["status01"] });
    expect((await (await workshop()).run(ecu, week)).code).toBe(1);
  });

  it("with random bytes: no exception, and samples in order of time", async () => {
    const bytes = (length: number, seed: number) =>
      Buffer.from(Array.from({ length }, (_, i) => (seed * 31 + i * i * (seed % 7) + i) % 256));
    const good = encodeReply("dayPower", curve);
    for (let seed = 0; seed < 40; seed++) {
      const noise = bytes(4 * (seed % 50), seed);
      const length = 19 + noise.length - 1;
      const hostile = Buffer.concat([
        Buffer.from(`APS11${String(length).padStart(4, "0")}000300`, "latin1"),
        noise,
        Buffer.from("END\n", "latin1"),
      ]);
      const energy = Buffer.concat([
        Buffer.from(`APS11${String(20 + noise.length).padStart(4, "0")}00040001`, "latin1"),
        noise,
        Buffer.from("END\n", "latin1"),
      ]);
      await using ecu = await startReplyingEcu({
        info: encodeReply("info", info()),
        clock: encodeReply("clock", { now: "20261120130000" }),
        dayPower: seed % 5 === 0 ? good : hostile,
        energy: seed % 3 === 0 ? encodeReply("energy", { period: "01", records: [] }) : energy,
      });
      await using shop = await createBackfillFolder(() => NOW);
      const { code, file = "" } = await shop.run(ecu, { from: "20261119" });
      expect([0, 1]).toContain(code);
      for (const name of ["ecu_power_watts", "ecu_lifetime_energy_joules_total"]) {
        const samples = [...file.matchAll(new RegExp(`^${name}\\S* (\\d+) (\\d+)$`, "gm"))];
        const times = samples.map(([, , at]) => Number(at));
        expect(times).toEqual([...new Set(times)].sort((a, b) => a - b));
      }
    }
  });
});

describe("before the first request", () => {
  it("a dry run describes the requests and sends none", async () => {
    const [shop, ecu] = [await workshop(), await simulated()];
    await shop.run(ecu, week);
    const before = ecu.connections.total;
    const { code, stdout } = await shop.run(ecu, { dryRun: true, pace: 2_000 });
    expect([code, ecu.connections.total]).toEqual([0, before]);
    expect(stdout).toBe(
      [
        "roof: requests for 2026-09-20 to 2026-11-20:",
        "  5 requests for base information and energy tables",
        "  56 requests for the power of one day each (6 days more were read before)",
        "  about 3 min in all; nothing was sent",
        "",
      ].join("\n"),
    );
  });

  it.each([
    [{ from: "20261120", to: "20261119" }, "--from: 2026-11-20 is after the last day, 2026-11-19"],
    [{ to: "20261122" }, "--to: 2026-11-22 has not started; the last possible day is 2026-11-21"],
    [{ from: "20250101" }, "--from: 2025-01-01 is more than 400 days ago, and no ECU keeps that"],
    [{ end: NOW + 60_000 }, "--end: 2026-11-20T12:01:00.000Z is in the future"],
    [
      { from: "20261119", end: NOW - 9 * 86_400_000 },
      "--end: 2026-11-11T12:00:00.000Z is before the first day",
    ],
    [{ endJoules: 5 }, "--end-joules: set the time of this value as well, with --end"],
    [
      { output: "/nowhere/history.om" },
      "/nowhere/history.om cannot be written: there is no such folder",
    ],
    [{ output: "/tmp" }, "/tmp cannot be written: it is a folder"],
    [{ output: "/dev/null" }, "/dev/null cannot be written: it is not a regular file"],
    [
      { output: "package.json", force: false },
      "package.json cannot be written: it exists; choose another name, or set --force to replace it",
    ],
  ])("%o is rejected with one error message", async (change, problem) => {
    const [shop, ecu] = [await workshop(), await simulated({ past: 0 })];
    const error = shop.run(ecu, change).catch((cause: unknown) => cause);
    expect(await error).toBeInstanceOf(UsageError);
    expect((await error) as UsageError).toMatchObject({
      problems: expect.arrayContaining([problem]),
    });
    expect(ecu.connections.total).toBe(0);
  });

  it("the ECU's own clock determines which day is tomorrow", async () => {
    const [shop, ecu] = [await workshop(), await simulated({ past: 0 })];
    await expect(shop.run(ecu, { to: "20261121" })).rejects.toMatchObject({
      problems: ["--to: 2026-11-21 has not started; the last possible day is 2026-11-20"],
    });
  });
});
