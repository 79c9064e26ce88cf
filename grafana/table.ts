/** Tables that are joined from one query per column. */
import {
  type DashboardLink,
  DashboardLinkType,
  type DataTransformerConfig,
  type Panel,
} from "@grafana/grafana-foundation-sdk/dashboard";
import * as table from "@grafana/grafana-foundation-sdk/table";
import type { Uid } from "./board.ts";
import {
  fieldOverride,
  override,
  type PanelOptions,
  tableQuery,
  textIfMissing,
  withCommonOptions,
} from "./parts.ts";

/** One column: a label, or the value of a query. */
export interface Column {
  readonly name: string;
  /** Label to show. Default: the value of the query. */
  readonly label?: string;
  /** Query whose rows are joined with the others by the labels that all queries share. */
  readonly query?: string;
  /** Options of the field, such as its unit. */
  readonly options?: Readonly<Record<string, unknown>>;
}

/** Options of a table. */
export interface TableOptions extends Omit<PanelOptions, "queries" | "overrides" | "mappings"> {
  /** Text for a missing number. Default: that of Grafana. */
  readonly missing?: string;
  readonly columns: readonly Column[];
  /** Labels and values of the data that the table does not show. */
  readonly hidden?: readonly string[];
  /** Columns to sort by, in order of precedence. */
  readonly sortBy: readonly { readonly name: string; readonly desc: boolean }[];
}

/** A table with its columns in the given order. */
export const tablePanel = (options: TableOptions): Panel => {
  const { columns, hidden = [], missing, sortBy, ...rest } = options;
  const withQuery = columns.filter((column) => column.query !== undefined);
  // Grafana names the values of a table by the query if there is more than one query.
  const valueField = (column: Column): string =>
    withQuery.length === 1
      ? "Value"
      : `Value #${String.fromCharCode(65 + withQuery.indexOf(column))}`;
  const fieldOf = (column: Column): string => column.label ?? valueField(column);
  const forLabels = withQuery.filter(({ label }) => label !== undefined).map(valueField);
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
  const panel = withCommonOptions(builder.build(), {
    ...rest,
    queries: withQuery.map(({ query = "" }) => tableQuery(query)),
    overrides: [
      // For numbers only: before Grafana 10.2, a text counts as NaN, so that its cell would be empty.
      ...(missing === undefined
        ? []
        : [override("byType", "number", { mappings: [textIfMissing(missing)] })]),
      ...columns.flatMap(({ name, options }) => (options ? [fieldOverride(name, options)] : [])),
    ],
  });
  return { ...panel, transformations };
};

/** Centres columns of text between right-aligned columns of numbers. */
export const centred = { "custom.align": "center" };

/** Colours the cell by its state. Grafana 9.5 and newer migrate this option to a cell option. */
export const coloured = {
  "custom.displayMode": "color-background-solid",
  ...centred,
};

/**
 * A link from a cell to another dashboard, with the same time range and data source.
 * @param variables variable of the other dashboard → field of the row
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
