/** Declarations of commands. Help, docs/cli.md, completion and `main.ts` are derived from them. */
import type { DraftValues, Settings, Values } from "../config/setting.ts";

/** What `derive` can use besides the values. */
export interface DeriveContext {
  /** Reports problems, one line each. */
  readonly report: (...problems: readonly string[]) => void;
  /** Whether a problem has been reported. */
  readonly hasProblems: () => boolean;
  /** Reads a file. @throws Error with a message that continues `FILE …` */
  readonly readFile: (path: string) => Uint8Array;
  /** The command that starts the program, for messages that can be pasted. */
  readonly program: string;
}

/** What `run` can use besides the configuration. */
export interface RunContext<C> {
  /** Parses the same command line and environment again, in a thread of its own. @throws UsageError */
  readonly reparse: () => Promise<C>;
  readonly commands: readonly AnyCommand[];
}

/** A command: its documentation, its settings, and its code. */
export interface Command<N extends string, S extends Settings, C> {
  readonly name: N;
  /** One sentence. */
  readonly summary: string;
  /** Arguments after the name of the program. */
  readonly examples: readonly [string, ...string[]];
  /** Meanings of exit codes, besides 0 for success and 2 for an invalid command line. */
  readonly exitCodes?: Readonly<Record<string, string>>;
  readonly settings: S;
  /** Reports problems that involve several values, and returns configuration that is derived from several values. */
  derive?(values: DraftValues<S>, context: DeriveContext): Promise<Partial<C>>;
  /**
   * Runs the command to its end. It imports its code when it is called, so that other commands start without it.
   * @returns the exit code
   */
  run(config: C, context: RunContext<C>): Promise<number>;
}

/** Name of the command that runs if the command line does not name one. */
export const DEFAULT_COMMAND = "serve";

/** Any command. */
export type AnyCommand = Command<string, Settings, unknown>;

/** The values of the settings, overridden and extended by the result of `derive`. */
type Configuration<S extends Settings, D> = unknown extends D
  ? Values<S>
  : Omit<Values<S>, keyof D> & D;

/** Declares a command. The type of its configuration follows from its settings and from `derive`. */
export const defineCommand = <const N extends string, S extends Settings, D = unknown>(
  command: Omit<Command<N, S, Configuration<S, D>>, "derive"> & {
    derive?(values: DraftValues<S>, context: DeriveContext): Promise<D>;
  },
): Command<N, S, Configuration<S, D>> => command as Command<N, S, Configuration<S, D>>;

/** The configuration of a command. */
export type CommandConfig<T> = T extends Command<string, Settings, infer C> ? C : never;
