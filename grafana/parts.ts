/** Types of panels, each with the options that its panels share. */
import * as barchart from "@grafana/grafana-foundation-sdk/barchart";
import * as bargauge from "@grafana/grafana-foundation-sdk/bargauge";
import * as common from "@grafana/grafana-foundation-sdk/common";
import {
  type DynamicConfigValue,
  FieldColorModeId,
  type FieldConfig,
  MappingType,
  type Panel,
  SpecialValueMatch,
  ThresholdsMode,
  type ValueMapping,
} from "@grafana/grafana-foundation-sdk/dashboard";
import {
  type Dataquery,
  DataqueryBuilder,
  PromQueryFormat,
  QueryEditorMode,
} from "@grafana/grafana-foundation-sdk/prometheus";
import * as statetimeline from "@grafana/grafana-foundation-sdk/statetimeline";
import * as timeseries from "@grafana/grafana-foundation-sdk/timeseries";
import { datasource } from "./board.ts";
import { NO_DATA } from "./promql.ts";

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
  /** Minimum time between two points. */
  readonly interval?: string;
  /** Name of each value. By default it is that of its series, which Grafana hides if there is only one. */
  readonly displayName?: string;
  /** Whether there is a legend. A single series needs none. Default: true. */
  readonly showsLegend?: boolean;
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
export const fieldOverride = (name: string, options: Readonly<Record<string, unknown>>): Override =>
  override("byName", name, options);

/** Overrides the options of the fields that a matcher selects. */
export const override = (
  id: string,
  match: string,
  options: Readonly<Record<string, unknown>>,
): Override => ({
  matcher: { id, options: match },
  properties: Object.entries(options).map(([option, value]) => ({ id: option, value })),
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

/** Name of a query of a panel, by its place. */
export const refId = (index: number): string => String.fromCharCode(65 + index);

/** Adds the options of every panel. The queries get the names A, B, C … in order. */
export const withCommonOptions = (panel: Panel, options: PanelOptions): Panel => {
  const { title, description, unit, queries, overrides = [], interval } = options;
  const { decimals, min, max, noValue, color, mappings, displayName } = options;
  const defaults: FieldConfig = {
    ...panel.fieldConfig?.defaults,
    unit,
    ...(decimals !== undefined && { decimals }),
    ...(min !== undefined && { min }),
    ...(max !== undefined && { max }),
    ...(noValue !== undefined && { noValue }),
    ...(color !== undefined && { color: { mode: FieldColorModeId.Fixed, fixedColor: color } }),
    ...(mappings !== undefined && { mappings: [...mappings] }),
    ...(displayName !== undefined && { displayName }),
  };
  return {
    ...panel,
    title,
    description,
    datasource,
    targets: queries.map((one, i) => ({
      ...one,
      refId: refId(i),
      ...(interval !== undefined && { interval }),
    })),
    fieldConfig: { defaults, overrides: overrides.map((one) => ({ ...one })) },
    ...(interval !== undefined && { interval }),
  };
};

/** Shows the last value of a series. */
export const last = { build: () => ({ calcs: ["lastNotNull"], fields: "", values: false }) };

/** Colours by meaning, the same on all dashboards. */
export const colors = { power: "yellow", energy: "green", money: "blue", alert: "red" } as const;
/** Colour of the text of a power: the yellow of charts is hardly readable on white. */
export const POWER_TEXT = "#b58900";

/** Colour of a cell or tile without a value, with white text. */
export const MISSING = "#6b6d76";

/** The text for a missing value: NaN, or a number that the query did not return. @param color of its cell */
export const textIfMissing = (text: string, color = "text"): ValueMapping => ({
  type: MappingType.SpecialValue,
  options: { match: SpecialValueMatch.NullAndNan, result: { text, color, index: 9 } },
});

/** The text for one number, which stands for something else. @param color of its cell */
export const textFor = (value: number, text: string, color?: string): ValueMapping => ({
  type: MappingType.ValueToText,
  options: { [value]: { text, ...(color !== undefined && { color }), index: 0 } },
});

/** Colours from a value on, in order. The first is also that of smaller values. */
export const thresholds = (steps: readonly (readonly [from: number, color: string])[]) => ({
  mode: ThresholdsMode.Absolute,
  steps: steps.map(([value, color], i) => ({ value: i === 0 ? null : value, color })),
});

/** Colours of the age of a report in seconds. It is sent every five minutes; after 45 minutes, the ECU probably hangs. */
export const reportAges: readonly (readonly [from: number, color: string])[] = [
  [0, "text"],
  [15 * 60, "orange"],
  [45 * 60, "red"],
];

/** Options of a panel of bars. */
export interface BarsOptions extends Omit<PanelOptions, "queries" | "displayName" | "min"> {
  /** A query that returns one value per bar, in order. */
  readonly expr: string;
  /** The label that names a bar. */
  readonly label: string;
}

/** Horizontal bars, one per series, in the order of the query. */
export const barsPanel = ({ expr, label, ...options }: BarsOptions): Panel =>
  withCommonOptions(
    new bargauge.PanelBuilder()
      .orientation(common.VizOrientation.Horizontal)
      .displayMode(common.BarGaugeDisplayMode.Basic)
      .valueMode(common.BarGaugeValueMode.Text)
      .namePlacement(common.BarGaugeNamePlacement.Left)
      .showUnfilled(true)
      // With automatic sizes, a panel without data is one grey block.
      .sizing(common.BarGaugeSizing.Manual)
      .minVizHeight(16)
      .maxVizHeight(24)
      .minVizWidth(8)
      // Grafana 9.4 has no sizes, and would make the text as large as the bars.
      .text(new common.VizTextDisplayOptionsBuilder().titleSize(12).valueSize(16))
      .reduceOptions(last)
      .build(),
    {
      ...options,
      // Grafana 11 breaks the text at a space, although there is room, and hides the second line.
      ...(options.noValue !== undefined && { noValue: options.noValue.replaceAll(" ", "\u00a0") }),
      min: 0,
      queries: [instantQuery(expr, `{{${label}}}`)],
      // The name with the most characters gets the room that it needs, and the first value, but digits differ in width: four
      // spaces, which are not shown, make room for those that are wider.
      displayName: `\${__field.labels.${label}}    `,
      ...(options.unit.startsWith("suffix:") && { unit: `${options.unit}    ` }),
    },
  );

/** How series are drawn: lines, or stacked areas. */
export type Drawing = "lines" | "stack";

/** Width of the vertical axis in pixels: the same in all charts, so that times are below each other. */
const AXIS_WIDTH = 72;

const legendBelow = ({ showsLegend = true }: PanelOptions) =>
  new common.VizLegendOptionsBuilder()
    .displayMode(common.LegendDisplayMode.List)
    .placement(common.LegendPlacement.Bottom)
    .showLegend(showsLegend)
    .calcs([]);

const tooltipOfAll = (order: common.SortOrder) =>
  new common.VizTooltipOptionsBuilder().mode(common.TooltipDisplayMode.Multi).sort(order);

/** Series over time. Missing samples are a gap. */
export const seriesPanel = (options: PanelOptions, drawing: Drawing = "lines"): Panel => {
  const builder = new timeseries.PanelBuilder()
    .colorScheme({ build: () => ({ mode: FieldColorModeId.PaletteClassic }) })
    .lineWidth({ lines: 2, stack: 1 }[drawing])
    .fillOpacity({ lines: 0, stack: 40 }[drawing])
    .axisWidth(AXIS_WIDTH)
    .showPoints(common.VisibilityMode.Auto)
    .spanNulls(false)
    .legend(legendBelow(options))
    .tooltip(tooltipOfAll(common.SortOrder.Descending));
  if (drawing !== "lines")
    builder.stacking(
      new common.StackingConfigBuilder().mode(common.StackingMode.Normal).group("A"),
    );
  return withCommonOptions(builder.build(), options);
};

/**
 * Bars with one name or date each. Their time range is that of the query and not that of the dashboard, so the query is an
 * instant query of a range vector.
 * @param dates format of the dates below the bars
 */
export const columnsPanel = (options: PanelOptions, dates: string): Panel =>
  withCommonOptions(
    new barchart.PanelBuilder()
      .orientation(common.VizOrientation.Vertical) // on a phone too
      .colorScheme({ build: () => ({ mode: FieldColorModeId.PaletteClassic }) })
      .lineWidth(0)
      .fillOpacity(80)
      .barWidth(0.85)
      .groupWidth(0.8)
      .showValue(common.VisibilityMode.Never)
      .stacking(common.StackingMode.None)
      .xTickLabelMaxLength(12)
      .xTickLabelSpacing(60)
      .axisWidth(AXIS_WIDTH)
      .legend(legendBelow(options))
      .tooltip(tooltipOfAll(common.SortOrder.None))
      .build(),
    {
      ...options,
      overrides: [
        override("byType", "time", { unit: `time:${dates}` }),
        ...(options.overrides ?? []),
      ],
    },
  );

/** More rows than this in a panel of states are not readable. */
export const MAX_STATE_ROWS = 12;

/** States over time, one row per series. The colours are explained below. */
export const statesPanel = (options: PanelOptions): Panel => {
  const panel = new statetimeline.PanelBuilder()
    .colorScheme({ build: () => ({ mode: FieldColorModeId.PaletteClassic }) }) // for the legend
    .mergeValues(true)
    .showValue(common.VisibilityMode.Never)
    .rowHeight(0.85)
    .fillOpacity(90)
    .lineWidth(0)
    .spanNulls(false)
    .legend(
      new common.VizLegendOptionsBuilder()
        .displayMode(common.LegendDisplayMode.List)
        .placement(common.LegendPlacement.Bottom)
        .showLegend(true)
        .calcs([]),
    )
    .build();
  // No pages, which the builder cannot express: the queries return at most 12 rows.
  const withoutPages = { ...(panel.options as object), perPage: 0 };
  return withCommonOptions({ ...panel, options: withoutPages }, options);
};

/** Texts and colours for 0, 1, 2 … and for no data, so that no state is shown by colour alone. */
export const stateMappings = (
  ...states: readonly (readonly [text: string, color: string])[]
): ValueMapping[] => [
  {
    type: MappingType.ValueToText,
    options: {
      ...Object.fromEntries(
        states.map(([text, color], index) => [String(index), { text, color, index }]),
      ),
      [NO_DATA]: { text: "No data", color: MISSING, index: states.length },
    },
  },
];
export const reachable = stateMappings(["Unreachable", "dark-red"], ["Reachable", "dark-green"]);
/** States of an inverter, worst first: the values of `inverterState`. */
export const inverterStates = stateMappings(
  ["Missing", "dark-red"],
  ["Unknown", "#7d7f8c"],
  ["Asleep", "#3b4863"],
  ["Online", "dark-green"],
);
