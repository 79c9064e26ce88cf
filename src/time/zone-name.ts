/** Names of time zones. Checking one does not load the date library. */

const ZONE_NAME = /^[A-Za-z][\w/+-]*$/;
/** Names that only the library of Node.js knows. They are ambiguous: IST is Indian, Irish or Israeli time. */
const ABBREVIATION =
  /^(AC|AE|AG|AR|AS|BE|BS|CA|CN|CS|CT|EA|EC|IE|IS|JS|MI|NE|NS|PL|PN|PR|PS|SS|VS)T$/i;

/** Valid names of earlier calls: a check takes longer than all other steps of a read. */
const valid = new Set<string>();
const MAX_VALID = 1_000; // there are about 600, but a name in another case is valid too

/** Whether times can be read in this zone: an IANA name such as `Europe/Amsterdam`. */
export const isTimeZone = (zone: string): boolean => {
  if (valid.has(zone)) return true;
  if (!ZONE_NAME.test(zone) || ABBREVIATION.test(zone)) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    if (valid.size < MAX_VALID) valid.add(zone);
    return true;
  } catch {
    return false;
  }
};

/** The zone of this machine: UTC where the variable TZ is empty or names no zone of the time zone database. */
export const resolveMachineZone = (): string => {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  return timeZone !== undefined && isTimeZone(timeZone) ? timeZone : "UTC";
};
