/** Runs each fault of the simulated ECU against the exporter, prints the results, and writes docs/faults.md. */
import { mkdirSync, writeFileSync } from "node:fs";
import { type Cell, cells, type Outcome } from "../test/simulator/matrix/cells.ts";
import { getExpectedOutcome } from "../test/simulator/matrix/expected.ts";
import { observeCell } from "../test/simulator/matrix/observe.ts";
import { describeOutcome, renderFaultsPage } from "../test/simulator/matrix/page.ts";

const CONCURRENCY = 6;
const formatCell = ({ fault, query, family }: Cell): string => `${fault}@${query} ${family}`;

const observed = new Map<string, Outcome>();
const remaining = [...cells];
const runRemaining = async (): Promise<void> => {
  for (let cell = remaining.shift(); cell !== undefined; cell = remaining.shift())
    observed.set(formatCell(cell), (await observeCell(cell)).outcome);
};
await Promise.all(Array.from({ length: CONCURRENCY }, runRemaining));

const getOutcome = (cell: Cell): Outcome =>
  observed.get(formatCell(cell)) ?? getExpectedOutcome(cell);
const differs = (cell: Cell): boolean =>
  JSON.stringify(getOutcome(cell)) !== JSON.stringify(getExpectedOutcome(cell));
const rows = [
  ["fault@query family", "up", "query and reason", "exported"],
  ...cells.map((cell) => {
    const outcome = getOutcome(cell);
    const exported = describeOutcome(outcome).replaceAll("`", "");
    const mark = differs(cell) ? "  (differs from expected.ts)" : "";
    return [formatCell(cell), String(outcome.up), outcome.counted || "none", exported + mark];
  }),
];
const widths = [0, 1, 2].map((i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
const lines = rows.map((row) => row.map((text, i) => text.padEnd(widths[i] ?? 0)).join("  "));
process.stdout.write(`${lines.join("\n")}\n`);

mkdirSync("docs", { recursive: true });
writeFileSync("docs/faults.md", renderFaultsPage(getOutcome));
if (cells.some(differs)) process.exitCode = 1;
