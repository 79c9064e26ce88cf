/** The numbers that the dashboards of a plant and of a fleet begin with. */
import type { Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import { colors, POWER_TEXT } from "./parts.ts";
import { energySince, periodNames } from "./periods.ts";
import { kilowattHours, orUnknown, perEcu } from "./promql.ts";
import { tilesPanel } from "./tiles.ts";

/** Energy of the day in kWh, as each ECU counts it. */
export const energyToday = kilowattHours(`sum(${perEcu("ecu_today_energy_joules")})`);

/** Power, and energy of the day and of the month, of the selected ECUs. */
export const powerAndEnergyPanel = (description: string): Panel =>
  tilesPanel({
    title: "Power and energy",
    description,
    unit: "kwatth",
    noValue: "Unknown",
    tiles: [
      {
        name: "Power",
        query: orUnknown(`sum(${perEcu("ecu_power_watts")})`),
        unit: "watt",
        color: POWER_TEXT,
      },
      { name: periodNames.today, query: orUnknown(energyToday), color: colors.energy },
      { name: periodNames.month, query: energySince("month"), color: colors.energy },
    ],
  });
