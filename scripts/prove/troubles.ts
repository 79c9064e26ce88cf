/** What goes wrong in the proof, one row a kind, and which alert has to name it. */

import { QueryError } from "../../src/ecu/errors.ts";
import type { Replies } from "../../src/ecu/read.ts";
import type { Plant } from "../../src/simulator/plant.ts";
import type { Trouble } from "./life.ts";
import type { RoofName } from "./places.ts";

export interface TroubleKind {
  readonly about: string;
  /** The alert that must fire; with the inverter and channel that it must name. */
  readonly alert: string;
  readonly names: "ecu" | "uid" | "channel";
  /** Alerts that are a consequence, and that an Alertmanager hides under the cause. */
  readonly effects: readonly string[];
  /** It shows in days, and not within an hour of light. */
  readonly isSlow: boolean;
  /** Roofs on which it is tried. */
  readonly roofs: readonly RoofName[];
  /** @param victim number of the inverter @param channel from 0 */
  readonly make: (plant: Plant, victim: number, channel: number) => Omit<Trouble, "at">;
}

const kinds = <K extends string>(rows: Record<K, TroubleKind>): Record<K, TroubleKind> => rows;

const ofInverter =
  (change: NonNullable<Trouble["doing"]>): TroubleKind["make"] =>
  (plant, victim) => ({
    doing: (doing, inverter) =>
      inverter === plant.inverters[victim] ? change(doing, inverter) : doing,
  });

/** The panel gives this part of its power. */
const ofPanel =
  (part: number): TroubleKind["make"] =>
  (plant, victim, channel) => ({
    doing: (doing, inverter) =>
      inverter === plant.inverters[victim]
        ? {
            ...doing,
            channelWatts: doing.channelWatts.map((watts, i) =>
              i === channel ? Math.round(watts * part) : watts,
            ),
          }
        : doing,
  });

const silence: Replies = {
  info: { ok: false, error: new QueryError("silent", { reason: "timeout" }), durationMs: 5_000 },
};

/** The counters say what they said when it began. */
const withOldCounters = (replies: Replies, first: Replies): Replies => {
  const { info } = replies;
  if (!info?.ok || !first.info?.ok) return replies;
  const { lifetimeEnergyJoules, todayEnergyJoules } = first.info.value;
  return {
    ...replies,
    info: { ...info, value: { ...info.value, lifetimeEnergyJoules, todayEnergyJoules } },
  };
};

export const troubleKinds = kinds({
  inverterDead: {
    about: "an inverter dies",
    alert: "InverterOffline",
    names: "uid",
    effects: [],
    isSlow: false,
    roofs: ["house", "mixed"],
    make: ofInverter((doing) => ({ ...doing, online: false })),
  },
  panelDead: {
    about: "a panel stops giving power",
    alert: "PanelSilent",
    names: "channel",
    effects: ["PanelFarBelowSiblings"],
    isSlow: false,
    roofs: ["house"],
    make: ofPanel(0),
  },
  panelShaded: {
    about: "a panel loses a third of its power",
    alert: "PanelFarBelowSiblings",
    names: "channel",
    effects: [],
    isSlow: true,
    roofs: ["house"],
    make: ofPanel(2 / 3),
  },
  ecuHung: {
    about: "the ECU hangs by day",
    alert: "EcuUnreachable",
    names: "ecu",
    effects: [],
    isSlow: false,
    roofs: ["house", "shed", "balcony", "mixed"],
    make: () => ({ replies: () => silence }),
  },
  breakerTripped: {
    about: "the plant's breaker trips: inverters have light but no grid",
    alert: "PlantWithoutGrid",
    names: "ecu",
    effects: ["InverterWithoutGrid", "PlantDown"],
    isSlow: false,
    roofs: ["house", "shed", "balcony", "mixed"],
    make: () => ({
      doing: (doing) => ({
        ...doing,
        channelWatts: doing.channelWatts.map(() => 0),
        gridVolts: doing.gridVolts.map(() => 5),
        frequencyHertz: 65,
      }),
    }),
  },
  plantSilent: {
    about: "the plant's breaker trips: no inverter replies",
    alert: "PlantDown",
    names: "ecu",
    effects: [],
    isSlow: false,
    roofs: ["house", "shed", "balcony", "mixed"],
    make: () => ({ doing: (doing) => ({ ...doing, online: false }) }),
  },
  reportFrozen: {
    about: "the ECU repeats one report",
    alert: "EcuReportFrozen",
    names: "ecu",
    effects: ["EcuCountersFrozen", "PanelFarBelowSiblings"],
    isSlow: false,
    roofs: ["house", "shed", "mixed"],
    make: () => ({ replies: (_replies, first) => first }),
  },
  countersFrozen: {
    about: "the energy counters stand still",
    alert: "EcuCountersFrozen",
    names: "ecu",
    effects: [],
    isSlow: false,
    roofs: ["house", "mixed"],
    make: () => ({ replies: withOldCounters }),
  },
});

export type TroubleName = keyof typeof troubleKinds;
