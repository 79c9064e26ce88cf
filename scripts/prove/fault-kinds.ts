/** The kinds of faults in the proof, and the alert that must report each. */
import { QueryError } from "../../src/ecu/errors.ts";
import type { Replies } from "../../src/ecu/read.ts";
import type { Plant } from "../../src/simulator/plant.ts";
import type { RoofName } from "./plants.ts";
import type { ScenarioFault } from "./scenario.ts";

export interface FaultKind {
  /** For docs/alerts.md. */
  readonly description: string;
  /** The alert that must fire. */
  readonly alert: string;
  /** What the labels of the alert must name: the ECU, the inverter, or the channel of the inverter. */
  readonly scope: "ecu" | "uid" | "channel";
  /** Alerts that are a consequence; Alertmanager inhibits them. */
  readonly effects: readonly string[];
  /** Whether it takes days to show, instead of an hour of good light. */
  readonly isSlow: boolean;
  /** Roofs on which it is tried. */
  readonly roofs: readonly RoofName[];
  /** @param victim index of the inverter @param channel from 0 */
  readonly create: (plant: Plant, victim: number, channel: number) => Omit<ScenarioFault, "at">;
}

const changeOneInverter =
  (change: NonNullable<ScenarioFault["changeInverter"]>): FaultKind["create"] =>
  (plant, victim) => ({
    changeInverter: (doing, inverter) =>
      inverter === plant.inverters[victim] ? change(doing, inverter) : doing,
  });

/** One panel gives only this share of its power. */
const scaleOnePanel =
  (share: number): FaultKind["create"] =>
  (plant, victim, channel) => ({
    changeInverter: (doing, inverter) =>
      inverter === plant.inverters[victim]
        ? {
            ...doing,
            channelWatts: doing.channelWatts.map((watts, i) =>
              i === channel ? Math.round(watts * share) : watts,
            ),
          }
        : doing,
  });

const SILENCE: Replies = {
  info: { ok: false, error: new QueryError("silent", { reason: "timeout" }), durationMs: 5_000 },
};

/** The energy counters keep the values they had when the fault started. */
const freezeCounters = (replies: Replies, first: Replies): Replies => {
  const { info } = replies;
  if (!info?.ok || !first.info?.ok) return replies;
  const { lifetimeEnergyJoules, todayEnergyJoules } = first.info.value;
  return {
    ...replies,
    info: { ...info, value: { ...info.value, lifetimeEnergyJoules, todayEnergyJoules } },
  };
};

/** One row per kind of fault. */
export const faultKinds = {
  inverterDead: {
    description: "an inverter dies",
    alert: "InverterOffline",
    scope: "uid",
    effects: [],
    isSlow: false,
    roofs: ["house", "mixed"],
    create: changeOneInverter((doing) => ({ ...doing, online: false })),
  },
  panelDead: {
    description: "a panel stops giving power",
    alert: "PanelSilent",
    scope: "channel",
    effects: ["PanelFarBelowSiblings"],
    isSlow: false,
    roofs: ["house"],
    create: scaleOnePanel(0),
  },
  panelShaded: {
    description: "a panel loses a third of its power",
    alert: "PanelFarBelowSiblings",
    scope: "channel",
    effects: [],
    isSlow: true,
    roofs: ["house"],
    create: scaleOnePanel(2 / 3),
  },
  ecuHung: {
    description: "the ECU hangs by day",
    alert: "EcuUnreachable",
    scope: "ecu",
    effects: [],
    isSlow: false,
    roofs: ["house", "shed", "balcony", "mixed"],
    create: () => ({ changeReplies: () => SILENCE }),
  },
  breakerTripped: {
    description: "the plant's breaker trips: inverters have light but no grid",
    alert: "PlantWithoutGrid",
    scope: "ecu",
    effects: ["InverterWithoutGrid", "PlantDown"],
    isSlow: false,
    roofs: ["house", "shed", "balcony", "mixed"],
    create: () => ({
      changeInverter: (doing) => ({
        ...doing,
        channelWatts: doing.channelWatts.map(() => 0),
        gridVolts: doing.gridVolts.map(() => 5),
        frequencyHertz: 65,
      }),
    }),
  },
  plantSilent: {
    description: "the plant's breaker trips: no inverter replies",
    alert: "PlantDown",
    scope: "ecu",
    effects: [],
    isSlow: false,
    roofs: ["house", "shed", "balcony", "mixed"],
    create: () => ({ changeInverter: (doing) => ({ ...doing, online: false }) }),
  },
  reportFrozen: {
    description: "the ECU repeats one report",
    alert: "EcuReportFrozen",
    scope: "ecu",
    // The report that is repeated may be one with an inverter offline.
    effects: ["EcuCountersFrozen", "InverterOffline", "PanelSilent", "PanelFarBelowSiblings"],
    isSlow: false,
    roofs: ["house", "shed", "mixed"],
    create: () => ({ changeReplies: (_replies, first) => first }),
  },
  countersFrozen: {
    description: "the energy counters stand still",
    alert: "EcuCountersFrozen",
    scope: "ecu",
    effects: [],
    isSlow: false,
    roofs: ["house", "mixed"],
    create: () => ({ changeReplies: freezeCounters }),
  },
} as const satisfies Record<string, FaultKind>;

export type FaultKindName = keyof typeof faultKinds;
