/** docs/faults.md, generated from the table of faults and from what the exporter exports under each. */
import { type FaultName, faults } from "../../../src/simulator/faults.ts";
import { type Cell, families, type groups, listFaultQueries, type Outcome } from "./cells.ts";

/** The outcome of a cell, observed or expected. */
export type GetOutcome = (cell: Cell) => Outcome;

/** When real ECUs behave this way. */
const inRealLife: Readonly<Record<FaultName, string>> = {
  refuse: "Nightly maintenance at about 3:00; the Ethernet address of an ECU-R; an ECU that hangs.",
  blackhole: "An ECU that hangs, or a network that drops packets.",
  emptyClose: "An ECU that is busy, or was read too often.",
  silent: "Another program is being served, or the ECU has no free connection.",
  split: "Usual on family R and in any network: not an error.",
  drip: "A very slow network: not an error.",
  truncate: "A poor Wi-Fi connection, or a fault of the Wi-Fi module.",
  reset: "The Wi-Fi module or the ECU restarts.",
  endless: "Not seen on any ECU; another device at the address may do it.",
  longest: "An ECU with about 350 inverters, or faulty firmware.",
  noEnd: "A reply that the firmware truncated.",
  noLf: "Some firmware: not an error.",
  extraBytes: "Some firmware: not an error.",
  status02: "After a start, until the first round is complete: up to 10 minutes.",
  status01: "The ECU was replaced, or the reply to another client arrived.",
  badLength: "Two replies that run together, or a truncated one.",
  type00: "A registered inverter that was never in contact.",
  ecuAsInverter: "An installer entered the ECU's id in the list of inverters.",
  type05: "DS3-H and some QT2; the layout follows from the serial number.",
  staleOffline: "Night, or an inverter out of reach, on an ECU-R or ECU-B.",
  linuxOffline: "Night, or an inverter out of reach, on an ECU-R-Pro or ECU-C.",
  zeroGlitch: "The ECU's database was busy for a moment.",
  frozenCounters: "A bug of some firmware with QT2 and DS3.",
  emptyList: "Some firmware after an update.",
  lostTail: "A power failure before the counter was stored.",
  spike: "A fault of a bit; not seen on any ECU.",
  idChange: "Two ECUs with one address, an ECU that was replaced, or replies that are mixed up.",
  clockOffset: "A wrong clock or time zone of the ECU.",
  wrongCommand: "Another program reads the ECU at the same time.",
  surplusBytes: "Not seen for certain on any ECU.",
  staleTimestamp:
    "An ECU that hangs but still replies; compare the time of its last report with now.",
  aps12: "Usual on family L with newer firmware: not an error.",
  shortSignal: "An ECU that has not been in contact with all inverters yet.",
  acDisconnected: "The circuit breaker of an inverter is off during the day.",
  shuffleSignal: "Usual on some ECUs: not an error.",
  oddText: "The ECU takes these texts from files, which may have padding; not seen for certain.",
  oddType: "Damage on the way or in the memory of the ECU; not seen for certain.",
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
const parseGroups = (shown: string): Map<string, string> =>
  new Map(
    [...shown.matchAll(/([a-z]+)(?: (\d+\/\d+))?/g)].map(([, name = "", part = ""]) => [
      name,
      part,
    ]),
  );

/** The exported series in words. */
export const describeOutcome = ({ shown, rejected, differing }: Outcome): string => {
  const parts = parseGroups(shown);
  if (parts.size === 0) return "nothing";
  const missing = Object.entries(groupNames).flatMap(([group, name]) =>
    parts.has(group) ? [] : [name],
  );
  const some = [...parts].filter(([, part]) => part !== "");
  const all = some.length > 0 ? "all groups" : "everything";
  return [
    missing.length > 0 ? `all but ${missing.join(", ")}` : all,
    ...some.map(([group, part]) => `of ${group} ${part.replace("/", " of ")} series`),
    ...(rejected === "" ? [] : [`left out: ${code(rejected.split(" "))}`]),
    ...Object.entries(differing).map(([series, value]) => {
      const [name = "", labels] = series.split(" ");
      return `\`${name}${labels === undefined ? "" : `{${labels}}`}\` ${value}, as the ECU reports`;
    }),
  ].join("; ");
};

const code = (words: readonly string[]): string => words.map((word) => `\`${word}\``).join(", ");

const formatTable = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");

/** The rows of one fault. Queries and families with the same outcome share a row. */
const listRows = (fault: FaultName, getOutcome: GetOutcome): string[][] => {
  const variants = listFaultQueries(fault).flatMap((query) =>
    families.map((family) => ({
      query,
      family,
      outcome: getOutcome({ fault, query, family }),
    })),
  );
  const keys = new Set(variants.map(({ outcome }) => JSON.stringify(outcome)));
  return [...keys].flatMap((key) => {
    const group = variants.filter(({ outcome }) => JSON.stringify(outcome) === key);
    const [first] = group;
    if (first === undefined) return [];
    const queries = [...new Set(group.map(({ query }) => query))];
    const ownFamilies = [...new Set(group.map(({ family }) => family))];
    const where = queries.length === 3 ? "any" : code(queries);
    const { up, counted } = first.outcome;
    return [
      [
        `\`${fault}\``,
        ownFamilies.length === families.length
          ? where
          : `${where}, family ${ownFamilies.join(", ")}`,
        String(up),
        counted === "" ? "none" : code(counted.split(", ")),
        describeOutcome(first.outcome),
      ],
    ];
  });
};

/** The whole page. */
export const renderFaultsPage = (getOutcome: GetOutcome): string => {
  const names = Object.keys(faults) as FaultName[];
  return `# When an ECU misbehaves

What the exporter exports when an ECU or the network fails. The simulated ECU has each of these faults.
\`npm run faults\` runs all of them, prints the results, and writes this page.

## Try a fault

    apsystems-ecu-exporter demo --fault=zeroGlitch          # always
    apsystems-ecu-exporter demo --fault=silent@signal       # in the replies to one query: info, realtime or signal
    apsystems-ecu-exporter demo --fault=truncate:once       # in one reply
    apsystems-ecu-exporter demo --fault=truncate:3times     # in three replies
    apsystems-ecu-exporter demo --fault=refuse:30s          # for 30 seconds
    apsystems-ecu-exporter demo --fault=wrongCommand:0.2    # in one of five replies, at random

The flag is repeatable, and a query and a limit can be combined: \`silent@signal:3times\`. With \`--control\`, faults are switched
while \`demo\` or \`simulate\` runs. The control port has no password, so only a loopback address is accepted:

    apsystems-ecu-exporter demo --control=127.0.0.1:8898
    curl http://127.0.0.1:8898/                                      # lists the faults
    curl -X PUT http://127.0.0.1:8898/faults/silent@signal:3times    # switches one on
    curl -X DELETE http://127.0.0.1:8898/faults/silent               # switches it off
    curl -X DELETE http://127.0.0.1:8898/faults                      # switches all off

Connections to a closed port cannot be counted, so one time of \`refuse\` is one second, and a random number is drawn each
second. A program cannot leave a connection on its own machine unaccepted as a dead ECU does. \`blackhole\` is the closest: it
accepts each connection, ignores all data, never replies, and never closes. For the exporter both are a \`timeout\`.

## The faults

${formatTable(
  ["Fault", "The ECU", "Real cases"],
  names.map((name) => [`\`${name}\``, faults[name].about, inRealLife[name]]),
)}

## What the exporter exports

The result of one scrape while the fault is on, by the query whose reply has it. Every exported value was in a valid reply of
that read; old values are never exported. Counters do not fall, the scrape ends in time, and the first read without the fault is
complete. A fault of connections (\`refuse\`, \`blackhole\`) lasts from that query on. Rows without a family hold for both.

The reason is the label of \`apsystems_exporter_query_errors_total\`, and \`query_success\` is 0 for that query. A query that was not
sent, because the ECU was not reached or no time was left, also has 0, and counts no error. A \`timeout\` that ends the whole read
may be counted only at the next scrape.

${formatTable(
  ["Fault", "In the reply to", "`ecu_up`", "Query and reason", "Exported"],
  names.flatMap((name) => listRows(name, getOutcome)),
)}
`;
};
