/** Several ECUs: read side by side, probed one at a time, and replaced while the exporter runs. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { describe, expect, it, vi } from "vitest";
import type { EcuConfig } from "../../src/config/ecu-settings.ts";
import { UsageError } from "../../src/config/usage-error.ts";
import { encodeReply } from "../../src/protocol/replies.ts";
import { type SimulationOptions, simulateEcu } from "../../src/simulator/ecu.ts";
import { createInfo, createSignals, createTable, KWH } from "../ecu/messages.ts";
import { parseSamples, startTestExporter } from "../support/exporter.ts";
import { settle } from "../support/fake-clock.ts";
import { startReplyingEcu } from "../support/replay.ts";

/** An ECU notices a closed connection a moment later. */
const PAUSE_MS = 500;

const startEcu = (change: Partial<SimulationOptions> = {}) =>
  simulateEcu({
    inverters: [["DS3", 2]],
    family: "L",
    site: { latitude: 52, longitude: 5 },
    zone: "Europe/Amsterdam",
    seed: 1,
    start: Date.parse("2026-06-21T10:00:00Z"),
    timeScale: 1,
    elapsed: () => performance.now(),
    ...change,
  });
const named = (name: string, { host, port }: { host: string; port: number }): EcuConfig => ({
  name,
  host,
  port,
});
const readUp = (text: string): Record<string, string> =>
  Object.fromEntries(
    [...text.matchAll(/^ecu_up\{ecu="(.*)"\} (\d)$/gm)].map(([, ecu, up]) => [ecu, up]),
  ) as Record<string, string>;

describe("an exporter of several ECUs", () => {
  it("exports one ECU in full although another one is silent", async () => {
    await using good = await startEcu();
    await using mute = await startEcu({ faults: ["silent"] });
    const ecus = [named("good", good), { ...named("mute", mute), timeout: 300 }];
    await using exporter = await startTestExporter(good, { ecus });
    const text = await exporter.get();
    expect(readUp(text)).toEqual({ good: "1", mute: "0" });
    expect(parseSamples(text, "ecu_inverters_online")).toEqual({ "": 2 });
  });

  it("uses the settings of each ECU, and the defaults for the others", async () => {
    await using one = await startEcu({ family: "R" });
    await using other = await startEcu({ family: "R" });
    const pole = { latitude: 90, longitude: 0 };
    const ecus = [
      { ...named("one", one), timezone: "Asia/Tokyo", site: pole },
      named("other", other),
    ];
    await using exporter = await startTestExporter(one, { ecus, timezone: "America/New_York" });
    const text = await exporter.get();
    expect(text).toMatch(/^ecu_info\{ecu="one".*timezone="Asia\/Tokyo"\} 1$/m);
    expect(text).toMatch(/^ecu_info\{ecu="other".*timezone="America\/New_York"\} 1$/m);
    expect(
      [...text.matchAll(/^ecu_sun_elevation_degrees\{ecu="(.*)"\}/gm)].map(([, ecu]) => ecu),
    ).toEqual(["one"]);
  });
});

describe("one ECU that is configured by name and by address", () => {
  it("gets one request at a time, and one warning", async () => {
    await using ecu = await startEcu({ replyDelayMs: 50 });
    const lines: Record<string, unknown>[] = [];
    const log = pino({ base: null }, { write: (line) => void lines.push(JSON.parse(line)) });
    const [name, address] = [named("name", ecu), named("address", ecu)];
    let ecus = [{ ...name, host: "localhost" }, address];
    await using exporter = await startTestExporter(ecu, {
      ecus,
      log,
      commandPause: PAUSE_MS,
      loadEcus: () => Promise.resolve(ecus),
      enableLifecycle: true,
    });
    for (const _ of [1, 2])
      expect(readUp(await exporter.get())).toEqual({ name: "1", address: "1" });
    expect(ecu.connections).toMatchObject({ total: 12, peak: 1 });
    const warnings = () => lines.filter(({ msg }) => String(msg).includes("more than once"));
    expect(warnings()).toEqual([
      expect.objectContaining({
        level: 40,
        ecus: expect.arrayContaining(["name", "address"]),
        address: "127.0.0.1",
        msg: "one ECU is configured more than once; its reads wait for each other: remove all entries but one",
      }),
    ]);

    // Another name for it is no second entry.
    ecus = [{ ...name, name: "renamed", host: "localhost" }];
    await fetch(`${exporter.url}/-/reload`, { method: "POST" });
    expect(readUp(await exporter.get())).toEqual({ renamed: "1" });
    expect(warnings()).toHaveLength(1);
  });
});

describe("a probe of one ECU", () => {
  it("reads only that ECU, and exports success and duration", async () => {
    await using one = await startEcu();
    await using other = await startEcu();
    const ecus = [named("one", one), named("other", other)];
    await using exporter = await startTestExporter(one, { ecus });
    const text = await exporter.get("/probe?target=one");
    expect(readUp(text)).toEqual({ one: "1" });
    expect(parseSamples(text, "probe_success")).toEqual({ "": 1 });
    expect(parseSamples(text, "probe_duration_seconds")[""]).toBeGreaterThan(0);
    expect(text).not.toContain("process_");
    expect([one.connections.total > 0, other.connections.total]).toEqual([true, 0]);
  });

  it("has status 200 and probe_success 0 if the ECU refuses the connection", async () => {
    await using ecu = await startEcu({ faults: ["refuse"] });
    await using exporter = await startTestExporter(ecu, { ecus: [named("one", ecu)] });
    const response = await fetch(`${exporter.url}/probe?target=one`);
    const text = await response.text();
    expect(response.status).toBe(200);
    expect(parseSamples(text, "probe_success")).toEqual({ "": 0 });
    expect(readUp(text)).toEqual({ one: "0" });
  });

  it("describes the read as text with debug=true", async () => {
    await using ecu = await startEcu({
      faults: ["silent@signal"].map(() => ({ name: "silent", query: "signal" }) as const),
    });
    await using exporter = await startTestExporter(ecu, {
      ecus: [named("one", ecu)],
      timeout: 3_000, // the ECU never replies to the query of the signal
    });
    const text = await exporter.get("/probe?target=one&debug=true");
    expect(text).toMatch(/^Read of one at \d{4}-.*: up\.\ninfo: a valid reply in \d\.\d{3} s\n/);
    expect(text).toMatch(/^signal: failed after \d\.\d{3} s: .*did not reply.*/m);
    expect(text).toMatch(/^Last report: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d, time zone \S+\.$/m);
    expect(text).toContain("2 of 2 inverters online.");
  });

  it("describes a read without a reply with debug=true", async () => {
    await using ecu = await startEcu({ faults: [{ name: "silent" }] });
    await using exporter = await startTestExporter(ecu, {
      ecus: [named("one", ecu)],
      timeout: 600,
    });
    const text = await exporter.get("/probe?target=one&debug=true");
    expect(text).toMatch(
      /^Read of one at \d{4}-.*: down\.\ninfo: failed after \d\.\d{3} s: .*\nrealtime: not sent\nsignal: not sent\n\n/,
    );
  });

  it("shares the read of a simultaneous scrape, so that the ECU has one connection", async () => {
    await using ecu = await startEcu({ replyDelayMs: 200 });
    const ecus = [named("one", ecu)];
    await using exporter = await startTestExporter(ecu, { ecus, commandPause: PAUSE_MS });
    const texts = await Promise.all([
      exporter.get(),
      exporter.get("/probe?target=one"),
      exporter.get("/probe?target=one"),
    ]);
    expect(texts.map(readUp)).toEqual([{ one: "1" }, { one: "1" }, { one: "1" }]);
    expect([ecu.connections.total, ecu.connections.peak]).toEqual([3, 1]);
  });
});

describe("an ECU with all inverters offline", () => {
  const NIGHT = Date.parse("2026-06-21T23:00:00Z");
  const READ_AT = "apsystems_exporter_last_read_timestamp_seconds";

  it("is not read again by scrapes and probes within five minutes, unless another time is set", async () => {
    await using roof = await startEcu({ start: NIGHT });
    await using barn = await startEcu({ start: NIGHT });
    const ecus = [named("roof", roof), { ...named("barn", barn), nightInterval: 0 }];
    await using exporter = await startTestExporter(roof, { ecus, nightInterval: undefined });
    const first = await exporter.get("/probe?target=roof");
    const second = await exporter.get("/probe?target=roof");
    await exporter.get();
    const third = await exporter.get();
    expect(readUp(third)).toEqual({ roof: "1", barn: "1" });
    expect([roof.connections.total, barn.connections.total]).toEqual([3, 6]);
    expect(parseSamples(first, READ_AT)[""]).toBeGreaterThan(Date.now() / 1000 - 60);
    expect(parseSamples(second, READ_AT)).toEqual(parseSamples(first, READ_AT));
    expect(third).toContain('apsystems_exporter_shared_reads_total{ecu="roof"} 3\n');
    expect(third).toContain('apsystems_exporter_shared_reads_total{ecu="barn"} 0\n');
    expect(third).toMatch(/^inverter_online\{ecu="roof",uid="\d+"\} 0$/m);
  });

  it("has the time of the next read on the page, and in the description of a probe", async () => {
    await using roof = await startEcu({ start: NIGHT });
    await using barn = await startEcu();
    const ecus = [named("roof", roof), named("barn", barn)];
    await using exporter = await startTestExporter(roof, { ecus, nightInterval: 300_000 });
    const readAt = parseSamples(await exporter.get("/probe?target=roof"), READ_AT)[""] ?? 0;
    await exporter.get("/probe?target=barn");
    const due = new Date((readAt + 300) * 1000).toISOString();
    const page = await exporter.get("/");
    const times = [...page.matchAll(/next after <time datetime="(.*?)">/g)].map(([, time]) => time);
    expect(times).toHaveLength(1);
    expect(Math.abs(Date.parse(times[0] ?? "") - Date.parse(due))).toBeLessThan(100);
    const description = await exporter.get("/probe?target=roof&debug=true");
    expect(description).toMatch(
      /^0 of 2 inverters online\.\nThe next read is after 2\d{3}-.*Z\.$/m,
    );
    expect(await exporter.get("/probe?target=barn&debug=true")).not.toContain("next read");
  });
});

it("/self has the metrics of the exporter, without a query to any ECU", async () => {
  await using ecu = await startEcu();
  await using exporter = await startTestExporter(ecu, { ecus: [named("one", ecu)] });
  const text = await exporter.get("/self");
  expect(parseSamples(text, "process_resident_memory_bytes")[""]).toBeGreaterThan(1e6);
  expect(Object.keys(parseSamples(text, "apsystems_exporter_build_info"))).toHaveLength(1);
  expect(readUp(text)).toEqual({});
  expect(ecu.connections.total).toBe(0);
});

describe("a reloaded configuration", () => {
  it("adds and removes ECUs, and does not change the others", async () => {
    await using one = await startEcu();
    await using two = await startEcu();
    await using three = await startEcu();
    let ecus = [named("one", one), named("two", two)];
    await using exporter = await startTestExporter(one, {
      ecus,
      minInterval: 3_600_000,
      loadEcus: () => Promise.resolve(ecus),
      enableLifecycle: true,
    });
    expect(readUp(await exporter.get())).toEqual({ one: "1", two: "1" });
    ecus = [named("one", one), named("three", three)];
    const reloaded = await fetch(`${exporter.url}/-/reload`, { method: "POST" });
    expect(reloaded.status).toBe(200);
    expect(readUp(await exporter.get())).toEqual({ one: "1", three: "1" });
    expect(one.connections.total).toBe(3); // still the first read: it is younger than the minimum interval
    expect(await (await fetch(`${exporter.url}/sd`)).json()).toEqual([
      { targets: ["one"], labels: { __meta_apsystems_address: `127.0.0.1:${one.port}` } },
      { targets: ["three"], labels: { __meta_apsystems_address: `127.0.0.1:${three.port}` } },
    ]);
  });

  it("does not make the next read of a changed ECU earlier, and keeps its counters", async () => {
    await using one = await startEcu();
    let ecus: EcuConfig[] = [named("one", one)];
    await using exporter = await startTestExporter(one, {
      ecus,
      minInterval: 3_600_000,
      loadEcus: () => Promise.resolve(ecus),
      enableLifecycle: true,
    });
    await exporter.get();
    for (const retries of [1, 2, 3]) {
      ecus = [{ ...named("one", one), retries }];
      await fetch(`${exporter.url}/-/reload`, { method: "POST" });
      expect(readUp(await exporter.get())).toEqual({ one: "1" });
    }
    expect(one.connections.total).toBe(3);
    const queries = parseSamples(await exporter.get(), "apsystems_exporter_queries_total");
    expect(queries).toEqual({ info: 1, realtime: 1, signal: 1 });
  });

  it("does not take effect if it is invalid, and its problems are reported", async () => {
    await using one = await startEcu();
    await using exporter = await startTestExporter(one, {
      ecus: [named("one", one)],
      loadEcus: () =>
        Promise.reject(new UsageError(["apsystems.yml:2: ecus[0].address: is missing"])),
      enableLifecycle: true,
    });
    const response = await fetch(`${exporter.url}/-/reload`, { method: "POST" });
    expect([response.status, await response.text()]).toEqual([
      500,
      "The old configuration stays in effect:\napsystems.yml:2: ecus[0].address: is missing\n",
    ]);
    expect(readUp(await exporter.get())).toEqual({ one: "1" });
  });

  it("is loaded while scrapes are answered; requests in the meantime share one further load", async () => {
    await using one = await startEcu();
    const loads: ((ecus: readonly EcuConfig[]) => void)[] = [];
    await using exporter = await startTestExporter(one, {
      ecus: [named("one", one)],
      loadEcus: () => new Promise((resolve) => loads.push(resolve)),
      enableLifecycle: true,
    });
    const reload = async () => (await fetch(`${exporter.url}/-/reload`, { method: "POST" })).status;
    const first = reload();
    await vi.waitUntil(() => loads.length === 1);
    const others = [reload(), reload(), reload()];
    expect(readUp(await exporter.get())).toEqual({ one: "1" });
    expect(loads).toHaveLength(1);
    loads[0]?.([named("two", one)]);
    expect(await first).toBe(200);
    await vi.waitUntil(() => loads.length === 2);
    expect(readUp(await exporter.get())).toEqual({ two: "1" });
    loads[1]?.([named("three", one)]);
    expect(await Promise.all(others)).toEqual([200, 200, 200]);
    expect(readUp(await exporter.get())).toEqual({ three: "1" });
    expect(loads).toHaveLength(2);
  });

  it("never opens a second connection to an ECU if its settings change during a read", async () => {
    await using one = await startEcu({ replyDelayMs: 100 });
    let ecus: EcuConfig[] = [named("one", one)];
    await using exporter = await startTestExporter(one, {
      ecus,
      loadEcus: () => Promise.resolve(ecus),
      enableLifecycle: true,
      commandPause: PAUSE_MS,
    });
    const before = exporter.get();
    while (one.requests.length === 0) await settle();
    ecus = [{ ...named("one", one), retries: 1 }];
    await fetch(`${exporter.url}/-/reload`, { method: "POST" });
    const after = exporter.get();
    expect(readUp(await after)).toEqual({ one: "1" });
    await before;
    expect(one.connections.peak).toBe(1);
  });

  /** One ECU whose lifetime energy the test sets; it is 1,000 kWh at first. */
  const startCountingEcu = async () => {
    const encodeReplies = (kwh: number) => ({
      info: encodeReply("info", createInfo({ lifetimeEnergyJoules: Math.round(kwh * KWH) })),
      realtime: encodeReply("realtime", createTable()),
      signal: encodeReply("signal", createSignals()),
    });
    const ecu = await startReplyingEcu(encodeReplies(1_000));
    return Object.assign(ecu, {
      count: (kwh: number) => void Object.assign(ecu.replies, encodeReplies(kwh)),
    });
  };
  const lifetime = "ecu_lifetime_energy_joules_total";

  it.each([
    ["a new address", [{ host: "localhost" }]],
    ["a new name and its old one again", [{ name: "barn" }, {}]],
    ["a removal and its return", [undefined, {}]],
  ])("judges the counters of an ECU with %s by its last read", async (_, changes) => {
    for (const stateFile of [undefined, join(mkdtempSync(join(tmpdir(), "targets-")), "state")]) {
      await using ecu = await startCountingEcu();
      await using other = await startEcu();
      const roof = { name: "roof", host: "127.0.0.1", port: ecu.port };
      let ecus: EcuConfig[] = [roof];
      await using exporter = await startTestExporter(ecu, {
        ecus,
        stateFile,
        loadEcus: () => Promise.resolve(ecus),
        enableLifecycle: true,
      });
      expect(await exporter.samples(lifetime)).toEqual({ "": 3_600_000_000 });
      ecu.count(1_000.2);
      expect(await exporter.samples(lifetime)).toEqual({ "": 3_600_720_000 });
      for (const change of changes) {
        ecus = change === undefined ? [named("other", other)] : [{ ...roof, ...change }];
        await fetch(`${exporter.url}/-/reload`, { method: "POST" });
      }
      ecu.count(1_000.1); // a glitch: above the value at the start, and below the last one
      expect(await exporter.samples(lifetime)).toEqual({});
      ecu.count(1_000.3);
      expect(await exporter.samples(lifetime)).toEqual({ "": 3_601_080_000 });
    }
  });
});
