/** Formats a read as tables. */
import { formatTable, type TableColumn } from "../../cli/table.ts";
import { styled, type Terminal } from "../../cli/terminal.ts";
import { isWaitingForData, type Observation } from "../../ecu/observe.ts";
import { queries } from "../../ecu/read.ts";
import type { InverterReading, Reading } from "../../ecu/reading.ts";
import { classifyResult } from "../../ecu/result.ts";
import { toKilowattHours } from "../../ecu/units.ts";
import { formatLocalTime, formatSpan, NOT_MEASURED, printable, wrapText } from "../../text.ts";

const GAP = "  ";

/**
 * The ECU, its inverters, failed queries and notes.
 * @param notes what was unexpected in the read
 * @param zoneSource where the time zone is from if the ECU does not report it
 */
export const formatTables = (
  observation: Observation,
  notes: readonly string[],
  zoneSource: string,
  screen: Terminal,
): string => {
  const { reading } = observation;
  const parts = [
    formatEcu(observation, zoneSource, screen),
    reading.inverters.length > 0 ? formatInverters(reading.inverters, screen) : "",
    describeProblems(observation)
      .map((line) => styled("bad", wrap(line, screen), screen))
      .join("\n"),
    notes.map((note) => styled("fair", wrap(`Note: ${note}.`, screen), screen)).join("\n"),
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
};

const wrap = (text: string, { columns }: Terminal): string =>
  wrapText(printable(text), columns, GAP);

/** A column of the table of inverters. */
interface Column extends TableColumn {
  readonly format: (inverter: InverterReading, screen: Terminal) => string;
}

/** At most 80 characters wide, with four channels and three phases. */
const columns: readonly Column[] = [
  { title: "Inverter", format: ({ uid }) => printable(uid) },
  { title: "Model", format: ({ model }) => model },
  { title: "State", format: formatState },
  {
    title: "Panels, W",
    format: ({ channelWatts }) => joinValues(channelWatts.map((watts) => formatNumber(watts))),
  },
  {
    title: "Grid, V",
    format: ({ gridVolts }) => joinValues(gridVolts.map(({ volts }) => formatNumber(volts))),
  },
  { title: "Hz", isNumber: true, format: ({ frequencyHertz }) => formatNumber(frequencyHertz, 1) },
  {
    title: "°C",
    isNumber: true,
    format: ({ temperatureCelsius }) => formatNumber(temperatureCelsius),
  },
  {
    title: "Signal",
    isNumber: true,
    format: ({ signalRatio }) =>
      signalRatio === undefined ? NOT_MEASURED : `${formatNumber(signalRatio * 100)} %`,
  },
];

function formatState({ online }: InverterReading, screen: Terminal): string {
  if (online === undefined) return styled("faint", "unknown", screen);
  return online ? styled("good", "online", screen) : styled("faint", "offline", screen);
}

const joinValues = (values: readonly string[]): string =>
  values.length === 0 ? NOT_MEASURED : values.join(" ");

const formatNumber = (value: number | undefined, digits = 0): string =>
  value?.toFixed(digits) ?? NOT_MEASURED;

const formatInverters = (inverters: readonly InverterReading[], screen: Terminal): string => {
  const styledColumns = columns.map((column) => ({
    ...column,
    title: styled("strong", column.title, screen),
  }));
  const rows = inverters.map((inverter) => columns.map(({ format }) => format(inverter, screen)));
  return formatTable(styledColumns, rows);
};

const formatEcu = (observation: Observation, zoneSource: string, screen: Terminal): string => {
  const { ecu, reading, up } = observation;
  const { identity, invertersOnline, registered } = reading;
  const rows: readonly (readonly [string, string])[] = [
    ["ECU", `${ecu}${GAP}${styled(up ? "good" : "bad", describeState(observation), screen)}`],
    ["Id", printable(identity?.ecuId ?? NOT_MEASURED)],
    ["Model", identity?.model ?? NOT_MEASURED],
    ["Firmware", printable(identity?.firmware ?? NOT_MEASURED)],
    ["Time zone", formatZone(reading, zoneSource)],
    ["Power", formatUnit(reading.powerWatts, 0, "W")],
    ["Energy today", formatEnergy(reading.todayEnergyJoules, 2)],
    ["Lifetime energy", formatEnergy(reading.lifetimeEnergyJoules, 1)],
    [
      "Inverters",
      (invertersOnline ?? registered) === undefined
        ? NOT_MEASURED
        : `${formatNumber(invertersOnline)} of ${formatNumber(registered)} online`,
    ],
    ["Last report", formatLastReport(reading, observation.readAt)],
  ];
  const shown = classifyResult(observation) === "nothing" ? rows.slice(0, 1) : rows;
  return formatTable(
    [{ title: "" }, { title: "" }],
    shown.map(([name, value]) => [styled("faint", name, screen), value]),
  );
};

const formatZone = ({ identity, isZoneAssumed }: Reading, zoneSource: string): string => {
  if (identity === undefined) return NOT_MEASURED;
  return isZoneAssumed ? `${identity.timezone} (assumed: ${zoneSource})` : identity.timezone;
};

const describeState = (observation: Observation): string => {
  if (!observation.up) return "down";
  return isWaitingForData(observation) ? "no data yet" : "up";
};

const formatUnit = (value: number | undefined, digits: number, unit: string): string =>
  value === undefined ? NOT_MEASURED : `${formatNumber(value, digits)} ${unit}`;

const formatEnergy = (joules: number | undefined, digits: number): string =>
  formatUnit(joules === undefined ? undefined : toKilowattHours(joules), digits, "kWh");

/** A report that is less than a minute ahead counts as current; one further ahead means that a clock is wrong. */
const formatLastReport = ({ lastReportAt, lastReportLocal }: Reading, now: number): string => {
  if (lastReportAt === undefined || lastReportLocal === undefined) return NOT_MEASURED;
  const local = formatLocalTime(lastReportLocal);
  const age = now - lastReportAt;
  const side = age < -60 ? `${formatSpan(-age)} ahead` : `${formatSpan(age)} ago`;
  return `${printable(local)} (${side})`;
};

/** Describes each problem and its remedy, one line each. */
const describeProblems = (observation: Observation): readonly string[] => {
  if (isWaitingForData(observation)) {
    return [
      "No data yet: the ECU has no registered inverters, or has just started and needs up to 10 minutes.",
    ];
  }
  const problems = queries.flatMap((query) => {
    const { problem } = observation.queries[query];
    return problem === undefined ? [] : [`Query failed (${query}): ${problem}.`];
  });
  if (problems.length > 0 || observation.up) return problems;
  return ["The read timed out before all queries were sent; increase --ecu.timeout."];
};
