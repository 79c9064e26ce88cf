/** The roof as a picture: each array as a grid of its panels. */
import * as common from "@grafana/grafana-foundation-sdk/common";
import type { Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import * as table from "@grafana/grafana-foundation-sdk/table";
import {
  MISSING,
  tableQuery,
  textFor,
  textIfMissing,
  thresholds,
  withCommonOptions,
} from "./parts.ts";
import { periodNames, sinceMidnight } from "./periods.ts";
import { channelEnergy, ecuSeries, perChannel } from "./promql.ts";
import { inverterState } from "./states.ts";

/** Selects the array of the repeated panel. */
const arrayMatcher = 'array=~"$array"';

/** Two digits, because Grafana sorts texts: 02 is before 10. */
const twoDigits = (expr: string, label: string): string =>
  `label_replace(${expr}, "${label}", "0$1", "${label}", "([0-9])")`;

/** The panels of an array with their row and column, value 1. Places of the last day are kept while the ECU is unreachable. */
const places = twoDigits(
  twoDigits(
    `max by (ecu, uid, channel, row, column) (last_over_time(${ecuSeries(
      "inverter_channel_info",
      arrayMatcher,
      'row!=""',
      'column!=""',
    )}[1d] @ end()))`,
    "row",
  ),
  "column",
);

/** Stands for a panel whose inverter is missing. */
const OF_MISSING = -1;
const ofMissing = `${places} * on (ecu, uid) group_left () (${inverterState()} == 0) + ${OF_MISSING}`;

/**
 * The value of each panel relative to the best panel of its array. Panels without a value have that of `others`, or NaN.
 * Arrays of several ECUs with the same name are separate, and their rows are below each other: the label `place` has the ECU
 * and the row.
 */
const shareOfBest = (channels: string, others?: string): string => {
  const placed = `${places} * on (ecu, uid, channel) group_left () (${channels})`;
  const share = `(${placed}) / on (ecu) group_left () (max by (ecu) (${placed}) > 0)`;
  const rest = [...(others === undefined ? [] : [others]), `${places} * NaN`];
  const all = [share, ...rest].join(" or on (ecu, uid, channel) ");
  return `max by (place, column) (label_join(${all}, "place", " ", "ecu", "row"))`;
};

/** A table of the panels of an array by row and column. */
const roofPanel = (title: string, description: string, query: string): Panel => {
  const panel = withCommonOptions(
    new table.PanelBuilder()
      .showHeader(false)
      .minWidth(44)
      .cellHeight(common.TableCellHeight.Md) // Grafana 9 has one height
      .build(),
    {
      title,
      description,
      unit: "percentunit",
      decimals: 0,
      noValue: "No panel of the roof has a row and a column (--ecu.panel).",
      mappings: [textFor(OF_MISSING, "✕", "dark-red"), textIfMissing("–", MISSING)],
      queries: [tableQuery(query)],
      overrides: [
        {
          matcher: { id: "byName", options: "place\\column" },
          properties: [
            { id: "custom.hidden", value: true },
            { id: "unit", value: "none" },
          ],
        },
      ],
    },
  );
  const { fieldConfig } = panel;
  return {
    ...panel,
    fieldConfig: {
      overrides: fieldConfig?.overrides ?? [],
      defaults: {
        ...fieldConfig?.defaults,
        color: { mode: "thresholds" },
        thresholds: thresholds([
          [0, "dark-red"],
          [0.5, "dark-orange"],
          [0.75, "dark-yellow"],
          [0.9, "dark-green"],
        ]),
        custom: {
          ...(fieldConfig?.defaults.custom as Record<string, unknown> | undefined),
          align: "center",
          // Grafana 9.5 and newer migrate this option to a cell option.
          displayMode: "color-background-solid",
        },
      },
    } as NonNullable<Panel["fieldConfig"]>,
    transformations: [
      { id: "sortBy", options: { sort: [{ field: "column", desc: false }] } },
      {
        id: "groupingToMatrix",
        options: { rowField: "place", columnField: "column", valueField: "Value" },
      },
      { id: "sortBy", options: { sort: [{ field: "place\\column", desc: false }] } },
    ],
  };
};

export const roofNow = roofPanel(
  "$array now",
  "The panels of this part of the roof by row and column, seen from the front: the power of each panel relative to the best panel of the array. Green is at least 90 %, yellow 75 %, orange 50 %. ✕ is a panel whose inverter is missing: it has not replied for 45 minutes while the others give power. – is another panel without a value: it is night, or the ECU does not reply. If several ECUs have an array of this name, their grids are below each other.",
  shareOfBest(perChannel("inverter_channel_power_watts"), ofMissing),
);

export const roofToday = roofPanel(
  `$array, ${periodNames.today}`,
  "The same for the energy of each panel from midnight to the end of the time range.",
  shareOfBest(channelEnergy(sinceMidnight)),
);
