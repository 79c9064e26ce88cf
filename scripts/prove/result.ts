/** The result of a proof: false alerts of healthy plants, faults that were found, and after which time. */
import { type FaultKind, type FaultKindName, faultKinds } from "./fault-kinds.ts";
import type { Firing } from "./firing.ts";
import { locations } from "./plants.ts";
import type { AlertRule } from "./rules.ts";
import { DAY } from "./scenario.ts";
import { countGoodMinutes, type FaultCase, type Season, seasonalFaults } from "./scenarios.ts";

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
  /** How many of these were found by an alert of severity info, in the cold. */
  readonly foundAsInfo: number;
  /** Time until the right alert fired, for each fault found: minutes of good light, or days for a slow fault. */
  readonly delays: readonly number[];
  /** Faults that the right alert found later than `FOUND_MINUTES`, within four days. */
  readonly late: readonly FaultCase[];
  /** Faults that the right alert never found. */
  readonly missed: readonly FaultCase[];
  /** Alerts that fired during the fault but report something else. */
  readonly wrong: readonly Firing[];
}

/** How urgent a fault was at first notice, at one location in one month. */
export interface SeasonResult extends Season {
  readonly kind: FaultKindName;
  readonly tried: number;
  /** How many were reported as warning or critical within `FOUND_MINUTES` of good light. */
  readonly urgent: number;
}

export interface ProofResult {
  readonly alerts: readonly AlertResult[];
  readonly faults: readonly FaultResult[];
  readonly seasons: readonly SeasonResult[];
}

/** Adds up the results of proofs with the same rules and other seeds. @throws Error without a result */
export const addResults = (results: readonly ProofResult[]): ProofResult =>
  results.reduce((sum, { alerts, faults, seasons }) => ({
    alerts: sum.alerts.map((alert, i) => ({
      ...alert,
      falseAlerts: [...alert.falseAlerts, ...(alerts[i]?.falseAlerts ?? [])],
    })),
    faults: sum.faults.map((fault, i) => addFaults(fault, faults[i] ?? fault)),
    seasons: sum.seasons.map((season, i) => ({
      ...season,
      tried: season.tried + (seasons[i]?.tried ?? 0),
      urgent: season.urgent + (seasons[i]?.urgent ?? 0),
    })),
  }));

const addFaults = (a: FaultResult, b: FaultResult): FaultResult => ({
  kind: a.kind,
  tried: a.tried + b.tried,
  found: a.found + b.found,
  foundAsInfo: a.foundAsInfo + b.foundAsInfo,
  delays: [...a.delays, ...b.delays],
  late: [...a.late, ...b.late],
  missed: [...a.missed, ...b.missed],
  wrong: [...a.wrong, ...b.wrong],
});

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
    seasons: evaluateSeasons(cases, firings),
    faults: (Object.keys(faultKinds) as FaultKindName[]).map((kind) =>
      evaluateFaultKind(
        kind,
        cases.filter((faultCase) => faultCase.kind === kind),
        firings,
      ),
    ),
  };
};

const evaluateSeasons = (
  cases: readonly FaultCase[],
  firings: readonly Firing[],
): SeasonResult[] => {
  const urgent = firings.filter(({ severity }) => URGENT_SEVERITIES.has(severity));
  const isUrgentSoon = (faultCase: FaultCase): boolean =>
    urgent.some(
      (firing) =>
        isRight(firing, faultCase) &&
        firing.from >= faultCase.at &&
        countGoodMinutes(faultCase.scenario.plant, faultCase.at, firing.from) <= FOUND_MINUTES,
    );
  return seasonalFaults.flatMap((kind) =>
    locations.flatMap(({ name }) =>
      Array.from({ length: 12 }, (_, month): SeasonResult => {
        const tried = cases.filter(
          ({ kind: its, season }) =>
            its === kind && season?.location === name && season.month === month,
        );
        const found = tried.filter(isUrgentSoon);
        return { kind, location: name, month, tried: tried.length, urgent: found.length };
      }),
    ),
  );
};

/** Whether the alert is the one that the fault must cause, with all labels. */
const isRight = (firing: Firing, { kind, labels }: FaultCase): boolean =>
  firing.alert === faultKinds[kind].alert &&
  Object.entries(labels).every(([label, value]) => firing.labels[label] === value);

const evaluateFaultKind = (
  kind: FaultKindName,
  cases: readonly FaultCase[],
  firings: readonly Firing[],
): FaultResult => {
  const { effects, isSlow }: FaultKind = faultKinds[kind];
  const delays: number[] = [];
  const late: FaultCase[] = [];
  const missed: FaultCase[] = [];
  let foundAsInfo = 0;
  const wrong: Firing[] = [];
  for (const faultCase of cases) {
    const { at, scenario } = faultCase;
    const after = firings.filter(
      ({ labels, from }) => labels["ecu"] === scenario.ecu && from >= at,
    );
    // Under snow, the alert may fire as info already when the fault begins. Then it is found at once.
    const first = firings
      .filter((firing) => isRight(firing, faultCase) && firing.to > at)
      .sort((a, b) => a.from - b.from)[0];
    const since = first && Math.max(at, first.from);
    const delay =
      since && (isSlow ? (since - at) / DAY : countGoodMinutes(scenario.plant, at, since));
    if (first === undefined || delay === undefined) missed.push(faultCase);
    else if (!isSlow && delay > FOUND_MINUTES) late.push(faultCase);
    else {
      delays.push(delay);
      if (first.severity === "info") foundAsInfo++;
    }
    wrong.push(
      ...after.filter(
        (firing) =>
          URGENT_SEVERITIES.has(firing.severity) &&
          !isRight(firing, faultCase) &&
          !effects.includes(firing.alert),
      ),
    );
  }
  return {
    kind,
    tried: cases.length,
    found: delays.length,
    foundAsInfo,
    delays,
    late,
    missed,
    wrong,
  };
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

/** Faults that were found late, one line each. */
export const listLate = ({ faults }: ProofResult): string[] =>
  faults.flatMap(({ late }) =>
    late.map(
      ({ scenario, at }) => `late: ${scenario.ecu}, started at ${new Date(at).toISOString()}`,
    ),
  );

const describeFiring = ({ alert, severity, labels, from, to }: Firing): string =>
  `${alert} (${severity}) from ${new Date(from).toISOString()} to ${new Date(to).toISOString()}, ${JSON.stringify(labels)}`;
