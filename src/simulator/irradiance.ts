/** Orientation of a panel in degrees: tilt 0 is flat; azimuth 90 is east, 180 south. */
export interface Orientation {
  readonly tilt: number;
  readonly azimuth: number;
}

const SOLAR_CONSTANT = 1361; // W/m² outside the atmosphere
const DIFFUSE_SHARE = 0.1; // of direct light on a clear day, at any elevation
const CLOUD_SHARE = 0.25; // of the light above the clouds, under an overcast sky
const radians = (degrees: number): number => (degrees * Math.PI) / 180;

/**
 * Irradiance on a panel in W/m²: direct light by air mass (Kasten and Young), and diffuse light from the visible part of
 * the sky.
 * @param clearness 0 (overcast) to 1 (clear)
 */
export const irradianceOn = (
  panel: Orientation,
  sun: { elevation: number; azimuth: number },
  clearness: number,
): number => {
  if (sun.elevation <= 0) return 0;
  const height = Math.sin(radians(sun.elevation));
  const airMass = 1 / (height + 0.50572 * (sun.elevation + 6.07995) ** -1.6364);
  const clearSky = SOLAR_CONSTANT * 0.7 ** (airMass ** 0.678);
  const tilt = radians(panel.tilt);
  const facing =
    height * Math.cos(tilt) +
    Math.cos(radians(sun.elevation)) *
      Math.sin(tilt) *
      Math.cos(radians(sun.azimuth - panel.azimuth));
  const direct = clearSky * clearness ** 1.5 * Math.max(0, facing);
  const diffuse = clearSky * (DIFFUSE_SHARE * clearness + CLOUD_SHARE * height * (1 - clearness));
  return direct + (diffuse * (1 + Math.cos(tilt))) / 2;
};
