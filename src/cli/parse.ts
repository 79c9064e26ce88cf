/** Parses the command line and the environment to a command with its configuration, and reports all problems at once. */
import { Argument, Command, CommanderError, Option } from "commander";
import { envName, hasEnv, isBareSwitch, type Setting } from "../config/setting.ts";
import { UsageError } from "../config/usage-error.ts";
import { readRegularFile } from "../files.ts";
import {
  type AnyCommand,
  type CommandConfig,
  DEFAULT_COMMAND,
  type DeriveContext,
} from "./command.ts";
import { ecuArgument } from "./common-settings.ts";
import { commandNotes, formatExamples, formatHelpItem, limitedPadWidth } from "./help.ts";
import { commands } from "./registry.ts";
import { suggest } from "./suggest.ts";

/** The result of parsing: a command with its configuration, or a text such as the help. */
export type Invocation = CommandInvocation | { readonly command: "help"; readonly text: string };

type InvocationFor<C> = C extends { readonly name: infer N }
  ? { readonly command: N; readonly config: CommandConfig<C> }
  : never;
type CommandInvocation = InvocationFor<(typeof commands)[number]>;

const EXAMPLE_ADDRESS = "192.168.1.50";

export interface Sources {
  /** Arguments after the program's name. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  /** Reads a file. @throws Error with a message that continues `FILE …` */
  readonly readFile?: (path: string) => Uint8Array;
  /** The command that starts the program, for messages that can be pasted. */
  readonly program: string;
}

/**
 * Parses the command line. Environment variables set what the command line does not.
 * @throws UsageError with every problem
 */
export const parseCommandLine = async (sources: Sources): Promise<Invocation> => {
  let output = "";
  const writeOut = (text: string): void => {
    output += text;
  };
  let chosen: Parameters<OnCommand> | undefined;
  const program = buildProgram(sources, writeOut, (...found) => {
    chosen = found;
  });
  try {
    program.parse([...sources.argv], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { command: "help", text: output };
    throw new UsageError([describeParseError(error, sources.argv)], { cause: error });
  }
  if (chosen === undefined) return { command: "help", text: program.helpInformation() };
  const [command, parsed, flags] = chosen;
  const first = sources.argv[0] ?? "-";
  if (command.name === DEFAULT_COMMAND && first !== DEFAULT_COMMAND && !first.startsWith("-")) {
    throw new UsageError([
      `${describeUnknownCommand(first)}; to start the exporter, set --ecu.address=${EXAMPLE_ADDRESS}`,
    ]);
  }
  const { values, unexpected } = splitArguments(command, parsed, flags);
  const problems = unexpected.map((word) => describeUnknownArgument(word, command));
  const config = await buildConfig(command, values, sources, problems);
  if (problems.length > 0) throw new UsageError(problems);
  return { command: command.name, config } as Invocation;
};

/** Describes an error of the parser. For `help` with an unknown command, its message says nothing. */
const describeParseError = (error: CommanderError, [first, second]: readonly string[]): string =>
  first === "help" && second !== undefined
    ? describeUnknownCommand(second)
    : error.message.replace(/^error: /, "");

/** The values of each flag in their order. A flag without a value is `true`. */
type FlagValues = ReadonlyMap<string, readonly (string | true)[]>;
type OnCommand = (command: AnyCommand, parsed: Command, flags: FlagValues) => void;

const buildProgram = (
  { program: name, version }: Sources,
  writeOut: (text: string) => void,
  onCommand: OnCommand,
): Command => {
  const defaultCommand = commands.find((command) => command.name === DEFAULT_COMMAND);
  const program = new Command(name)
    .description("Prometheus exporter for the ECU of APsystems micro-inverters.")
    .version(version, "-V, --version", "Print the version.")
    .helpOption("-h, --help", "Print this help.")
    .helpCommand("help [command]", "Print the help of a command.")
    .exitOverride()
    .configureHelp({ padWidth: limitedPadWidth, formatItem: formatHelpItem })
    .configureOutput({ writeOut, writeErr: () => {} }) // the thrown error has the same message
    .addHelpText(
      "after",
      formatExamples(name, defaultCommand?.examples ?? [], "Run COMMAND --help for details."),
    );
  for (const command of commands) addCommand(program, command, name, onCommand);
  return program;
};

const addCommand = (
  program: Command,
  command: AnyCommand,
  programName: string,
  onCommand: OnCommand,
): void => {
  const flags = new Map<string, (string | true)[]>();
  const added = program
    .command(command.name, { isDefault: command.name === DEFAULT_COMMAND })
    .description(command.summary)
    .helpOption("-h, --help", "Print this help.")
    .allowUnknownOption() // unknown flags are reported with all other problems
    .allowExcessArguments()
    .exitOverride()
    .addHelpText("after", formatExamples(programName, command.examples, commandNotes(command)))
    .action((...args: unknown[]) => onCommand(command, args.at(-1) as Command, flags));
  for (const row of Object.values(command.settings)) {
    if (row.positional)
      added.addArgument(buildArgument(row)).usage(`[options] ${formatArgument(row)}`);
    else {
      // Every occurrence: commander itself would keep the last one.
      added.addOption(buildOption(row)).on(`option:${row.flag}`, (text?: string | null) => {
        flags.set(row.flag, [...(flags.get(row.flag) ?? []), text ?? true]);
      });
    }
  }
};

/** `<HOST>`, or `[HOST]` if it is optional. */
const formatArgument = ({ value, requiredMessage }: Setting<unknown>): string =>
  requiredMessage === undefined ? `[${value}]` : `<${value}>`;

const buildArgument = (row: Setting<unknown>): Argument => {
  const argument = new Argument(formatArgument(row), row.help);
  argument.required = false; // a missing argument is reported with all other problems
  return argument;
};

const buildOption = (row: Setting<unknown>): Option => {
  const { flag, value, help, fallback, defaultText } = row;
  const isBare = isBareSwitch(row);
  const shownDefault = fallback === undefined ? defaultText : `default: ${fallback}`;
  const text = shownDefault === undefined || isBare ? help : `${help} (${shownDefault})`;
  const option = new Option(isBare ? `--${flag}` : `--${flag} <${value}>`, text);
  if (isBare) return option;
  option.required = false; // otherwise the next flag would be parsed as the value
  option.optional = true;
  return option;
};

/** Splits the command line into values by flag, with the positional argument, and unexpected arguments. */
const splitArguments = (command: AnyCommand, parsed: Command, flags: FlagValues) => {
  const rows = Object.values(command.settings);
  const positional = rows.find((row) => row.positional);
  const index =
    positional === undefined
      ? -1
      : parsed.args.findIndex((word) => word === "-" || !word.startsWith("-"));
  const findMisplaced = (): string | undefined =>
    parsed.args.map((word) => findMisplacedAddress(word, rows)).find((text) => text !== undefined);
  // A misplaced address counts, so that it is not reported as missing too.
  const word = parsed.args[index] ?? findMisplaced();
  const values: FlagValues =
    positional === undefined || word === undefined
      ? flags
      : new Map([...flags, [positional.flag, [word]]]);
  return { values, unexpected: parsed.args.filter((_, i) => i !== index) };
};

const commandNames = commands.map(({ name }) => name).join(", ");

const describeUnknownCommand = (word: string): string => {
  const suggestion = suggest(
    word,
    commands.map(({ name }) => name),
  );
  return `unknown command "${word}"${suggestion}; the commands are ${commandNames}`;
};

/** The address in `--ecu.address=ADDRESS`, for a command whose ECU is named without a flag. */
const findMisplacedAddress = (
  word: string,
  rows: readonly Setting<unknown>[],
): string | undefined => {
  if (!rows.some(({ positional, flag }) => positional && flag === ecuArgument.flag))
    return undefined;
  const [match, address] = /^-+(?:ecu[.-])?(?:address|host)(?:=(.*))?$/s.exec(word) ?? [];
  return match === undefined ? undefined : address || EXAMPLE_ADDRESS;
};

const describeUnknownArgument = (word: string, { name, settings }: AnyCommand): string => {
  const rows = Object.values(settings);
  if (word.startsWith("-")) {
    const flag = word.replace(/=.*$/s, "");
    const address = findMisplacedAddress(word, rows);
    if (address !== undefined)
      return `unknown flag ${flag}; the address of the ECU stands alone: ${name} ${address}`;
    const flags = [
      ...rows.filter((row) => !row.positional).map((row) => `--${row.flag}`),
      "--help",
    ];
    if (flags.includes(flag)) return `${flag} takes no value`;
    const suggestion = suggest(flag, flags);
    return `unknown flag ${flag}${suggestion}; ${name} --help lists all flags`;
  }
  const hint =
    name === DEFAULT_COMMAND
      ? `the first argument may be a command: ${commandNames}`
      : `${name} --help lists what it accepts`;
  return `unexpected argument "${word}"; ${hint}`;
};

const buildConfig = async (
  command: AnyCommand,
  flags: FlagValues,
  { env, program, readFile = readRegularFile }: Sources,
  problems: string[],
): Promise<unknown> => {
  const config: Record<string, unknown> = {};
  for (const [key, row] of Object.entries(command.settings))
    config[key] = parseSetting(row, flags.get(row.flag) ?? [], env, problems);
  const context: DeriveContext = {
    report: (...found) => problems.push(...found),
    hasProblems: () => problems.length > 0,
    readFile,
    program,
  };
  return { ...config, ...((await command.derive?.(config, context)) as object | undefined) };
};

/** Parses the value of a setting: that of its flag, its environment variable or its fallback, in this order. */
const parseSetting = (
  row: Setting<unknown>,
  given: readonly (string | true)[],
  env: Sources["env"],
  problems: string[],
): unknown => {
  if (given.includes(true) && !row.isSwitch) {
    problems.push(`--${row.flag} needs a value: --${row.flag}=${row.value}`);
    return row.repeatable ? [undefined] : undefined;
  }
  if (given.length > 1 && !row.repeatable) {
    problems.push(`--${row.flag} is set ${given.length} times; set it once`);
    return undefined;
  }
  const variable = envName(row.flag);
  const fromEnv = (hasEnv(row) && env[variable]) || undefined;
  const unset = fromEnv ?? row.fallback;
  const source = given.length === 0 ? variable : row.positional ? row.value : `--${row.flag}`;
  const parse = (item: string): unknown => {
    try {
      return row.parse(item.trim());
    } catch (error) {
      problems.push(`${source}: "${item}" ${(error as Error).message}`);
      return undefined;
    }
  };
  const texts = given.length > 0 ? given.map(String) : splitText(row, unset);
  if (row.repeatable) return texts.map(parse);
  const [text] = texts;
  if (text === undefined && row.requiredMessage !== undefined) problems.push(row.requiredMessage);
  return text === undefined ? undefined : parse(text);
};

/** The values in a text: several, with commas, only of a repeatable setting. */
const splitText = (
  { repeatable }: Setting<unknown>,
  text: string | undefined,
): readonly string[] => {
  if (text === undefined) return [];
  return repeatable ? text.split(",") : [text];
};
