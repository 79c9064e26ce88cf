/**
 * Proves the alerts over simulated years in seven climates: no false alert, and every fault is found.
 * Usage: npm run prove:alerts [-- --seeds=3] [-- --days=30 --count=3 --season-count=1 --from=2025-03-10 --seed=1] [-- --newer] [-- --keep=FOLDER]
 * --seeds repeats the year with other weather and other faults, and adds up the results; --seed is the first seed. Only whole years
 * are written to docs/alerts.md. --newer takes the Prometheus that scripts/fetch-newer-programs has fetched. --keep keeps the replayed
 * samples in a folder; a second run with the same folder proves changed rules on them in less time.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { newerProgram } from "../test/support/newer-programs.ts";
import { formatProof, insertProof } from "./prove/page.ts";
import { locations } from "./prove/plants.ts";
import { type Proof, prove } from "./prove/prove.ts";
import { addResults, listFailures, listLate } from "./prove/result.ts";
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
    seeds: { type: "string", default: "1" },
    newer: { type: "boolean", default: false },
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

const proofs: Proof[] = [];
for (let i = 0; i < Number(values.seeds); i++) {
  report(`seed ${seed + i}`);
  const proof = await prove({
    places: locations,
    period: { from, to: from + days * 86_400_000 },
    count: Number(values.count),
    seasonCount: Number(values["season-count"]),
    seed: seed + i,
    slow: days < 60 ? { before: 14, after: 8 } : { before: 28, after: 10 },
    ...(values.newer && { path: newerProgram }),
    keepIn: values.keep && join(values.keep, String(seed + i)),
    report,
  });
  proofs.push(proof);
}
const result = addResults(proofs.map((proof) => proof.result));
const healthyDays = proofs.reduce((sum, proof) => sum + proof.healthyDays, 0);
const page = formatProof({ result, healthyDays }, days, seed, proofs.length);
process.stdout.write(`\n${page}\n\n`);
if (days === YEAR) writeFileSync(PAGE, insertProof(readFileSync(PAGE, "utf8"), page));
const failures = listFailures(result);
for (const line of [...listLate(result), ...failures]) process.stdout.write(`${line}\n`);
process.stdout.write(failures.length === 0 ? "proved\n" : "NOT proved\n");
process.exitCode = failures.length === 0 ? 0 : 1;
