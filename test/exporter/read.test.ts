import { expect, it } from "vitest";
import { simulateEcu } from "../../src/simulator/ecu.ts";
import { startTestExporter } from "../support/exporter.ts";

it("reads each ECU without a scrape, for the page, and not before the minimum interval again", async () => {
  await using ecu = await simulateEcu({
    inverters: [["DS3", 1]],
    family: "R",
    site: { latitude: 52, longitude: 5 },
    zone: "Europe/Amsterdam",
    seed: 1,
    start: Date.parse("2026-06-21T22:30:00Z"),
    timeScale: 1,
    elapsed: () => performance.now(),
  });
  await using exporter = await startTestExporter(ecu, { minInterval: 60_000 });
  const page = () => exporter.get("/");
  expect(await page()).toContain("Not read yet.");
  await exporter.read();
  expect(await page()).toContain("All inverters are offline, as at night.");
  const queries = ecu.requests.length;
  expect(queries).toBeGreaterThan(0);
  await exporter.read();
  expect(ecu.requests).toHaveLength(queries);
});
