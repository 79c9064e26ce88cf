/** Parses queries with the grammar of Prometheus. */
import type { SyntaxNode } from "@lezer/common";
import { parser } from "@prometheus-io/lezer-promql";

/** A metric in a query. */
export interface Selector {
  readonly name: string;
  /** For example `job=~"$job"`. */
  readonly matchers: readonly string[];
  /** Range in brackets, as written; absent for an instant vector. */
  readonly range?: string;
  /** Function that is applied to the range. */
  readonly rangeFunction?: string;
}

/** The expression of a query that lists the values of a variable; undefined if it has no function that Grafana knows. */
export const variableExpr = (query: string): string | undefined =>
  /^(?:label_values\((.+), \w+\)|query_result\((.+)\))$/.exec(query)?.slice(1).find(Boolean);

/** Values of the variables of Grafana, to parse a query. */
const sampleValues: Readonly<Record<string, string>> = {
  __rate_interval: "5m",
  __range: "24h",
  __interval: "1m",
  price: "", // the text box is empty at first
  currency: "€",
  __to: "1784545830000",
};

/**
 * The variables of Grafana for parts of the date at the end of the time range, in UTC.
 * @param end Unix time in seconds
 */
export const dateVariables = (end: number): Record<string, string> => {
  const date = new Date(end * 1000);
  const year = date.getUTCFullYear();
  const dayOfYear = Math.floor((end - Date.UTC(year, 0, 1) / 1000) / 86_400) + 1;
  return {
    __to: String(end * 1000),
    "__to:date:H": String(date.getUTCHours()),
    "__to:date:m": String(date.getUTCMinutes()),
    "__to:date:D": String(date.getUTCDate()),
    "__to:date:DDD": String(dayOfYear),
  };
};

/** Replaces variables of Grafana with values. Others stay, such as `$1` of label_replace. */
export const withValues = (expr: string, values: Readonly<Record<string, string>>): string =>
  expr.replace(
    /\$(?:\{([\w:]+)\}|(\w+))/g,
    (whole, braced?: string, plain?: string) => values[braced ?? plain ?? ""] ?? whole,
  );

const parsed = (expr: string, values: Readonly<Record<string, string>> = {}): string =>
  withValues(expr, { ...sampleValues, ...dateVariables(1_784_545_830), ...values });

/** Offsets of the syntax errors in a query. */
export const findSyntaxErrors = (expr: string): number[] => {
  const errors: number[] = [];
  parser.parse(parsed(expr)).iterate({
    enter: ({ type, from }) => {
      if (type.isError) errors.push(from);
    },
  });
  return errors;
};

/** All metrics in a query. A range that is a variable of Grafana is given as the name of the variable. */
export const listSelectors = (expr: string): Selector[] => {
  // Each variable is replaced by an unusual duration, which no query contains.
  const placeholders = { __rate_interval: "11111s", __range: "22222s", __interval: "33333s" };
  const text = parsed(expr, placeholders);
  const restoreVariable = (range: string): string =>
    Object.entries(placeholders).find(([, duration]) => duration === range)?.[0] ?? range;
  const getText = (node: SyntaxNode): string => text.slice(node.from, node.to);
  const selectors: Selector[] = [];
  parser.parse(text).iterate({
    enter: ({ name, node }) => {
      if (name !== "VectorSelector") return;
      const metric = node.getChild("Identifier");
      const matchers = node.getChild("LabelMatchers")?.getChildren("UnquotedLabelMatcher") ?? [];
      const window = node.parent?.name === "MatrixSelector" ? node.parent : undefined;
      const duration = window?.getChild("DurationExpr");
      selectors.push({
        name: metric === null ? "" : getText(metric),
        matchers: matchers.map(getText),
        ...(duration && { range: restoreVariable(getText(duration)) }),
        ...(window && { rangeFunction: getFunctionName(window, getText) }),
      });
    },
  });
  return selectors;
};

const getFunctionName = (window: SyntaxNode, getText: (node: SyntaxNode) => string): string => {
  const isModified = ["OffsetExpr", "StepInvariantExpr"].includes(window.parent?.name ?? "");
  const outer = isModified && window.parent !== null ? window.parent : window;
  const call = outer.parent?.parent;
  const identifier = call?.name === "FunctionCall" ? call.getChild("FunctionIdentifier") : null;
  return identifier === null ? "" : getText(identifier);
};
