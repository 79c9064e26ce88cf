/** The energy that a real Prometheus computes for a day with glitches of the ECU. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type DayOptions, type GlitchyDay, simulateGlitchyDay } from "../support/glitchy-day.ts";
import { type RunningProgram, runWithInput } from "../support/programs.ts";
import { queryAt, startPrometheus } from "../support/prometheus.ts";
import { describeReleases } from "../support/versions.ts";

const KWH = 3_600_000;
const METRIC = "ecu_lifetime_energy_joules";
const days: readonly (readonly [name: string, options: DayOptions])[] = [
  ["an ECU-R", { family: "R", seed: 1, restarts: false }],
  ["another ECU-R", { family: "R", seed: 2, restarts: false }],
  ["an ECU-R-Pro", { family: "L", seed: 3, restarts: false }],
  ["an exporter that restarts before every glitch", { family: "L", seed: 4, restarts: true }],
];

/** Samples as OpenMetrics text: for each day, one series with the exported values and one with the values that the ECU sent. */
const openMetrics = (results: ReadonlyMap<string, GlitchyDay>): string => {
  const series = (day: string, source: string, samples: GlitchyDay["exported"]) =>
    samples.map(
      ({ at, joules }) => `${METRIC}_total{day="${day}",source="${source}"} ${joules} ${at / 1000}`,
    );
  const lines = [...results].flatMap(([day, { exported, reported }]) => [
    ...series(day, "exported", exported),
    ...series(day, "reported", reported),
  ]);
  return [`# TYPE ${METRIC} counter`, ...lines, "# EOF", ""].join("\n");
};

describeReleases(["prometheus", "promtool"], "Prometheus with a day of glitches", ({ path }) => {
  const results = new Map<string, GlitchyDay>();
  let server: RunningProgram | undefined;
  let folder = "";
  let api = "";

  const getDay = (name: string): GlitchyDay => {
    const day = results.get(name);
    if (day === undefined) throw new Error(`no day of ${name}`);
    return day;
  };
  /** The value of an expression at the end of a day. `X` stands for the series of the day. */
  const evaluate = async (name: string, source: string, expression: string): Promise<number> => {
    const series = `${METRIC}_total{day="${name}",source="${source}"}`;
    const result = await queryAt(api, expression.replaceAll("X", series), getDay(name).end / 1000);
    expect(result).toHaveLength(1);
    return Number(result[0]?.value[1]);
  };

  beforeAll(async () => {
    for (const [name, options] of days) results.set(name, await simulateGlitchyDay(options));
    folder = await mkdtemp(join(tmpdir(), "counters-"));
    const [text, config, data] = ["day.txt", "prometheus.yml", "data"].map((name) =>
      join(folder, name),
    ) as [string, string, string];
    await writeFile(text, openMetrics(results));
    await writeFile(config, "global: {}\n");
    const { code, output } = runWithInput(
      path("promtool"),
      ["tsdb", "create-blocks-from", "openmetrics", text, data],
      "",
    );
    expect(code, output).toBe(0);
    const running = await startPrometheus({ program: path("prometheus"), config, data });
    server = running;
    api = running.api;
  });

  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  describe.each(days.map(([name]) => name))("for %s", (name) => {
    it("has the counter of every minute with a correct reply, and no values of the wrong replies", async () => {
      const { begin, end, exported, rightReplies } = getDay(name);
      const within = exported.filter(({ at }) => at >= begin && at <= end);
      expect(await evaluate(name, "exported", "count_over_time(X[24h1ms])")).toBe(within.length);
      expect(within).toHaveLength(rightReplies);
      expect(rightReplies).toBeGreaterThan(600);
      expect(rightReplies).toBeLessThan(1_341);
      expect([within[0]?.at, within.at(-1)?.at]).toEqual([begin, end]);
    });

    /*
     * The window is 24 hours with a sample at each end, so increase() does not extrapolate. It is a millisecond longer, because
     * Prometheus 3 leaves out a sample at its beginning. The first value of the day is a
     * whole step of the counter, so the last one is less than 0.1 kWh too low.
     */
    it("computes the energy with increase() to within 0.1 kWh", async () => {
      const increase = await evaluate(name, "exported", "increase(X[24h1ms])");
      const { trueJoules } = getDay(name);
      expect(trueJoules / KWH).toBeGreaterThan(5);
      expect(Math.abs(increase - trueJoules) / KWH).toBeLessThan(0.1);
    });

    it("has the same difference between the first and the last sample, and no resets", async () => {
      const increase = await evaluate(name, "exported", "increase(X[24h1ms])");
      const difference = await evaluate(name, "exported", "X - X offset 24h");
      expect(Math.abs(increase - difference)).toBeLessThan(2); // joules, for the millisecond
      expect(await evaluate(name, "exported", "resets(X[24h1ms])")).toBe(0);
    });

    it("would compute thousands of kWh from the values that the ECU sent", async () => {
      expect(await evaluate(name, "reported", "resets(X[24h1ms])")).toBeGreaterThan(20);
      expect(await evaluate(name, "reported", "increase(X[24h1ms])")).toBeGreaterThan(10_000 * KWH);
    });
  });
});
