/** The rules for impossible values. A value that breaks a rule is left out and counted. */
import type { InverterReading, Reading } from "./reading.ts";

/** The fields that a rule may leave out. This closed list is also that of the metric's label `field`. */
export const fields = [
  "lifetime_energy",
  "today_energy",
  "power",
  "inverters_online",
  "channel_power",
  "temperature",
  "frequency",
  "voltage",
] as const;
export type Field = (typeof fields)[number];

/** A reading without the values that break a rule, and one field name for each of these. */
export interface Validated {
  readonly reading: Reading;
  readonly rejected: readonly Field[];
}

/** The values that an online inverter can measure (docs/protocol.md#offline-records). */
const limits = {
  channel_power: (watts: number) => watts <= 1200,
  temperature: (celsius: number) => celsius >= -40 && celsius <= 110,
  frequency: (hertz: number) => hertz > 45 && hertz < 65,
  voltage: (volts: number) => volts >= 50 && volts <= 500,
};

/**
 * Leaves out the values that no inverter can measure, and a number of online inverters above that of the registered ones.
 * The rest of the record stays.
 */
export const dropImplausible = (reading: Reading): Validated => {
  const rejected: Field[] = [];
  const check = (field: keyof typeof limits, value: number | undefined): number | undefined => {
    if (value === undefined || limits[field](value)) return value;
    rejected.push(field);
    return undefined;
  };
  const validate = (inverter: InverterReading): InverterReading => ({
    ...inverter,
    channelWatts: inverter.channelWatts.map((watts) => check("channel_power", watts)),
    temperatureCelsius: check("temperature", inverter.temperatureCelsius),
    frequencyHertz: check("frequency", inverter.frequencyHertz),
    gridVolts: inverter.gridVolts.map(({ phase, volts }) => ({
      phase,
      volts: check("voltage", volts),
    })),
  });
  const inverters = reading.inverters.map(validate);
  const { invertersOnline = 0, registered = 0 } = reading;
  if (registered === 0 || invertersOnline <= registered) {
    return { reading: { ...reading, inverters }, rejected };
  }
  const { invertersOnline: _, ...others } = reading;
  const note = `the ECU counts ${invertersOnline} inverters online, but only ${registered} registered; the first is left out`;
  return {
    reading: { ...others, inverters, notes: [...reading.notes, note] },
    rejected: [...rejected, "inverters_online"],
  };
};
