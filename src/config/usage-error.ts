/** The command line, the environment or a file is invalid. Each problem is one line. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly problems: readonly string[];

  constructor(problems: readonly string[], options?: ErrorOptions) {
    super(problems.join("\n"), options);
    this.problems = problems;
  }
}

const MAX_PROBLEMS = 100;

/** Limits a list of problems: a file of a megabyte can have tens of thousands. @returns the first 100 problems, and the number of the others */
export const limitProblems = <T>(
  problems: readonly T[],
): { readonly first: readonly T[]; readonly others: number } => ({
  first: problems.slice(0, MAX_PROBLEMS),
  others: Math.max(0, problems.length - MAX_PROBLEMS),
});
