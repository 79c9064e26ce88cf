import type { EcuHistory } from "../../src/history/days.ts";
import { buildHistory, type HistoryRange, type HistorySamples } from "../../src/history/history.ts";
import type { TableEnergy } from "../../src/history/table.ts";

export const KWH = 3_600_000;

export const energies = (
  all: Readonly<Record<string, number>>,
  isShort = false,
): Map<string, TableEnergy> =>
  new Map(Object.entries(all).map(([date, kwh]) => [date, { joules: kwh * KWH, isShort }]));

/** Records of a curve: "0615 10, 0620 20". */
export const records = (text: string) =>
  text.split(", ").map((pair) => {
    const [time = "", watts] = pair.split(" ");
    return { time, powerWatts: Number(watts) };
  });

/** An ECU in Amsterdam that was read on 20 November 2026 at 12:00 UTC, 13:00 on its clock, and remembers nothing. */
export const NOW = Date.UTC(2026, 10, 20, 12) / 1000;
export const createPast = (change: Partial<EcuHistory> = {}): EcuHistory => ({
  zone: "Europe/Amsterdam",
  today: "20261120",
  reading: { at: NOW, lifetimeJoules: 1_000 * KWH, todayJoules: 2 * KWH },
  days: new Map(),
  months: new Map(),
  curves: new Map(),
  ...change,
});

/** Samples of power and of the counter as time (ISO, to the second) → value; the counter in kWh. */
export const buildTestHistory = (what: EcuHistory, wanted: HistoryRange) => {
  const { samples, notes }: HistorySamples = buildHistory(what, wanted);
  const iso = (at: number) => new Date(at * 1000).toISOString().slice(0, 19);
  return {
    notes,
    power: Object.fromEntries(samples.ecu_power_watts.map(({ at, value }) => [iso(at), value])),
    counter: Object.fromEntries(
      samples.ecu_lifetime_energy_joules_total.map(({ at, value }) => [iso(at), value / KWH]),
    ),
    lifetime: samples.ecu_lifetime_energy_joules_total,
  };
};
