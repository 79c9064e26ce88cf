import type { RecordLayout } from "../protocol/layouts.ts";

/** What a simulated inverter of some model is on the wire, and what its panels can give. */
export interface Model {
  /** First digits of its uid. */
  readonly prefix: string;
  readonly typeCode: string;
  readonly layout: RecordLayout;
  readonly channels: number;
  /** Of one panel in full light, in watts. */
  readonly panelWatts: number;
  /** Of the grid where the inverter measures, in volts. */
  readonly gridVolts: readonly number[];
  readonly about: string;
}

const onePhase = { gridVolts: [231] };
const two = { layout: "two", channels: 2, ...onePhase } as const;
const four = { typeCode: "03", layout: "four", channels: 4, ...onePhase } as const;
const threePhase = { typeCode: "02", layout: "fourThreePhase", channels: 4 } as const;

/** More do not fit in the one reply that has to tell of them all. */
export const MOST_INVERTERS = 300;

/** Models that a plant can be made of, by the name used on the command line. */
export const models = {
  YC600: { prefix: "408", typeCode: "01", panelWatts: 300, ...two, about: "2 panels" },
  DS3: { prefix: "703", typeCode: "01", panelWatts: 430, ...two, about: "2 panels" },
  "DS3D-L": { prefix: "704", typeCode: "04", panelWatts: 420, ...two, about: "2 channels" },
  "DS3-H": { prefix: "705", typeCode: "05", panelWatts: 440, ...two, about: "2 panels" },
  QS1: { prefix: "802", panelWatts: 330, ...four, about: "4 panels" },
  QS1A: { prefix: "804", panelWatts: 350, ...four, about: "4 panels" },
  YC1000: {
    prefix: "502",
    panelWatts: 250,
    ...threePhase,
    gridVolts: [230, 229, 232],
    about: "4 panels, 3 phases",
  },
  QT2: {
    prefix: "901",
    panelWatts: 430,
    ...threePhase,
    gridVolts: [398, 400, 396],
    about: "4 panels, 3 phases",
  },
  UNKNOWN: {
    prefix: "999",
    typeCode: "77",
    panelWatts: 400,
    ...two,
    about: "a model of the future: a type code that no table has",
  },
  UNCONTACTED: {
    prefix: "806",
    typeCode: "00",
    layout: "none",
    channels: 0,
    panelWatts: 0,
    gridVolts: [],
    about: "registered, but never reached by the ECU",
  },
} as const satisfies Record<string, Model>;

export type ModelName = keyof typeof models;
