/** The settings of an ECU. One row defines flag, environment variable, YAML key and limits. */
import type { z } from "zod";
import type { Panel } from "../ecu/panel.ts";
import { type Setting, setting } from "./setting.ts";
import { duration, type EcuAddress, integer, oneOf, panel, site, timezone } from "./values.ts";

type ZodLibrary = typeof z;

/** A setting that each ECU can have. */
export interface EcuSetting<T> extends Setting<T> {
  /** Key in the YAML file. */
  readonly yamlKey: string;
  /**
   * Builds the schema of the value in YAML. Without it, the value has the format of the flag. The library is handed over,
   * because only a configuration file needs it and loading it takes longer than the rest of the start.
   */
  readonly yamlSchema?: (library: ZodLibrary) => z.ZodType;
  /** In the YAML file, an ECU can have it, but not `defaults`. */
  readonly noDefaults?: boolean;
}

const ecuSetting = <S extends EcuSetting<unknown>>(row: S): S => setting(row);

const RETRIES = { min: 0, max: 10 };

const coordinates = (z: ZodLibrary) =>
  z.strictObject({
    latitude: z.number().min(-90).max(90).describe("Degrees north."),
    longitude: z.number().min(-180).max(180).describe("Degrees east."),
  });

const PANEL_KEY = /^(\d{12})\/([1-4])$/;
/** The parts of a panel in the YAML file. They are texts, also if they look like numbers. */
export const panelKeys: ReadonlySet<string> = new Set(["panel", "array", "row", "column"]);
const panels = (z: ZodLibrary) => {
  const word = z
    .union([z.string(), z.number()])
    .transform(String)
    .refine((text) => !/\p{Cc}/u.test(text), "contains a control character, such as a line break");
  return z
    .record(
      z
        .string()
        .regex(
          PANEL_KEY,
          "is not a serial number of 12 digits and a channel from 1 to 4, such as 703000000001/1",
        ),
      z
        .strictObject({
          panel: word.describe("Name of the panel."),
          array: word.optional().describe("Name of the array it belongs to."),
          row: word.optional(),
          column: word.optional(),
        })
        .describe("Where the panel is."),
    )
    .transform((entries) =>
      Object.entries(entries).map(([key, { panel, array = "", row = "", column = "" }]): Panel => {
        const [, uid = "", channel] = PANEL_KEY.exec(key) ?? [];
        return { uid, channel: Number(channel), panel, array, row, column };
      }),
    );
};

/** Every setting of an ECU by its name in the configuration, in the order of the help. Durations are in milliseconds. */
export const ecuSettings = {
  timezone: ecuSetting({
    flag: "ecu.timezone",
    yamlKey: "timezone",
    value: "ZONE",
    help: "Time zone of an ECU that does not report it (ECU-R, ECU-B), such as Europe/Amsterdam.",
    defaultText: "this machine's zone",
    parse: timezone,
  }),
  site: ecuSetting({
    flag: "ecu.site",
    yamlKey: "coordinates",
    yamlSchema: coordinates,
    value: "LATITUDE,LONGITUDE",
    help: "Location of the plant in degrees north and east, such as 52.09,5.12; enables the metric of the sun's elevation.",
    defaultText: "no sun elevation",
    parse: site,
  }),
  snow: ecuSetting({
    flag: "ecu.snow",
    yamlKey: "snow",
    value: "WORD",
    help: "Whether snow can lie on the panels: possible, or never, with which the alerts never mistake a fault for snow.",
    defaultText: "possible in the cold",
    parse: oneOf(["never", "possible"]),
  }),
  panels: ecuSetting({
    flag: "ecu.panel",
    yamlKey: "panels",
    yamlSchema: panels,
    noDefaults: true,
    value: "UID/CHANNEL=PANEL[/ARRAY[/ROW/COLUMN]]",
    help: "Name and position of the panel at a channel of an inverter; repeatable.",
    defaultText: "no names",
    repeatable: true,
    parse: panel,
  }),
  minInterval: ecuSetting({
    flag: "ecu.min-interval",
    yamlKey: "min_interval",
    value: "DURATION",
    help: "Minimum time between two reads of an ECU, such as 30s; scrapes in between get the last read.",
    fallback: "30s",
    parse: duration({ min: "0s", max: "24h" }),
  }),
  nightInterval: ecuSetting({
    flag: "ecu.night-interval",
    yamlKey: "night_interval",
    value: "DURATION",
    help: "Minimum time between two reads of an ECU while all its inverters are offline, such as 5m; 0s turns it off.",
    fallback: "5m",
    parse: duration({ min: "0s", max: "1h" }),
  }),
  timeout: ecuSetting({
    flag: "ecu.timeout",
    yamlKey: "timeout",
    value: "DURATION",
    help: "Maximum time of a read of an ECU, and of a scrape that sends no timeout, such as 9.5s.",
    fallback: "9.5s",
    parse: duration({ min: "100ms", max: "10m" }),
  }),
  commandPause: ecuSetting({
    flag: "ecu.command-pause",
    yamlKey: "command_pause",
    value: "DURATION",
    help: "Pause between two connections to an ECU, such as 250ms.",
    fallback: "250ms",
    parse: duration({ min: "0s", max: "1m" }),
  }),
  retries: ecuSetting({
    flag: "ecu.retries",
    yamlKey: "retries",
    yamlSchema: (z) => z.int().min(RETRIES.min).max(RETRIES.max),
    value: "NUMBER",
    help: "Further attempts at a query that failed, within the time of the read.",
    fallback: "2",
    parse: integer(RETRIES),
  }),
};

type Rows = typeof ecuSettings;
type Key = keyof Rows;
type Value<K extends Key> = Rows[K] extends { repeatable: true }
  ? readonly ReturnType<Rows[K]["parse"]>[]
  : ReturnType<Rows[K]["parse"]>;

/** Settings of one ECU, or the defaults of all ECUs. Absent settings have the fallback of their row. */
export type EcuSettings = { readonly [K in Key]?: Value<K> | undefined };

/** An ECU to read, with its own settings. */
export type EcuConfig = EcuAddress & EcuSettings;

type KeyWithFallback = {
  [K in Key]: Rows[K] extends { fallback: string } ? K : never;
}[Key];

/** The complete settings of an ECU. Only settings without a fallback can be absent. */
export type CompleteEcuSettings = EcuSettings & { readonly [K in KeyWithFallback]: Value<K> };

const fallbacks = Object.fromEntries(
  Object.entries<Setting<unknown>>(ecuSettings).map(([key, { fallback, parse }]) => [
    key,
    fallback === undefined ? undefined : parse(fallback),
  ]),
);

/** The settings of an ECU: its own, otherwise the defaults, otherwise the fallbacks. Panels are merged by channel. */
export const resolveEcuSettings = (
  own: EcuSettings,
  defaults: EcuSettings,
): CompleteEcuSettings => ({
  ...(Object.fromEntries(
    (Object.keys(ecuSettings) as Key[]).map((key) => [
      key,
      own[key] ?? defaults[key] ?? fallbacks[key],
    ]),
  ) as unknown as CompleteEcuSettings),
  panels: mergePanels(own.panels ?? [], defaults.panels ?? []),
});

const mergePanels = (own: readonly Panel[], defaults: readonly Panel[]): readonly Panel[] => {
  const channelKey = ({ uid, channel }: Panel): string => `${uid}/${channel}`;
  const named = new Set(own.map(channelKey));
  return [...own, ...defaults.filter((panel) => !named.has(channelKey(panel)))];
};
