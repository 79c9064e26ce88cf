/** What the proof found: false alerts of the healthy, and what was found of what went wrong, and when. */
import type { Firing } from "./firing.ts";
import { DAY } from "./life.ts";
import { type Case, goodMinutes } from "./lives.ts";
import type { AlertRule } from "./rules.ts";
import { type TroubleName, troubleKinds } from "./troubles.ts";

/** Severities that may wake somebody. */
const LOUD = new Set(["critical", "warning"]);
/** A fault counts as found within this many minutes of good light. */
export const FOUND_MINUTES = 60;

export interface AlertVerdict {
  readonly alert: string;
  readonly severity: string;
  /** In lives in which nothing was wrong, and before anything was. */
  readonly falseAlerts: readonly Firing[];
}

export interface TroubleVerdict {
  readonly kind: TroubleName;
  readonly tried: number;
  readonly found: number;
  /** Of these by severity info, in frost. */
  readonly foundAsInfo: number;
  /** Minutes of good light, or days where it is slow, until the right alert fired: of each that was found. */
  readonly delays: readonly number[];
  readonly missed: readonly Case[];
  /** Alerts that fired though they name something else. */
  readonly wrong: readonly Firing[];
}

export interface Verdict {
  readonly alerts: readonly AlertVerdict[];
  readonly troubles: readonly TroubleVerdict[];
}

export const judge = (
  rules: readonly AlertRule[],
  firings: readonly Firing[],
  cases: readonly Case[],
): Verdict => {
  const caseOf = new Map(cases.map((one) => [one.life.ecu, one]));
  const isFalse = ({ labels, from }: Firing): boolean => {
    const one = caseOf.get(labels["ecu"] ?? "");
    // On the first day of a life the rules know nothing yet of the plant.
    return one === undefined || (from < one.at && from >= one.life.from + DAY);
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
    troubles: (Object.keys(troubleKinds) as TroubleName[]).map((kind) =>
      verdictOn(
        kind,
        cases.filter((one) => one.kind === kind),
        firings,
      ),
    ),
  };
};

const verdictOn = (
  kind: TroubleName,
  cases: readonly Case[],
  firings: readonly Firing[],
): TroubleVerdict => {
  const { alert, effects, isSlow } = troubleKinds[kind];
  const delays: number[] = [];
  const missed: Case[] = [];
  let foundAsInfo = 0;
  const wrong: Firing[] = [];
  for (const one of cases) {
    const after = firings.filter(
      ({ labels, from }) => labels["ecu"] === one.life.ecu && from >= one.at,
    );
    const isRight = (firing: Firing): boolean =>
      firing.alert === alert &&
      Object.entries(one.labels).every(([label, value]) => firing.labels[label] === value);
    const first = after.filter(isRight).sort((a, b) => a.from - b.from)[0];
    const delay =
      first &&
      (isSlow ? (first.from - one.at) / DAY : goodMinutes(one.life.plant, one.at, first.from));
    if (first === undefined || delay === undefined || (!isSlow && delay > FOUND_MINUTES))
      missed.push(one);
    else {
      delays.push(delay);
      if (first.severity === "info") foundAsInfo++;
    }
    wrong.push(
      ...after.filter(
        (firing) =>
          LOUD.has(firing.severity) && !isRight(firing) && !effects.includes(firing.alert),
      ),
    );
  }
  return { kind, tried: cases.length, found: delays.length, foundAsInfo, delays, missed, wrong };
};

/** What keeps the proof from holding, a line each: false loud alerts, what was missed, and what was called by another name. */
export const complaintsOf = ({ alerts, troubles }: Verdict): string[] => [
  ...alerts
    .filter(({ severity }) => LOUD.has(severity))
    .flatMap(({ falseAlerts }) => falseAlerts.map((firing) => `false: ${told(firing)}`)),
  ...troubles.flatMap(({ missed, wrong }) => [
    ...missed.map(
      ({ life, at }) => `missed: ${life.ecu}, which began at ${new Date(at).toISOString()}`,
    ),
    ...wrong.map((firing) => `wrong: ${told(firing)}`),
  ]),
];

const told = ({ alert, severity, labels, from, to }: Firing): string =>
  `${alert} (${severity}) from ${new Date(from).toISOString()} to ${new Date(to).toISOString()}, ${JSON.stringify(labels)}`;
