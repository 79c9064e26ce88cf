/**
 * Proves the alerts over a simulated year at three latitudes: no false alert, and every fault is found.
 * Usage: npm run prove:alerts [-- --days=30 --count=3 --from=2025-03-10 --seed=1] [-- --keep=FOLDER]
 * Only a whole year with the default seed is written to docs/alerts.md. Another seed gives other weather and other faults.
 * --keep keeps the replayed samples in a folder; a second run with the same folder proves changed rules on them in less time.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { formatProof, insertProof } from "./prove/page.ts";
import { prove } from "./prove/prove.ts";
import { listFailures } from "./prove/result.ts";
import { DEFAULT_SEED } from "./prove/scenarios.ts";

const PAGE = "docs/alerts.md";
const YEAR = 365;
const { values } = parseArgs({
  options: {
    days: { type: "string", default: String(YEAR) },
    count: { type: "string", default: "21" },
    "season-count": { type: "string", default: "3" },
    from: { type: "string", default: "2025-01-01" },
    seed: { type: "string", default: String(DEFAULT_SEED) },
    keep: { type: "string" },
  },
});
const from = Date.parse(`${values.from}T00:00:00Z`);
const days = Number(values.days);
const seed = Number(values.seed);
const begun = performance.now();
const report = (line: string): void => {
  const seconds = ((performance.now() - begun) / 1000).toFixed(0);
  process.stdout.write(`${seconds.padStart(5)} s  ${line}\n`);
};

const proof = await prove({
  period: { from, to: from + days * 86_400_000 },
  count: Number(values.count),
  seasonCount: Number(values["season-count"]),
  seed,
  slow: days < 60 ? { before: 14, after: 8 } : { before: 28, after: 10 },
  keepIn: values.keep,
  report,
});
const page = formatProof(proof, days);
process.stdout.write(`\n${page}\n\n`);
if (days === YEAR && seed === DEFAULT_SEED)
  writeFileSync(PAGE, insertProof(readFileSync(PAGE, "utf8"), page));
const failures = listFailures(proof.result);
for (const failure of failures) process.stdout.write(`${failure}\n`);
process.stdout.write(failures.length === 0 ? "proved\n" : "NOT proved\n");
process.exitCode = failures.length === 0 ? 0 : 1;
