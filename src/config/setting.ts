/** Settings: rows from which flags, environment variables, help and docs are derived. */

/** One setting: its flag, its meaning, and the parser of its value. */
export interface Setting<T> {
  /** Name without the dashes. The environment variable is the same name in upper case with underscores. */
  readonly flag: string;
  /** Placeholder of the value in the help. */
  readonly value: string;
  /** One sentence. */
  readonly help: string;
  /** Text that is parsed if no value is set. Without it, the value can be `undefined`. */
  readonly fallback?: string;
  /** Describes the behaviour without a value. */
  readonly defaultText?: string;
  readonly repeatable?: boolean;
  /** The flag without a value means true. */
  readonly isSwitch?: boolean;
  /** A positional argument; a command has at most one. `flag` is then its internal name. */
  readonly positional?: boolean;
  /** Possible values of a positional argument, for completion. */
  readonly words?: readonly string[];
  /** Has no environment variable: the name would mean something else on many machines. */
  readonly noEnv?: boolean;
  /** Error message if no value is set. Without it, the value is optional. */
  readonly requiredMessage?: string;
  /** @throws Error with a message that continues `"text" …` */
  readonly parse: (text: string) => T;
}

/** Keeps the exact type of a setting. */
export const setting = <S extends Setting<unknown>>(row: S): S => row;

/** The settings of a command by their names in its configuration, in the order of its help. */
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

/** Whether the setting has an environment variable. */
export const hasEnv = ({ positional, noEnv }: Setting<unknown>): boolean => !positional && !noEnv;

/** Whether the flag takes no value. A switch with an environment variable can have the value `true` or `false`. */
export const isBareSwitch = ({ isSwitch, noEnv }: Setting<unknown>): boolean =>
  isSwitch === true && noEnv === true;
