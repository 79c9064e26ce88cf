/** The model of the roof on the status page: which panel is where, and what is known about it. */
import { areAllOffline, type Observation } from "../ecu/observe.ts";
import type { Panel } from "../ecu/panel.ts";
import type { InverterReading, Reading } from "../ecu/reading.ts";
import {
  type LandingRoof,
  MAX_COLUMNS,
  type PlacedTile,
  type RoofGroup,
  type RoofTile,
  type TileState,
} from "../http/roof.ts";

/** With more tiles than this, the page would be megabytes; it then shows inverters instead of panels, or no roof. */
const MAX_TILES = 400;
/** Average power of a panel in watts from which an offline inverter is missing; the alert InverterOffline has the same. */
const MIN_PANEL_WATTS = 30;

interface RoofOptions {
  /** The configured panels. Without any, the tiles are inverters. */
  readonly panels: readonly Panel[];
  /** Whether the values are too old to be those of now. They are left out then. */
  readonly isStale: boolean;
}

/** What one read says about the panels of an ECU. Its values are in watts; a value that was not measured is absent. */
export const describeRoof = (
  observation: Pick<Observation, "up" | "reading">,
  { panels, isStale }: RoofOptions,
): LandingRoof => {
  const { reading } = observation;
  const isAsleep = !isStale && areAllOffline(observation);
  const states = isStale ? new Map<string, TileState>() : classifyInverters(reading, isAsleep);
  const known = isStale ? [] : reading.inverters;
  const panelTiles = describePanels(known, panels, states);
  const tileCount = panels.length + panelTiles.others.length;
  const isByPanel = panels.length > 0 && tileCount <= MAX_TILES;
  return {
    groups: isByPanel
      ? groupPanels(panelTiles, isListComplete(reading) && !isStale)
      : groupInverters(reading.inverters, states),
    isAsleep,
    missing: [...states.values()].filter((state) => state === "missing").length,
  };
};

/**
 * The state of each inverter by uid. If the ECU counts all inverters online, an offline one is between two rounds
 * (docs/protocol.md#online-flag), not missing.
 */
const classifyInverters = (
  { inverters, invertersOnline = 0, registered }: Reading,
  isAsleep: boolean,
): Map<string, TileState> => {
  const watts = inverters.flatMap(({ channelWatts }) => channelWatts.flatMap((each) => each ?? []));
  const average = watts.reduce((sum, each) => sum + each, 0) / watts.length;
  const areAllCounted = registered !== undefined && invertersOnline >= registered;
  const awake = average >= MIN_PANEL_WATTS && !areAllCounted ? "missing" : "offline";
  const offline = isAsleep ? "asleep" : awake;
  return new Map(
    inverters.map(({ uid, online }) => [
      uid,
      online === undefined ? "unknown" : online ? "online" : offline,
    ]),
  );
};

/** Whether an inverter that the reading does not have is not registered at the ECU. */
const isListComplete = ({ listed = 0, inverters, unknownRecords = 0 }: Reading): boolean =>
  listed > 0 && inverters.length >= listed && unknownRecords === 0;

interface PanelTiles {
  readonly configured: readonly { readonly panel: Panel; readonly tile: RoofTile | undefined }[];
  /** Tiles of channels, or of offline inverters, without a configured panel. */
  readonly others: readonly RoofTile[];
}

const describePanels = (
  inverters: readonly InverterReading[],
  panels: readonly Panel[],
  states: ReadonlyMap<string, TileState>,
): PanelTiles => {
  const byUid = new Map(inverters.map((inverter) => [inverter.uid, inverter]));
  const named = new Set(panels.flatMap(({ uid, channel }) => [uid, `${uid}/${channel}`]));
  const describe = ({ uid, channelWatts }: InverterReading, channel: number): RoofTile => ({
    name: `…${uid.slice(-6)}/${channel}`,
    detail: `${uid}/${channel}`,
    state: states.get(uid) ?? "unknown",
    watts: channelWatts[channel - 1],
  });
  return {
    configured: panels.map((panel) => {
      const inverter = byUid.get(panel.uid);
      return { panel, tile: inverter && describe(inverter, panel.channel) };
    }),
    others: inverters.flatMap((inverter) => {
      const { uid, channelWatts } = inverter;
      if (channelWatts.length === 0 && !named.has(uid))
        return [{ name: uid, detail: uid, state: states.get(uid) ?? "unknown" }];
      return channelWatts.flatMap((_, i) =>
        named.has(`${uid}/${i + 1}`) ? [] : [describe(inverter, i + 1)],
      );
    }),
  };
};

/** A group for each array in the order of the configuration, and one for channels without a configured panel. */
const groupPanels = (
  { configured, others }: PanelTiles,
  isComplete: boolean,
): readonly RoofGroup[] => {
  const arrays = new Map<string, { panel: Panel; tile: RoofTile }[]>();
  for (const { panel, tile } of configured) {
    const { uid, channel, array } = panel;
    const detail = `${uid}/${channel}`;
    const absent: TileState = isComplete ? "unlisted" : "unknown";
    const named = { ...(tile ?? { detail, state: absent }), name: panel.panel || detail };
    const members = arrays.get(array) ?? [];
    members.push({ panel, tile: named });
    arrays.set(array, members);
  }
  const groups = [...arrays].map(([array, members]) => placePanels(array || "Panels", members));
  return others.length === 0
    ? groups
    : [...groups, createGroup("Other panels", { loose: addShares(others) })];
};

const createGroup = (title: string, parts: Partial<RoofGroup>): RoofGroup => ({
  title,
  noun: "panel",
  rows: 0,
  columns: 0,
  placed: [],
  loose: [],
  ...parts,
});

/** Puts the panels of an array into its grid. One without a row and column, or with a taken place, stays outside. */
const placePanels = (
  title: string,
  members: readonly { readonly panel: Panel; readonly tile: RoofTile }[],
): RoofGroup => {
  const positioned = members.filter(({ panel }) => panel.row !== "" && panel.column !== "");
  const rows = numberLines(positioned.map(({ panel }) => panel.row));
  const columns = numberLines(positioned.map(({ panel }) => panel.column));
  const tiles = addShares(members.map(({ tile }) => tile));
  const placed = new Map<string, PlacedTile>();
  const loose: RoofTile[] = [];
  members.forEach(({ panel }, i) => {
    const tile = tiles[i] as RoofTile;
    const [row, column] = [rows.get(panel.row), columns.get(panel.column)];
    const place = `${row} ${column}`;
    if (row === undefined || column === undefined || placed.has(place)) loose.push(tile);
    else placed.set(place, { ...tile, row, column });
  });
  return createGroup(title, {
    rows: 1 + Math.max(-1, ...[...placed.values()].map(({ row }) => row)),
    columns: 1 + Math.max(-1, ...[...placed.values()].map(({ column }) => column)),
    placed: [...placed.values()],
    loose,
  });
};

const natural = new Intl.Collator("en", { numeric: true });

/**
 * Numbers rows or columns from 0. Whole numbers keep their gaps, so that a chimney is a gap in the picture; other texts are
 * sorted. Those beyond `MAX_COLUMNS` have no number.
 */
const numberLines = (texts: readonly string[]): ReadonlyMap<string, number> => {
  const lines = [...new Set(texts)].sort(natural.compare);
  const numbers = lines.map((text) => (/^\d{1,9}$/.test(text) ? Number(text) : Number.NaN));
  const first = numbers[0] ?? 0;
  const last = numbers.at(-1) ?? 0;
  const keepsGaps = last - first < MAX_COLUMNS && numbers.every((number) => number >= first);
  return new Map(
    lines
      .map((text, i) => [text, keepsGaps ? (numbers[i] ?? 0) - first : i] as const)
      .filter(([, line]) => line < MAX_COLUMNS),
  );
};

/** Adds to each tile its power as a share of the best one. @param weights Number of panels of each tile; default 1 */
const addShares = (
  tiles: readonly RoofTile[],
  weights: readonly number[] = [],
): readonly RoofTile[] => {
  const perPanel = tiles.map(({ watts }, i) =>
    watts === undefined ? undefined : watts / (weights[i] ?? 1),
  );
  const best = Math.max(0, ...perPanel.flatMap((watts) => watts ?? []));
  return tiles.map((tile, i) => {
    const watts = perPanel[i];
    return watts === undefined || best === 0 ? tile : { ...tile, share: watts / best };
  });
};

const groupInverters = (
  inverters: readonly InverterReading[],
  states: ReadonlyMap<string, TileState>,
): readonly RoofGroup[] => {
  if (inverters.length === 0 || inverters.length > MAX_TILES) return [];
  const tiles = inverters.map(({ uid, model, channelWatts }): RoofTile => {
    const state = states.get(uid) ?? "unknown";
    const watts = state === "online" ? sumIfComplete(channelWatts) : undefined;
    return { name: uid, detail: model, state, watts };
  });
  const weights = inverters.map(({ channelWatts }) => channelWatts.length);
  return [createGroup("Inverters", { noun: "inverter", loose: addShares(tiles, weights) })];
};

/** The sum; `undefined` if a value is missing. */
export const sumIfComplete = (values: readonly (number | undefined)[]): number | undefined => {
  let sum: number | undefined;
  for (const value of values) {
    if (value === undefined) return undefined;
    sum = (sum ?? 0) + value;
  }
  return sum;
};
