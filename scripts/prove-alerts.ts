/**
 * Proves the alerts over simulated time: a year at three latitudes without a false alarm, and every fault found.
 * Usage: npm run prove:alerts [-- --days=30 --count=3 --from=2025-03-10 --seed=1] [-- --keep=FOLDER]
 * Only the whole year of the usual seed is written to docs/alerts.md; another seed is another weather, and other troubles.
 * With --keep what was lived through stays in a folder, and changed rules are proved on it in less time.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { USUAL_SEED } from "./prove/lives.ts";
import { pageOf, withProof } from "./prove/page.ts";
import { prove } from "./prove/prove.ts";
import { complaintsOf } from "./prove/verdict.ts";

const PAGE = "docs/alerts.md";
const YEAR = 365;
const { values } = parseArgs({
  options: {
    days: { type: "string", default: String(YEAR) },
    count: { type: "string", default: "20" },
    from: { type: "string", default: "2025-01-01" },
    seed: { type: "string", default: String(USUAL_SEED) },
    keep: { type: "string" },
  },
});
const from = Date.parse(`${values.from}T00:00:00Z`);
const days = Number(values.days);
const seed = Number(values.seed);
const begun = performance.now();
const tell = (what: string): void => {
  const seconds = ((performance.now() - begun) / 1000).toFixed(0);
  process.stdout.write(`${seconds.padStart(5)} s  ${what}\n`);
};

const proof = await prove({
  span: { from, to: from + days * 86_400_000 },
  count: Number(values.count),
  seed,
  slow: days < 60 ? { before: 14, after: 8 } : { before: 28, after: 10 },
  keep: values.keep,
  tell,
});
const page = pageOf(proof, days);
process.stdout.write(`\n${page}\n\n`);
if (days === YEAR && seed === USUAL_SEED)
  writeFileSync(PAGE, withProof(readFileSync(PAGE, "utf8"), page));
const complaints = complaintsOf(proof.verdict);
for (const complaint of complaints) process.stdout.write(`${complaint}\n`);
process.stdout.write(complaints.length === 0 ? "proved\n" : "NOT proved\n");
process.exitCode = complaints.length === 0 ? 0 : 1;
