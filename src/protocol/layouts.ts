/** The byte tables of the replies (docs/protocol.md#commands). */
import {
  ascii,
  bcd,
  type Codec,
  digits,
  flag,
  hex,
  type Infer,
  interleaved,
  mapped,
  optional,
  prefixed,
  rest,
  scaled,
  shifted,
  struct,
  tenths,
  text,
  u8,
  u16,
  u32,
} from "./codec.ts";

/** Step of the lifetime energy: 0.1 kWh in joules (docs/protocol.md#base-information). */
export const LIFETIME_STEP_JOULES = 360_000;
/** Step of the energy of a day or month: 0.01 kWh in joules (docs/protocol.md#base-information, #energy-history). */
export const DAY_STEP_JOULES = 36_000;

/** 0001: the common start of both layouts (docs/protocol.md#base-information). `layout` decides what follows; it is not a product model. */
export const infoHead = struct({
  ecuId: digits(12),
  layout: ascii(2),
  lifetimeEnergyJoules: scaled(u32, LIFETIME_STEP_JOULES),
  powerWatts: u32,
  todayEnergyJoules: scaled(u32, DAY_STEP_JOULES),
});

/** 0001 layout 01: ECU-R, ECU-B, ECU-R-Pro, ECU-C (docs/protocol.md#base-information-of-micro-inverter-ecus). */
export const microInverterInfo = struct({
  /** yyyymmddhhmmss in the ECU's local time; `d0d0…` or zeros if unknown. */
  lastCloudContact: bcd(7),
  inverters: u16,
  invertersOnline: u16,
  /** Two hexadecimal digits: `10` is ZigBee channel 16. */
  zigbeeChannel: text(2),
  firmware: prefixed(3),
  timezone: prefixed(3),
  ethernetMac: optional(hex(6)),
  wirelessMac: optional(hex(6)),
  /** 12 bytes of unknown meaning in version 12, nothing in version 11. */
  extension: rest,
});

/** 0001 layout 02: ECU-RS (docs/protocol.md#base-information-of-an-ecu-rs). */
export const rapidShutdownInfo = struct({
  inverters: u16,
  invertersOnline: u16,
  /** 000 to 255; `undefined` if it is not a number. */
  signalLevel: mapped(
    text(3),
    (digits) => (/^\d+$/.test(digits) ? Number(digits) : undefined),
    (level = 0) => String(level).padStart(3, "0"),
  ),
  zigbeeChannel: text(2),
  /** `0` switch devices, `1` monitoring devices, `2` both. */
  deviceClass: text(1),
  firmware: prefixed(3),
  extension: rest,
});

/** 0002: what precedes the records (docs/protocol.md#realtime-data). */
export const realtimeHead = struct({
  /** `01` micro-inverter records, `02` ECU-RS records. */
  kind: ascii(2),
  /** Registered inverters, online or not. */
  count: u16,
  /** yyyymmddhhmmss in the ECU's local time: start of the last completed round. */
  takenAt: bcd(7),
});

/** The start of every micro-inverter record (docs/protocol.md#inverter-records). */
export const recordHead = struct({
  uid: bcd(6),
  online: flag,
  /** Two digits that decide the layout of what follows. Not a product model. */
  typeCode: text(2),
});

/** A layout of micro-inverter records. */
interface RecordLayoutRow {
  /**
   * The numbers after the temperature in the order of the wire: P is the power of the next channel in watts, V the next
   * grid voltage in volts. The order does not tie a channel to a phase (docs/protocol.md#record-layouts).
   */
  readonly numbers: string;
  /** Number of voltages that are different measurements. With 1, all of them are the same. */
  readonly phases: number;
  /** Description for people. */
  readonly label: string;
  /** Type codes that certainly have this layout (docs/protocol.md#record-layouts). */
  readonly typeCodes: readonly string[];
  /** A type code that has this layout only with serial numbers of this prefix (docs/protocol.md#disagreements). */
  readonly disputed?: { readonly typeCode: string; readonly uidPrefix: string };
}

/** Every layout, the likeliest first. Decoding, recovery, the simulator and all texts follow from these rows. */
export const recordLayouts = {
  /** YC600 and DS3 families. */
  two: {
    numbers: "PVPV",
    phases: 1,
    label: "2 channels",
    typeCodes: ["01", "04"],
    disputed: { typeCode: "05", uidPrefix: "70" },
  },
  /** YC900, YC1000, QT2. */
  fourThreePhase: {
    numbers: "PVPVPVP",
    phases: 3,
    label: "4 channels, 3 phases",
    typeCodes: ["02"],
    disputed: { typeCode: "05", uidPrefix: "90" },
  },
  /** QS1, QS1A. */
  four: { numbers: "PVPPP", phases: 1, label: "4 channels", typeCodes: ["03"] },
  /** Only the head: an inverter that was never in contact. */
  none: { numbers: "", phases: 0, label: "never in contact: no values follow", typeCodes: ["00"] },
} as const satisfies Record<string, RecordLayoutRow>;

/** Name of a record layout. */
export type RecordLayout = keyof typeof recordLayouts;

const layoutEntries = Object.entries(recordLayouts) as readonly (readonly [
  RecordLayout,
  RecordLayoutRow,
])[];

const createTail = (numbers: string) =>
  struct({
    frequencyHertz: tenths(u16),
    temperatureCelsius: shifted(u16, -100),
    block: interleaved(u16, { P: "powerWatts", V: "gridVolts" }, numbers),
  });

export type RecordHead = Infer<typeof recordHead>;
export type RecordTail = Infer<ReturnType<typeof createTail>>;

/** Size of the start of a record. */
export const RECORD_HEAD_BYTES = recordHead.size ?? 0;
/** Size of frequency and temperature, the start of every tail. */
const GRID_BYTES = 4;

/** What follows from the row of a layout. */
export interface RecordFormat {
  /** Codec of what follows the head; `undefined` if nothing does. */
  readonly tail: Codec<RecordTail> | undefined;
  /** Size of the whole record. */
  readonly bytes: number;
  readonly channels: number;
  readonly voltages: number;
  /** Offsets of the voltages in the record. */
  readonly voltageOffsets: readonly number[];
}

const createFormat = ({ numbers }: RecordLayoutRow): RecordFormat => {
  const tail = numbers === "" ? undefined : createTail(numbers);
  const voltageOffsets = [...numbers].flatMap((letter, i) =>
    letter === "V" ? [RECORD_HEAD_BYTES + GRID_BYTES + 2 * i] : [],
  );
  return {
    tail,
    bytes: RECORD_HEAD_BYTES + (tail?.size ?? 0),
    channels: numbers.length - voltageOffsets.length,
    voltages: voltageOffsets.length,
    voltageOffsets,
  };
};

/** The format of each layout. */
export const recordFormats = Object.fromEntries(
  layoutEntries.map(([layout, row]) => [layout, createFormat(row)]),
) as Readonly<Record<RecordLayout, RecordFormat>>;

const certainLayouts = new Map<string, RecordLayout>(
  layoutEntries.flatMap(([layout, { typeCodes }]) => typeCodes.map((code) => [code, layout])),
);

/** The layout of a type code, if it is certain (docs/protocol.md#record-layouts). */
export const findLayout = (typeCode: string): RecordLayout | undefined =>
  certainLayouts.get(typeCode);

/** The likeliest layout of a disputed type code, from the serial number (docs/protocol.md#disagreements). */
export const findDisputedLayout = (typeCode: string, uid: string): RecordLayout | undefined =>
  layoutEntries.find(
    ([, { disputed }]) => disputed?.typeCode === typeCode && uid.startsWith(disputed.uidPrefix),
  )?.[0];

/** 0002, kind 02: a device of an ECU-RS, 57 bytes. Offsets are certain, units are not (docs/protocol.md#devices-of-an-ecu-rs). */
export const rapidShutdownDevice = struct({
  uid: bcd(6),
  /** 0 switch, 1 monitoring. */
  equipmentClass: u8,
  /** Bit 0: in contact. */
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

/** 0030: the signal of one inverter, 0 to 255; 0 is "no contact" (docs/protocol.md#signal-levels). */
export const signalRecord = struct({ uid: bcd(6), level: u8 });

/** 0003: power of the plant at one time of the requested day (docs/protocol.md#power-of-a-day). */
export const dayPowerRecord = struct({
  /** hhmm in the ECU's local time. */
  time: bcd(2),
  powerWatts: u16,
});

/** 0004: what precedes the records (docs/protocol.md#energy-history). `00` is the last 7 days, `01` a month by day, `02` a year by month. */
export const energyHead = struct({ period: ascii(2) });

/** 0004: energy of one day or month, in 6 bytes (at most 655.35 kWh) or in 8 bytes (docs/protocol.md#energy-history). */
export const energyRecord = struct({ date: bcd(4), energyJoules: scaled(u16, DAY_STEP_JOULES) });
export const longEnergyRecord = struct({
  date: bcd(4),
  energyJoules: scaled(u32, DAY_STEP_JOULES),
});

/** 0012: the ECU's clock, yyyymmddhhmmss in ASCII digits (docs/protocol.md#clock). */
export const clock = struct({ now: digits(14) });
