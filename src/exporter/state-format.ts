/** The text of the state file: the memory of each ECU as JSON, by the name the ECU is configured with. */

import type { CounterMemory, EcuMemory, Memory, Streak } from "../ecu/validate.ts";
import type { Clock } from "../time/clock.ts";
import { isTimeZone } from "../time/zone.ts";

const FORMAT = "apsystems-ecu-exporter state";
const VERSION = 1;

type Times = Pick<Clock, "now" | "monotonic">;

/** Streaks are kept by the wall clock: monotonic time begins anew with each process. */
export const formatState = (memories: ReadonlyMap<string, Memory>, clock: Times): string => {
  const began = clock.now() - clock.monotonic();
  const outlasting = (streak: Streak) => ({
    ...streak,
    since: new Date(began + streak.since).toISOString(),
  });
  const counter = ({ zero, lower, ...others }: CounterMemory) => ({
    ...others,
    ...(zero && { zero: outlasting(zero) }),
    ...(lower && { lower: outlasting(lower) }),
  });
  const memory = ({ ecus, ...others }: Memory) => ({
    ...others,
    ecus: mapValues(ecus, ({ date, lifetime, today }) => ({
      date,
      lifetime: counter(lifetime),
      today: counter(today),
    })),
  });
  const ecus = mapValues(Object.fromEntries(memories), memory);
  return `${JSON.stringify({ format: FORMAT, version: VERSION, ecus }, undefined, 2)}\n`;
};

/** @throws Error where the text is not what this version wrote. */
export const parseState = (text: string, clock: Times): Map<string, Memory> => {
  const state = objectIn(JSON.parse(text));
  if (state["format"] !== FORMAT) throw new Error("another program wrote it");
  if (state["version"] !== VERSION) throw new Error(`it is of version ${state["version"]}`);

  const streak = (value: unknown) => {
    const { since, times } = objectIn(value);
    return {
      since: toMonotonic(need(since, "since", isText), clock),
      times: need(times, "times", isCount),
    };
  };
  const counter = (value: unknown): CounterMemory => {
    const { good, goodOn, zero, lower } = objectIn(value);
    return {
      ...(good !== undefined && { good: need(good, "good", isEnergy) }),
      ...(goodOn !== undefined && { goodOn: need(goodOn, "goodOn", isDate) }),
      ...(zero !== undefined && { zero: streak(zero) }),
      ...(lower !== undefined && {
        lower: { ...streak(lower), joules: need(objectIn(lower)["joules"], "joules", isEnergy) },
      }),
    };
  };
  const ecu = (value: unknown): EcuMemory => {
    const { date, lifetime, today } = objectIn(value);
    return {
      ...(date !== undefined && { date: need(date, "date", isDate) }),
      lifetime: counter(lifetime),
      today: counter(today),
    };
  };
  const memory = (value: unknown): Memory => {
    const { ecuId, zone, ecus } = objectIn(value);
    return {
      ...(ecuId !== undefined && { ecuId: need(ecuId, "ecuId", isEcu) }),
      ...(zone !== undefined && { zone: need(zone, "zone", isKnownZone) }),
      ecus: mapValues(objectIn(ecus), ecu),
    };
  };
  return new Map(Object.entries(mapValues(objectIn(state["ecus"]), memory)));
};

/** A wall clock that was set back since must not put the moment in the future. */
const toMonotonic = (at: string, clock: Times): number => {
  const moment = Date.parse(at);
  if (Number.isNaN(moment)) throw new Error(`"${at}" is no time`);
  return clock.monotonic() - Math.max(0, clock.now() - moment);
};

const mapValues = <T, U>(
  values: Readonly<Record<string, T>>,
  change: (value: T) => U,
): Record<string, U> =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [key, change(value)]));

const objectIn = (value: unknown): Readonly<Record<string, unknown>> => {
  if (typeof value !== "object" || value === null) throw new Error("an object is missing");
  return value as Record<string, unknown>;
};

const need = <T>(value: unknown, name: string, isRight: (value: unknown) => value is T): T => {
  if (!isRight(value)) throw new Error(`${name} is not what it should be`);
  return value;
};
const isText = (value: unknown): value is string => typeof value === "string";
const isEcu = (value: unknown): value is string => isText(value) && /^\d{12}$/.test(value);
const isKnownZone = (value: unknown): value is string => isText(value) && isTimeZone(value);
const isDate = (value: unknown): value is string => isText(value) && /^\d{8}$/.test(value);
const isCount = (value: unknown): value is number => Number.isInteger(value) && Number(value) > 0;
const isEnergy = (value: unknown): value is number => Number.isFinite(value) && Number(value) >= 0;
