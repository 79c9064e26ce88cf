/** The roof of the landing page as SVG. Expected values are written by hand. */
import { expect, it } from "vitest";
import {
  type LandingRoof,
  type RoofGroup,
  renderLegend,
  renderRoof,
  type TileState,
} from "../../src/http/roof.ts";

const createRoof = (...groups: Partial<RoofGroup>[]): LandingRoof => ({
  groups: groups.map((group) => ({
    title: "south",
    noun: "panel",
    rows: 0,
    columns: 0,
    placed: [],
    loose: [],
    ...group,
  })),
  isAsleep: false,
  missing: 0,
});
const tile = (state: TileState, watts?: number, share?: number) => ({
  name: "A1",
  detail: "703000000001/1",
  state,
  watts,
  share,
});

it("has this SVG for an array with two panels", () => {
  const roof = createRoof({
    rows: 2,
    columns: 4,
    placed: [
      { ...tile("online", 301, 0.875), row: 0, column: 0 },
      { ...tile("missing"), name: "A2", detail: "703000000002/1", row: 1, column: 3 },
    ],
  });
  expect(renderRoof(roof).markup).toBe(`<section>
<h3><bdi>south</bdi> <small>301 W from 1 of 2 panels</small></h3>
<div class="panels" role="region" tabindex="0" aria-label="Array south">
<svg class="c4" width="100%" height="136">
<svg x="0%" y="0" width="24%" height="66" role="img"><title>A1: 301 W, 88 % of the best (703000000001/1)</title><rect class="tile online" width="100%" height="100%" rx="4"/><rect class="level" y="12.5%" width="100%" height="87.5%" rx="4"/><text x="4" y="17">A1</text><text class="value" x="4" y="38">301 W</text><text x="4" y="57">88 %</text><text class="narrow" x="50%" y="38">88</text></svg>
<svg x="75%" y="70" width="24%" height="66" role="img"><title>A2: missing (703000000002/1)</title><rect class="tile missing" width="100%" height="100%" rx="4"/><line x2="100%" y2="100%"/><line x1="100%" x2="0" y2="100%"/><text x="4" y="17">A2</text><text class="word" x="4" y="38">missing</text><text class="narrow" x="50%" y="38">!</text></svg>
</svg>
</div>
</section>`);
});

it.each<[TileState, number | undefined, number | undefined, string, string[]]>([
  ["online", 0, undefined, "A1: 0 W (703000000001/1)", ["A1", "0 W", "", "0"]],
  ["online", 5, 1, "A1: 5 W, 100 % of the best (703000000001/1)", ["A1", "5 W", "100 %", "100"]],
  [
    "online",
    undefined,
    undefined,
    "A1: online, power unknown (703000000001/1)",
    ["A1", "– W", "", "–"],
  ],
  ["asleep", undefined, undefined, "A1: asleep (703000000001/1)", ["A1", "asleep", "z"]],
  ["offline", undefined, undefined, "A1: offline (703000000001/1)", ["A1", "offline", "–"]],
  ["unlisted", undefined, undefined, "A1: no entry (703000000001/1)", ["A1", "no entry", "×"]],
  ["unknown", undefined, undefined, "A1: no data (703000000001/1)", ["A1", "no data", "?"]],
])("shows %s with %s W and the share %s in words", (state, watts, share, title, texts) => {
  const { markup } = renderRoof(createRoof({ loose: [tile(state, watts, share)] }));
  expect(/<title>(.*)<\/title>/.exec(markup)?.[1]).toBe(title);
  expect([...markup.matchAll(/<text[^>]*>(.*?)<\/text>/g)].map(([, text]) => text)).toEqual(texts);
  expect(markup).toContain('<svg class="loose" width="104" height="66" role="img">');
});

it("has the sum of the measured powers, and says of how many tiles", () => {
  const sums = [
    [tile("online", 3), tile("online", 4)],
    [tile("online", 3), tile("online")],
    [tile("asleep")],
  ].map((loose) => {
    const { markup } = renderRoof(createRoof({ noun: "inverter", loose }));
    return /<small>(.*)<\/small>/.exec(markup)?.[1];
  });
  expect(sums).toEqual(["7 W from 2 inverters", "3 W from 1 of 2 inverters", "no power measured"]);
});

it("explains the states that occur, and no others", () => {
  const explain = (...groups: Partial<RoofGroup>[]) =>
    [
      ...renderLegend([createRoof(...groups)]).markup.matchAll(
        /<\/svg>(.*?)<\/dt><dd>(.*?)<\/dd>/g,
      ),
    ].map(([, word, meaning]) => `${word}: ${meaning}`);
  expect(explain({ loose: [tile("online", 3, 1), tile("missing")] })).toEqual([
    "W, %: power now, and its share of the best panel of the array",
    "missing: the inverter does not reply while others give power",
  ]);
  expect(explain({ noun: "inverter", loose: [tile("online", 3, 1)] })).toEqual([
    "W, %: power now, and its share of the best inverter, per channel",
  ]);
  expect(
    explain({ loose: [tile("asleep"), tile("unlisted"), tile("offline"), tile("unknown")] }),
  ).toEqual([
    "asleep: all inverters are offline, as at night",
    "offline: the inverter does not reply; there is little light, or a round is under way",
    "no entry: the ECU does not list this inverter",
    "no data: the exporter has no current data of this panel or inverter",
  ]);
  expect(renderLegend([createRoof()]).markup).toBe("");
});
