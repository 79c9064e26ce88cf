import { describe, expect, it } from "vitest";
import { type Site, sunPosition } from "../../src/time/sun.ts";

const atZero: Site = { latitude: 52, longitude: 0 };
const EQUINOX_NOON = Date.UTC(2026, 2, 20, 12, 7); // the sun is 7 minutes late in March
const HOUR = 3_600_000;

describe("the sun", () => {
  it.each<[string, Site, number, number, number]>([
    ["at noon of an equinox at 90° minus the latitude", atZero, EQUINOX_NOON, 38, 180],
    [
      "at midnight of an equinox as far below the horizon",
      atZero,
      EQUINOX_NOON - 12 * HOUR,
      -38,
      0,
    ],
    [
      "at noon in June higher by the tilt of the axis",
      atZero,
      Date.UTC(2026, 5, 21, 12, 2),
      61.4,
      180,
    ],
    [
      "at noon in December lower by the tilt of the axis",
      atZero,
      Date.UTC(2026, 11, 21, 11, 58),
      14.6,
      180,
    ],
    ["overhead at the equator", { latitude: 0, longitude: -90 }, EQUINOX_NOON + 6 * HOUR, 90, 0],
    ["in the north, south of the equator", { latitude: -34, longitude: 0 }, EQUINOX_NOON, 56, 0],
  ])("is %s", (_where, site, at, elevation, azimuth) => {
    const sun = sunPosition(site, at);
    expect(Math.abs(sun.elevation - elevation)).toBeLessThan(0.5);
    const aside = ((sun.azimuth - azimuth + 540) % 360) - 180;
    expect(Math.abs(aside) * Math.cos((sun.elevation * Math.PI) / 180)).toBeLessThan(1);
  });

  it("rises in the east and sets in the west on an equinox", () => {
    const [morning, evening] = [-6, 6].map((hours) =>
      sunPosition(atZero, EQUINOX_NOON + hours * HOUR),
    );
    expect(morning?.azimuth).toBeCloseTo(90, -0.5);
    expect(evening?.azimuth).toBeCloseTo(270, -0.5);
    expect(Math.abs(morning?.elevation ?? 90)).toBeLessThan(1);
  });
});
