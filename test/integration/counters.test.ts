/** The energy that a real Prometheus makes of a day on which the ECU glitches. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type DayOptions, type GlitchyDay, simulateGlitchyDay } from "../support/glitchy-day.ts";
import { hasProgram, type RunningProgram, runWithInput } from "../support/programs.ts";
import { startPrometheus } from "../support/prometheus.ts";

const KWH = 3_600_000;
const METRIC = "ecu_lifetime_energy_joules";
const days: readonly (readonly [name: string, options: DayOptions])[] = [
  ["an ECU-R", { family: "R", seed: 1, restarts: false }],
  ["another ECU-R", { family: "R", seed: 2, restarts: false }],
  ["an ECU-R-Pro", { family: "L", seed: 3, restarts: false }],
  ["an exporter that restarts before every glitch", { family: "L", seed: 4, restarts: true }],
];

/** Samples as OpenMetrics text: one series a day for what is shown, and one for what the ECU said. */
const openMetrics = (made: ReadonlyMap<string, GlitchyDay>): string => {
  const series = (day: string, of: string, samples: GlitchyDay["shown"]) =>
    samples.map(
      ({ at, joules }) => `${METRIC}_total{day="${day}",of="${of}"} ${joules} ${at / 1000}`,
    );
  const lines = [...made].flatMap(([day, { shown, said }]) => [
    ...series(day, "shown", shown),
    ...series(day, "said", said),
  ]);
  return [`# TYPE ${METRIC} counter`, ...lines, "# EOF", ""].join("\n");
};

const isThere = hasProgram("prometheus", "--version") && hasProgram("promtool", "--version");

describe.skipIf(!isThere)("a Prometheus that was fed a day of glitches", () => {
  const made = new Map<string, GlitchyDay>();
  let server: RunningProgram | undefined;
  let folder = "";
  let api = "";

  const getDay = (name: string): GlitchyDay => {
    const day = made.get(name);
    if (day === undefined) throw new Error(`no day of ${name}`);
    return day;
  };
  /** The value of an expression at the end of a day; `X` stands for the day's series. */
  const evaluated = async (name: string, of: string, expression: string): Promise<number> => {
    const series = `${METRIC}_total{day="${name}",of="${of}"}`;
    const query = encodeURIComponent(expression.replaceAll("X", series));
    const response = await fetch(`${api}/query?query=${query}&time=${getDay(name).end / 1000}`);
    const { data } = (await response.json()) as { data: { result: { value: [number, string] }[] } };
    expect(data.result).toHaveLength(1);
    return Number(data.result[0]?.value[1]);
  };

  beforeAll(async () => {
    for (const [name, options] of days) made.set(name, await simulateGlitchyDay(options));
    folder = await mkdtemp(join(tmpdir(), "counters-"));
    const [text, config, data] = ["day.txt", "prometheus.yml", "data"].map((name) =>
      join(folder, name),
    ) as [string, string, string];
    await writeFile(text, openMetrics(made));
    await writeFile(config, "global: {}\n");
    const { code, output } = runWithInput(
      "promtool",
      ["tsdb", "create-blocks-from", "openmetrics", text, data],
      "",
    );
    expect(code, output).toBe(0);
    const running = await startPrometheus({ config, data });
    server = running;
    api = running.api;
  }, 60_000);

  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  describe.each(days.map(([name]) => name))("of %s", (name) => {
    it("has the counter of every right minute, and none of the many wrong ones", async () => {
      const { begin, end, shown, rightReplies } = getDay(name);
      const within = shown.filter(({ at }) => at >= begin && at <= end);
      expect(await evaluated(name, "shown", "count_over_time(X[24h])")).toBe(within.length);
      expect(within).toHaveLength(rightReplies);
      expect(rightReplies).toBeGreaterThan(600);
      expect(rightReplies).toBeLessThan(1_341);
      expect([within[0]?.at, within.at(-1)?.at]).toEqual([begin, end]);
    });

    /*
     * The window is 24 hours with a sample at either end, so that increase() has nothing to extrapolate; the day's
     * first value is a whole step of the counter, so that the last one lacks less than 0.1 kWh.
     */
    it("finds its energy by increase() within 0.1 kWh", async () => {
      const increased = await evaluated(name, "shown", "increase(X[24h])");
      const { trueJoules } = getDay(name);
      expect(trueJoules / KWH).toBeGreaterThan(5);
      expect(Math.abs(increased - trueJoules) / KWH).toBeLessThan(0.1);
    });

    it("finds the same by the samples at either end, and no reset between", async () => {
      const increased = await evaluated(name, "shown", "increase(X[24h])");
      expect(await evaluated(name, "shown", "X - X offset 24h")).toBe(increased);
      expect(await evaluated(name, "shown", "resets(X[24h])")).toBe(0);
    });

    it("would find thousands of kWh in what the ECU said", async () => {
      expect(await evaluated(name, "said", "resets(X[24h])")).toBeGreaterThan(20);
      expect(await evaluated(name, "said", "increase(X[24h])")).toBeGreaterThan(10_000 * KWH);
    });
  });
});
