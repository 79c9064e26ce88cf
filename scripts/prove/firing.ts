/** The alerts that fire over a period, as in a Prometheus that evaluates the rules every five minutes. */
import { type AlertRule, replaceAlertsSelector } from "./rules.ts";
import { AFTER_ROUND, type Period, STEP } from "./scenario.ts";
import type { PrometheusServer } from "./store.ts";

/** One alert that fired. */
export interface Firing {
  readonly alert: string;
  readonly severity: string;
  readonly labels: Readonly<Record<string, string>>;
  /** When it started to fire, and the first step at which it no longer fired. Milliseconds since 1970. */
  readonly from: number;
  readonly to: number;
}

/** For each alert that keeps itself firing with ALERTS: series with every label set that it can have. */
const possibleSeries: Readonly<Record<string, (ecus: string) => string>> = {
  EcuUnreachable: (ecus) => `ecu_up{${ecus}}`,
  EcuReportFrozen: (ecus) => `ecu_up{${ecus}}`,
  EcuCountersFrozen: (ecus) => `ecu_up{${ecus}}`,
  PlantDown: (ecus) => `ecu_up{${ecus}}`,
  PlantWithoutGrid: (ecus) => `ecu_up{${ecus}}`,
  InverterWithoutGrid: (ecus) => `inverter_online{${ecus}}`,
  InverterOffline: (ecus) => `inverter_online{${ecus}}`,
  InverterGone: (ecus) => `last_over_time(inverter_online{${ecus}}[1d])`,
  PanelSilent: (ecus) => `last_over_time(inverter_channel_power_watts{${ecus}}[26h])`,
};
const NEVER = "(vector(0) == 1)";

/** The steps at which each label set of an expression has a value. */
type Steps = Map<string, Set<number>>;

/** Finds every time that an alert fires. */
export const findFirings = async (
  rule: AlertRule,
  server: PrometheusServer,
  blocks: readonly Period[],
): Promise<Firing[]> => {
  const active: Steps = new Map();
  const held: Steps = new Map();
  const withoutHold = replaceAlertsSelector(rule.expr, NEVER);
  for (const block of blocks) await collect(server, withoutHold, block, active);
  if (withoutHold !== rule.expr && active.size > 0) {
    const allSeries = possibleSeries[rule.alert];
    if (allSeries === undefined)
      throw new Error(`${rule.alert} selects ALERTS: add it to possibleSeries`);
    const ecus = [...active.keys()].map((key) => Object.fromEntries(JSON.parse(key))["ecu"]);
    const matcher = `ecu=~"${[...new Set(ecus)].join("|")}"`;
    const withHold = replaceAlertsSelector(rule.expr, allSeries(matcher));
    for (const block of blocks) await collect(server, withHold, block, held);
  }
  return [...active].flatMap(([labels, steps]) => applyFor(rule, labels, steps, held.get(labels)));
};

const collect = async (
  server: PrometheusServer,
  expr: string,
  block: Period,
  into: Steps,
): Promise<void> => {
  for (const { metric, values } of await server.queryRange(expr, block, AFTER_ROUND)) {
    const { __name__: _, ...labels } = metric;
    const key = JSON.stringify(Object.entries(labels).sort());
    const steps = into.get(key) ?? new Set<number>();
    into.set(key, steps);
    for (const [at] of values) steps.add(Math.round(at * 1000));
  }
};

/** Applies `for`: an alert fires once its expression has had a value for that long without a gap. */
const applyFor = (
  { alert, severity, forMs }: AlertRule,
  key: string,
  active: ReadonlySet<number>,
  held: ReadonlySet<number> | undefined,
): Firing[] => {
  const labels = Object.fromEntries(JSON.parse(key) as [string, string][]);
  const firings: Firing[] = [];
  const steps = [...new Set([...active, ...(held ?? [])])].sort((a, b) => a - b);
  let since: number | undefined;
  let from: number | undefined;
  let last = Number.NEGATIVE_INFINITY;
  const end = (at: number): void => {
    if (from !== undefined) firings.push({ alert, severity, labels, from, to: at });
    [since, from] = [undefined, undefined];
  };
  for (const at of steps) {
    if (at > last + STEP) end(last + STEP);
    const isActive = active.has(at) || (from !== undefined && held?.has(at) === true);
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
