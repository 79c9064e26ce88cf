/** Every fault of an ECU, at every query, for both families, against the whole exporter over HTTP. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { cells, families } from "../simulator/matrix/cells.ts";
import { getExpectedOutcome } from "../simulator/matrix/expected.ts";
import { observeCell, type Scraped } from "../simulator/matrix/observe.ts";
import { renderFaultsPage } from "../simulator/matrix/page.ts";

/** How much later than its time limit a scrape may end: the machine may be busy. */
const GRACE_MS = 20_000;

/** Series with a lower value than before. */
const listFalls = (before: Scraped, after: Scraped): string[] =>
  Object.entries(after.counters)
    .filter(([series, value]) => value < (before.counters[series] ?? 0))
    .map(([series]) => series);

describe.concurrent("the exporter with a faulty ECU", () => {
  it.each(cells)(
    "$fault in the reply to $query, family $family: exports the expected series, and recovers",
    async (cell) => {
      const { outcome, scrapes, healthy, timeoutMs } = await observeCell(cell);
      const [before, faulty, after] = scrapes;
      expect(outcome).toEqual(getExpectedOutcome(cell));
      expect(faulty.ms).toBeLessThan(timeoutMs + GRACE_MS);
      expect([...listFalls(before, faulty), ...listFalls(faulty, after)]).toEqual([]);
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
  "all measured values differ between two reads, so that an old value is noticed (family %s)",
  async (family) => {
    const { healthy } = await observeCell({ fault: "split", query: "signal", family });
    const CONSTANT = /^ecu_info|^ecu_inverters|^inverter_(online|info)/;
    const [first, second] = healthy;
    const measured = Object.keys(second.values).filter((series) => !CONSTANT.test(series));
    expect(measured.length).toBeGreaterThan(20);
    expect(measured.filter((series) => first.values[series] === second.values[series])).toEqual([]);
  },
);

it("docs/faults.md has the expected outcomes (npm run faults)", () => {
  expect(readFileSync("docs/faults.md", "utf8")).toBe(renderFaultsPage(getExpectedOutcome));
});
