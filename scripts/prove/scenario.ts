/** A scenario: a plant with its ECU over some days, with or without a fault. */
import type { Replies } from "../../src/ecu/read.ts";
import type { Family } from "../../src/simulator/behaviours.ts";
import type { InverterState, Plant, PlantInverter } from "../../src/simulator/plant.ts";
import type { PlantLocation } from "./plants.ts";

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
/** Time between two scrapes, and between two evaluations of the rules. */
export const STEP = 5 * MINUTE;
/** Time from the start of a round of the ECU to the scrape. */
export const AFTER_ROUND = 60_000;

/** Milliseconds since 1970; `to` is excluded. */
export interface Period {
  readonly from: number;
  readonly to: number;
}

/** What is wrong in a scenario from some moment on. */
export interface ScenarioFault {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Changes what an inverter does. */
  readonly changeInverter?: (doing: InverterState, inverter: PlantInverter) => InverterState;
  /** Changes the replies of the ECU. `first` are the unchanged replies of the first read with the fault. */
  readonly changeReplies?: (replies: Replies, first: Replies) => Replies;
}

export interface Scenario extends Period {
  /** Name of the ECU, different in each scenario of a proof. */
  readonly ecu: string;
  readonly location: PlantLocation;
  readonly plant: Plant;
  readonly family: Family;
  /** Whether the coordinates of the plant are configured, so that the sun's elevation is exported. */
  readonly showsSun: boolean;
  readonly fault?: ScenarioFault;
}
