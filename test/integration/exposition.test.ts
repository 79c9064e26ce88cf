/** The output of the exporter in each of its states, checked by other programs. */
import { describe, expect, it } from "vitest";
import { simulateEcu } from "../../src/simulator/ecu.ts";
import type { FaultName } from "../../src/simulator/faults.ts";
import type { ModelName } from "../../src/simulator/models.ts";
import { parseSamples, startTestExporter } from "../support/exporter.ts";
import { hasProgram, runWithInput } from "../support/programs.ts";
import { describeReleases } from "../support/versions.ts";

interface State {
  readonly state: string;
  readonly start: string;
  readonly inverters?: readonly (readonly [ModelName, number])[];
  readonly faults?: readonly FaultName[];
  readonly seriesCounts: Readonly<Record<string, number>>;
}

const states: readonly State[] = [
  {
    state: "fresh",
    start: "2026-06-21T10:00:00Z",
    faults: ["status02"],
    seriesCounts: {
      ecu_up: 1,
      ecu_power_watts: 1,
      inverter_online: 0,
      inverter_channel_power_watts: 0,
    },
  },
  {
    state: "up",
    start: "2026-06-21T10:00:00Z",
    seriesCounts: {
      ecu_up: 1,
      ecu_power_watts: 1,
      inverter_online: 4,
      inverter_channel_power_watts: 10,
    },
  },
  {
    state: "night",
    start: "2026-06-21T23:30:00Z",
    seriesCounts: {
      ecu_up: 1,
      ecu_power_watts: 1,
      inverter_online: 4,
      inverter_channel_power_watts: 0,
    },
  },
  {
    state: "ECU down",
    start: "2026-06-21T10:00:00Z",
    faults: ["refuse"],
    seriesCounts: {
      ecu_up: 1,
      ecu_power_watts: 0,
      inverter_online: 0,
      inverter_channel_power_watts: 0,
    },
  },
  {
    state: "unknown record",
    start: "2026-06-21T10:00:00Z",
    inverters: [
      ["UNKNOWN", 1],
      ["QS1", 1],
    ],
    seriesCounts: {
      ecu_up: 1,
      ecu_power_watts: 1,
      inverter_online: 2,
      inverter_channel_power_watts: 6,
    },
  },
];

const startState = ({ start, inverters, faults }: State) =>
  simulateEcu({
    inverters: inverters ?? [
      ["QT2", 1],
      ["QS1", 1],
      ["DS3", 1],
      ["UNCONTACTED", 1],
    ],
    family: "R",
    site: { latitude: 52.09, longitude: 5.12 },
    zone: "Europe/Amsterdam",
    seed: 1,
    start: Date.parse(start),
    timeScale: 1,
    elapsed: () => performance.now(),
    ...(faults && { faults }),
  });

/** The Python of Debian, which finds the packages of Debian. */
const PYTHON = "/usr/bin/python3";
const OPENMETRICS = { accept: "application/openmetrics-text;version=1.0.0" };
/** The reference parser is strict: it rejects everything that the specification does not allow. */
const PARSE = `
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
print(sum(len(family.samples) for family in text_string_to_metric_families(sys.stdin.read())))
`;

describe.each(states)("in the state $state", (state) => {
  it("has the expected number of series of each metric", async () => {
    await using ecu = await startState(state);
    await using exporter = await startTestExporter(ecu);
    const text = await exporter.get();
    const counts = Object.keys(state.seriesCounts).map((name) => [
      name,
      Object.keys(parseSamples(text, name)).length,
    ]);
    expect(Object.fromEntries(counts)).toEqual(state.seriesCounts);
  });

  it.skipIf(!hasProgram(PYTHON, "-c", "import prometheus_client.openmetrics.parser"))(
    "the reference parser of OpenMetrics accepts the output",
    async () => {
      await using ecu = await startState(state);
      await using exporter = await startTestExporter(ecu);
      const { code, output } = runWithInput(
        PYTHON,
        ["-c", PARSE],
        await exporter.get("/metrics", OPENMETRICS),
      );
      expect({ code, output }).toEqual({ code: 0, output: expect.stringMatching(/^\d{2,}\n$/) });
    },
  );
});

describeReleases(["promtool"], "promtool", ({ path }) => {
  it.each(states)("reports no problems in the state $state", async (state) => {
    await using ecu = await startState(state);
    await using exporter = await startTestExporter(ecu);
    const { code, output } = runWithInput(
      path("promtool"),
      ["check", "metrics"],
      await exporter.get(),
    );
    expect({ code, output }).toEqual({ code: 0, output: "" });
  });

  it("accepts prometheus.yml with its rules", () => {
    const args = ["check", "config", "prometheus.yml"];
    const { code, output } = runWithInput(path("promtool"), args, "");
    expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining("SUCCESS") });
  });
});
