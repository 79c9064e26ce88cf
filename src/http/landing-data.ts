/** What the landing page shows of an ECU, as the exporter hands it over. */
import type { LandingRoof } from "./roof.ts";

/** The data of one ECU. Values that were not measured are `undefined`. */
export interface LandingEcu {
  readonly name: string;
  /** `down` as in the metric `ecu_up`; `partial` if only an optional query failed, or the ECU lists no inverters. */
  readonly state: "up" | "partial" | "waiting for data" | "down" | "not read yet";
  readonly model?: string | undefined;
  readonly firmware?: string | undefined;
  readonly powerWatts?: number | undefined;
  readonly todayKilowattHours?: number | undefined;
  /** Whether `todayKilowattHours` may be the energy of the day before, as an ECU-R shows it until the first power of a day. */
  readonly isLastDay?: boolean | undefined;
  readonly lifetimeKilowattHours?: number | undefined;
  readonly registered?: number | undefined;
  readonly invertersOnline?: number | undefined;
  /** Time since the ECU collected the data. */
  readonly reportAgeSeconds?: number | undefined;
  /** Time since the last read of the ECU. */
  readonly readAgeSeconds?: number | undefined;
  /** Why the values are not those of now: the last read is too old, or the last report of the ECU by its own clock. */
  readonly stale?: "read" | "report" | undefined;
  /** Unix time in seconds before which it is not read again because all its inverters are offline. */
  readonly quietUntil?: number | undefined;
  /** Why the last read failed, and what to do. */
  readonly problem?: LandingProblem | undefined;
  /** What was unexpected in the last read, one sentence each, without a final period. */
  readonly notes?: readonly string[] | undefined;
  readonly inverterCount: number;
  /** A function, because the page of a large fleet shows no inverters and does not need them. */
  readonly inverters: () => readonly LandingInverter[];
  /** A function, for the same reason; absent before the first read. */
  readonly roof?: (() => LandingRoof) | undefined;
  /** Relative URL of a link that probes this ECU. */
  readonly probePath?: string | undefined;
}

export interface LandingProblem {
  readonly message: string;
  /** The value of the label `reason` in the metrics. */
  readonly reason?: string | undefined;
  readonly remedy: string;
}

export interface LandingInverter {
  readonly uid: string;
  readonly model: string;
  readonly state: "online" | "offline" | "unknown";
  readonly watts?: number | undefined;
  readonly temperatureCelsius?: number | undefined;
  /** From 0 to 1. */
  readonly signalRatio?: number | undefined;
  readonly channels: readonly { readonly name: string; readonly watts?: number | undefined }[];
}
