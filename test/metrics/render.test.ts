import perfHooks from "node:perf_hooks";
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import {
  createExposer,
  createProcessMetrics,
  type Exposer,
  render,
} from "../../src/metrics/render.ts";
import { createScrape, inverter, observation } from "../support/observation.ts";

const golden = (name: string) => new URL(`../fixtures/${name}`, import.meta.url).pathname;
const sample = createScrape(observation());

describe("render", () => {
  it("writes the text format of the golden file", async () => {
    await expect(await render(sample, "text")).toMatchFileSnapshot(golden("metrics.golden.txt"));
  });

  it("writes the OpenMetrics of the golden file, with # EOF at its end", async () => {
    const text = await render(sample, "openmetrics");
    await expect(text).toMatchFileSnapshot(golden("metrics.golden.openmetrics.txt"));
    expect(text.endsWith("\n# EOF\n")).toBe(true);
  });

  it("gives the same text 1,000 times, with the formats alternating", async () => {
    const processMetrics = createProcessMetrics();
    const expected = {
      text: await render(sample, "text"),
      openmetrics: await render(sample, "openmetrics"),
    };
    const families = { text: new Set<string>(), openmetrics: new Set<string>() };
    for (let i = 0; i < 1_000; i++) {
      const format = i % 2 === 0 ? "openmetrics" : "text";
      expect(await render(sample, format)).toBe(expected[format]);
      const text = await render(sample, format, processMetrics);
      families[format].add(listNames(text, /^process_cpu/));
    }
    expect([...families.text]).toEqual([
      "process_cpu_user_seconds_total process_cpu_system_seconds_total process_cpu_seconds_total",
    ]);
    expect([...families.openmetrics]).toEqual([
      "process_cpu_user_seconds process_cpu_system_seconds process_cpu_seconds",
    ]);
  });

  it("has no series of an inverter that is gone from the reading", async () => {
    const before = await render(sample, "text");
    const after = await render(
      createScrape(observation({ reading: { inverters: [inverter({ uid: "902" })], notes: [] } })),
      "text",
    );
    expect(before).toContain('uid="901000000001"');
    expect(after).not.toContain('uid="901000000001"');
  });

  it("escapes label values", async () => {
    const text = await render(createScrape(observation({ ecu: 'a"b\\c\nd' })), "text");
    expect(text).toContain('ecu_up{ecu="a\\"b\\\\c\\nd"} 1');
  });

  it("has the metrics of the process, except for values that were not measured", async () => {
    const text = await render(sample, "text", createProcessMetrics());
    expect(text).toMatch(/^process_resident_memory_bytes \d+$/m);
    expect(text).not.toMatch(/ (NaN|[+-]?Inf)$/im);
    expect(text).not.toContain("9223372036");
  });

  it("measures the delay of the event loop ten times a second, which hardly wakes the process", async () => {
    using monitor = vi.spyOn(perfHooks, "monitorEventLoopDelay");
    const processMetrics = createProcessMetrics();
    expect(monitor).toHaveBeenCalledWith({ resolution: 100 });
    await pause(500);
    const text = await render(sample, "text", processMetrics);
    const [, delay] = /^nodejs_eventloop_lag_min_seconds (\S+)$/m.exec(text) ?? [];
    expect(Number(delay)).toBeLessThan(0.09); // the time between two measurements is not part of it
  });
});

describe("an exposer", () => {
  const text = (expose: Exposer, scrape = sample) => expose(scrape, "text");

  it("renders once for all scrapes that end at the same time with the same observations", async () => {
    const expose = createExposer();
    const again = { ...sample, observations: [...sample.observations], durationSeconds: 0.09 };
    const [one, other] = [text(expose), text(expose, again)];
    expect(other).toBe(one);
    expect(expose(sample, "openmetrics")).not.toBe(one);
    expect(await one).toContain("apsystems_exporter_scrape_duration_seconds 0.07");
  });

  it("renders again for other observations, and later", async () => {
    const expose = createExposer();
    const one = text(expose);
    expect(text(expose, createScrape(observation()))).not.toBe(one);
    const two = text(expose);
    await new Promise(setImmediate);
    expect(text(expose)).not.toBe(two);
  });
});

/** The names of matching metric families, in order. */
const listNames = (text: string, pattern: RegExp): string =>
  [...text.matchAll(/^# TYPE (\S+)/gm)]
    .map(([, name]) => name ?? "")
    .filter((name) => pattern.test(name))
    .join(" ");
