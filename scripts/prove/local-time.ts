/** Local time of day, cached: the offset of a zone changes only at multiples of 15 minutes. */
const QUARTER = 15 * 60_000;
const formats = new Map<string, Intl.DateTimeFormat>();
const cache = new Map<string, { readonly quarter: number; readonly minute: number }>();

/** Minutes since midnight on a clock in the zone. @param at milliseconds since 1970 */
export const toLocalMinute = (at: number, zone: string): number => {
  const quarter = Math.floor(at / QUARTER);
  let last = cache.get(zone);
  if (last?.quarter !== quarter) {
    last = { quarter, minute: formatMinute(quarter * QUARTER, zone) };
    cache.set(zone, last);
  }
  return last.minute + Math.floor((at - quarter * QUARTER) / 60_000);
};

const formatMinute = (at: number, zone: string): number => {
  const format =
    formats.get(zone) ??
    new Intl.DateTimeFormat("en", {
      timeZone: zone,
      hour: "numeric",
      minute: "numeric",
      hourCycle: "h23",
    });
  formats.set(zone, format);
  const [hours = 0, minutes = 0] = format.format(at).split(":").map(Number);
  return hours * 60 + minutes;
};
