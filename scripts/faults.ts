/** Runs every fault of the simulated ECU against the exporter, shows what it sees, and writes docs/faults.md from it. */
import { mkdirSync, writeFileSync } from "node:fs";
import { type Cell, cells, type Outcome } from "../test/simulator/matrix/cells.ts";
import { expectedOf } from "../test/simulator/matrix/expected.ts";
import { observe } from "../test/simulator/matrix/observe.ts";
import { faultsPage, shownInWords } from "../test/simulator/matrix/page.ts";

const AT_ONCE = 6;
const keyOf = ({ fault, query, family }: Cell): string => `${fault}@${query} ${family}`;

const observed = new Map<string, Outcome>();
const left = [...cells];
const work = async (): Promise<void> => {
  for (let cell = left.shift(); cell !== undefined; cell = left.shift())
    observed.set(keyOf(cell), (await observe(cell)).outcome);
};
await Promise.all(Array.from({ length: AT_ONCE }, work));

const seen = (cell: Cell): Outcome => observed.get(keyOf(cell)) ?? expectedOf(cell);
const differs = (cell: Cell): boolean =>
  JSON.stringify(seen(cell)) !== JSON.stringify(expectedOf(cell));
const rows = [
  ["fault@query family", "up", "query and reason", "shown"],
  ...cells.map((cell) => {
    const outcome = seen(cell);
    const shown = shownInWords(outcome).replaceAll("`", "");
    const mark = differs(cell) ? "  (not as written down in expected.ts)" : "";
    return [keyOf(cell), String(outcome.up), outcome.counted || "none", shown + mark];
  }),
];
const widths = [0, 1, 2].map((i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
const lines = rows.map((row) => row.map((text, i) => text.padEnd(widths[i] ?? 0)).join("  "));
process.stdout.write(`${lines.join("\n")}\n`);

mkdirSync("docs", { recursive: true });
writeFileSync("docs/faults.md", faultsPage(seen));
if (cells.some(differs)) process.exitCode = 1;
