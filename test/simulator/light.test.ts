import { describe, expect, it } from "vitest";
import { lightOn } from "../../src/simulator/light.ts";

describe("light on a panel", () => {
  const noon = { elevation: 38, azimuth: 180 };
  const facing = { tilt: 52, azimuth: 180 };

  it("is none while the sun is below the horizon", () => {
    expect(lightOn(facing, { elevation: 0, azimuth: 180 }, 1)).toBe(0);
    expect(lightOn(facing, { elevation: -20, azimuth: 0 }, 1)).toBe(0);
  });

  it("is near 1000 W/m² on a clear day with the sun straight in front", () => {
    expect(lightOn(facing, noon, 1)).toBeGreaterThan(850);
    expect(lightOn(facing, noon, 1)).toBeLessThan(1050);
  });

  it.each([
    ["turned away", { tilt: 52, azimuth: 90 }, 1],
    ["flat", { tilt: 0, azimuth: 180 }, 1],
    ["under clouds", facing, 0.5],
  ])("is less on a panel %s", (_how, panel, clearness) => {
    expect(lightOn(panel, noon, clearness)).toBeLessThan(0.8 * lightOn(facing, noon, 1));
  });

  it("is diffuse, and not nothing, on a panel with its back to the sun", () => {
    const light = lightOn({ tilt: 90, azimuth: 0 }, noon, 1);
    expect(light).toBeGreaterThan(0);
    expect(light).toBeLessThan(100);
  });
});
