/** Formats the results of the proof for docs/alerts.md. */
import { type FaultKind, faultKinds } from "./fault-kinds.ts";
import { locations, roofs } from "./plants.ts";
import type { Proof } from "./prove.ts";
import { type FaultResult, FOUND_MINUTES, type SeasonResult } from "./result.ts";
import { GOOD_IRRADIANCE, seasonalFaults } from "./scenarios.ts";

const formatTable = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");

const median = (numbers: readonly number[]): number | undefined =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

/**
 * How a proof was made: the command, the simulated days of each plant, how many times they were simulated, each with other weather
 * and other faults, and the version of Prometheus.
 */
interface Making {
  readonly command: string;
  readonly days: number;
  readonly seeds: number;
  readonly version: string;
}

/** Formats the results of a proof as Markdown. */
export const formatProof = (
  { result, healthyDays }: Proof,
  { command, days, seeds, version }: Making,
): string =>
  [
    `Written by \`${command}\`, with Prometheus ${version}. Simulated plants run for ${days} days${seeds > 1 ? `, ${seeds} times with other weather,` : ""} in the climates of ${locations.map(({ name }) => name).join(", ")}, with summer time, clouds, snow,`,
    "inverters that go offline at different times, maintenance every night, an ECU that hangs for ten minutes every week, wrong counters,",
    "lost replies and restarts of the exporter. The output of the exporter every five minutes is loaded into a real Prometheus, and every",
    "rule is evaluated at every step.",
    "",
    `**Healthy plants:** ${Object.keys(roofs).length} roofs at each place (one panel, one inverter, two directions, four directions), ${Math.round(healthyDays)} days in all.`,
    "",
    formatTable(
      ["Alert", "Severity", "False alerts"],
      result.alerts.map(({ alert, severity, falseAlerts }) => [
        `[${alert}](#${alert.toLowerCase()})`,
        severity,
        String(falseAlerts.length),
      ]),
    ),
    "",
    "The alerts about plants, inverters and panels of severity *info* fired in the cold, when snow cannot be distinguished from a fault. Their text says so.",
    "",
    `**Faults** at random times. A fault counts as found if the right alert, with the right ECU, inverter and channel, fires within ${FOUND_MINUTES} minutes of`,
    `good light (${GOOD_IRRADIANCE} W/m² on the mean panel of the plant), or within days for a slow fault. The delay counts these minutes from the start of the fault.`,
    'Those under "Found later" were found within four days. Examples: an inverter that was under snow at the same hour of a day before looks like',
    "one that faces another direction; a plant that had little power at this hour on the last three days is expected to have little.",
    "",
    formatTable(
      [
        "Fault",
        "Alert",
        "Tried",
        "Found",
        "Found later",
        "As info, in the cold",
        "Median delay",
        "Longest delay",
        "Wrong alerts",
      ],
      result.faults.map(formatFaultRow),
    ),
    "",
    `**Severity at first notice.** How many of the faults that begin at a random moment of a month were a *warning* or *critical* within`,
    `${FOUND_MINUTES} minutes of good light. The others were *info* at first: snow was possible. "–": no good light in this month.`,
    ...seasonalFaults.flatMap((kind) => [
      "",
      formatTable(
        [faultKinds[kind].description, ...MONTHS, "Year"],
        locations.map(({ name }) =>
          formatSeasonRow(
            name,
            result.seasons.filter((season) => season.kind === kind && season.location === name),
          ),
        ),
      ),
    ]),
  ].join("\n");

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

const formatSeasonRow = (location: string, months: readonly SeasonResult[]): string[] => {
  const sum = (part: (month: SeasonResult) => number): number =>
    months.reduce((total, month) => total + part(month), 0);
  const tried = sum((month) => month.tried);
  const share = tried === 0 ? "–" : `${Math.round((100 * sum(({ urgent }) => urgent)) / tried)} %`;
  return [
    location,
    ...months.map(({ tried: cases, urgent }) => (cases === 0 ? "–" : `${urgent} of ${cases}`)),
    share,
  ];
};

const formatFaultRow = ({
  kind,
  tried,
  found,
  foundAsInfo,
  late,
  delays,
  wrong,
}: FaultResult): string[] => {
  const { description: about, alert, isSlow }: FaultKind = faultKinds[kind];
  const format = (delay: number | undefined): string =>
    delay === undefined ? "–" : isSlow ? `${delay.toFixed(1)} days` : `${delay} min`;
  return [
    about,
    `[${alert}](#${alert.toLowerCase()})`,
    String(tried),
    String(found),
    String(late.length),
    String(foundAsInfo),
    format(median(delays)),
    format(delays.length === 0 ? undefined : Math.max(...delays)),
    String(wrong.length),
  ];
};

const [BEGIN, END] = ["<!-- proof: begin -->", "<!-- proof: end -->"];

/** Replaces the results in the page. @throws Error if the page has no marks for them */
export const insertProof = (page: string, proof: string): string => {
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (from === -1 || to < from) throw new Error("the page has no marks for the proof");
  return `${page.slice(0, from + BEGIN.length)}\n${proof}\n${page.slice(to)}`;
};
