/** Panels of numbers. */
import * as common from "@grafana/grafana-foundation-sdk/common";
import { FieldColorModeId, type Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import * as stat from "@grafana/grafana-foundation-sdk/stat";
import {
  instantQuery,
  last,
  MISSING,
  override,
  type PanelOptions,
  refId,
  textIfMissing,
  thresholds,
  withCommonOptions,
} from "./parts.ts";

/** One number of a panel of numbers. */
export interface Tile {
  /** What the number is, shown above it. */
  readonly name: string;
  /** A query that returns one value, or none. */
  readonly query: string;
  /** Default: the unit of the panel. */
  readonly unit?: string;
  readonly decimals?: number;
  /** A colour, or the colours from a value on, in order. Default: the colour of text. */
  readonly color?: string | readonly (readonly [from: number, color: string])[];
}

/** Options of a panel of numbers. */
export interface TilesOptions extends Omit<PanelOptions, "queries" | "overrides" | "color"> {
  /** Text for a missing value, in the colour of text. */
  readonly noValue: string;
  readonly tiles: readonly Tile[];
  /** Whether the value colours the whole tile. */
  readonly fills?: boolean;
}

/**
 * A panel of one or more numbers with their names, in text of the same size. On a phone, where every panel is as wide as the
 * screen, several numbers in one panel leave room for the next panel.
 */
export const tilesPanel = ({ tiles, fills, ...options }: TilesOptions): Panel =>
  withCommonOptions(
    new stat.PanelBuilder()
      .graphMode(common.BigValueGraphMode.None)
      .colorMode(fills ? common.BigValueColorMode.Background : common.BigValueColorMode.Value)
      .textMode(common.BigValueTextMode.ValueAndName)
      .wideLayout(false)
      // The same in every panel, and small enough for three numbers side by side on a phone.
      .text(new common.VizTextDisplayOptionsBuilder().titleSize(13).valueSize(20))
      .reduceOptions(last)
      .build(),
    {
      ...options,
      mappings: [
        ...(options.mappings ?? []),
        textIfMissing(options.noValue, fills ? MISSING : "text"),
      ],
      queries: tiles.map(({ name, query }) => instantQuery(query, name)),
      overrides: tiles.map(({ unit, decimals, color = "text" }, i) =>
        override("byFrameRefID", refId(i), {
          ...(unit !== undefined && { unit }),
          ...(decimals !== undefined && { decimals }),
          ...colorOptions(color),
        }),
      ),
    },
  );

const colorOptions = (color: NonNullable<Tile["color"]>): Record<string, unknown> =>
  typeof color === "string"
    ? { color: { mode: FieldColorModeId.Fixed, fixedColor: color } }
    : {
        color: { mode: FieldColorModeId.Thresholds },
        thresholds: thresholds(color),
      };
