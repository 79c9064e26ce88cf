/** Local time of day, fast: the offset of a zone changes on whole quarters of an hour only. */
const QUARTER = 15 * 60_000;
const formats = new Map<string, Intl.DateTimeFormat>();
const known = new Map<string, { readonly quarter: number; readonly minute: number }>();

/** Minutes since midnight, as clocks in the zone show them. @param at milliseconds since 1970 */
export const localMinuteOf = (at: number, zone: string): number => {
  const quarter = Math.floor(at / QUARTER);
  let last = known.get(zone);
  if (last?.quarter !== quarter) {
    last = { quarter, minute: shown(quarter * QUARTER, zone) };
    known.set(zone, last);
  }
  return last.minute + Math.floor((at - quarter * QUARTER) / 60_000);
};

const shown = (at: number, zone: string): number => {
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
