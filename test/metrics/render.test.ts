import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { createProcessMetrics, render } from "../../src/metrics/render.ts";
import { inverter, observation, scrapeOf } from "../support/observation.ts";

const golden = (name: string) => new URL(`../fixtures/${name}`, import.meta.url).pathname;
const sample = scrapeOf(observation());

describe("render", () => {
  it("writes the text format as it stands in the golden file", async () => {
    await expect(await render(sample, "text")).toMatchFileSnapshot(golden("metrics.golden.txt"));
  });

  it("writes OpenMetrics as it stands in the golden file, up to # EOF", async () => {
    const text = await render(sample, "openmetrics");
    await expect(text).toMatchFileSnapshot(golden("metrics.golden.openmetrics.txt"));
    expect(text.endsWith("\n# EOF\n")).toBe(true);
  });

  it("gives the same text 1,000 times, one format and the other in turns", async () => {
    const processMetrics = createProcessMetrics();
    const expected = {
      text: await readFile(golden("metrics.golden.txt"), "utf8"),
      openmetrics: await readFile(golden("metrics.golden.openmetrics.txt"), "utf8"),
    };
    const families = { text: new Set<string>(), openmetrics: new Set<string>() };
    for (let i = 0; i < 1_000; i++) {
      const format = i % 2 === 0 ? "openmetrics" : "text";
      expect(await render(sample, format)).toBe(expected[format]);
      const text = await render(sample, format, processMetrics);
      families[format].add(namesOf(text, /^process_cpu/));
    }
    expect([...families.text]).toEqual([
      "process_cpu_user_seconds_total process_cpu_system_seconds_total process_cpu_seconds_total",
    ]);
    expect([...families.openmetrics]).toEqual([
      "process_cpu_user_seconds process_cpu_system_seconds process_cpu_seconds",
    ]);
  });

  it("drops every series of an inverter that left the reading", async () => {
    const before = await render(sample, "text");
    const after = await render(
      scrapeOf(observation({ reading: { inverters: [inverter({ uid: "902" })], notes: [] } })),
      "text",
    );
    expect(before).toContain('uid="901000000001"');
    expect(after).not.toContain('uid="901000000001"');
  });

  it("escapes what a label may hold", async () => {
    const text = await render(scrapeOf(observation({ ecu: 'a"b\\c\nd' })), "text");
    expect(text).toContain('ecu_up{ecu="a\\"b\\\\c\\nd"} 1');
  });

  it("shows the process, and nothing of it that was not measured", async () => {
    const text = await render(sample, "text", createProcessMetrics());
    expect(text).toMatch(/^process_resident_memory_bytes \d+$/m);
    expect(text).not.toMatch(/ (NaN|[+-]?Inf)$/im);
    expect(text).not.toContain("9223372036");
  });
});

/** The families whose name matches, in order. */
const namesOf = (text: string, pattern: RegExp): string =>
  [...text.matchAll(/^# TYPE (\S+)/gm)]
    .map(([, name]) => name ?? "")
    .filter((name) => pattern.test(name))
    .join(" ");
