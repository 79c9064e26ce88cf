/** The result of a proof: false alerts of healthy plants, faults that were found, and after which time. */
import { type FaultKind, type FaultKindName, faultKinds } from "./fault-kinds.ts";
import type { Firing } from "./firing.ts";
import type { AlertRule } from "./rules.ts";
import { DAY } from "./scenario.ts";
import { countGoodMinutes, type FaultCase } from "./scenarios.ts";

/** Severities of alerts that need action. */
const URGENT_SEVERITIES = new Set(["critical", "warning"]);
/** A fault counts as found within this many minutes of good light. */
export const FOUND_MINUTES = 60;

export interface AlertResult {
  readonly alert: string;
  readonly severity: string;
  /** Alerts on healthy plants, and before the start of a fault. */
  readonly falseAlerts: readonly Firing[];
}

export interface FaultResult {
  readonly kind: FaultKindName;
  readonly tried: number;
  readonly found: number;
  /** How many of these were found by an alert of severity info, in frost. */
  readonly foundAsInfo: number;
  /** Time until the right alert fired, for each fault found: minutes of good light, or days for a slow fault. */
  readonly delays: readonly number[];
  readonly missed: readonly FaultCase[];
  /** Alerts that fired during the fault but report something else. */
  readonly wrong: readonly Firing[];
}

export interface ProofResult {
  readonly alerts: readonly AlertResult[];
  readonly faults: readonly FaultResult[];
}

/** Compares the alerts that fired with those that had to fire. */
export const evaluateFirings = (
  rules: readonly AlertRule[],
  firings: readonly Firing[],
  cases: readonly FaultCase[],
): ProofResult => {
  const caseByEcu = new Map(cases.map((faultCase) => [faultCase.scenario.ecu, faultCase]));
  const isFalse = ({ labels, from }: Firing): boolean => {
    const faultCase = caseByEcu.get(labels["ecu"] ?? "");
    if (faultCase === undefined) return true;
    const { at, scenario } = faultCase;
    return from < at && from >= scenario.from + DAY; // on the first day the rules do not know the plant yet
  };
  return {
    alerts: rules
      .filter(({ severity }) => severity !== "none")
      .map(({ alert, severity }) => ({
        alert,
        severity,
        falseAlerts: firings.filter(
          (firing) => firing.alert === alert && firing.severity === severity && isFalse(firing),
        ),
      })),
    faults: (Object.keys(faultKinds) as FaultKindName[]).map((kind) =>
      evaluateFaultKind(
        kind,
        cases.filter((faultCase) => faultCase.kind === kind),
        firings,
      ),
    ),
  };
};

const evaluateFaultKind = (
  kind: FaultKindName,
  cases: readonly FaultCase[],
  firings: readonly Firing[],
): FaultResult => {
  const { alert, effects, isSlow }: FaultKind = faultKinds[kind];
  const delays: number[] = [];
  const missed: FaultCase[] = [];
  let foundAsInfo = 0;
  const wrong: Firing[] = [];
  for (const faultCase of cases) {
    const { at, scenario } = faultCase;
    const after = firings.filter(
      ({ labels, from }) => labels["ecu"] === scenario.ecu && from >= at,
    );
    const isRight = (firing: Firing): boolean =>
      firing.alert === alert &&
      Object.entries(faultCase.labels).every(([label, value]) => firing.labels[label] === value);
    const first = after.filter(isRight).sort((a, b) => a.from - b.from)[0];
    const delay =
      first &&
      (isSlow ? (first.from - at) / DAY : countGoodMinutes(scenario.plant, at, first.from));
    if (first === undefined || delay === undefined || (!isSlow && delay > FOUND_MINUTES))
      missed.push(faultCase);
    else {
      delays.push(delay);
      if (first.severity === "info") foundAsInfo++;
    }
    wrong.push(
      ...after.filter(
        (firing) =>
          URGENT_SEVERITIES.has(firing.severity) &&
          !isRight(firing) &&
          !effects.includes(firing.alert),
      ),
    );
  }
  return { kind, tried: cases.length, found: delays.length, foundAsInfo, delays, missed, wrong };
};

/** Why the proof fails, one line each: false urgent alerts, missed faults, and wrong alerts. Empty if it succeeds. */
export const listFailures = ({ alerts, faults }: ProofResult): string[] => [
  ...alerts
    .filter(({ severity }) => URGENT_SEVERITIES.has(severity))
    .flatMap(({ falseAlerts }) => falseAlerts.map((firing) => `false: ${describeFiring(firing)}`)),
  ...faults.flatMap(({ missed, wrong }) => [
    ...missed.map(
      ({ scenario, at }) => `missed: ${scenario.ecu}, started at ${new Date(at).toISOString()}`,
    ),
    ...wrong.map((firing) => `wrong: ${describeFiring(firing)}`),
  ]),
];

const describeFiring = ({ alert, severity, labels, from, to }: Firing): string =>
  `${alert} (${severity}) from ${new Date(from).toISOString()} to ${new Date(to).toISOString()}, ${JSON.stringify(labels)}`;
