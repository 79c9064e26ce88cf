import { describe, expect, it } from "vitest";
import { irradianceOn } from "../../src/simulator/irradiance.ts";

describe("light on a panel", () => {
  const noon = { elevation: 38, azimuth: 180 };
  const facing = { tilt: 52, azimuth: 180 };

  it("is 0 while the sun is below the horizon", () => {
    expect(irradianceOn(facing, { elevation: 0, azimuth: 180 }, 1)).toBe(0);
    expect(irradianceOn(facing, { elevation: -20, azimuth: 0 }, 1)).toBe(0);
  });

  it("is near 1000 W/m² on a clear day with the sun straight in front", () => {
    expect(irradianceOn(facing, noon, 1)).toBeGreaterThan(850);
    expect(irradianceOn(facing, noon, 1)).toBeLessThan(1050);
  });

  it.each([
    ["turned away", { tilt: 52, azimuth: 90 }, 1],
    ["flat", { tilt: 0, azimuth: 180 }, 1],
    ["under clouds", facing, 0.5],
  ])("is less on a panel %s", (_how, panel, clearness) => {
    expect(irradianceOn(panel, noon, clearness)).toBeLessThan(0.8 * irradianceOn(facing, noon, 1));
  });

  it("is diffuse, but not 0, on a panel that faces away from the sun", () => {
    const light = irradianceOn({ tilt: 90, azimuth: 0 }, noon, 1);
    expect(light).toBeGreaterThan(0);
    expect(light).toBeLessThan(100);
  });
});
