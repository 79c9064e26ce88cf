import { defineConfig } from "vitest/config";
import { closingLine } from "./test/support/closing-line.ts";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    reporters: ["default", closingLine],
    coverage: { provider: "v8", include: ["src/**"], reporter: ["text-summary"] },
  },
});
