/** Tables that are joined from one query a column. */
import {
  type DashboardLink,
  DashboardLinkType,
  type DataTransformerConfig,
  type Panel,
} from "@grafana/grafana-foundation-sdk/dashboard";
import * as table from "@grafana/grafana-foundation-sdk/table";
import type { Uid } from "./board.ts";
import { type About, dress, field, rows } from "./parts.ts";

/** One column: a label, or the value of a query. */
export interface Column {
  readonly name: string;
  /** Label that it shows; without one, the value of its query. */
  readonly label?: string;
  /** Query whose rows are joined to the others by the labels that all queries share. */
  readonly query?: string;
  /** Options of the field, such as its unit. */
  readonly options?: Readonly<Record<string, unknown>>;
}

/** What a table shows. */
export interface TableAbout extends Omit<About, "queries" | "overrides"> {
  readonly columns: readonly Column[];
  /** Labels and values that are in the data and not in the table. */
  readonly hidden?: readonly string[];
  /** Columns by which it is sorted, the first first. */
  readonly sortBy: readonly { readonly name: string; readonly desc: boolean }[];
}

/** A table whose columns stand in the order in which they are given. */
export const tablePanel = (about: TableAbout): Panel => {
  const { columns, hidden = [], sortBy, ...rest } = about;
  const asked = columns.filter((column) => column.query !== undefined);
  // So Grafana names the values of a table's queries: by the query, where there are more than one.
  const valueField = (column: Column): string =>
    asked.length === 1 ? "Value" : `Value #${String.fromCharCode(65 + asked.indexOf(column))}`;
  const fieldOf = (column: Column): string => column.label ?? valueField(column);
  const forLabels = asked.filter(({ label }) => label !== undefined).map(valueField);
  const transformations: DataTransformerConfig[] = [
    { id: "merge", options: {} },
    {
      id: "organize",
      options: {
        excludeByName: Object.fromEntries(
          ["Time", ...hidden, ...forLabels].map((name) => [name, true]),
        ),
        indexByName: Object.fromEntries(columns.map((column, i) => [fieldOf(column), i])),
        renameByName: Object.fromEntries(columns.map((column) => [fieldOf(column), column.name])),
      },
    },
  ];
  const builder = new table.PanelBuilder()
    .showHeader(true)
    .minWidth(80)
    .sortBy(sortBy.map(({ name, desc }) => ({ build: () => ({ displayName: name, desc }) })));
  const panel = dress(builder.build(), {
    ...rest,
    queries: asked.map(({ query = "" }) => rows(query)),
    overrides: columns
      .filter((column) => column.options !== undefined)
      .map((column) => field(column.name, column.options ?? {})),
  });
  return { ...panel, transformations };
};

/** Words between columns of numbers, which stand to the right. */
export const centred = { "custom.align": "center" };

/** Colours the cell by its state; Grafana 9.5 and newer make of it what they call a cell option. */
export const coloured = {
  "custom.displayMode": "color-background-solid",
  ...centred,
};

/**
 * A link of a cell to another dashboard, in the same time range and data source.
 * @param variables variable of that dashboard → field of the row
 */
export const linkTo = (
  title: string,
  uid: Uid,
  variables: Readonly<Record<string, string>>,
): DashboardLink => {
  const values = Object.entries(variables).map(
    ([name, from]) => `var-${name}=\${__data.fields.${from}:percentencode}`,
  );
  const kept = [`\${__url_time_range}`, `var-datasource=\${datasource}`, ...values];
  return {
    title,
    url: `/d/${uid}?${kept.join("&")}`,
    type: DashboardLinkType.Link,
    icon: "",
    tooltip: "",
    tags: [],
    asDropdown: false,
    targetBlank: false,
    includeVars: false,
    keepTime: false,
  };
};
