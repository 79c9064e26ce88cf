/** Tests of the example for Alertmanager, with the Alertmanager of Debian stable and that of Debian unstable. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { parse } from "yaml";
import {
  ALERTMANAGER,
  enableMethod,
  example,
  methods,
  replaceEach,
  startAlertmanager,
} from "../support/alertmanager.ts";
import { poll, runWithInput } from "../support/programs.ts";
import { describeReleases } from "../support/versions.ts";

const PROGRAMS = ["prometheus-alertmanager", "amtool"];

describeReleases(PROGRAMS, "the example for Alertmanager", ({ path }) => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "alertmanager-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const check = async (config: string) => {
    const file = join(folder, "alertmanager.yml");
    await writeFile(file, config);
    return runWithInput(path("amtool"), ["check-config", file], "");
  };

  it("is valid without changes, and sends no notifications", async () => {
    expect(await check(example)).toMatchObject({ code: 0 });
    expect(parse(example)).toMatchObject({ receivers: [{ name: "owner" }, { name: "heartbeat" }] });
  });

  it("is valid with the night mute", async () => {
    const muted = example.replace(
      /^#(?= {6}mute_time|time_intervals:| {2}- name: night| {4}time_intervals:| {6}- times| {8}location)/gm,
      "",
    );
    expect(parse(muted)).toMatchObject({
      route: { routes: [...Array(3).fill({ mute_time_intervals: ["night"] }), {}] },
      time_intervals: [{ name: "night" }],
    });
    expect(await check(muted)).toMatchObject({ code: 0 });
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
    const { output } = runWithInput(path("amtool"), [...args, `severity=${severity}`], "");
    expect(output.split("\n")[0]).toBe(receiver);
  });

  it("has only existing alerts in its inhibition rules", async () => {
    const { groups } = parse(await readFile("prometheus/rules/alerts.yml", "utf8")) as {
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
    await using alertmanager = await startAlertmanager({
      program: path("prometheus-alertmanager"),
      config: ALERTMANAGER,
      data: `${folder}/data`,
    });
    const api = `http://${alertmanager.address}/api/v2/alerts`;
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
