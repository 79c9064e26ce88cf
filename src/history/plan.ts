/** The plan of a dry run: the requests that would be sent to an ECU, and how long they would take. */
import { formatCount } from "../text.ts";
import { daysBetween, formatDate } from "../time/calendar.ts";
import type { HistoryCache } from "./cache.ts";
import type { HistoryRange } from "./history.ts";
import { estimateTime } from "./progress.ts";
import { listQueryDates, type Today } from "./range.ts";

/** 0001, 0012, and three tables of 0004. */
const OTHER_REQUESTS = 5;
/** Days that the table of days usually has (docs/protocol.md#energy-history). */
const USUAL_TABLE_DAYS = 31;

export interface PlanOptions {
  /** Name of the ECU. */
  readonly ecu: string;
  readonly range: HistoryRange;
  readonly today: Today;
  readonly cache: HistoryCache;
  readonly paceMs: number;
}

/** Describes what would be requested. */
export const describePlan = ({ ecu, range, today, cache, paceMs }: PlanOptions): string => {
  const hasEnergy = (date: string): boolean => daysBetween(date, today.date) < USUAL_TABLE_DAYS;
  const dates = listQueryDates(range, today, hasEnergy);
  const cached = dates.filter((date) => date < today.date && cache.curves.has(date)).length;
  const days = cache.isUnsupported("dayPower") ? 0 : dates.length - cached;
  const cachedText =
    cached === 0
      ? ""
      : ` (${formatCount(cached, "day")} more ${cached === 1 ? "was" : "were"} read before)`;
  return [
    `${ecu}: requests for ${formatDate(range.from)} to ${formatDate(range.to)}:`,
    `  ${OTHER_REQUESTS} requests for base information and energy tables`,
    `  ${formatCount(days, "request")} for the power of one day each${cachedText}`,
    `  about ${estimateTime(days + OTHER_REQUESTS, paceMs)} in all; nothing was sent`,
    "",
  ].join("\n");
};
