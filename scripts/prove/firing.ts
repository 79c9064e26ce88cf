/** Alerts over a whole span, as a Prometheus that evaluates them every five minutes would have fired them. */
import { AFTER_ROUND, STEP } from "./life.ts";
import { type AlertRule, withAlerts } from "./rules.ts";
import type { Piece, Server } from "./store.ts";

/** One alert that fired. */
export interface Firing {
  readonly alert: string;
  readonly severity: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Milliseconds since 1970: when it began to fire, and the first step at which it did not any more. */
  readonly from: number;
  readonly to: number;
}

/** Series with every label set that an alert which holds itself by ALERTS can have, of some ECUs. */
const universes: Readonly<Record<string, (ecus: string) => string>> = {
  EcuReportFrozen: (ecus) => `ecu_up{${ecus}}`,
  EcuCountersFrozen: (ecus) => `ecu_up{${ecus}}`,
  PlantDown: (ecus) => `ecu_up{${ecus}}`,
  PlantWithoutGrid: (ecus) => `ecu_up{${ecus}}`,
  InverterWithoutGrid: (ecus) => `inverter_online{${ecus}}`,
  InverterOffline: (ecus) => `inverter_online{${ecus}}`,
  PanelSilent: (ecus) => `last_over_time(inverter_channel_power_watts{${ecus}}[26h])`,
};
const NEVER = "(vector(0) == 1)";

/** Steps at which each label set of an expression has a value. */
type Steps = Map<string, Set<number>>;

/** What fired of one rule. */
export const firingsOf = async (
  rule: AlertRule,
  server: Server,
  pieces: readonly Piece[],
): Promise<Firing[]> => {
  const triggered: Steps = new Map();
  const held: Steps = new Map();
  const plain = withAlerts(rule.expr, NEVER);
  for (const piece of pieces) await collect(server, plain, piece, triggered);
  if (plain !== rule.expr && triggered.size > 0) {
    const universe = universes[rule.alert];
    if (universe === undefined) throw new Error(`${rule.alert} holds itself: name its series`);
    const ecus = [...triggered.keys()].map((key) => Object.fromEntries(JSON.parse(key))["ecu"]);
    const matcher = `ecu=~"${[...new Set(ecus)].join("|")}"`;
    const hold = withAlerts(rule.expr, universe(matcher));
    for (const piece of pieces) await collect(server, hold, piece, held);
  }
  return [...triggered].flatMap(([labels, steps]) => runs(rule, labels, steps, held.get(labels)));
};

const collect = async (server: Server, expr: string, piece: Piece, into: Steps): Promise<void> => {
  for (const { metric, values } of await server.range(expr, piece, AFTER_ROUND)) {
    const { __name__: _, ...labels } = metric;
    const key = JSON.stringify(Object.entries(labels).sort());
    const steps = into.get(key) ?? new Set<number>();
    into.set(key, steps);
    for (const [at] of values) steps.add(Math.round(at * 1000));
  }
};

/** Applies `for`: an alert fires when its expression has had a value for that long without a break. */
const runs = (
  { alert, severity, forMs }: AlertRule,
  key: string,
  triggered: ReadonlySet<number>,
  held: ReadonlySet<number> | undefined,
): Firing[] => {
  const labels = Object.fromEntries(JSON.parse(key) as [string, string][]);
  const firings: Firing[] = [];
  const steps = [...new Set([...triggered, ...(held ?? [])])].sort((one, other) => one - other);
  let since: number | undefined;
  let from: number | undefined;
  let last = Number.NEGATIVE_INFINITY;
  const end = (at: number): void => {
    if (from !== undefined) firings.push({ alert, severity, labels, from, to: at });
    [since, from] = [undefined, undefined];
  };
  for (const at of steps) {
    if (at > last + STEP) end(last + STEP);
    const isActive = triggered.has(at) || (from !== undefined && held?.has(at) === true);
    if (!isActive) end(at);
    else {
      since ??= at;
      if (at - since >= forMs) from ??= at;
    }
    last = at;
  }
  end(last + STEP);
  return firings;
};
