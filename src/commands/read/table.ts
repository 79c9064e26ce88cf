/** A read as tables for people. */

import { createTable, formatTable } from "../../cli/table.ts";
import { styled, type Terminal } from "../../cli/terminal.ts";
import { isWaitingForData, type Observation } from "../../ecu/observe.ts";
import { queries } from "../../ecu/read.ts";
import type { InverterReading, Reading } from "../../ecu/reading.ts";
import { toKilowattHours } from "../../ecu/units.ts";
import { formatSpan, NOT_MEASURED, printable, wrapText } from "../../text.ts";

const GAP = "  ";

/** The ECU, its inverters, what went wrong and what is odd. @param notes oddities */
export const readTables = (
  observation: Observation,
  notes: readonly string[],
  screen: Terminal,
): string => {
  const { reading } = observation;
  const parts = [
    ecuTable(observation, screen),
    reading.inverters.length > 0 ? inverterTable(reading.inverters, screen) : "",
    problemsOf(observation)
      .map((line) => styled("bad", told(line, screen), screen))
      .join("\n"),
    notes.map((note) => styled("fair", told(`Odd: ${note}`, screen), screen)).join("\n"),
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
};

const told = (text: string, { columns }: Terminal): string =>
  wrapText(printable(text), columns, GAP);

/** A column: its head, which is also the unit, and what stands in it. */
interface Column {
  readonly head: string;
  readonly isNumber?: boolean;
  readonly of: (inverter: InverterReading, screen: Terminal) => string;
}

/** With four channels and three phases, these are 80 characters wide. */
const columns: readonly Column[] = [
  { head: "Inverter", of: ({ uid }) => printable(uid) },
  { head: "Model", of: ({ model }) => model },
  { head: "State", of: stateOf },
  {
    head: "Panels, W",
    of: ({ channelWatts }) => joined(channelWatts.map((watts) => shown(watts))),
  },
  {
    head: "Grid, V",
    of: ({ gridVolts }) => joined(gridVolts.map(({ volts }) => shown(volts))),
  },
  { head: "Hz", isNumber: true, of: ({ frequencyHertz }) => shown(frequencyHertz, 1) },
  { head: "°C", isNumber: true, of: ({ temperatureCelsius }) => shown(temperatureCelsius) },
  {
    head: "Signal",
    isNumber: true,
    of: ({ signalRatio }) =>
      signalRatio === undefined ? NOT_MEASURED : `${shown(signalRatio * 100)} %`,
  },
];

function stateOf({ online }: InverterReading, screen: Terminal): string {
  if (online === undefined) return styled("faint", "unknown", screen);
  return online ? styled("good", "online", screen) : styled("faint", "offline", screen);
}

const joined = (values: readonly string[]): string =>
  values.length === 0 ? NOT_MEASURED : values.join(" ");

const shown = (value: number | undefined, digits = 0): string =>
  value?.toFixed(digits) ?? NOT_MEASURED;

const inverterTable = (inverters: readonly InverterReading[], screen: Terminal): string => {
  const table = createTable(
    columns.map(({ head }) => styled("strong", head, screen)),
    columns.map(({ isNumber }) => (isNumber ? "right" : "left")),
  );
  for (const one of inverters) table.push(columns.map(({ of }) => of(one, screen)));
  return formatTable(table);
};

const ecuTable = (observation: Observation, screen: Terminal): string => {
  const { ecu, reading, up } = observation;
  const { identity, invertersOnline, registered } = reading;
  const rows: readonly (readonly [string, string])[] = [
    ["ECU", `${ecu}${GAP}${styled(up ? "good" : "bad", stateInWords(observation), screen)}`],
    ["Id", printable(identity?.ecuId ?? NOT_MEASURED)],
    ["Model", identity?.model ?? NOT_MEASURED],
    ["Firmware", printable(identity?.firmware ?? NOT_MEASURED)],
    ["Time zone", identity?.timezone ?? NOT_MEASURED],
    ["Power", withUnit(reading.powerWatts, 0, "W")],
    ["Energy today", inKilowattHours(reading.todayEnergyJoules, 2)],
    ["Energy in all", inKilowattHours(reading.lifetimeEnergyJoules, 1)],
    [
      "Inverters",
      (invertersOnline ?? registered) === undefined
        ? NOT_MEASURED
        : `${shown(invertersOnline)} of ${shown(registered)} online`,
    ],
    ["Last report", lastReport(reading, observation.readAt)],
  ];
  const table = createTable([], ["left", "left"]);
  for (const [name, value] of rows) table.push([styled("faint", name, screen), value]);
  return formatTable(table);
};

const stateInWords = (observation: Observation): string => {
  if (!observation.up) return "not read";
  return isWaitingForData(observation) ? "no data yet" : "read";
};

const withUnit = (value: number | undefined, digits: number, unit: string): string =>
  value === undefined ? NOT_MEASURED : `${shown(value, digits)} ${unit}`;

const inKilowattHours = (joules: number | undefined, digits: number): string =>
  withUnit(joules === undefined ? undefined : toKilowattHours(joules), digits, "kWh");

/** A stamp a little ahead is of now; one far ahead is of a clock that is wrong. */
const lastReport = ({ lastReportAt, lastReportLocal }: Reading, now: number): string => {
  if (lastReportAt === undefined || lastReportLocal === undefined) return NOT_MEASURED;
  const local = lastReportLocal.replace(/^(....)(..)(..)(..)(..)(..)$/, "$1-$2-$3 $4:$5:$6");
  const age = now - lastReportAt;
  const side = age < -60 ? `${formatSpan(-age)} ahead` : `${formatSpan(age)} ago`;
  return `${printable(local)} (${side})`;
};

/** What went wrong, a line each, with what to do about it. */
const problemsOf = (observation: Observation): readonly string[] => {
  if (isWaitingForData(observation)) {
    return [
      "No data yet: an ECU that was just started needs up to 10 minutes, and one without inverters has none.",
    ];
  }
  const problems = queries.flatMap((query) => {
    const { problem } = observation.queries[query];
    return problem === undefined ? [] : [`Not read (${query}): ${problem}.`];
  });
  if (problems.length > 0 || observation.up) return problems;
  return ["The time for the read was over; --ecu.timeout gives it more."];
};
