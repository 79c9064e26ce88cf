/** The table of the proof in docs/alerts.md. */

import { GOOD_LIGHT } from "./lives.ts";
import { places, roofs } from "./places.ts";
import type { Proof } from "./prove.ts";
import { type TroubleKind, troubleKinds } from "./troubles.ts";
import { FOUND_MINUTES, type TroubleVerdict } from "./verdict.ts";

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");

const median = (numbers: readonly number[]): number | undefined =>
  [...numbers].sort((one, other) => one - other)[Math.floor(numbers.length / 2)];

/** What a proof of so many days has found, as Markdown. */
export const pageOf = ({ verdict, healthyDays }: Proof, days: number): string =>
  [
    `Written by \`npm run prove:alerts\`: simulated plants live through ${days} days at ${places.map(({ name }) => `${name}°`).join(", ")} of latitude, with`,
    "summer time, clouds, snow, staggered dusks, a maintenance every night, ten minutes of a hung ECU every week, failed look-ups,",
    "lost answers and restarts of the exporter. What the exporter would have shown every five minutes is loaded into a real",
    "Prometheus, and every rule is evaluated at every step.",
    "",
    `**Nothing wrong:** ${Object.keys(roofs).length} roofs at each latitude, of one panel, of one inverter, of two faces and of all four directions: ${Math.round(healthyDays)} days in all.`,
    "",
    table(
      ["Alert", "Severity", "False alerts"],
      verdict.alerts.map(({ alert, severity, falseAlerts }) => [
        `[${alert}](#${alert.toLowerCase()})`,
        severity,
        String(falseAlerts.length),
      ]),
    ),
    "",
    "Those of severity *info* fired in frost, when snow cannot be told from a fault, and say so.",
    "",
    `**Something wrong**, at random times: found, within ${FOUND_MINUTES} minutes of good light (${GOOD_LIGHT} W/m² on the plant's mean panel; a slow one within days),`,
    "by the right alert, which names the right ECU, inverter and channel. The delay counts those minutes from the moment it happened.",
    "",
    table(
      [
        "What happens",
        "Alert",
        "Tried",
        "Found",
        "of these as info, in frost",
        "Median delay",
        "Longest",
        "Wrong alerts",
      ],
      verdict.troubles.map(rowOf),
    ),
  ].join("\n");

const rowOf = ({ kind, tried, found, foundAsInfo, delays, wrong }: TroubleVerdict): string[] => {
  const { about, alert, isSlow }: TroubleKind = troubleKinds[kind];
  const shown = (delay: number | undefined): string =>
    delay === undefined ? "–" : isSlow ? `${delay.toFixed(1)} days` : `${delay} min`;
  return [
    about,
    `[${alert}](#${alert.toLowerCase()})`,
    String(tried),
    String(found),
    String(foundAsInfo),
    shown(median(delays)),
    shown(delays.length === 0 ? undefined : Math.max(...delays)),
    String(wrong.length),
  ];
};

const [BEGIN, END] = ["<!-- proof: begin -->", "<!-- proof: end -->"];

/** The page with its proof made anew. @throws Error where the marks are missing */
export const withProof = (page: string, proof: string): string => {
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (from === -1 || to < from) throw new Error("the page has no marks for the proof");
  return `${page.slice(0, from + BEGIN.length)}\n${proof}\n${page.slice(to)}`;
};
