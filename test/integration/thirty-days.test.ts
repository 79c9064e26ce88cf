/** Thirty days of the simulated year. `npm run prove:alerts` simulates three whole years. */
import { expect, it } from "vitest";
import { locations } from "../../scripts/prove/plants.ts";
import { prove } from "../../scripts/prove/prove.ts";
import { listFailures, listLate } from "../../scripts/prove/result.ts";
import { DEFAULT_SEED } from "../../scripts/prove/scenarios.ts";
import { describeReleases } from "../support/versions.ts";

const [lasPalmas, utrecht, umea] = locations;
/** Includes the start of summer time, and snow in Umeå. */
const from = Date.UTC(2025, 2, 10);
const period = { from, to: from + 30 * 86_400_000 };

describeReleases(["prometheus", "promtool"], "thirty days in three climates", ({ path }) => {
  it("have no false alerts, and every fault in every climate fires the right alert", async () => {
    const { result, healthyDays } = await prove({
      places: [lasPalmas, utrecht, umea],
      period,
      count: 3,
      seasonCount: 0,
      seed: DEFAULT_SEED,
      slow: { before: 14, after: 8 },
      path,
      report: () => {},
    });
    expect(healthyDays).toBe(12 * 30);
    expect(result.faults.map(({ kind, tried }) => [kind, tried])).toEqual([
      ["inverterDead", 3],
      ["panelDead", 3],
      ["panelShaded", 3],
      ["ecuHung", 3],
      ["breakerTripped", 3],
      ["plantSilent", 3],
      ["reportFrozen", 3],
      ["countersFrozen", 3],
    ]);
    expect(listFailures(result)).toEqual([]);
    expect(listLate(result)).toEqual([]);
  });
});
