import { expect, it } from "vitest";
import { formatOpenMetrics } from "../../src/history/openmetrics.ts";

const help = { ecu_power_watts: "Power.", ecu_lifetime_energy_joules_total: 'Energy "of" all.' };

it("writes OpenMetrics text: one family after another, quoted labels, times in seconds", () => {
  const text = formatOpenMetrics({
    samples: {
      ecu_power_watts: [{ at: 1_790_000_000, value: 291 }],
      ecu_lifetime_energy_joules_total: [
        { at: 1_790_000_000, value: 3_600_000 },
        { at: 1_790_000_300, value: 3_690_000 },
      ],
    },
    help,
    labels: { ecu: 'the "barn"', path: "C:\\a" },
  });
  expect(text).toBe(
    [
      "# TYPE ecu_power_watts gauge",
      "# UNIT ecu_power_watts watts",
      "# HELP ecu_power_watts Power.",
      'ecu_power_watts{ecu="the \\"barn\\"",path="C:\\\\a"} 291 1790000000',
      "# TYPE ecu_lifetime_energy_joules counter",
      "# UNIT ecu_lifetime_energy_joules joules",
      '# HELP ecu_lifetime_energy_joules Energy \\"of\\" all.',
      'ecu_lifetime_energy_joules_total{ecu="the \\"barn\\"",path="C:\\\\a"} 3600000 1790000000',
      'ecu_lifetime_energy_joules_total{ecu="the \\"barn\\"",path="C:\\\\a"} 3690000 1790000300',
      "# EOF",
      "",
    ].join("\n"),
  );
});

it("leaves out a metric without samples", () => {
  const samples = { ecu_power_watts: [], ecu_lifetime_energy_joules_total: [] };
  expect(formatOpenMetrics({ samples, help, labels: {} })).toBe("# EOF\n");
});
