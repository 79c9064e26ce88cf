/** The fault matrix: its cells, and the outcome of a cell. */
import type { Family } from "../../../src/simulator/behaviours.ts";
import {
  type FaultDefinition,
  type FaultName,
  faultQueries,
  faults,
} from "../../../src/simulator/faults.ts";

export type FaultQuery = (typeof faultQueries)[number];

/** One fault of an ECU of one family, in the replies to one query. */
export interface Cell {
  readonly fault: FaultName;
  readonly query: FaultQuery;
  readonly family: Family;
}

/** The result of a read with a fault. Lists are words in a fixed order, separated by spaces. */
export interface Outcome {
  /** `ecu_up` */
  readonly up: number;
  /** Queries with `apsystems_exporter_query_success` 1. */
  readonly valid: string;
  /** The series of `apsystems_exporter_query_errors_total` that rose, as `query reason`, separated by commas. */
  readonly counted: string;
  /** Groups of exported series; an incomplete group as `readings 15/17`: exported, and exported by a healthy read. */
  readonly shown: string;
  /** The fields of `apsystems_exporter_rejected_values_total` that rose. */
  readonly rejected: string;
  /** Series with another value than in a healthy read at this moment, or missing there: the ECU reported them so. */
  readonly differing: Readonly<Record<string, number>>;
}

/** Series in groups that users know. */
export const groups = {
  ecu: [
    "ecu_info",
    "ecu_power_watts",
    "ecu_inverters_online",
    "ecu_last_cloud_contact_timestamp_seconds",
  ],
  energy: ["ecu_lifetime_energy_joules_total", "ecu_today_energy_joules"],
  count: ["ecu_inverters"],
  report: ["ecu_last_report_timestamp_seconds"],
  inverters: ["inverter_online", "inverter_info"],
  readings: [
    "inverter_channel_power_watts",
    "inverter_temperature_celsius",
    "inverter_frequency_hertz",
    "inverter_voltage_volts",
  ],
  signal: ["inverter_signal_ratio"],
} as const;

export const families: readonly Family[] = ["R", "L"];

/** Queries with replies that a fault changes. */
export const listFaultQueries = (fault: FaultName): readonly FaultQuery[] => {
  const { only }: FaultDefinition = faults[fault];
  return faultQueries.filter((query) => only?.includes(query) ?? true);
};

/** Every fault at every query that it affects, for both families. */
export const cells: readonly Cell[] = (Object.keys(faults) as FaultName[]).flatMap((fault) =>
  listFaultQueries(fault).flatMap((query) =>
    families.map((family): Cell => ({ fault, query, family })),
  ),
);
