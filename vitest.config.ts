import { defineConfig } from "vitest/config";
import { closingLine } from "./test/support/closing-line.ts";

/** Tests that hold the program to its time limits, or compress hours into seconds: they have the machine for themselves. */
const timed = [
  "test/backfill-prometheus.test.ts",
  "test/cli.test.ts",
  "test/commands/doctor.test.ts",
  "test/commands/read-doctor-cli.test.ts",
  "test/ecu/**/*.test.ts",
  "test/fleet.test.ts",
  "test/load.test.ts",
  "test/metrics/**/*.test.ts",
  "test/simulator/**/*.test.ts",
  "test/soak.test.ts",
  "test/targets.test.ts",
];

export default defineConfig({
  test: {
    reporters: ["default", closingLine],
    coverage: { provider: "v8", include: ["src/**"], reporter: ["text-summary"] },
    projects: [
      {
        test: {
          name: "timed",
          include: timed,
          maxWorkers: 1,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: "others",
          include: ["test/**/*.test.ts"],
          exclude: timed,
          maxWorkers: 2, // much of the time is spent waiting for scrapes and alerts
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
