/** The configuration file: its schema, and what it says. */
import { z } from "zod";
import * as parse from "./values.ts";
import { type Read, readYaml } from "./yaml-file.ts";

/** What the file says: ECUs, each with what holds for it. */
export interface ConfigFile {
  readonly ecus: readonly parse.EcuConfig[];
}

/** A text that one of the command line's functions reads. */
const text = <T>(read: (text: string) => T, about: string) =>
  z
    .string()
    .transform((value, context) => {
      try {
        return read(value);
      } catch (error) {
        context.issues.push({
          code: "custom",
          message: `"${value}" ${(error as Error).message}`,
          input: value,
        });
        return z.NEVER;
      }
    })
    .describe(about);

const word = z.union([z.string(), z.number()]).transform(String);

const panel = z
  .strictObject({
    panel: word.describe("Name of the panel."),
    array: word.optional().describe("Name of the array it belongs to."),
    row: word.optional(),
    column: word.optional(),
  })
  .describe("Where the panel is.");

const coordinates = z
  .strictObject({
    latitude: z.number().min(-90).max(90).describe("Degrees north."),
    longitude: z.number().min(-180).max(180).describe("Degrees east."),
  })
  .describe("Where the plant stands; shows the sun's elevation.");

const settings = {
  timezone: text(
    parse.timezone,
    "Time zone of an ECU that does not tell its own (ECU-R, ECU-B), such as Europe/Amsterdam.",
  ).optional(),
  min_interval: text(
    parse.duration({ least: "0s", most: "24h" }),
    "Least time between two reads, such as 30s.",
  ).optional(),
  timeout: text(
    parse.duration({ least: "100ms", most: "10m" }),
    "Longest time for one read, such as 9.5s.",
  ).optional(),
  command_pause: text(
    parse.duration({ least: "0s", most: "1m" }),
    "Pause between two connections, such as 250ms.",
  ).optional(),
  retries: z
    .int()
    .min(0)
    .max(10)
    .optional()
    .describe("Further attempts at a query that failed, within the time of the read."),
  coordinates: coordinates.optional(),
};

const PLACE = /^(\d{12})\/([1-4])$/;

const ecu = z.strictObject({
  name: text(parse.ecuName, "What the ECU is called in metrics and probes.").optional(),
  address: text(parse.ecuAddress, "Address of the ECU: 192.168.1.50, ecu.lan:8899."),
  ...settings,
  panels: z
    .record(
      z
        .string()
        .regex(PLACE, "is not an inverter's serial number and its channel, as 703000000001/1"),
      panel,
    )
    .optional()
    .describe("Panels by the serial number of their inverter and its channel: 703000000001/1."),
});

/** The schema of the file. */
export const fileSchema = z.strictObject({
  defaults: z
    .strictObject(settings)
    .optional()
    .describe("What holds for ECUs that say nothing else."),
  ecus: z.array(ecu).min(1).describe("The ECUs to read."),
});

/** Reads the file. @param fileName how problems name it */
export const readConfigFile = (bytes: Uint8Array | string, fileName: string): Read<ConfigFile> => {
  const read = readYaml(bytes, fileName, fileSchema);
  if ("problems" in read) return read;
  const { defaults = {}, ecus } = read.value;
  return { value: { ecus: ecus.map((one) => ecuOf(one, defaults)) } };
};

type File = z.output<typeof fileSchema>;

const ecuOf = (
  { name, address, panels = {}, ...own }: File["ecus"][number],
  defaults: NonNullable<File["defaults"]>,
): parse.EcuConfig => {
  const { min_interval, command_pause, coordinates, ...same } = { ...defaults, ...own };
  return {
    ...address,
    name: name ?? address.name,
    ...same,
    minInterval: min_interval,
    commandPause: command_pause,
    site: coordinates,
    panels: Object.entries(panels).map(([place, { panel, array = "", row = "", column = "" }]) => {
      const [, uid = "", channel] = PLACE.exec(place) ?? [];
      return { uid, channel: Number(channel), panel, array, row, column };
    }),
  };
};
