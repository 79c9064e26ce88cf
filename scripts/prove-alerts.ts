/**
 * Proves the alerts over three simulated years in seven climates: no false alert, and every fault is found.
 * Usage: npm run prove:alerts [-- --seeds=1] [-- --days=30 --count=3 --season-count=1 --from=2025-03-10 --seed=1] [-- --newer] [-- --keep=FOLDER]
 * --seeds repeats the year with other weather and other faults, as many at once as the machine has cores, and adds up the results;
 * --seed is the first seed. --count and --season-count are faults per seed: of each kind, and of each seasonal kind in each climate
 * and month. Only whole years are written to docs/alerts.md. --newer takes the Prometheus that scripts/fetch-newer-programs has
 * fetched. --keep keeps the replayed samples in a folder; a second run with the same folder proves changed rules on them in less
 * time. The proof of each seed is a file there, or in a folder for temporary files.
 */
import { execFileSync, fork } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { newerProgram } from "../test/support/newer-programs.ts";
import { formatProof, insertProof } from "./prove/page.ts";
import type { Proof } from "./prove/prove.ts";
import { addResults, listFailures, listLate } from "./prove/result.ts";
import { DEFAULT_SEED } from "./prove/scenarios.ts";
import type { SeedOptions } from "./prove/seed.ts";

const PAGE = "docs/alerts.md";
const YEAR = 365;
const { values, tokens } = parseArgs({
  tokens: true,
  options: {
    days: { type: "string", default: String(YEAR) },
    count: { type: "string", default: "7" },
    "season-count": { type: "string", default: "1" },
    from: { type: "string", default: "2025-01-01" },
    seed: { type: "string", default: String(DEFAULT_SEED) },
    seeds: { type: "string", default: "3" },
    newer: { type: "boolean", default: false },
    keep: { type: "string" },
  },
});
const from = Date.parse(`${values.from}T00:00:00Z`);
const days = Number(values.days);
const seed = Number(values.seed);

/** Proves one seed in a process of its own. @throws Error if that fails; it has printed why */
const proveSeed = async (options: SeedOptions): Promise<Proof> => {
  const child = fork(new URL("./prove/seed.ts", import.meta.url), [JSON.stringify(options)]);
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error(`the proof of seed ${options.seed} ended with code ${code}`);
  return JSON.parse(readFileSync(options.file, "utf8")) as Proof;
};

const folder = values.keep ?? mkdtempSync(join(tmpdir(), "prove-alerts-"));
const seeds = Array.from({ length: Number(values.seeds) }, (_, i) => seed + i);
const left = seeds.values();
const proofs: Proof[] = [];
const proveSeeds = async (): Promise<void> => {
  for (const seed of left)
    proofs[seeds.indexOf(seed)] = await proveSeed({
      seed,
      from,
      days,
      count: Number(values.count),
      seasonCount: Number(values["season-count"]),
      newer: values.newer,
      keepIn: values.keep && join(values.keep, String(seed)),
      file: join(folder, `${seed}.json`),
    });
};
mkdirSync(folder, { recursive: true });
await Promise.all(Array.from({ length: availableParallelism() }, proveSeeds));
const result = addResults(proofs.map((proof) => proof.result));
const healthyDays = proofs.reduce((sum, proof) => sum + proof.healthyDays, 0);
const program = values.newer ? newerProgram("prometheus") : "prometheus";
const [, version = ""] =
  /version (\d[\d.]*)/.exec(execFileSync(program, ["--version"], { encoding: "utf8" })) ?? [];
const given = tokens.flatMap((token) =>
  token.kind === "option" && token.name !== "keep"
    ? [`--${token.name}${token.value === undefined ? "" : `=${token.value}`}`]
    : [],
);
const command = ["npm run prove:alerts", ...(given.length > 0 ? ["--", ...given] : [])].join(" ");
const page = formatProof({ result, healthyDays }, { command, days, seeds: proofs.length, version });
process.stdout.write(`\n${page}\n\n`);
if (days === YEAR) writeFileSync(PAGE, insertProof(readFileSync(PAGE, "utf8"), page));
const failures = listFailures(result);
for (const line of [...listLate(result), ...failures]) process.stdout.write(`${line}\n`);
process.stdout.write(failures.length === 0 ? "proved\n" : "NOT proved\n");
process.exitCode = failures.length === 0 ? 0 : 1;
