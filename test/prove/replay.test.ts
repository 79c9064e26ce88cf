/** The simulated year proves the code that the exporter runs: same replies, same exposition. */
import { describe, expect, it } from "vitest";
import { createPlantAt, locations } from "../../scripts/prove/plants.ts";
import { replay } from "../../scripts/prove/replay.ts";
import { DAY, type Scenario, type ScenarioFault } from "../../scripts/prove/scenario.ts";
import { simulateReads } from "../../scripts/prove/simulated-reads.ts";
import { createMonitor } from "../../src/ecu/monitor.ts";
import { queries, type Replies } from "../../src/ecu/read.ts";
import { catalogue, type MetricName } from "../../src/metrics/catalogue.ts";
import { render } from "../../src/metrics/render.ts";
import { sunPosition } from "../../src/time/sun.ts";
import { fakeLog } from "../ecu/fake-log.ts";
import { failedOutcome } from "../ecu/messages.ts";
import { createFakeClock, type FakeClock } from "../support/fake-clock.ts";

const allMetrics = Object.keys(catalogue) as MetricName[];
const [, utrecht] = locations;
const FROM = Date.UTC(2025, 2, 29); // the clocks change in the second night
const patient = new AbortController().signal;

const createScenario = (changes: Partial<Scenario> = {}): Scenario => {
  return {
    ecu: "roof",
    location: utrecht,
    plant: createPlantAt(utrecht, "house", 1),
    family: "L",
    from: FROM,
    to: FROM + 2 * DAY,
    showsSun: true,
    ...changes,
  };
};

/** An exporter with a monitor of its own, whose reads get the replies of a simulated read. */
const startExporter = (ecu: string, zone: string, clock: FakeClock) => {
  let current: Replies = {};
  const monitor = createMonitor({
    ecu,
    read: ({ onAttempt }) => {
      for (const query of queries) {
        const outcome = current[query];
        if (outcome) onAttempt(query, outcome.ok ? undefined : outcome.error);
      }
      return Promise.resolve(current);
    },
    settings: () => ({ minIntervalMs: 0, nightIntervalMs: 0, timeoutMs: 1_000, zone }),
    clock,
    log: fakeLog().log,
  });
  return (replies: Replies) => {
    current = replies;
    return monitor.observe(patient);
  };
};

/** What the exporter shows at each read of a scenario. */
async function* exposeReads(scenario: Scenario) {
  const { ecu, location, showsSun } = scenario;
  const clock = createFakeClock(scenario.from);
  let expose = startExporter(ecu, location.zone, clock);
  for (const { at, replies, isAfterRestart } of simulateReads(scenario)) {
    await clock.advance(at - clock.now());
    if (isAfterRestart) expose = startExporter(ecu, location.zone, clock);
    const elevation = showsSun ? sunPosition(location.site, at).elevation : undefined;
    const text = await render(
      {
        observations: [await expose(replies)],
        build: { version: "", revision: "", nodeVersion: "" },
        durationSeconds: 0,
        locations: new Map([[ecu, { sunElevationDegrees: elevation, panels: [] }]]),
      },
      "text",
    );
    yield { at, isAfterRestart, samples: samplesIn(text.split("\n")) };
  }
}

/** Samples as "name{labels} value", without comments, and without the labels and times that Prometheus adds. */
const samplesIn = (lines: readonly string[]): string[] =>
  lines
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const [, name, labels = "", value] = /^(\w+)(?:\{(.*)\})? (\S+)(?: \S+)?$/.exec(line) ?? [];
      const own = labels.split(",").filter((label) => !/^(job|instance)=/.test(label));
      return `${name}{${own.join(",")}} ${Number(value)}`;
    })
    .sort();

const silence: ScenarioFault = {
  at: FROM + DAY,
  changeReplies: () => ({ info: failedOutcome("timeout") }),
};
const zeros: ScenarioFault = {
  at: FROM + DAY,
  changeReplies: ({ info, ...others }) => ({
    ...others,
    ...(info?.ok && { info: { ...info, value: { ...info.value, lifetimeEnergyJoules: 0 } } }),
  }),
};

describe("a replayed scenario", () => {
  it.each<[string, Partial<Scenario>, string]>([
    ["of a healthy ECU-R-Pro", {}, 'ecu_up{ecu="roof"} 1'],
    [
      "of an ECU-R without coordinates",
      { family: "R", showsSun: false },
      'inverter_online{ecu="roof",uid="703002001678"} 1',
    ],
    [
      "of an ECU that stops replying",
      { fault: silence },
      'apsystems_exporter_query_errors_total{ecu="roof",command="info",reason="timeout"} 100',
    ],
    [
      "of an ECU with a wrong counter",
      { fault: zeros },
      'apsystems_exporter_rejected_values_total{ecu="roof",field="lifetime_energy"} 100',
    ],
  ])(
    "%s has the samples that a monitor with the same replies exports",
    async (_, changes, expected) => {
      const scenario = createScenario(changes);
      const replayed = replay(scenario, allMetrics);
      const exported = new Set<string>();
      let moments = 0;
      let restarts = 0;
      for await (const { at, isAfterRestart, samples } of exposeReads(scenario)) {
        const { value } = replayed.next();
        const [up, ...lines] = value?.lines ?? [];
        expect(up).toBe(`up{job="apsystems",instance="roof:10899"} 1 ${at / 1000}`);
        expect(samplesIn(lines)).toEqual(samples);
        for (const sample of samples) exported.add(sample);
        moments++;
        if (isAfterRestart) restarts++;
      }
      expect({ moments, restarts }).toEqual({ moments: 2 * 288, restarts: 2 });
      expect(replayed.next().done).toBe(true);
      expect([...exported]).toContain(expected);
    },
  );
});
