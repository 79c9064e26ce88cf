/** Proves the alerts for one seed, as a process of its own: its argument is the options as JSON, and it writes the proof to a file. */
import { writeFileSync } from "node:fs";
import { newerProgram } from "../../test/support/newer-programs.ts";
import { locations } from "./plants.ts";
import { prove } from "./prove.ts";

/** What to prove. */
export interface SeedOptions {
  readonly seed: number;
  /** When the healthy plants begin, and for how many days they run. */
  readonly from: number;
  readonly days: number;
  /** Scenarios per kind of fault, and per seasonal fault, location and month. */
  readonly count: number;
  readonly seasonCount: number;
  /** Whether to use the Prometheus that `scripts/fetch-newer-programs` has fetched. */
  readonly newer: boolean;
  /** Folder for the replayed samples. */
  readonly keepIn?: string | undefined;
  /** The file for the proof, as JSON. */
  readonly file: string;
}

const { seed, from, days, count, seasonCount, newer, keepIn, file } = JSON.parse(
  process.argv[2] ?? "",
) as SeedOptions;
const begun = performance.now();
const proof = await prove({
  places: locations,
  period: { from, to: from + days * 86_400_000 },
  count,
  seasonCount,
  seed,
  slow: days < 60 ? { before: 14, after: 8 } : { before: 28, after: 10 },
  ...(newer && { path: newerProgram }),
  keepIn,
  report: (line) => {
    const seconds = ((performance.now() - begun) / 1000).toFixed(0);
    process.stdout.write(`seed ${seed} ${seconds.padStart(5)} s  ${line}\n`);
  },
});
writeFileSync(file, JSON.stringify(proof));
