/** docs/faults.md, made from the table of faults and from what the exporter makes of each. */
import { type FaultName, faults } from "../../../src/simulator/faults.ts";
import { type Cell, families, type groups, type Outcome, questionsOf } from "./cells.ts";

/** What a cell gives: as observed, or as written down. */
export type OutcomeOf = (cell: Cell) => Outcome;

/** When a real ECU is like that, and what to know then. */
const inRealLife: Readonly<Record<FaultName, string>> = {
  refuse:
    "Its maintenance at about 3 at night; the cable's address of an ECU-R; an ECU that hangs.",
  blackhole: "An ECU that hangs, or a network that loses what is sent to it.",
  emptyClose: "An ECU that is busy, or has been asked too often.",
  silent: "Another program is being served, or the ECU has no connection free.",
  split: "Usual on family R, and in any network: no error.",
  drip: "A very slow network: no error.",
  truncate: "Trouble on the radio or in the Wi-Fi module.",
  reset: "The Wi-Fi module or the ECU starts anew.",
  endless: "Seen of no ECU; a program at the wrong address may do it.",
  longest: "An ECU with some 350 inverters, or what no firmware should send.",
  noEnd: "A reply that the firmware cut off.",
  noLf: "Some firmware: no error.",
  extraBytes: "Some firmware: no error.",
  status02: "After a start, until the first round is over: up to 10 minutes.",
  status01: "The ECU was replaced, or another client's answer came.",
  badLength: "Two replies run together, or one is cut.",
  type00: "An inverter that is registered and was never heard.",
  ecuAsInverter: "An installer typed the ECU's id into the list of inverters.",
  type05: "DS3-H and some QT2, whose layout is known from the serial number.",
  staleOffline: "Night, or an inverter out of reach, on an ECU-R or ECU-B.",
  linuxOffline: "Night, or an inverter out of reach, on an ECU-R-Pro or ECU-C.",
  zeroGlitch: "The ECU's database was busy for a moment.",
  frozenCounters:
    "A bug of some firmware with QT2 and DS3; switched on by day it looks like a reset.",
  clockOffset: "A wrong clock or time zone of the ECU.",
  wrongCommand: "Another program asks the same ECU at the same time.",
  surplusBytes: "Seen of no ECU for certain.",
  staleTimestamp:
    "An ECU that hangs and still answers; compare the time of its last report with now.",
  aps12: "Usual on family L with newer firmware: no error.",
  shortSignal: "An ECU that has not heard all inverters yet.",
  acDisconnected: "The fuse of an inverter is out by day.",
  shuffleSignal: "Usual on some ECUs: no error.",
};

const groupNames: Readonly<Record<keyof typeof groups, string>> = {
  ecu: "the ECU's own values",
  energy: "energy",
  count: "number of inverters",
  report: "time of the last report",
  inverters: "inverters",
  readings: "readings",
  signal: "signal",
};

/** Groups and how much of each: `readings 15/17` is `["readings", "15/17"]`. */
const partsOf = (shown: string): Map<string, string> =>
  new Map(
    [...shown.matchAll(/([a-z]+)(?: (\d+\/\d+))?/g)].map(([, name = "", part = ""]) => [
      name,
      part,
    ]),
  );

/** What is shown, in words. */
export const shownInWords = ({ shown, withheld, otherwise }: Outcome): string => {
  const parts = partsOf(shown);
  if (parts.size === 0) return "nothing";
  const missing = Object.entries(groupNames).flatMap(([group, name]) =>
    parts.has(group) ? [] : [name],
  );
  const some = [...parts].filter(([, part]) => part !== "");
  const all = some.length > 0 ? "all groups" : "everything";
  return [
    missing.length > 0 ? `all but ${missing.join(", ")}` : all,
    ...some.map(([group, part]) => `of ${group} ${part.replace("/", " of ")} series`),
    ...(withheld === "" ? [] : [`withheld: ${code(withheld.split(" "))}`]),
    ...Object.entries(otherwise).map(([series, value]) => {
      const [name = "", labels] = series.split(" ");
      return `\`${name}${labels === undefined ? "" : `{${labels}}`}\` ${value}, as the ECU says`;
    }),
  ].join("; ");
};

const code = (words: readonly string[]): string => words.map((word) => `\`${word}\``).join(", ");

const tableOf = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");

/** The rows of one fault: answers at which the exporter does the same share one. */
const rowsOf = (fault: FaultName, outcomeOf: OutcomeOf): string[][] => {
  const places = questionsOf(fault).flatMap((question) =>
    families.map((family) => ({
      question,
      family,
      outcome: outcomeOf({ fault, question, family }),
    })),
  );
  const keys = new Set(places.map(({ outcome }) => JSON.stringify(outcome)));
  return [...keys].flatMap((key) => {
    const group = places.filter(({ outcome }) => JSON.stringify(outcome) === key);
    const [first] = group;
    if (first === undefined) return [];
    const asked = [...new Set(group.map(({ question }) => question))];
    const own = [...new Set(group.map(({ family }) => family))];
    const where = asked.length === 3 ? "any" : code(asked);
    const { up, counted } = first.outcome;
    return [
      [
        `\`${fault}\``,
        own.length === families.length ? where : `${where}, family ${own.join(", ")}`,
        String(up),
        counted === "" ? "none" : code(counted.split(", ")),
        shownInWords(first.outcome),
      ],
    ];
  });
};

/** The whole page. */
export const faultsPage = (outcomeOf: OutcomeOf): string => {
  const names = Object.keys(faults) as FaultName[];
  return `# When an ECU misbehaves

What the exporter shows when an ECU, or the network before it, is not as it should be. The simulated ECU can be wrong in
each of these ways, so you can see for yourself. \`npm run faults\` runs all of them, shows what it sees, and writes this page.

## Try a fault

    apsystems-ecu-exporter demo --fault=zeroGlitch          # always
    apsystems-ecu-exporter demo --fault=silent@signal       # at the answers to one question: info, realtime or signal
    apsystems-ecu-exporter demo --fault=truncate:once       # at one answer; then it is over
    apsystems-ecu-exporter demo --fault=truncate:3times     # at three
    apsystems-ecu-exporter demo --fault=refuse:30s          # for 30 seconds
    apsystems-ecu-exporter demo --fault=wrongCommand:0.2    # at one of five answers, by the chance of --seed

The flag may be given more than once, and both forms of limit together: \`silent@signal:3times\`. With a port for it, faults
are switched while the ECU runs, of \`demo\` and \`simulate\` alike. The port has no password, so it can only be one of this
machine:

    apsystems-ecu-exporter demo --control=127.0.0.1:8898
    curl http://127.0.0.1:8898/                                      # what is on, and all there is
    curl -X PUT http://127.0.0.1:8898/faults/silent@signal:3times    # on
    curl -X DELETE http://127.0.0.1:8898/faults/silent               # off
    curl -X DELETE http://127.0.0.1:8898/faults                      # all off

Nobody sees who knocks at a closed port, so one time of \`refuse\` is one second, and a chance is drawn each second. No program
can leave a connection on its own machine unanswered as a dead ECU does; \`blackhole\` comes as near as can be: it accepts
each connection and reads what comes without heeding it, never answers, and never hangs up. To the exporter both are
a \`timeout\`.

## The faults

${tableOf(
  ["Fault", "The ECU", "In real life"],
  names.map((name) => [`\`${name}\``, faults[name].about, inRealLife[name]]),
)}

## What the exporter shows

Of one scrape while the fault is on, by the question at whose answer it is. Every value shown was in a valid reply of that very
read; nothing old is ever shown. Counters do not fall, the scrape ends in time, and the first read without the fault is
whole again. A fault of connections (\`refuse\`, \`blackhole\`) lasts from that question on. Both families of ECUs fare alike
where none is named.

The reason is what \`apsystems_exporter_query_errors_total\` counts, and \`query_success\` is 0 for that query. A query that was
not asked, because the ECU was not reached or the time was over, has 0 as well and counts no error. A \`timeout\` that ends the
whole read may be counted only at the next scrape.

${tableOf(
  ["Fault", "At the answer to", "`ecu_up`", "Query and reason", "Shown"],
  names.flatMap((name) => rowsOf(name, outcomeOf)),
)}
`;
};
