/** How a command is declared. Help, docs/cli.md, completion and `main.ts` are derived from these declarations. */
import type { DraftValues, Settings, Values } from "../config/setting.ts";

/** What `derive` may use beside the values. */
export interface DeriveContext {
  /** Takes one line for each problem found. */
  readonly report: (...problems: readonly string[]) => void;
  /** Whether a problem has been reported. */
  readonly hasProblems: () => boolean;
  /** Reads a file that the command line names. @throws Error whose message completes «FILE …» */
  readonly readFile: (path: string) => Uint8Array;
  /** How the user starts the program, for messages that can be pasted. */
  readonly program: string;
}

/** What `run` may use beside the configuration. */
export interface RunContext<C> {
  /** Parses the same command line and environment again. @throws UsageError */
  readonly reparse: () => C;
  readonly commands: readonly AnyCommand[];
}

/** A command: what users read about it, what can be set, and what it does. */
export interface Command<N extends string, S extends Settings, C> {
  readonly name: N;
  /** One sentence. */
  readonly summary: string;
  /** Arguments after the program's name; each can be pasted. */
  readonly examples: readonly [string, ...string[]];
  /** Exit codes beside 0 for success and 2 for a wrong command line, and their meanings. */
  readonly exitCodes?: Readonly<Record<string, string>>;
  readonly settings: S;
  /** Reports problems that no single value shows, and gives configuration that several values make together. */
  derive?(values: DraftValues<S>, context: DeriveContext): Partial<C>;
  /**
   * Runs to the end. Loads its code when it is called, so that other commands start without it.
   * @returns the exit code
   */
  run(config: C, context: RunContext<C>): Promise<number>;
}

/** Name of the command that runs where the command line names none. */
export const DEFAULT_COMMAND = "serve";

/** Any command, for code that treats all alike. */
export type AnyCommand = Command<string, Settings, unknown>;

/** The values of the settings, replaced and completed by what `derive` gives. */
type Configuration<S extends Settings, D> = unknown extends D
  ? Values<S>
  : Omit<Values<S>, keyof D> & D;

/** Declares a command; the type of its configuration follows from its settings and from `derive`. */
export const defineCommand = <const N extends string, S extends Settings, D = unknown>(
  command: Omit<Command<N, S, Configuration<S, D>>, "derive"> & {
    derive?(values: DraftValues<S>, context: DeriveContext): D;
  },
): Command<N, S, Configuration<S, D>> => command as Command<N, S, Configuration<S, D>>;

/** The configuration that a command runs with. */
export type ConfigOf<T> = T extends Command<string, Settings, infer C> ? C : never;
