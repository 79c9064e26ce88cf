/** Durations in the format of Go (time.ParseDuration), which the exporter toolkit uses. */
import { type Parse, refuse } from "../../config/values.ts";

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3, // U+00B5
  μs: 1e-3, // U+03BC
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};
const PART = String.raw`(\d+\.?\d*|\.\d+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)`;
const DURATION = new RegExp(`^(?:${PART})+$`);
/** Go counts nanoseconds in 64 bits: about 292 years. */
const MAX_MS = 2 ** 63 / 1e6;

/** One or more numbers with units, such as `1m30s`, or `0`; in milliseconds, with fractions. */
export const goDuration: Parse<number> = (text) => {
  if (text === "0") return 0;
  if (!DURATION.test(text)) return refuse("is not a duration; write it as 100ms, 1.5s or 1m30s");
  const parts = [...text.matchAll(new RegExp(PART, "g"))];
  const ms = parts.reduce(
    (sum, [, count, unit]) => sum + Number(count) * (UNIT_MS[unit ?? ""] ?? 0),
    0,
  );
  return ms < MAX_MS ? ms : refuse("is longer than 292 years");
};
