/**
 * Energy of calendar periods in the time zone of the browser. They end with the selected time range, whatever its length is:
 * Grafana ignores the time range of a panel if that of the dashboard has fixed limits, and `$__range` is the selected one.
 */
import { ecuSeries, kilowattHours } from "./promql.ts";

/** Time from midnight to the end of the time range, as a duration. It is never zero. */
const clock = `\${__to:date:H}h\${__to:date:m}m`;
export const sinceMidnight = `${clock}59s`;
/** Number of the day within the month and within the year, from 1. */
const dayOf = { month: `\${__to:date:D}d`, year: `\${__to:date:DDD}d` };

/** Texts for the names of numbers, such as "20 July". */
export const periodNames = {
  today: `\${__to:date:D MMMM}`,
  month: `\${__to:date:MMMM}`,
  year: `\${__to:date:YYYY}`,
};

const counter = (): string => ecuSeries("ecu_lifetime_energy_joules_total");
/** The last value of the counter, also of an ECU that is unreachable. After a day, an hour more or less does not matter. */
const latest = (window: string, at = ""): string =>
  `(last_over_time(${counter()}[1d]${at}) or last_over_time(${counter()}[${window}:1h]${at}))`;

/**
 * Energy of all selected ECUs in kWh since the start of the month or of the year: the difference of two values of the counter.
 * If there is no value at the start, or if the counter was reset, it is the difference to the lowest value.
 */
export const energySince = (period: "month" | "year"): string => {
  const window = `${dayOf[period]}${clock}`;
  // The window is a day too long, because days count from 1.
  const atStart = `last_over_time((${counter()} offset -1d)[1h:5m] offset ${window})`;
  const lowest = `min_over_time(${counter()}[${window}:1h])`;
  return kilowattHours(
    `sum(max by (ecu) ((${latest(window)} - ${atStart}) >= 0 or ${latest(window)} - ${lowest}))`,
  );
};

/** Minutes of the day at a step of a subquery, by the clock of the browser at the end of the range. */
const minuteOfDay =
  `((vector(time()) / 60 - (\${__to} - \${__to} % 60000) / 60000 + \${__to:date:H} * 60 + \${__to:date:m})` +
  " % 1440 + 1440) % 1440";

/** A value at the steps of a subquery that are less than some days before the end of the time range. */
const inLastDays = (days: number, value: string): string =>
  `(${value} and on () vector(time()) > \${__to} / 1000 - ${days} * 86400)`;
/** The last value of the counter, as the end of the current day or month. */
const lastValue = (days: number): string => inLastDays(days, latest(`${days}d`, " @ end()"));
/** The lowest value of the counter, as the start of a current day or month for which Prometheus has no start. */
const firstValue = (days: number): string =>
  inLastDays(days, `min_over_time(${counter()}[${days}d:15m] @ end())`);

/**
 * Energy of each of the last days in kWh, with the time of its midnight: a range vector, for bars that do not depend on the
 * time range.
 * @param step time of which midnight is a multiple: 15 minutes in all zones, 30 minutes in all but Nepal's and two others
 */
export const energyPerDay = (days: number, step: "15m" | "30m" = "15m"): string => {
  const at = (offset: string): string =>
    `(last_over_time(${counter()}[11m]${offset}) and on () ${minuteOfDay} == 0)`; // other steps cost nothing more
  const end = `(${at(" offset -1d")} or ${lastValue(1)})`;
  const start = `(${at("")} or ${firstValue(1)} and on () ${minuteOfDay} == 0)`;
  const energy = kilowattHours(`sum(max by (ecu) (${end} - ${start}))`);
  return `(${energy})[${days}d:${step}]`;
};

/** Days from the first of a month to the next. */
const monthLengths = [28, 29, 30, 31];

const noon = "vector(time() + 43200)";

/**
 * Energy of the month that starts at a step, in kWh. A window of four hours around midnight finds the values that an import
 * has at the start of each month, also after a change to or from summer time.
 * @param yearsBack energy of the same month so many years before
 */
const energyOfMonth = (yearsBack: 0 | 1): string => {
  const at = (days: number): string =>
    `last_over_time(${counter()}[4h] offset ${-24 * (days - 365 * yearsBack) - 2}h)`;
  const energies = monthLengths.map((days) => {
    const [start, end] =
      yearsBack === 0
        ? [`(${at(0)} or ${firstValue(days)})`, `(${at(days)} or ${lastValue(days)})`]
        : [at(0), at(days)];
    return `(${end} - ${start} and on () days_in_month(${noon}) == ${days})`;
  });
  return kilowattHours(`sum(max by (ecu) (${energies.join(" or ")}))`);
};

/**
 * Energy of each of the last months, or of the same months one year before, with the time of its start: a range vector. These
 * are two queries, because the order of the series of one query is random.
 */
export const energyPerMonth = (months: number, yearsBack: 0 | 1): string => {
  const isFirst = `day_of_month(${noon}) == 1 and on () ${minuteOfDay} < 120`;
  return `(${energyOfMonth(yearsBack)} and on () ${isFirst})[${months * 31}d:2h]`;
};
