/** What a query says, read by Prometheus' own grammar. */
import type { SyntaxNode } from "@lezer/common";
import { parser } from "@prometheus-io/lezer-promql";

/** A metric that a query asks for. */
export interface Selector {
  readonly name: string;
  /** Such as `job=~"$job"`. */
  readonly matchers: readonly string[];
  /** Window in brackets, as written; absent where it asks for one value. */
  readonly range?: string;
  /** Function that is applied to the window. */
  readonly within?: string;
}

/** Values of Grafana's variables for a query that is only read. */
const anyValues: Readonly<Record<string, string>> = {
  __rate_interval: "5m",
  __range: "24h",
  __interval: "1m",
};

/** Puts values in the place of Grafana's variables. What is not named stays, `$1` of a label_replace for one. */
export const withValues = (expr: string, values: Readonly<Record<string, string>>): string =>
  expr.replace(/\$\{?(\w+)\}?/g, (whole, name: string) => values[name] ?? whole);

/** Offsets at which a query is no PromQL; none where it is. */
export const errorsOf = (expr: string): number[] => {
  const errors: number[] = [];
  parser.parse(withValues(expr, anyValues)).iterate({
    enter: ({ type, from }) => {
      if (type.isError) errors.push(from);
    },
  });
  return errors;
};

/** Every metric that a query asks for. A window of one of Grafana's variables is told by the variable's name. */
export const selectorsOf = (expr: string): Selector[] => {
  // Durations that nobody writes stand for the variables, so that they can be told from the others.
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
