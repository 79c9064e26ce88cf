import { getPosition } from "suncalc";

/** Where a plant stands, in degrees; east and north are positive. */
export interface Site {
  readonly latitude: number;
  readonly longitude: number;
}

/** Sun above the horizon (degrees, negative at night) and its direction (degrees clockwise from north). */
export const sunPosition = (site: Site, at: number): { elevation: number; azimuth: number } => {
  const { altitude, azimuth } = getPosition(new Date(at), site.latitude, site.longitude);
  return { elevation: altitude, azimuth };
};
