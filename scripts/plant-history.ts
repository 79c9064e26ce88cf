/** What the exporter exports of healthy plants, as series with a mean value each, and a history of it for a Prometheus. */
import { startLoader } from "./prove/store.ts";

export const INVERTERS = 20;
export const MINUTE = 60_000;
export const DAY = 1440 * MINUTE;

/** A series: its text up to the value, and its mean value. */
export type Series = readonly [text: string, value: number];

/** Series of metrics without further labels, of one ECU. @param ecu labels of the ECU */
export const forEcu = (ecu: string, values: Readonly<Record<string, number>>): Series[] =>
  Object.entries(values).map(([name, value]) => [`${name}{${ecu}}`, value]);

/** Series of each inverter of an ECU. Further labels follow the name after a comma. */
export const forInverters = (ecu: string, values: Readonly<Record<string, number>>): Series[] =>
  Array.from({ length: INVERTERS }, (_, i): Series[] =>
    Object.entries(values).map(([name, value]) => {
      const [metric, labels = ""] = name.split(/,(.*)/);
      return [`${metric}{${ecu},uid="${70300000_0000 + i}"${labels && `,${labels}`}}`, value];
    }),
  ).flat();

/** Series of the two panels of each inverter of an ECU. */
export const forPanels = (ecu: string, names: readonly string[], value: number): Series[] =>
  Array.from({ length: INVERTERS * 2 }, (_, i): Series[] =>
    names.map((name) => [
      `${name}{${ecu},uid="${70300000_0000 + (i >> 1)}",channel="${(i & 1) + 1}"}`,
      value,
    ]),
  ).flat();

/** The energy counter of an ECU. */
export const counter = (ecu: string): Series[] =>
  forEcu(ecu, { ecu_lifetime_energy_joules_total: 1e10 });

/** The metrics of an ECU that the rules read. */
export const measured = (ecu: string): Series[] => [
  ...forEcu(ecu, { ecu_up: 1, ecu_power_watts: 8_000, ecu_inverters: INVERTERS }),
  ...counter(ecu),
  ...forEcu(ecu, { ecu_last_report_timestamp_seconds: 1 }),
  ...forInverters(ecu, {
    inverter_online: 1,
    inverter_temperature_celsius: 20,
    inverter_signal_ratio: 0.6,
    inverter_frequency_hertz: 50,
    'inverter_voltage_volts,phase="L1"': 230,
  }),
  ...forPanels(ecu, ["inverter_channel_power_watts"], 200),
];

/** The value at a time. A series of 1 stays 1; others change with each value, as measured values do. */
export const valueAt = (value: number, at: number): number =>
  value === 1 ? 1 : value * (1 + ((at / MINUTE) % 7) / 1000);

/** The labels of ECUs that one exporter reads. */
export const names = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => `ecu="plant${i}"`);

/** Series with a value at every step from a time on. */
export interface History {
  readonly series: (ecu: string) => readonly Series[];
  readonly from: number;
  readonly step: number;
}

/**
 * Loads the history of plants up to a time into the folder of a Prometheus. promtool reads all of it again for each block of 20 days
 * that it writes, so a long history of a few series is best loaded by itself.
 */
export const loadHistory = async (
  folder: string,
  ecus: readonly string[],
  histories: readonly History[],
  end: number,
): Promise<void> => {
  const loader = startLoader(folder, "history");
  for (const ecu of ecus)
    for (const { series, from, step } of histories)
      for (const [text, value] of series(ecu)) {
        const lines: string[] = [];
        for (let at = Math.ceil(from / step) * step; at < end; at += step)
          lines.push(`${text} ${valueAt(value, at)} ${at / 1000}`);
        loader.write(lines);
      }
  await loader.close();
};
