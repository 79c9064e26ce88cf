/**
 * End-to-end test of the alerts: simulated ECUs, exporter, Prometheus and Alertmanager, with the files of this repository.
 * Each ECU has another fault at the same time, and each fault must cause one message, in old and new versions.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { FaultName } from "../../src/simulator/faults.ts";
import type { SimulatedEcu } from "../../src/simulator/server.ts";
import { startEcu } from "../simulator/client.ts";
import {
  enableMethod,
  example,
  findMethod,
  replaceEach,
  startAlertmanager,
} from "../support/alertmanager.ts";
import { startTestExporter, type TestExporter } from "../support/exporter.ts";
import { hasProgram, poll, type RunningProgram } from "../support/programs.ts";
import { queryAt, type RunningPrometheus, startPrometheus } from "../support/prometheus.ts";
import { readScaledRules, SPEED, scaleDurations } from "../support/scale-durations.ts";
import { releases } from "../support/versions.ts";
import { type Notification, startWebhook, type Webhook } from "../support/webhook.ts";

const RULES = "prometheus/rules";
/** A duration that was not scaled. */
const UNSCALED = /(?:(?:\b|_)(?:for|interval|wait): |\boffset |\[)\d*[1-9]\d*(?!\d*ms)[smhdw]/;

describe("the scaling of durations", () => {
  it.each([
    ["        for: 40m", "        for: 20000ms"],
    ["        keep_firing_for: 30m", "        keep_firing_for: 15000ms"],
    ["    interval: 5m", "    interval: 2500ms"],
    ["      group_wait: 0s", "      group_wait: 0ms"],
    ["max_over_time(a[7d]) == 1", "max_over_time(a[5040000ms]) == 1"],
    ["max_over_time(a[1h:5m])", "max_over_time(a[30000ms:2500ms])"],
    ["a offset 23h30m > 0.2", "a offset 705000ms > 0.2"],
    ["max(a offset 3d)", "max(a offset 2160000ms)"],
    ["for 40 minutes. See docs/x.md", "for 40 minutes. See docs/x.md"],
    ["panel:power_watts:max1d > 2", "panel:power_watts:max1d > 2"],
  ])("converts %s to %s", (rules, expected) => {
    expect(scaleDurations(rules)).toBe(expected);
  });
});

interface Case {
  /** "dark": the time of the ECU jumps by twelve hours. It has no light, while the sun is high at the site of the exporter. */
  readonly fault: FaultName | "dark";
  readonly inverters: number;
  /** The one message that it causes: the alert, and the number of inverters or panels in it. */
  readonly alert: string;
  readonly severity: string;
  readonly affected: number;
}

/** The ECUs roof, roof2, roof3 … in this order. */
const cases: readonly Case[] = [
  {
    fault: "linuxOffline",
    inverters: 4,
    alert: "InverterOffline",
    severity: "warning",
    affected: 1,
  },
  { fault: "dark", inverters: 1, alert: "PlantDown", severity: "critical", affected: 1 },
  {
    fault: "acDisconnected",
    inverters: 1,
    alert: "PlantWithoutGrid",
    severity: "critical",
    affected: 1,
  },
  { fault: "refuse", inverters: 2, alert: "EcuUnreachable", severity: "critical", affected: 1 },
  {
    fault: "staleTimestamp",
    inverters: 2,
    alert: "EcuReportFrozen",
    severity: "warning",
    affected: 1,
  },
  { fault: "oddType", inverters: 2, alert: "UnknownRecords", severity: "info", affected: 1 },
  { fault: "emptyList", inverters: 3, alert: "InverterGone", severity: "warning", affected: 3 },
];
const names = cases.map((_, i) => (i === 0 ? "roof" : `roof${i + 1}`));
const stopped = "an exporter that is stopped";

/** The equator, where it is noon now: the sun is high, so a plant should give power. */
const sunnySite = () => {
  const now = new Date();
  return { latitude: 0, longitude: 180 - 15 * (now.getUTCHours() + now.getUTCMinutes() / 60) };
};

const installed = releases
  .filter(({ path }) =>
    ["prometheus", "prometheus-alertmanager"].every((name) => hasProgram(path(name), "--version")),
  )
  .map(({ name, path }) => [name.replace("Debian ", ""), path] as const);

describe.skipIf(installed.length === 0)("the owner of plants", () => {
  const running: RunningProgram[] = [];
  const prometheuses: RunningPrometheus[] = [];
  const ecus: SimulatedEcu[] = [];
  /** How far the time of each ECU is ahead. */
  const hoursAhead: number[] = [];
  let folder = "";
  let exporter: TestExporter;
  let other: TestExporter;
  let owner: Webhook;

  const output = (): string => running.map((program) => program.output()).join("\n");
  const waitForSeries = (expression: string, count: number) =>
    Promise.all(
      prometheuses.map(({ api }) =>
        poll(
          60,
          async () => ((await queryAt(api, expression)).length === count ? true : undefined),
          output,
        ),
      ),
    );
  const instance = ({ url }: TestExporter): string => url.replace("http://", "");

  /** Starts an Alertmanager that sends to the owner. Returns its address. */
  const startNotifier = async (
    version: string,
    path: (name: string) => string,
  ): Promise<string> => {
    const config = `${folder}/alertmanager-${version}.yml`;
    const methods = enableMethod(
      enableMethod(example, findMethod("localhost:8123")),
      findMethod("hc-ping.com"),
    );
    const scaled = scaleDurations(methods);
    expect(scaled).not.toMatch(UNSCALED);
    await writeFile(
      config,
      replaceEach(scaled, [
        [/http:\/\/localhost:8123\S+/, `${owner.url}/owner/${version}`],
        [/https:\/\/hc-ping.com\S+/, `${owner.url}/heartbeat/${version}`],
      ]),
    );
    const alertmanager = await startAlertmanager({
      program: path("prometheus-alertmanager"),
      config,
      data: `${folder}/alertmanager-${version}`,
    });
    running.push(alertmanager);
    return alertmanager.address;
  };

  const start = async (version: string, path: (name: string) => string): Promise<void> => {
    const alertmanager = await startNotifier(version, path);
    const config = `${folder}/prometheus-${version}.yml`;
    await writeFile(
      config,
      replaceEach(await readFile("prometheus.yml", "utf8"), [
        [/localhost:10899/, `${instance(exporter)}", "${instance(other)}`],
        [/localhost:9093/, alertmanager],
        [/scrape_interval: 60s/, "scrape_interval: 1s"],
        [/scrape_timeout: 10s/, "scrape_timeout: 1s"],
        [/evaluation_interval: 60s/, "evaluation_interval: 1s"],
      ]),
    );
    const prometheus = await startPrometheus({
      program: path("prometheus"),
      config,
      data: `${folder}/data-${version}`,
      // Prometheus may send the first alerts before it has discovered Alertmanager. It sends them again after this time.
      args: ["--rules.alert.resend-delay=1s", "--web.enable-lifecycle"],
    });
    running.push(prometheus);
    prometheuses.push(prometheus);
  };

  const addRules = async (): Promise<void> => {
    await mkdir(join(folder, RULES), { recursive: true });
    for (const [name, rules] of readScaledRules()) {
      expect(rules).not.toMatch(UNSCALED);
      await writeFile(join(folder, RULES, name), rules);
    }
    for (const { url } of prometheuses)
      expect(await fetch(`${url}/-/reload`, { method: "POST" })).toMatchObject({ ok: true });
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "alerting-"));
    for (const [i, { inverters }] of cases.entries()) {
      ecus.push(
        await startEcu({
          inverters: [["DS3", inverters]],
          start: Date.UTC(2026, 5, 21, 10), // noon on the longest day
          seed: i + 1, // determines the uids
          timeScale: SPEED,
          elapsed: () => performance.now() + (hoursAhead[i] ?? 0) * (3_600_000 / SPEED),
        }),
      );
    }
    exporter = await startTestExporter(ecus, { site: sunnySite() });
    const [first] = ecus;
    if (first === undefined) throw new Error("no ECU");
    other = await startTestExporter(first);
    owner = await startWebhook();
    for (const [version, path] of installed) await start(version, path);
    // Prometheus discovers its targets 5 to 10 seconds after its start. With the shortened durations, that is long
    // enough for an alert that the exporter is not a target. So the rules are added after the first scrape.
    await waitForSeries("up == 1", 2);
    await addRules();
    // The alerts require that an inverter was online before, and that it was too warm for snow.
    await waitForSeries("ecu:inverter_temperature_celsius:warm", cases.length + 1);
    await waitForSeries("inverter:online:max1d", 15 + 4);
    await waitForSeries("ecu:power_watts:max8d > 0", cases.length + 1);
  });

  afterAll(async () => {
    for (const program of running) await program[Symbol.asyncDispose]();
    for (const server of [exporter, other, owner, ...ecus]) await server?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  /** The messages of each ECU, or of the exporter that is stopped. */
  const listMessages = (version: string): Record<string, string[]> => {
    const messages: Record<string, string[]> = {};
    for (const { status, groupLabels, alerts } of owner.at(`/owner/${version}`)) {
      const about = groupLabels["ecu"] ?? stopped;
      messages[about] ??= [];
      messages[about].push(
        `${status}: ${groupLabels["alertname"]}, ${alerts[0]?.labels["severity"]}, ${alerts.length}`,
      );
    }
    return messages;
  };
  const expected = (statuses: readonly Notification["status"][]): Record<string, string[]> => ({
    ...Object.fromEntries(
      cases.map(({ alert, severity, affected }, i) => [
        names[i],
        statuses.map((status) => `${status}: ${alert}, ${severity}, ${affected}`),
      ]),
    ),
    [stopped]: statuses.map((status) => `${status}: ApsystemsExporterDown, critical, 1`),
  });
  const waitForMessages = async (
    version: string,
    statuses: readonly Notification["status"][],
  ): Promise<void> => {
    const wanted = expected(statuses);
    await expect
      .poll(() => listMessages(version), { timeout: 120_000, interval: 500 })
      .toEqual(wanted);
    // Time for further messages: 20 simulated minutes, longer than all intervals of groups.
    await new Promise((resolve) => setTimeout(resolve, 10_000));
    expect(listMessages(version)).toEqual(wanted);
  };

  it.each(installed)(
    "gets no message without a fault, while the heartbeat arrives (Debian %s)",
    async (version) => {
      await expect
        .poll(() => owner.at(`/heartbeat/${version}`).length, { timeout: 30_000 })
        .toBeGreaterThan(0);
      const beats = owner.at(`/heartbeat/${version}`);
      expect(beats.flatMap(({ alerts }) => alerts.map(({ labels }) => labels))).toContainEqual({
        alertname: "ApsystemsWatchdog",
        severity: "none",
      });
      expect(listMessages(version)).toEqual({});
    },
  );

  describe("with faults", () => {
    beforeAll(async () => {
      for (const [i, { fault }] of cases.entries()) {
        if (fault === "dark") hoursAhead[i] = 12;
        else ecus[i]?.faults.add(fault);
      }
      await other.stop();
    });

    it.each(installed)("gets one message of each (Debian %s)", async (version) => {
      await waitForMessages(version, ["firing"]);
    });

    it.each(installed)(
      "gets the uid of a failed inverter, a description and a link to the documentation (Debian %s)",
      (version) => {
        const message = owner
          .at(`/owner/${version}`)
          .find(({ groupLabels }) => groupLabels["ecu"] === "roof");
        expect(message).toMatchObject({
          status: "firing",
          receiver: "owner",
          groupLabels: { alertname: "InverterOffline", ecu: "roof" },
          alerts: [
            {
              status: "firing",
              labels: {
                alertname: "InverterOffline",
                severity: "warning",
                job: "apsystems",
                instance: instance(exporter),
                ecu: "roof",
                uid: "703000249529",
              },
              annotations: {
                summary: "An inverter does not reply while the others give power.",
                description: expect.stringContaining("703000249529"),
                runbook_url: expect.stringContaining("docs/alerts.md#inverteroffline"),
              },
            },
          ],
        });
      },
    );
  });

  describe("after the faults", () => {
    beforeAll(async () => {
      for (const [i, { fault }] of cases.entries()) {
        if (fault === "dark") hoursAhead[i] = 24;
        else ecus[i]?.faults.clear();
      }
      const [host = "", port] = instance(other).split(":");
      const [first] = ecus;
      if (first === undefined) throw new Error("no ECU");
      other = await startTestExporter(first, { listenAt: [{ host, port: Number(port) }] });
    });

    it.each(installed)(
      "gets one message of each recovery, and no others (Debian %s)",
      async (version) => {
        await waitForMessages(version, ["firing", "resolved"]);
      },
    );
  });
});
