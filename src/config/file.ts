/** The configuration file: its schema, and the ECUs that it lists. */
import { z } from "zod";
import {
  type EcuConfig,
  type EcuSetting,
  type EcuSettings,
  ecuSettings,
  panelKeys,
} from "./ecu-settings.ts";
import { type EcuAddress, ecuAddress, ecuName, type Parse } from "./values.ts";
import { type ParseResult, parseYaml } from "./yaml-file.ts";

/** Content of the file: ECUs, each with its own settings and those of `defaults`. */
export interface ConfigFile {
  readonly ecus: readonly EcuConfig[];
}

/** Describes a number where a text is expected, as in `min_interval: 30`. */
const describeNumber = (input: unknown, parse: Parse<unknown>): string | undefined => {
  if (typeof input !== "number") return undefined;
  try {
    parse(String(input));
    return "must be a string, not a number; put it in quotes";
  } catch (error) {
    return `"${input}" ${(error as Error).message}`;
  }
};

/** A string that a parser of the command line parses. */
const parsedText = <T>(parse: Parse<T>) =>
  z.string({ error: ({ input }) => describeNumber(input, parse) }).transform((value, context) => {
    try {
      return parse(value);
    } catch (error) {
      context.issues.push({
        code: "custom",
        message: `"${value}" ${(error as Error).message}`,
        input: value,
      });
      return z.NEVER;
    }
  });

const rows = Object.entries<EcuSetting<unknown>>(ecuSettings);

const buildShape = (includes: (row: EcuSetting<unknown>) => boolean): Record<string, z.ZodType> =>
  Object.fromEntries(
    rows
      .filter(([, row]) => includes(row))
      .map(([, { yamlKey, yamlSchema, help, parse }]) => [
        yamlKey,
        (yamlSchema?.(z) ?? parsedText(parse)).optional().describe(help),
      ]),
  );

const ecu = z
  .strictObject({
    name: parsedText(ecuName).optional().describe("Name of the ECU in metrics and probes."),
    address: parsedText(ecuAddress).describe(
      "Address of the ECU, such as 192.168.1.50 or ecu.lan:8899.",
    ),
  })
  .extend(buildShape(() => true));

/** The schema of the file. */
export const fileSchema = z.strictObject({
  defaults: z
    .strictObject(buildShape(({ noDefaults }) => !noDefaults))
    .optional()
    .describe("Settings of every ECU that does not have its own."),
  ecus: z.array(ecu).min(1).describe("The ECUs to read."),
});

/** Parses the file. @param fileName name of the file in problems */
export const readConfigFile = (
  bytes: Uint8Array | string,
  fileName: string,
): ParseResult<ConfigFile> => {
  const read = parseYaml(bytes, fileName, fileSchema, { textKeys: panelKeys });
  if ("problems" in read) return read;
  const { defaults = {}, ecus } = read.value;
  return {
    value: {
      ecus: (ecus as unknown as readonly Entry[]).map((entry) => createEcuConfig(entry, defaults)),
    },
  };
};

/** An ECU of the file. Its other keys are the `yamlKey`s of the settings. */
type Entry = { readonly name?: string; readonly address: EcuAddress } & Readonly<
  Record<string, unknown>
>;

const createEcuConfig = (
  { name, address, ...own }: Entry,
  defaults: Readonly<Record<string, unknown>>,
): EcuConfig => {
  const values: Readonly<Record<string, unknown>> = { ...defaults, ...own };
  const settings = Object.fromEntries(rows.map(([key, { yamlKey }]) => [key, values[yamlKey]]));
  return { ...address, name: name ?? address.name, ...(settings as EcuSettings) };
};
