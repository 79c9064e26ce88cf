/** Parses queries with the grammar of Prometheus. */
import type { SyntaxNode } from "@lezer/common";
import { parser } from "@prometheus-io/lezer-promql";

/** A metric in a query. */
export interface Selector {
  readonly name: string;
  /** Such as `job=~"$job"`. */
  readonly matchers: readonly string[];
  /** Range in brackets, as written; absent for an instant vector. */
  readonly range?: string;
  /** Function that is applied to the range. */
  readonly within?: string;
}

/** Values of Grafana's variables, to parse a query. */
const anyValues: Readonly<Record<string, string>> = {
  __rate_interval: "5m",
  __range: "24h",
  __interval: "1m",
};

/** Replaces Grafana's variables by values. Others stay, such as `$1` of label_replace. */
export const withValues = (expr: string, values: Readonly<Record<string, string>>): string =>
  expr.replace(/\$\{?(\w+)\}?/g, (whole, name: string) => values[name] ?? whole);

/** Offsets of the syntax errors in a query. */
export const findSyntaxErrors = (expr: string): number[] => {
  const errors: number[] = [];
  parser.parse(withValues(expr, anyValues)).iterate({
    enter: ({ type, from }) => {
      if (type.isError) errors.push(from);
    },
  });
  return errors;
};

/** All metrics in a query. A range that is a variable of Grafana is given as the name of the variable. */
export const listSelectors = (expr: string): Selector[] => {
  // Unusual durations stand for the variables, so that they can be distinguished from written ones.
  const marks = { __rate_interval: "11111s", __range: "22222s", __interval: "33333s" };
  const text = withValues(expr, marks);
  const unmarked = (range: string): string =>
    Object.entries(marks).find(([, mark]) => mark === range)?.[0] ?? range;
  const of = (node: SyntaxNode): string => text.slice(node.from, node.to);
  const found: Selector[] = [];
  parser.parse(text).iterate({
    enter: ({ name, node }) => {
      if (name !== "VectorSelector") return;
      const metric = node.getChild("Identifier");
      const matchers = node.getChild("LabelMatchers")?.getChildren("UnquotedLabelMatcher") ?? [];
      const window = node.parent?.name === "MatrixSelector" ? node.parent : undefined;
      const duration = window?.getChild("DurationExpr");
      found.push({
        name: metric === null ? "" : of(metric),
        matchers: matchers.map(of),
        ...(duration && { range: unmarked(of(duration)) }),
        ...(window && { within: functionAround(window, of) }),
      });
    },
  });
  return found;
};

const functionAround = (window: SyntaxNode, of: (node: SyntaxNode) => string): string => {
  const isModified = ["OffsetExpr", "StepInvariantExpr"].includes(window.parent?.name ?? "");
  const outer = isModified && window.parent !== null ? window.parent : window;
  const call = outer.parent?.parent;
  const called = call?.name === "FunctionCall" ? call.getChild("FunctionIdentifier") : null;
  return called === null ? "" : of(called);
};
