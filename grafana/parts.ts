/** Types of panels, each with the options that its panels share. */
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

/** Options of every panel. */
export interface PanelOptions {
  readonly title: string;
  readonly description: string;
  /** Id of a unit in Grafana. */
  readonly unit: string;
  readonly queries: readonly Dataquery[];
  readonly decimals?: number;
  readonly min?: number;
  readonly max?: number;
  /** Text that is shown if there is no value. */
  readonly noValue?: string;
  readonly color?: string;
  readonly mappings?: readonly ValueMapping[];
  readonly overrides?: readonly Override[];
  /** Time range of this panel until now, such as `30d`, or `now/M` for the current month. */
  readonly timeFrom?: string;
  /** Minimum time between two points. */
  readonly interval?: string;
  /** Whether the legend is hidden, because a panel beside it has the same one. */
  readonly hidesLegend?: boolean;
}

/** Options of the fields that a matcher selects. */
export interface Override {
  readonly matcher: { readonly id: string; readonly options: string };
  readonly properties: DynamicConfigValue[];
}

/** Fixed units for columns of numbers. Grafana's own units scale to W, MW, Wh and MWh. */
export const kilowatts = "suffix:kW";
export const alwaysKilowattHours = "suffix:kWh";

/** Overrides the options of a field. @param name legend of the series, or header of the column */
export const fieldOverride = (
  name: string,
  options: Readonly<Record<string, unknown>>,
): Override => ({
  matcher: { id: "byName", options: name },
  properties: Object.entries(options).map(([id, value]) => ({ id, value })),
});

const query = (expr: string): DataqueryBuilder =>
  new DataqueryBuilder().expr(expr).datasource(datasource).editorMode(QueryEditorMode.Code);

/** A query of series over the time range. */
export const rangeQuery = (expr: string, legend: string): Dataquery =>
  query(expr).legendFormat(legend).range().build();

/** A query of values at the end of the time range. */
export const instantQuery = (expr: string, legend: string): Dataquery =>
  query(expr).legendFormat(legend).instant().build();

/** A query of values at the end of the time range, as rows of a table. */
export const tableQuery = (expr: string): Dataquery =>
  query(expr).format(PromQueryFormat.Table).instant().build();

/** Adds the options of every panel. The queries get the names A, B, C … in order. */
export const withCommonOptions = (panel: Panel, options: PanelOptions): Panel => {
  const { title, description, unit, queries, overrides = [], timeFrom, interval } = options;
  const { decimals, min, max, noValue, color, mappings } = options;
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

/** One or more big numbers. @param text how to show values that are words */
export const statPanel = (options: PanelOptions, text?: "background" | "name"): Panel =>
  withCommonOptions(
    new stat.PanelBuilder()
      .graphMode(common.BigValueGraphMode.None)
      .colorMode(
        text === "background" ? common.BigValueColorMode.Background : common.BigValueColorMode.None,
      )
      .textMode(text === "name" ? common.BigValueTextMode.Name : common.BigValueTextMode.Auto)
      .reduceOptions(last)
      .build(),
    options,
  );

/** Horizontal bars, one per series, in the order of the query. */
export const barsPanel = (options: PanelOptions): Panel =>
  withCommonOptions(
    new bargauge.PanelBuilder()
      .orientation(common.VizOrientation.Horizontal)
      .displayMode(common.BarGaugeDisplayMode.Basic)
      .valueMode(common.BarGaugeValueMode.Text)
      .namePlacement(common.BarGaugeNamePlacement.Left)
      .showUnfilled(true)
      .maxVizHeight(40)
      // Grafana 9.4 has no maximum height, and would make the text as large as the bars.
      .text(new common.VizTextDisplayOptionsBuilder().titleSize(12).valueSize(16))
      .reduceOptions(last)
      .build(),
    options,
  );

/** How series are drawn: lines, stacked areas, or bars that start at their time. */
export type Drawing = "lines" | "stack" | "bars";

/** Series over time. Missing samples are a gap. */
export const seriesPanel = (options: PanelOptions, drawing: Drawing = "lines"): Panel => {
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
        .showLegend(options.hidesLegend !== true)
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
  return withCommonOptions(builder.build(), options);
};

/** States over time, one row per series. */
export const statesPanel = (options: PanelOptions): Panel =>
  withCommonOptions(
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
    options,
  );

/** Texts for 0 and 1, so that no state is shown by colour alone. */
export const stateMappings = (zero: string, one: string, zeroColor: string): ValueMapping[] => [
  {
    type: MappingType.ValueToText,
    options: {
      "0": { text: zero, color: zeroColor, index: 0 },
      "1": { text: one, color: "dark-green", index: 1 },
    },
  },
];
/** Blue and not red, because all inverters are offline every night. */
export const online = stateMappings("Offline", "Online", "dark-blue");
export const reachable = stateMappings("Unreachable", "Reachable", "dark-red");
