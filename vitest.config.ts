import { defineConfig } from "vitest/config";
import { closingLine } from "./test/support/closing-line.ts";
import { slowestFiles } from "./test/support/slowest-files.ts";

const results = process.env["TEST_RESULTS"];

export default defineConfig({
  test: {
    reporters: [
      "default",
      slowestFiles,
      closingLine,
      // For scripts/compatibility.ts.
      ...(results === undefined ? [] : [["json", { outputFile: results }] as ["json", object]]),
    ],
    coverage: { provider: "v8", include: ["src/**"], reporter: ["text-summary"] },
    globalSetup: "test/support/build.ts",
    maxWorkers: 2, // the machine of a home owner, and of CI
    testTimeout: 180_000, // a busy machine must not fail a test
    hookTimeout: 180_000,
    projects: [
      {
        extends: true,
        test: {
          name: "unit", // needs Node and nothing else
          include: ["test/**/*.test.ts"],
          exclude: ["test/integration/**"],
        },
      },
      {
        extends: true,
        test: {
          name: "integration", // starts Prometheus, a browser, containers …
          testTimeout: 900_000, // promtool takes minutes for a file of rule tests
          hookTimeout: 900_000,
          include: ["test/integration/**/*.test.ts"],
        },
      },
    ],
  },
});
