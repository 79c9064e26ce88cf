/** Kinds of panels, each with the options that all its panels share. */
import * as bargauge from "@grafana/grafana-foundation-sdk/bargauge";
import * as common from "@grafana/grafana-foundation-sdk/common";
import {
  type DynamicConfigValue,
  FieldColorModeId,
  type FieldConfig,
  MappingType,
  type Panel,
  type ValueMapping,
} from "@grafana/grafana-foundation-sdk/dashboard";
import {
  type Dataquery,
  DataqueryBuilder,
  PromQueryFormat,
  QueryEditorMode,
} from "@grafana/grafana-foundation-sdk/prometheus";
import * as stat from "@grafana/grafana-foundation-sdk/stat";
import * as statetimeline from "@grafana/grafana-foundation-sdk/statetimeline";
import * as timeseries from "@grafana/grafana-foundation-sdk/timeseries";
import { datasource } from "./board.ts";

/** What every panel has. */
export interface About {
  readonly title: string;
  readonly description: string;
  /** As Grafana names units. */
  readonly unit: string;
  readonly queries: readonly Dataquery[];
  readonly decimals?: number;
  readonly min?: number;
  readonly max?: number;
  /** What stands where there is no value. */
  readonly noValue?: string;
  readonly color?: string;
  readonly mappings?: readonly ValueMapping[];
  readonly overrides?: readonly Override[];
  /** Time range of its own, until now; such as `30d`, or `now/M` for this month so far. */
  readonly timeFrom?: string;
  /** Least time between two points. */
  readonly interval?: string;
  /** Whether the names of series are left out, because a panel beside it tells them. */
  readonly hidesLegend?: boolean;
}

/** Field options for the fields that a matcher finds. */
export interface Override {
  readonly matcher: { readonly id: string; readonly options: string };
  readonly properties: DynamicConfigValue[];
}

/** Units that stay what they are, where numbers stand below each other; Grafana's own become W, MW, Wh and MWh. */
export const kilowatts = "suffix:kW";
export const alwaysKilowattHours = "suffix:kWh";

/** Overrides the options of a field by its name, which is its legend or the head of its column. */
export const field = (name: string, options: Readonly<Record<string, unknown>>): Override => ({
  matcher: { id: "byName", options: name },
  properties: Object.entries(options).map(([id, value]) => ({ id, value })),
});

const query = (expr: string): DataqueryBuilder =>
  new DataqueryBuilder().expr(expr).datasource(datasource).editorMode(QueryEditorMode.Code);

/** A query of series over the time range. */
export const over = (expr: string, legend: string): Dataquery =>
  query(expr).legendFormat(legend).range().build();

/** A query of values at the end of the time range. */
export const now = (expr: string, legend: string): Dataquery =>
  query(expr).legendFormat(legend).instant().build();

/** A query of values at the end of the time range, as rows of a table. */
export const rows = (expr: string): Dataquery =>
  query(expr).format(PromQueryFormat.Table).instant().build();

/** Gives a panel what every panel has. Queries are named A, B, C … in their order. */
export const dress = (panel: Panel, about: About): Panel => {
  const { title, description, unit, queries, overrides = [], timeFrom, interval } = about;
  const { decimals, min, max, noValue, color, mappings } = about;
  const defaults: FieldConfig = {
    ...panel.fieldConfig?.defaults,
    unit,
    ...(decimals !== undefined && { decimals }),
    ...(min !== undefined && { min }),
    ...(max !== undefined && { max }),
    ...(noValue !== undefined && { noValue }),
    ...(color !== undefined && { color: { mode: FieldColorModeId.Fixed, fixedColor: color } }),
    ...(mappings !== undefined && { mappings: [...mappings] }),
  };
  return {
    ...panel,
    title,
    description,
    datasource,
    targets: queries.map((one, i) => ({
      ...one,
      refId: String.fromCharCode(65 + i),
      ...(interval !== undefined && { interval }),
    })),
    fieldConfig: { defaults, overrides: overrides.map((one) => ({ ...one })) },
    ...(timeFrom !== undefined && { timeFrom, hideTimeOverride: panel.type === "stat" }),
    ...(interval !== undefined && { interval }),
  };
};

const last = { build: () => ({ calcs: ["lastNotNull"], fields: "", values: false }) };

/** One big number, or one beside the other; `text` for values that are words. */
export const statPanel = (about: About, text?: "background" | "name"): Panel =>
  dress(
    new stat.PanelBuilder()
      .graphMode(common.BigValueGraphMode.None)
      .colorMode(
        text === "background" ? common.BigValueColorMode.Background : common.BigValueColorMode.None,
      )
      .textMode(text === "name" ? common.BigValueTextMode.Name : common.BigValueTextMode.Auto)
      .reduceOptions(last)
      .build(),
    about,
  );

/** Bars beside each other, one a series, in the order of the query. */
export const barsPanel = (about: About): Panel =>
  dress(
    new bargauge.PanelBuilder()
      .orientation(common.VizOrientation.Horizontal)
      .displayMode(common.BarGaugeDisplayMode.Basic)
      .valueMode(common.BarGaugeValueMode.Text)
      .namePlacement(common.BarGaugeNamePlacement.Left)
      .showUnfilled(true)
      .maxVizHeight(40)
      // Grafana 9.4 knows no greatest height, and would make the letters as large as the bars.
      .text(new common.VizTextDisplayOptionsBuilder().titleSize(12).valueSize(16))
      .reduceOptions(last)
      .build(),
    about,
  );

/** How series are drawn: lines, areas on top of each other, or bars that begin at their time. */
export type Drawing = "lines" | "stack" | "bars";

/** Series over time. Where there are no samples, there is a gap. */
export const seriesPanel = (about: About, drawing: Drawing = "lines"): Panel => {
  const builder = new timeseries.PanelBuilder()
    .colorScheme({ build: () => ({ mode: FieldColorModeId.PaletteClassic }) })
    .lineWidth({ lines: 2, stack: 1, bars: 0 }[drawing])
    .fillOpacity({ lines: 0, stack: 40, bars: 80 }[drawing])
    .showPoints(common.VisibilityMode.Auto)
    .spanNulls(false)
    .legend(
      new common.VizLegendOptionsBuilder()
        .displayMode(common.LegendDisplayMode.List)
        .placement(common.LegendPlacement.Bottom)
        .showLegend(about.hidesLegend !== true)
        .calcs([]),
    )
    .tooltip(
      new common.VizTooltipOptionsBuilder()
        .mode(common.TooltipDisplayMode.Multi)
        .sort(common.SortOrder.Descending),
    );
  if (drawing === "bars")
    builder.drawStyle(common.GraphDrawStyle.Bars).barAlignment(common.BarAlignment.After);
  if (drawing !== "lines")
    builder.stacking(
      new common.StackingConfigBuilder().mode(common.StackingMode.Normal).group("A"),
    );
  return dress(builder.build(), about);
};

/** States over time, a line for each series. */
export const statesPanel = (about: About): Panel =>
  dress(
    new statetimeline.PanelBuilder()
      .mergeValues(true)
      .showValue(common.VisibilityMode.Auto)
      .alignValue(common.TimelineValueAlignment.Left)
      .rowHeight(0.9)
      .fillOpacity(70)
      .lineWidth(0)
      .spanNulls(false)
      .legend(new common.VizLegendOptionsBuilder().showLegend(false))
      .build(),
    about,
  );

/** Words for 0 and 1, so that no state is told by colour alone. */
export const states = (zero: string, one: string, zeroColor: string): ValueMapping[] => [
  {
    type: MappingType.ValueToText,
    options: {
      "0": { text: zero, color: zeroColor, index: 0 },
      "1": { text: one, color: "dark-green", index: 1 },
    },
  },
];
/** Blue and not red: every night all inverters are offline. */
export const online = states("Offline", "Online", "dark-blue");
export const reachable = states("Unreachable", "Reachable", "dark-red");
