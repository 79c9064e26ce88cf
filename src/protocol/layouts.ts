/** The byte tables of each reply (docs/protocol.md#commands). */
import {
  ascii,
  bcd,
  type Codec,
  decimal,
  digits,
  flag,
  hex,
  type Infer,
  interleaved,
  optional,
  prefixed,
  rest,
  scaled,
  shifted,
  struct,
  tenths,
  u8,
  u16,
  u32,
} from "./codec.ts";

/** Energy in joules. The wire counts steps of 0.1 kWh or 0.01 kWh (docs/protocol.md#base-information, #energy-history); both are whole joules. */
const TENTH_KWH = 360_000;
const HUNDREDTH_KWH = 36_000;

/** 0001, both layouts begin alike (docs/protocol.md#base-information). `layout` tells how they go on; it is no product model. */
export const infoHead = struct({
  ecuId: digits(12),
  layout: ascii(2),
  lifetimeEnergyJoules: scaled(u32, TENTH_KWH),
  powerWatts: u32,
  todayEnergyJoules: scaled(u32, HUNDREDTH_KWH),
});

/** 0001 layout 01: ECU-R, ECU-B, ECU-R-Pro, ECU-C (docs/protocol.md#base-information-of-micro-inverter-ecus). */
export const microInverterInfo = struct({
  /** yyyymmddhhmmss in the ECU's local time; `d0d0…` or zeros where the ECU does not tell. */
  lastCloudContact: bcd(7),
  inverters: u16,
  invertersOnline: u16,
  /** Two hexadecimal digits: `10` is ZigBee channel 16. */
  zigbeeChannel: ascii(2),
  firmware: prefixed(3),
  timezone: prefixed(3),
  ethernetMac: optional(hex(6)),
  wirelessMac: optional(hex(6)),
  /** 12 bytes of unknown meaning on version 12, nothing on version 11. */
  extension: rest,
});

/** 0001 layout 02: ECU-RS (docs/protocol.md#base-information-of-an-ecu-rs). */
export const rapidShutdownInfo = struct({
  inverters: u16,
  invertersOnline: u16,
  signalLevel: decimal(3),
  zigbeeChannel: ascii(2),
  /** `0` switch devices, `1` monitoring devices, `2` both. */
  deviceClass: ascii(1),
  firmware: prefixed(3),
  extension: rest,
});

/** 0002, before the records (docs/protocol.md#realtime-data). */
export const realtimeHead = struct({
  /** `01` micro-inverter records, `02` ECU-RS records. */
  kind: ascii(2),
  /** Registered inverters, online or not. */
  count: u16,
  /** yyyymmddhhmmss, ECU local time: start of the last completed round. */
  takenAt: bcd(7),
});

/** What every micro-inverter record begins with (docs/protocol.md#inverter-records). */
export const recordHead = struct({
  uid: bcd(6),
  online: flag,
  /** Decides the size and layout of what follows. Not a product model. */
  typeCode: ascii(2),
});

/** A layout of micro-inverter records. */
interface RecordLayoutRow {
  /**
   * The numbers after the temperature, in the order of the wire: P is the power of the next channel in watts, V the next
   * voltage of the grid in volts. The order does not tie a channel to a phase (docs/protocol.md#records-with-two-channels, #records-with-four-channels).
   */
  readonly numbers: string;
  /** How many voltages are different measurements; with 1, all of them are the same. */
  readonly phases: number;
  /** In words, for people. */
  readonly label: string;
  /** Type codes that certainly have this layout (docs/protocol.md#record-layouts). */
  readonly typeCodes: readonly string[];
}

/** Every layout, likeliest first. Sizes, recovery, simulator and texts follow from these rows. */
export const recordLayouts = {
  /** YC600 and DS3 families. */
  two: { numbers: "PVPV", phases: 1, label: "2 channels", typeCodes: ["01", "04"] },
  /** YC900, YC1000, QT2. */
  fourThreePhase: {
    numbers: "PVPVPVP",
    phases: 3,
    label: "4 channels, 3 phases",
    typeCodes: ["02"],
  },
  /** QS1, QS1A. */
  four: { numbers: "PVPPP", phases: 1, label: "4 channels", typeCodes: ["03"] },
  /** Nothing but the head: an inverter that the ECU never reached. */
  none: {
    numbers: "",
    phases: 0,
    label: "never contacted: no values follow",
    typeCodes: ["00"],
  },
} as const satisfies Record<string, RecordLayoutRow>;

/** Name of a record layout. */
export type RecordLayout = keyof typeof recordLayouts;

const layoutEntries = Object.entries(recordLayouts) as readonly (readonly [
  RecordLayout,
  RecordLayoutRow,
])[];

const tailCodec = (numbers: string) =>
  struct({
    frequencyHertz: tenths(u16),
    temperatureCelsius: shifted(u16, -100),
    block: interleaved(u16, { P: "powerWatts", V: "gridVolts" }, numbers),
  });

export type RecordHead = Infer<typeof recordHead>;
export type RecordTail = Infer<ReturnType<typeof tailCodec>>;

/** What follows the head of a record, by layout; `undefined` where nothing does. */
export const recordTails = Object.fromEntries(
  layoutEntries.map(([layout, { numbers }]) => [
    layout,
    numbers === "" ? undefined : tailCodec(numbers),
  ]),
) as Readonly<Record<RecordLayout, Codec<RecordTail> | undefined>>;

/** Layout of each type code whose layout is certain (docs/protocol.md#record-layouts). */
export const layoutOfType: Readonly<Record<string, RecordLayout>> = Object.fromEntries(
  layoutEntries.flatMap(([layout, { typeCodes }]) => typeCodes.map((code) => [code, layout])),
);

/** Bytes before the tail of a record. */
export const RECORD_HEAD_BYTES = recordHead.size ?? 0;
/** Bytes of frequency and temperature, which come first in every tail. */
const GRID_BYTES = 4;

/** Bytes of a record of each layout: 9, 21, 27 or 23. */
export const recordBytes = (layout: RecordLayout): number =>
  RECORD_HEAD_BYTES + (recordTails[layout]?.size ?? 0);

/** Offsets of the voltages in a record of a layout. */
export const voltageOffsets = (layout: RecordLayout): readonly number[] =>
  [...recordLayouts[layout].numbers].flatMap((letter, i) =>
    letter === "V" ? [RECORD_HEAD_BYTES + GRID_BYTES + 2 * i] : [],
  );

/** How many channels and how many voltages a record of a layout has. */
export const countNumbers = (layout: RecordLayout): { channels: number; voltages: number } => {
  const letters = [...recordLayouts[layout].numbers];
  const channels = letters.filter((letter) => letter === "P").length;
  return { channels, voltages: letters.length - channels };
};

/** 0002 kind 02: a device of an ECU-RS, 57 bytes. Offsets are certain, units are not (docs/protocol.md#devices-of-an-ecu-rs). */
export const rapidShutdownDevice = struct({
  uid: bcd(6),
  /** 0 switch, 1 monitoring. */
  equipmentClass: u8,
  /** Bit 0: communication ok. */
  state: u8,
  heartbeats: u16,
  timeouts: u16,
  restartsToday: u8,
  pv1Voltage: u16,
  pv2Voltage: u16,
  pv1Current: u16,
  pv2Current: u16,
  pv1Power: u16,
  pv2Power: u16,
  outputVoltage: u16,
  outputCurrent: u16,
  outputPower: u16,
  rssi: u8,
  pv1Energy: u32,
  pv2Energy: u32,
  outputEnergy: u32,
  closings: u8,
  softwareVersion: u16,
  deviceModel: u8,
  temperature: u8,
  reserved: hex(8),
});

/** 0030: one inverter's signal (docs/protocol.md#signal-levels). Raw 0 is "no contact". */
export const signalRecord = struct({ uid: bcd(6), level: u8 });

/** 0003: system power at one moment of the day asked for (docs/protocol.md#power-of-a-day). */
export const dayPowerRecord = struct({
  /** hhmm, ECU local time. */
  time: bcd(2),
  powerWatts: u16,
});

/** 0004, before the records (docs/protocol.md#energy-history): `00` the last 7 days, `01` a month by day, `02` a year by month. */
export const energyHead = struct({ period: ascii(2) });

/** 0004: energy of one day or month, in the 6-byte form (ends at 655.35 kWh) and the 8-byte form (docs/protocol.md#energy-history). */
export const energyRecord = struct({ date: bcd(4), energyJoules: scaled(u16, HUNDREDTH_KWH) });
export const longEnergyRecord = struct({ date: bcd(4), energyJoules: scaled(u32, HUNDREDTH_KWH) });

/** 0012: yyyymmddhhmmss of the ECU's clock, in ASCII digits (docs/protocol.md#clock). */
export const clock = struct({ now: digits(14) });
