import {
  findDisputedLayout,
  findLayout,
  type RecordLayout,
  recordFormats,
} from "../protocol/layouts.ts";

/** A model of simulated inverters: its record in the protocol, and the power of its panels. */
export interface Model {
  /** First digits of its uid. */
  readonly prefix: string;
  readonly typeCode: string;
  readonly layout: RecordLayout;
  readonly channels: number;
  /** Power of one panel at an irradiance of 1,000 W/m², in watts. */
  readonly panelWatts: number;
  /** Grid voltages, one per phase, in volts. */
  readonly gridVolts: readonly number[];
  readonly about: string;
}

/** A row of the table, without what follows from the type code. */
interface ModelRow extends Omit<Model, "layout" | "channels" | "gridVolts"> {
  /** Only for a type code without a layout. */
  readonly layout?: RecordLayout;
  /** Default: 231 V, one phase. */
  readonly gridVolts?: readonly number[];
}

/** The maximum that fits in one reply. */
export const MAX_INVERTERS = 300;

const rows = {
  YC600: { prefix: "408", typeCode: "01", panelWatts: 300, about: "2 panels" },
  DS3: { prefix: "703", typeCode: "01", panelWatts: 430, about: "2 panels" },
  "DS3D-L": { prefix: "704", typeCode: "04", panelWatts: 420, about: "2 channels" },
  "DS3-H": { prefix: "705", typeCode: "05", panelWatts: 440, about: "2 panels" },
  QS1: { prefix: "802", typeCode: "03", panelWatts: 330, about: "4 panels" },
  QS1A: { prefix: "804", typeCode: "03", panelWatts: 350, about: "4 panels" },
  YC1000: {
    prefix: "502",
    typeCode: "02",
    panelWatts: 250,
    gridVolts: [230, 229, 232],
    about: "4 panels, 3 phases",
  },
  QT2: {
    prefix: "901",
    typeCode: "02",
    panelWatts: 430,
    gridVolts: [398, 400, 396],
    about: "4 panels, 3 phases",
  },
  UNKNOWN: {
    prefix: "999",
    typeCode: "77",
    layout: "two",
    panelWatts: 400,
    about: "a future model with an unknown type code",
  },
  UNCONTACTED: {
    prefix: "806",
    typeCode: "00",
    panelWatts: 0,
    gridVolts: [],
    about: "registered, but never reached by the ECU",
  },
} as const satisfies Record<string, ModelRow>;

/** Name of a model on the command line. */
export type ModelName = keyof typeof rows;

const completeRow = ({ gridVolts = [231], ...row }: ModelRow): Model => {
  const { typeCode, prefix } = row;
  const layout =
    row.layout ?? findLayout(typeCode) ?? findDisputedLayout(typeCode, prefix) ?? "none";
  return { ...row, gridVolts, layout, channels: recordFormats[layout].channels };
};

/** The models of simulated inverters. */
export const models = Object.fromEntries(
  Object.entries<ModelRow>(rows).map(([name, row]) => [name, completeRow(row)]),
) as Readonly<Record<ModelName, Model>>;
