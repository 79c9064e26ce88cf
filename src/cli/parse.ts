/** Command line and environment → a command and its complete configuration, or every problem at once. */
import { Argument, Command, CommanderError, Option } from "commander";
import { readConfigFile } from "../config/file.ts";
import { UsageError } from "../config/usage-error.ts";
import type { EcuConfig, Panel } from "../config/values.ts";
import { canonicalHost } from "../ecu/address.ts";
import { readRegularFile } from "../files.ts";
import { loadWebFile } from "../http/web-config/file.ts";
import { commands } from "./registry.ts";
import { type CommandName, type Config, type Setting, settings, variableOf } from "./settings.ts";

/** What the user wants. */
export type Invocation =
  | {
      readonly [C in CommandName]: { readonly command: C; readonly config: Config<C> };
    }[CommandName]
  | { readonly command: "tell"; readonly text: string };

export interface Sources {
  /** Arguments after the program's name. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  /** Reads a file that the command line names. @throws Error whose message completes «FILE …» */
  readonly readFile?: (path: string) => Uint8Array;
  /** How the user starts the program, for messages that can be pasted. */
  readonly program: string;
}

/**
 * Reads the command line, and the environment for what it leaves out.
 * @throws UsageError with every problem.
 */
export const parseConfig = (sources: Sources): Invocation => {
  const { argv, version } = sources;
  let chosen: { name: CommandName; given: Command } | undefined;
  let printed = "";
  const program = new Command(sources.program)
    .description("Prometheus exporter for the ECU of APsystems micro-inverters.")
    .version(version, "-V, --version", "Print the version.")
    .helpOption("-h, --help", "Print this help.")
    .helpCommand("help [command]", "Print the help of a command.")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => {
        printed += text;
      },
      writeErr: () => {}, // the error that is thrown says the same
    })
    .addHelpText(
      "after",
      helpAfter(
        sources.program,
        commands.serve.examples,
        "Each command tells of itself: read --help, doctor --help.",
      ),
    );
  for (const name of Object.keys(settings) as CommandName[]) {
    const command = program
      .command(name, { isDefault: name === "serve" })
      .description(commands[name].about)
      .helpOption("-h, --help", "Print this help.")
      .allowUnknownOption()
      .allowExcessArguments()
      .exitOverride()
      .addHelpText("after", helpAfter(sources.program, commands[name].examples, notesOn(name)))
      .action((...all: unknown[]) => {
        chosen = { name, given: all.at(-1) as Command };
      });
    for (const row of rowsOf(name)) {
      if (row.isOperand) command.addArgument(operandOf(row)).usage(`[options] ${spelled(row)}`);
      else command.addOption(optionOf(row));
    }
  }

  try {
    program.parse([...argv], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { command: "tell", text: printed };
    throw new UsageError([error.message.replace(/^error: /, "")], { cause: error });
  }
  if (chosen === undefined) return { command: "tell", text: program.helpInformation() };
  const { name, given } = chosen;
  const operand = rowsOf(name).find(({ isOperand }) => isOperand);
  const word = operand && given.args.find((one) => one === "-" || !one.startsWith("-"));
  const words = given.args.filter((_, i) => word === undefined || i !== given.args.indexOf(word));
  const problems = words.map((one) => surplus(one, name));
  const values = { ...given.opts(), ...(operand && { [operand.flag]: word }) };
  const config = configOf(name, values, sources, problems);
  if (problems.length > 0) throw new UsageError(problems);
  return { command: name, config } as Invocation;
};

const rowsOf = (name: CommandName): Setting<unknown>[] => Object.values(settings[name]);

/** Whether it is a flag that stands alone always: where a variable sets it too, it may have a value as well. */
export const isBare = ({ isSwitch, hasNoVariable }: Setting<unknown>): boolean =>
  isSwitch === true && hasNoVariable === true;

/** How an operand is written: in brackets where it may be left out. */
const spelled = ({ value, missing }: Setting<unknown>): string =>
  missing === undefined ? `[${value}]` : `<${value}>`;

const operandOf = (row: Setting<unknown>): Argument => {
  const argument = new Argument(spelled(row), row.help);
  argument.required = false; // what is missing is told with all other problems
  return argument;
};

const optionOf = (row: Setting<unknown>): Option => {
  const { flag, value, help, fallback, otherwise, repeatable } = row;
  const standing = fallback ?? otherwise;
  const text =
    standing === undefined || isBare(row)
      ? help
      : `${help} (${fallback === undefined ? "" : "default: "}${standing})`;
  const option = new Option(isBare(row) ? `--${flag}` : `--${flag} <${value}>`, text);
  option.attributeName = () => flag; // and not in camel case
  if (isBare(row)) return option;
  option.required = false; // else a flag that follows would be taken for the value
  option.optional = true;
  if (repeatable) {
    option.argParser((one: string, before: string[] | true | undefined) => [
      ...(Array.isArray(before) ? before : []),
      one,
    ]);
  }
  return option;
};

const configOf = (
  name: CommandName,
  given: Readonly<Record<string, string | string[] | true | undefined>>,
  sources: Sources,
  problems: string[],
): Record<string, unknown> => {
  const { env, program } = sources;
  const config: Record<string, unknown> = {};
  for (const [key, row] of Object.entries<Setting<unknown>>(settings[name])) {
    const variable = variableOf(row.flag);
    const flagged = given[row.flag];
    const [source, text] =
      flagged === undefined
        ? [variable, (isTakenFromVariable(row) && env[variable]) || row.fallback]
        : [row.isOperand ? row.value : `--${row.flag}`, flagged];
    if (flagged === true && row.isSwitch) {
      config[key] = true;
      continue;
    }
    if (flagged === true) {
      problems.push(`--${row.flag} needs a value: --${row.flag}=${row.value}`);
      continue;
    }
    const parse = (one: string): unknown => {
      try {
        return row.parse(one.trim());
      } catch (error) {
        problems.push(`${source}: "${one}" ${(error as Error).message}`);
        return undefined;
      }
    };
    if (row.repeatable) config[key] = partsOf(text).map(parse);
    else config[key] = text === undefined ? undefined : parse(String(text));
    if (text === undefined && row.missing !== undefined) problems.push(row.missing);
  }
  const { panels, configFile } = config as ListsOfServe;
  if (name === "check-config") checkWhatIsNamed(config, program, problems);
  if (configFile !== undefined) {
    const named = ecusIn(configFile, sources, problems);
    config["ecus"] = [...((config["ecus"] ?? []) as EcuConfig[]), ...named];
  }
  const { ecus } = config as ListsOfServe;
  if (ecus !== undefined) checkEcus(ecus, program, problems);
  else if (name === "check-config") config["ecus"] = [];
  if (panels !== undefined) checkPanels(panels, problems);
  return config;
};

/** `undefined` in place of each value that does not parse. */
interface ListsOfServe {
  readonly configFile?: string | undefined;
  readonly ecus?: readonly (EcuConfig | undefined)[];
  readonly panels?: readonly (Panel | undefined)[];
}

/** Several values: a flag given more than once, or a variable with commas. */
const partsOf = (text: string | readonly string[] | true | undefined): readonly string[] =>
  typeof text === "string" ? text.split(",") : text === true || text === undefined ? [] : text;

/** The ECUs of the configuration file; `undefined` where it is of no use, which is then no second problem. */
const ecusIn = (
  path: string,
  { readFile = readRegularFile }: Sources,
  problems: string[],
): readonly (EcuConfig | undefined)[] => {
  let bytes: Uint8Array;
  try {
    bytes = readFile(path);
  } catch (error) {
    problems.push(`${path}: ${(error as Error).message}`);
    return [undefined];
  }
  const read = readConfigFile(bytes, path);
  if ("value" in read) return read.value.ecus;
  problems.push(...read.problems);
  return [undefined];
};

/** Without a file there is nothing to check; the web server's own is otherwise read where it is used. */
const checkWhatIsNamed = (
  { configFile, webConfigFile }: Readonly<Record<string, unknown>>,
  program: string,
  problems: string[],
): void => {
  const [example] = commands["check-config"].examples;
  if (configFile === undefined && webConfigFile === undefined && problems.length === 0)
    problems.push(`name the file: ${program} ${example}`);
  if (typeof webConfigFile !== "string") return;
  const { read } = loadWebFile(webConfigFile);
  if ("problems" in read) problems.push(...read.problems);
};

const checkEcus = (
  ecus: NonNullable<ListsOfServe["ecus"]>,
  program: string,
  problems: string[],
): void => {
  if (ecus.length === 0) {
    problems.push(
      `no ECU is named; name one with --ecu.address=192.168.1.50 (or the variable ECU_ADDRESS), or try the exporter without one: ${program} demo`,
    );
  }
  const places = new Set<string>();
  const names = new Set<string>();
  for (const ecu of ecus) {
    if (ecu === undefined) continue;
    const place = `${canonicalHost(ecu.host)}:${ecu.port}`;
    if (places.has(place)) problems.push(`the ECU "${ecu.name}" is named twice`);
    else if (names.has(ecu.name)) problems.push(`two ECUs are called "${ecu.name}"`);
    places.add(place);
    names.add(ecu.name);
  }
};

const checkPanels = (panels: NonNullable<ListsOfServe["panels"]>, problems: string[]): void => {
  const seen = new Set<string>();
  for (const panel of panels) {
    if (panel === undefined) continue;
    const place = `${panel.uid}/${panel.channel}`;
    if (seen.has(place)) problems.push(`the panel at ${place} is named twice`);
    seen.add(place);
  }
};

/** A word that no flag and no command took. */
const surplus = (word: string, command: CommandName): string =>
  word.startsWith("-")
    ? `unknown flag ${word.replace(/=.*$/s, "")}; ${command} --help lists all flags`
    : `unexpected "${word}"; the first word may be a command: ${Object.keys(settings).join(", ")}`;

const helpAfter = (program: string, lines: readonly string[], note: string): string =>
  `\nExamples:\n${lines.map((line) => `  ${program} ${line}\n`).join("")}${note === "" ? "" : `\n${note}\n`}`;

/** Whether an environment variable can set it. */
export const isTakenFromVariable = ({ isOperand, hasNoVariable }: Setting<unknown>): boolean =>
  !isOperand && !hasNoVariable;

const notesOn = (name: CommandName): string => {
  const rows = rowsOf(name);
  const taken = rows.filter(isTakenFromVariable);
  const shown = taken.find(({ flag }) => /[.-]/.test(flag)) ?? taken[0]; // one that shows the rule
  const exits = Object.entries(commands[name].exits ?? {});
  const notes = [
    ...(exits.length > 0
      ? [`Exit codes:\n${exits.map(([code, meaning]) => `  ${code}  ${meaning}`).join("\n")}`]
      : []),
    ...(shown === undefined
      ? []
      : [
          taken.length === rows.length
            ? `Each flag is also an environment variable: --${shown.flag} is ${variableOf(shown.flag)}.`
            : `Some flags are also environment variables: ${taken.map(({ flag }) => variableOf(flag)).join(", ")}.`,
        ]),
  ];
  return notes.join("\n\n");
};
