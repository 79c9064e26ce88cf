/** The fault matrix: its cells, and what one cell tells. */

import type { Family } from "../../../src/simulator/behaviours.ts";
import {
  type FaultDefinition,
  type FaultName,
  faultQueries,
  faults,
} from "../../../src/simulator/faults.ts";

export type Question = (typeof faultQueries)[number];

/** One fault of an ECU of one family, in the replies to one query. */
export interface Cell {
  readonly fault: FaultName;
  readonly query: Question;
  readonly family: Family;
}

/** What the exporter makes of a read with a fault. Lists are words in a fixed order, with blanks between. */
export interface Outcome {
  /** `ecu_up` */
  readonly up: number;
  /** Queries with `apsystems_exporter_query_success` 1. */
  readonly valid: string;
  /** What `apsystems_exporter_query_errors_total` counts, as `query reason`, with commas between. */
  readonly counted: string;
  /** Groups of series that are there as in a healthy read; where some of a group are, `readings 15/17`. */
  readonly shown: string;
  /** What `apsystems_exporter_rejected_values_total` counts. */
  readonly withheld: string;
  /** Series that a healthy read at this moment would not have, or not so: these the ECU said. */
  readonly otherwise: Readonly<Record<string, number>>;
}

/** Series in groups, as people look for them. */
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

/** Questions whose answers a fault changes. */
export const listFaultQueries = (fault: FaultName): readonly Question[] => {
  const { only }: FaultDefinition = faults[fault];
  return faultQueries.filter((query) => only?.includes(query) ?? true);
};

/** Every fault at every query that it affects, for both families. */
export const cells: readonly Cell[] = (Object.keys(faults) as FaultName[]).flatMap((fault) =>
  listFaultQueries(fault).flatMap((query) =>
    families.map((family): Cell => ({ fault, query, family })),
  ),
);
