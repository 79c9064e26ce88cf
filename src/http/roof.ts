/**
 * The roof as a picture: a tile for each panel, in the grid of its array, as SVG. A tile shows a state by a word and a
 * mark, and the share of the power by the height of its level: no state is shown by colour alone.
 */
import { formatCount, NOT_MEASURED } from "../text.ts";
import { type Html, html, joinHtml } from "./html.ts";

/** What the picture can say about a panel or an inverter. */
export type TileState = "online" | "missing" | "asleep" | "offline" | "unlisted" | "unknown";

/** A panel, or an inverter if no panels are described. Values that were not measured are `undefined`. */
export interface RoofTile {
  readonly name: string;
  /** The serial number of the inverter, and the channel of a panel. */
  readonly detail: string;
  readonly state: TileState;
  readonly watts?: number | undefined;
  /** Its power as a share of the best one of its group now, from 0 to 1; absent if the best one gives no power. */
  readonly share?: number | undefined;
}

/** A tile in the grid of its array. Rows and columns count from 0. */
export interface PlacedTile extends RoofTile {
  readonly row: number;
  readonly column: number;
}

/** An array of panels, or tiles without an array. */
export interface RoofGroup {
  readonly title: string;
  /** What a tile stands for. */
  readonly noun: "panel" | "inverter";
  readonly rows: number;
  /** At most `MAX_COLUMNS`. */
  readonly columns: number;
  /** Tiles in the grid; no two have the same row and column. */
  readonly placed: readonly PlacedTile[];
  /** Tiles without a place in the grid. */
  readonly loose: readonly RoofTile[];
}

/** The roof of one ECU. */
export interface LandingRoof {
  readonly groups: readonly RoofGroup[];
  /** Whether all inverters are offline, as at night. */
  readonly isAsleep: boolean;
  /** The number of inverters that are offline while others give power. */
  readonly missing: number;
}

/** The maximum number of rows and of columns of a grid. The style sheet has a width for each number of columns. */
export const MAX_COLUMNS = 24;

const TILE_HEIGHT = 66;
const TILE_WIDTH = 104;
const GAP = 4;

interface StateText {
  readonly word: string;
  /** In place of the word if the tile is narrow. */
  readonly mark: string;
  readonly meaning: string;
}

/** The word in a tile, and its explanation in the legend. */
const stateTexts: Readonly<Record<Exclude<TileState, "online">, StateText>> = {
  missing: {
    word: "missing",
    mark: "!",
    meaning: "the inverter does not reply while others give power",
  },
  asleep: { word: "asleep", mark: "z", meaning: "all inverters are offline, as at night" },
  offline: {
    word: "offline",
    mark: "–",
    meaning: "the inverter does not reply; there is little light, or a round is under way",
  },
  unlisted: { word: "no entry", mark: "×", meaning: "the ECU does not list this inverter" },
  unknown: {
    word: "no data",
    mark: "?",
    meaning: "the exporter has no current data of this panel or inverter",
  },
};

/** The groups of a roof; empty if there are none. */
export const renderRoof = ({ groups }: LandingRoof): Html =>
  joinHtml(
    groups.map((group) => renderGroup(group)),
    "\n",
  );

const renderGroup = (group: RoofGroup): Html => {
  const { title, placed, loose } = group;
  const grid = placed.length === 0 ? "" : renderGrid(group);
  const tiles = loose.map((tile) =>
    renderTile(tile, html`class="loose" width="${TILE_WIDTH}" height="${TILE_HEIGHT}"`),
  );
  return html`<section>
<h3><bdi>${title}</bdi>${renderSum(group)}</h3>
${grid}${tiles.length === 0 ? "" : html`<div class="tiles">\n${tiles}</div>`}
</section>`;
};

/** The power of the tiles that have a value, and how many these are. */
const renderSum = ({ placed, loose, noun }: RoofGroup): Html | string => {
  const tiles = [...placed, ...loose];
  const known = tiles.flatMap(({ watts }) => watts ?? []);
  if (known.length === 0) return html` <small>no power measured</small>`;
  const watts = known.reduce((sum, each) => sum + each, 0);
  const count = formatCount(tiles.length, noun);
  const of = known.length === tiles.length ? count : `${known.length} of ${count}`;
  return html` <small>${watts} W from ${of}</small>`;
};

/** The region scrolls if the screen is too narrow for the grid; it is focusable so that the keyboard can scroll it. */
const renderGrid = ({ title, rows, columns, placed }: RoofGroup): Html => {
  const height = rows * (TILE_HEIGHT + GAP) - GAP;
  const percent = (value: number) => `${Math.round(value * 1e4) / 1e4}%`;
  const tiles = placed.map((tile) => {
    const x = percent((tile.column * 100) / columns);
    const y = tile.row * (TILE_HEIGHT + GAP);
    const width = percent(96 / columns);
    return renderTile(tile, html`x="${x}" y="${y}" width="${width}" height="${TILE_HEIGHT}"`);
  });
  return html`<div class="panels" role="region" tabindex="0" aria-label="Array ${title}">
<svg class="c${columns}" width="100%" height="${height}">
${tiles}</svg>
</div>`;
};

/** The nested SVG cuts off a long name; the title has all of it. */
const renderTile = (tile: RoofTile, attributes: Html): Html => {
  const { name, detail, state, watts, share } = tile;
  const [value, percent] = [formatWatts(watts), formatShare(share)];
  const spoken =
    state !== "online"
      ? stateTexts[state].word
      : watts === undefined
        ? "online, power unknown"
        : `${value}${percent && `, ${percent} of the best`}`;
  const lines =
    state === "online"
      ? html`<text class="value" x="4" y="38">${value}</text><text x="4" y="57">${percent}</text>`
      : html`<text class="word" x="4" y="38">${stateTexts[state].word}</text>`;
  return html`<svg ${attributes} role="img"><title>${name}: ${spoken} (${detail})</title>${renderShape(state, share)}<text x="4" y="17">${name}</text>${lines}${renderShort(state, watts, share)}</svg>\n`;
};

/** The only text of a tile that is too narrow for the others: the share in percent, the power in watts, or a mark. */
const renderShort = (state: TileState, watts?: number, share?: number): Html => {
  const short =
    state !== "online"
      ? stateTexts[state].mark
      : share === undefined
        ? (watts ?? NOT_MEASURED)
        : Math.round(share * 100);
  return html`<text class="narrow" x="50%" y="38">${short}</text>`;
};

const renderShape = (state: TileState, share: number | undefined): Html => {
  const box = html`<rect class="tile ${state}" width="100%" height="100%" rx="4"/>`;
  if (state === "missing")
    return html`${box}<line x2="100%" y2="100%"/><line x1="100%" x2="0" y2="100%"/>`;
  if (share === undefined) return box;
  const level = Math.round(share * 1000) / 10;
  return html`${box}<rect class="level" y="${Math.round((100 - level) * 10) / 10}%" width="100%" height="${level}%" rx="4"/>`;
};

const formatWatts = (watts: number | undefined): string => `${watts ?? NOT_MEASURED} W`;

const formatShare = (share: number | undefined): string =>
  share === undefined ? "" : `${Math.round(share * 100)} %`;

/** Explains the tiles and the states that occur. */
export const renderLegend = (roofs: readonly LandingRoof[]): Html => {
  const groups = roofs.flatMap((roof) => roof.groups);
  const tiles = groups.flatMap(({ placed, loose }) => [...placed, ...loose]);
  const states = new Set(tiles.map(({ state }) => state));
  const nouns = new Set(groups.map(({ noun }) => noun));
  const rows = [
    ...(tiles.some(({ share }) => share !== undefined)
      ? [renderLegendRow("online", 0.6, `power now, and its ${explainShare(nouns)}`)]
      : []),
    ...(Object.keys(stateTexts) as (keyof typeof stateTexts)[])
      .filter((state) => states.has(state))
      .map((state) => renderLegendRow(state, undefined, stateTexts[state].meaning)),
  ];
  return rows.length === 0
    ? html``
    : html`<dl class="legend" aria-label="Legend of the roof">\n${joinHtml(rows, "\n")}\n</dl>`;
};

const explainShare = (nouns: ReadonlySet<RoofGroup["noun"]>): string =>
  [
    ...(nouns.has("panel") ? ["share of the best panel of the array"] : []),
    ...(nouns.has("inverter") ? ["share of the best inverter, per channel"] : []),
  ].join(" or ");

const renderLegendRow = (state: TileState, share: number | undefined, meaning: string): Html => {
  const [word, mark] =
    state === "online" ? ["W, %", "60"] : [stateTexts[state].word, stateTexts[state].mark];
  return html`<div><dt><svg width="28" height="20" aria-hidden="true">${renderShape(state, share)}<text class="narrow" x="50%" y="14">${mark}</text></svg>${word}</dt><dd>${meaning}</dd></div>`;
};
