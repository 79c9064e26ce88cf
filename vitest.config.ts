import { defineConfig } from "vitest/config";
import { closingLine } from "./test/support/closing-line.ts";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    maxWorkers: 2, // much of the time is spent waiting for scrapes and alerts
    reporters: ["default", closingLine],
    coverage: { provider: "v8", include: ["src/**"], reporter: ["text-summary"] },
  },
});
