import { Temporal } from "temporal-polyfill";
import { expect, it } from "vitest";
import { isTimeZone } from "../../src/time/zone-name.ts";

const isZoneOfTemporal = (zone: string): boolean => {
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(zone);
    return true;
  } catch {
    return false;
  }
};

/** Every name of three letters that ends in T, such as CET, which is a zone, and PST, which is not. */
const letters = Array.from({ length: 26 }, (_, i) => String.fromCharCode(65 + i));
const abbreviations = letters.flatMap((one) => letters.map((two) => `${one}${two}T`));

it("accepts the names with which the date library reads times, and no others", () => {
  const names = [
    ...Intl.supportedValuesOf("timeZone"),
    ...abbreviations,
    "EST5EDT",
    "utc",
    "GMT+1",
  ];
  const different = names.filter((name) => isTimeZone(name) !== isZoneOfTemporal(name));
  expect(different).toEqual([]);
});
