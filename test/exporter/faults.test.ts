/** Every fault of an ECU, at every query, for both families, against the whole exporter over HTTP. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { cells, families } from "../simulator/matrix/cells.ts";
import { expectedOf } from "../simulator/matrix/expected.ts";
import { observe, type Scraped } from "../simulator/matrix/observe.ts";
import { faultsPage } from "../simulator/matrix/page.ts";

/** A scrape may be as late as this after its time is over, on a machine that is busy. */
const GRACE_MS = 500;

/** Series whose value is less than it was. */
const fallen = (before: Scraped, after: Scraped): string[] =>
  Object.entries(after.counters)
    .filter(([series, value]) => value < (before.counters[series] ?? 0))
    .map(([series]) => series);

describe.concurrent("the exporter, of an ECU with the fault", { timeout: 30_000 }, () => {
  it.each(cells)(
    "$fault at its answer to $query (family $family), shows what is written down, and is whole again after",
    async (cell) => {
      const { outcome, scrapes, healthy, timeoutMs } = await observe(cell);
      const [before, amid, after] = scrapes;
      expect(outcome).toEqual(expectedOf(cell));
      expect(amid.ms).toBeLessThan(timeoutMs + GRACE_MS);
      expect([...fallen(before, amid), ...fallen(amid, after)]).toEqual([]);
      expect(before).toMatchObject({ up: 1, values: healthy[0].values });
      expect(after).toMatchObject({
        up: 1,
        valid: "info realtime signal",
        values: healthy[2].values,
      });
    },
  );
});

it.each(families)(
  "compares reads in which no measured value is the same: one kept from before would be seen (family %s)",
  async (family) => {
    const { healthy } = await observe({ fault: "split", query: "signal", family });
    const LASTING = /^ecu_info|^ecu_inverters|^inverter_(online|info)/;
    const [first, second] = healthy;
    const measured = Object.keys(second.values).filter((series) => !LASTING.test(series));
    expect(measured.length).toBeGreaterThan(20);
    expect(measured.filter((series) => first.values[series] === second.values[series])).toEqual([]);
  },
);

it("docs/faults.md says what is written down (npm run faults)", () => {
  expect(readFileSync("docs/faults.md", "utf8")).toBe(faultsPage(expectedOf));
});
