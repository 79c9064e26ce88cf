/** Settings: rows from which flags, environment variables, help and docs are derived. */

/** One setting: how its value is given, what it means, and how its text becomes a value. */
export interface Setting<T> {
  /** Without the dashes. The environment variable is the same in capitals with underscores. */
  readonly flag: string;
  /** Placeholder of the value in the help. */
  readonly value: string;
  /** One sentence. */
  readonly help: string;
  /** Text that is parsed where no value is given; without one the value may be `undefined`. */
  readonly fallback?: string;
  /** What happens without a value, in words. */
  readonly defaultText?: string;
  readonly repeatable?: boolean;
  /** The flag without a value means true. */
  readonly isSwitch?: boolean;
  /** A word without a flag; a command has at most one. `flag` is then its internal name. */
  readonly positional?: boolean;
  /** The words that a positional argument may be, for completion. */
  readonly words?: readonly string[];
  /** Has no environment variable: the name would mean something else on many machines. */
  readonly noEnv?: boolean;
  /** Error message where no value is given; without it, no value is required. */
  readonly requiredMessage?: string;
  /** @throws Error whose message completes «"text" …» */
  readonly parse: (text: string) => T;
}

/** Keeps the exact type of a setting. */
export const setting = <S extends Setting<unknown>>(row: S): S => row;

/** The settings of a command, in the order of its help, by the name they have in its configuration. */
export type Settings = Readonly<Record<string, Setting<unknown>>>;

type Parsed<S> = S extends { parse: (text: string) => infer T } ? T : never;

type Value<S> = S extends { repeatable: true }
  ? readonly Parsed<S>[]
  : S extends { fallback: string } | { requiredMessage: string }
    ? Parsed<S>
    : Parsed<S> | undefined;

/** The complete values of settings. */
export type Values<S extends Settings> = { readonly [K in keyof S]: Value<S[K]> };

/** The values of settings while problems are collected: a value that does not parse is `undefined`. */
export type DraftValues<S extends Settings> = {
  readonly [K in keyof S]: S[K] extends { repeatable: true }
    ? readonly (Parsed<S[K]> | undefined)[]
    : Parsed<S[K]> | undefined;
};

/** The environment variable of a flag: `ecu.min-interval` is `ECU_MIN_INTERVAL`. */
export const envName = (flag: string): string => flag.toUpperCase().replace(/[.-]/g, "_");

/** Whether an environment variable can set it. */
export const hasEnv = ({ positional, noEnv }: Setting<unknown>): boolean => !positional && !noEnv;

/** Whether the flag never takes a value. A switch with a variable may have one: `true` or `false`. */
export const isBareSwitch = ({ isSwitch, noEnv }: Setting<unknown>): boolean =>
  isSwitch === true && noEnv === true;
