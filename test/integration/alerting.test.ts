/** End-to-end test of the alerts: simulated ECU, exporter, Prometheus and Alertmanager, with the files of this repository. */
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import type { SimulatedEcu } from "../../src/simulator/server.ts";
import { startEcu } from "../simulator/client.ts";
import { startTestExporter, type TestExporter } from "../support/exporter.ts";
import { newerProgram } from "../support/newer-programs.ts";
import {
  freePort,
  hasProgram,
  poll,
  type RunningProgram,
  runWithInput,
  startProgram,
} from "../support/programs.ts";
import { startPrometheus } from "../support/prometheus.ts";
import { startWebhook, type Webhook } from "../support/webhook.ts";

/** Simulated seconds per second. The durations in the rules are divided by it: 40 minutes become 20 seconds. */
const SPEED = 120;
const RULES = "prometheus/rules";
const MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** Durations in rules: `for: 40m`, `[7d]`, `[1d:5m]`, `offset 23h30m`, `interval: 5m`. */
const DURATION = /(?<=\b(?:for|interval): |\boffset |[[:])(?:\d+(?:ms|[smhdw]))+(?=[\]:)\s]|$)/gm;
/** A duration that was not scaled. */
const UNSCALED = /(?:\b(?:for|interval): |\boffset |\[)\d+(?!\d*ms)[smhdw]/;

const scaleDurations = (rules: string): string =>
  rules.replace(DURATION, (duration) => {
    const parts = duration.matchAll(/(\d+)(ms|[smhdw])/g);
    const ms = [...parts].reduce(
      (sum, [, count, unit]) => sum + Number(count) * MS[unit as keyof typeof MS],
      0,
    );
    return `${Math.max(1, Math.round(ms / SPEED))}ms`;
  });

/** Replaces each pattern in a text. @throws if a pattern does not occur */
const replaceEach = (
  text: string,
  replacements: readonly (readonly [from: string | RegExp, to: string])[],
): string =>
  replacements.reduce((before, [from, to]) => {
    const after = before.replace(from, to);
    if (after === before) throw new Error(`${from} does not occur`);
    return after;
  }, text);

const ALERTMANAGER = "prometheus/alertmanager.yml";
/** A notification method in a comment of the example for Alertmanager: lines with a # directly before a word. */
const METHOD = /(?:^ +#\S.*\n)+/gm;
const example = readFileSync(ALERTMANAGER, "utf8");
const methods = example.match(METHOD) ?? [];
/** Removes the # of one method, as the comments in the example describe. */
const enableMethod = (text: string, method: string): string =>
  replaceEach(text, [[method, method.replace(/^( +)#/gm, "$1")]]);
const findMethod = (host: string): string => methods.find((method) => method.includes(host)) ?? "";

interface Alert {
  readonly state: "pending" | "firing";
  readonly labels: Readonly<Record<string, string>>;
}

describe("the scaling of durations", () => {
  it.each([
    ["        for: 40m", "        for: 20000ms"],
    ["    interval: 5m", "    interval: 2500ms"],
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

describe.skipIf(
  !hasProgram("prometheus", "--version") || !hasProgram("prometheus-alertmanager", "--version"),
)("the owner of a plant", () => {
  const running: RunningProgram[] = [];
  let folder = "";
  let ecu: SimulatedEcu;
  let exporter: TestExporter;
  let owner: Webhook;
  let prometheus = "";

  const output = (): string => running.map((program) => program.output()).join("\n");
  const get = async <T>(path: string): Promise<T> => {
    const response = await fetch(`${prometheus}${path}`);
    return ((await response.json()) as { data: T }).data;
  };
  const firing = async (): Promise<readonly (string | undefined)[]> =>
    (await get<{ alerts: Alert[] }>("/api/v1/alerts")).alerts
      .filter(({ state }) => state === "firing")
      .map(({ labels }) => labels["alertname"]);
  const query = async (expression: string): Promise<readonly unknown[]> =>
    (await get<{ result: unknown[] }>(`/api/v1/query?query=${encodeURIComponent(expression)}`))
      .result;
  const listNotifications = () => owner.at("/owner");
  const waitForRequests = (path: string, count: number, seconds: number) =>
    poll(
      seconds,
      () => Promise.resolve(owner.at(path).length >= count ? owner.at(path) : undefined),
      output,
    );

  const addRules = async (): Promise<void> => {
    await mkdir(join(folder, RULES), { recursive: true });
    for (const file of await readdir(RULES)) {
      const rules = await readFile(join(RULES, file), "utf8");
      expect(scaleDurations(rules)).not.toMatch(UNSCALED);
      // The rule for frost needs 72 hourly values. They would take 36 minutes here, so one value is enough.
      const scaled = scaleDurations(rules).replace(/>= 72$/m, ">= 1");
      await writeFile(join(folder, RULES, file), scaled);
    }
  };

  beforeAll(async () => {
    const [prometheusPort, alertmanagerPort] = [await freePort(), await freePort()];
    prometheus = `http://127.0.0.1:${prometheusPort}`;
    folder = await mkdtemp(join(tmpdir(), "alerting-"));
    // Noon on the longest day. The seed determines the uid of the first of four inverters.
    ecu = await startEcu({
      inverters: [["DS3", 4]],
      start: Date.UTC(2026, 5, 21, 10),
      timeScale: SPEED,
      elapsed: () => performance.now(),
    });
    exporter = await startTestExporter(ecu);
    owner = await startWebhook();

    await writeFile(
      join(folder, "prometheus.yml"),
      replaceEach(await readFile("prometheus.yml", "utf8"), [
        [/localhost:10899/, exporter.url.replace("http://", "")],
        [/localhost:9093/, `127.0.0.1:${alertmanagerPort}`],
        [/scrape_interval: 60s/, "scrape_interval: 1s"],
        [/scrape_timeout: 10s/, "scrape_timeout: 1s"],
        [/evaluation_interval: 60s/, "evaluation_interval: 1s"],
      ]),
    );
    await writeFile(
      join(folder, "alertmanager.yml"),
      replaceEach(
        enableMethod(
          enableMethod(example, findMethod("localhost:8123")),
          findMethod("hc-ping.com"),
        ),
        [
          [/http:\/\/localhost:8123\S+/, `${owner.url}/owner`],
          [/https:\/\/hc-ping.com\S+/, `${owner.url}/heartbeat`],
          [/(group_wait): (?!0s)\w+/g, "$1: 1s"],
          [/(group_interval): \w+/g, "$1: 1s"],
        ],
      ),
    );
    running.push(
      startProgram("prometheus-alertmanager", [
        `--config.file=${folder}/alertmanager.yml`,
        `--storage.path=${folder}/alertmanager`,
        `--web.listen-address=127.0.0.1:${alertmanagerPort}`,
        "--cluster.listen-address=",
      ]),
      await startPrometheus({
        config: `${folder}/prometheus.yml`,
        data: `${folder}/prometheus-data`,
        port: prometheusPort,
        // Prometheus may send the first alerts before it has discovered Alertmanager. It sends them again after this time.
        args: ["--rules.alert.resend-delay=5s", "--web.enable-lifecycle"],
      }),
    );
    // Prometheus discovers its targets 5 to 10 seconds after its start. With the shortened durations, that is long
    // enough for an alert that the exporter is not a target. So the rules are added after the first scrape.
    await poll(60, async () => ((await query("up == 1")).length === 1 ? true : undefined), output);
    await addRules();
    expect(await fetch(`${prometheus}/-/reload`, { method: "POST" })).toMatchObject({ ok: true });
    expect(await readFile(join(folder, RULES, "recording.yml"), "utf8")).toContain(">= 1\n");
    // The alerts require that an inverter was online before, and that there was no frost.
    await poll(
      60,
      async () =>
        (await query("inverter:online:max1d")).length === 4 &&
        (await query("ecu:inverter_temperature_celsius:warm")).length === 1
          ? true
          : undefined,
      output,
    );
  });

  afterAll(async () => {
    for (const program of running) await program[Symbol.asyncDispose]();
    await exporter?.[Symbol.asyncDispose]();
    await ecu?.[Symbol.asyncDispose]();
    await owner?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  it("gets no notification without a fault, while the heartbeat arrives", async () => {
    const beats = await waitForRequests("/heartbeat", 1, 30);
    expect(beats.flatMap(({ alerts }) => alerts.map(({ labels }) => labels))).toEqual([
      { alertname: "ApsystemsWatchdog", severity: "none" },
    ]);
    expect(await firing()).toEqual(["ApsystemsWatchdog"]);
    expect(listNotifications()).toEqual([]);
  });

  it("gets one notification of a failed inverter, with its uid, a description and a link to the documentation", async () => {
    ecu.faults.add("linuxOffline");
    expect(await waitForRequests("/owner", 1, 60)).toEqual([
      expect.objectContaining({
        status: "firing",
        receiver: "owner",
        groupLabels: { alertname: "InverterOffline", ecu: "roof" },
        alerts: [
          expect.objectContaining({
            status: "firing",
            labels: {
              alertname: "InverterOffline",
              severity: "warning",
              job: "apsystems",
              instance: exporter.url.replace("http://", ""),
              ecu: "roof",
              uid: "703000249529",
            },
            annotations: {
              summary: "An inverter does not reply while the others give power.",
              description: expect.stringContaining("703000249529"),
              runbook_url: expect.stringContaining("docs/alerts.md#inverteroffline"),
            },
          }),
        ],
      }),
    ]);
  });

  it("gets one notification that the inverter is back, and no others", async () => {
    ecu.faults.clear();
    await waitForRequests("/owner", 2, 40);
    // Time for further notifications: ten simulated minutes, and several of the shortened intervals of Alertmanager.
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    expect(
      listNotifications().map(({ status, alerts }) => [
        status,
        alerts.map(({ labels }) => [labels["alertname"], labels["uid"]]),
      ]),
    ).toEqual([
      ["firing", [["InverterOffline", "703000249529"]]],
      ["resolved", [["InverterOffline", "703000249529"]]],
    ]);
    expect(await firing()).toEqual(["ApsystemsWatchdog"]);
  });
});

describe.skipIf(
  !hasProgram("prometheus-alertmanager", "--version") || !hasProgram("amtool", "--version"),
)("the example for Alertmanager", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "alertmanager-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const check = async (config: string) => {
    const file = join(folder, "alertmanager.yml");
    await writeFile(file, config);
    return runWithInput("amtool", ["check-config", file], "");
  };

  it("is valid without changes, and sends no notifications", async () => {
    expect(await check(example)).toMatchObject({ code: 0 });
    expect(parse(example)).toMatchObject({ receivers: [{ name: "owner" }, { name: "heartbeat" }] });
  });

  it("is valid with the night mute, in old and new versions", async () => {
    const muted = example.replace(
      /^#(?= {6}mute_time|time_intervals:| {2}- name: night| {4}time_intervals:| {6}- times| {8}location)/gm,
      "",
    );
    expect(parse(muted)).toMatchObject({
      route: { routes: [...Array(3).fill({ mute_time_intervals: ["night"] }), {}] },
      time_intervals: [{ name: "night" }],
    });
    expect(await check(muted)).toMatchObject({ code: 0 });
    const amtool = newerProgram("amtool");
    if (!hasProgram(amtool, "--version")) return;
    expect(runWithInput(amtool, ["check-config", join(folder, "alertmanager.yml")], "").code).toBe(
      0,
    );
  });

  it("waits less than 20 minutes before it sends, and repeats criticals once a day", () => {
    const { route } = parse(example) as {
      route: Record<string, string> & { routes: Record<string, unknown>[] };
    };
    const waits = [route, ...route.routes].flatMap(({ group_wait, group_interval }) =>
      [group_wait, group_interval].filter((wait) => wait !== undefined),
    );
    expect(waits.length).toBeGreaterThan(5);
    for (const wait of waits) expect(wait).toMatch(/^(\d+s|1?\dm)$/);
    const [critical] = route.routes;
    expect(critical?.["matchers"]).toEqual(['severity = "critical"']);
    expect(critical?.["repeat_interval"] ?? route["repeat_interval"]).toBe("1d");
  });

  it("has five notification methods in comments", () => {
    expect(methods).toHaveLength(5);
  });

  it.each(methods)("is valid with one method uncommented:\n%s", async (method) => {
    const { code, output } = await check(enableMethod(example, method));
    expect(output).toContain("SUCCESS");
    expect(code).toBe(0);
  });

  it("is rejected with an unknown receiver", async () => {
    const wrong = replaceEach(example, [["receiver: heartbeat", "receiver: hartbeat"]]);
    const { code, output } = await check(wrong);
    expect(output).toContain("hartbeat");
    expect(code).toBe(1);
  });

  it.each([
    ["critical", "owner"],
    ["warning", "owner"],
    ["info", "owner"],
    ["none", "heartbeat"],
  ])("routes alerts of severity %s to the receiver %s", (severity, receiver) => {
    const args = ["config", "routes", "test", `--config.file=${ALERTMANAGER}`];
    const { output } = runWithInput("amtool", [...args, `severity=${severity}`], "");
    expect(output.split("\n")[0]).toBe(receiver);
  });

  it("has only existing alerts in its inhibition rules", async () => {
    const { groups } = parse(await readFile(`${RULES}/alerts.yml`, "utf8")) as {
      groups: { rules: { alert?: string }[] }[];
    };
    const names = groups.flatMap(({ rules }) => rules.map(({ alert }) => alert ?? ""));
    const { inhibit_rules } = parse(example) as {
      inhibit_rules: { source_matchers: string[]; target_matchers: string[] }[];
    };
    const patterns = inhibit_rules
      .flatMap((rule) => [...rule.source_matchers, ...rule.target_matchers])
      .flatMap((matcher) => /^alertname =~? "(.+)"$/.exec(matcher)?.[1]?.split("|") ?? []);
    expect(patterns.length).toBeGreaterThan(20);
    for (const pattern of patterns) {
      expect(names, pattern).toContainEqual(expect.stringMatching(new RegExp(`^${pattern}$`)));
    }
  });

  it("inhibits the effects of a firing cause at the same ECU and inverter, and no other alerts", async () => {
    // Each row has its own exporter and ECU, so that all rows can be tested at the same time.
    const at = (row: number) => ({ instance: `exporter${row}`, ecu: `ecu${row}` });
    const first = { uid: "703000000001" };
    const second = { uid: "703000000002" };
    const elsewhere = { instance: "exporter", ecu: "elsewhere" };
    const nowhere = { instance: "", ecu: "" };
    const rows: readonly (readonly [cause: object, effect: object, isInhibited: boolean])[] = [
      [{ alertname: "ApsystemsExporterDown" }, { alertname: "InverterOffline", ...first }, true],
      [{ alertname: "ApsystemsExporterDown" }, { alertname: "EcuUnreachable" }, true],
      [{ alertname: "ApsystemsExporterDown" }, { alertname: "PlantDown", ...elsewhere }, false],
      [{ alertname: "ApsystemsExporterDown" }, { alertname: "Any", severity: "none" }, false],
      [{ alertname: "EcuUnreachable" }, { alertname: "PlantDown" }, true],
      [{ alertname: "EcuUnreachable" }, { alertname: "EcuReportFrozen" }, true],
      [{ alertname: "EcuUnreachable" }, { alertname: "PlantDown", ...elsewhere }, false],
      [{ alertname: "EcuReportFrozen" }, { alertname: "InverterOffline", ...first }, true],
      [{ alertname: "EcuReportFrozen" }, { alertname: "EcuUnreachable" }, false],
      [{ alertname: "PlantWithoutGrid" }, { alertname: "PlantDown" }, true],
      [{ alertname: "PlantWithoutGrid" }, { alertname: "InverterWithoutGrid", ...first }, true],
      [{ alertname: "PlantDown" }, { alertname: "InverterOffline", ...first }, true],
      [{ alertname: "PlantDown" }, { alertname: "EcuCountersFrozen" }, true],
      [{ alertname: "PlantDown" }, { alertname: "EcuReportFrozen" }, false],
      [{ alertname: "InverterOffline", ...first }, { alertname: "PanelSilent", ...first }, true],
      [{ alertname: "InverterOffline", ...first }, { alertname: "PanelSilent", ...second }, false],
      [
        { alertname: "InverterOffline", ...first },
        { alertname: "InverterOffline", ...second },
        false,
      ],
      [
        { alertname: "PanelSilent", ...first, channel: "1" },
        { alertname: "PanelFarBelowSiblings", ...first, channel: "1" },
        true,
      ],
      [
        { alertname: "PanelSilent", ...first, channel: "1" },
        { alertname: "PanelFarBelowSiblings", ...first, channel: "2" },
        false,
      ],
      // An ECU with the same name at another exporter.
      [{ alertname: "EcuUnreachable" }, { alertname: "PlantDown", instance: "another" }, false],
      // Without any exporter as a target, alerts of other programs are still sent.
      [
        { alertname: "ApsystemsExporterDown", ...nowhere },
        { alertname: "Disk", ...nowhere },
        false,
      ],
      [
        { alertname: "InverterOffline", ...first },
        { alertname: "InverterOffline", ...first, severity: "info" },
        true,
      ],
      [
        { alertname: "InverterOffline", ...first },
        { alertname: "InverterOffline", ...second, severity: "info" },
        false,
      ],
      [{ alertname: "PlantDown", severity: "critical" }, { alertname: "PlantDown" }, true],
    ];
    const port = await freePort();
    await using alertmanager = startProgram("prometheus-alertmanager", [
      `--config.file=${ALERTMANAGER}`,
      `--storage.path=${folder}/data`,
      `--web.listen-address=127.0.0.1:${port}`,
      "--cluster.listen-address=",
    ]);
    const api = `http://127.0.0.1:${port}/api/v2/alerts`;
    const createAlert = (part: string, row: number, labels: object) => ({
      labels: { severity: "warning", ...at(row), ...labels, part, row: `${row}` },
    });
    const body = JSON.stringify(
      rows.flatMap(([cause, effect], row) => [
        createAlert("cause", row, cause),
        createAlert("effect", row, effect),
      ]),
    );
    const headers = { "Content-Type": "application/json" };
    await poll(
      20,
      async () => (await fetch(api, { method: "POST", headers, body })).ok || undefined,
      alertmanager.output,
    );
    const listInhibited = async (part: string): Promise<Record<string, boolean>> => {
      const alerts = (await (await fetch(`${api}?filter=part=${part}`)).json()) as {
        labels: { row: string };
        status: { inhibitedBy: string[] };
      }[];
      return Object.fromEntries(
        alerts.map(({ labels, status }) => [labels.row, status.inhibitedBy.length > 0]),
      );
    };
    const expected = Object.fromEntries(
      rows.map(([, , isInhibited], row) => [`${row}`, isInhibited]),
    );
    await expect.poll(() => listInhibited("effect"), { timeout: 10_000 }).toEqual(expected);
  });
});
