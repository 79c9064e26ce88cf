import { defineCommand } from "../../cli/command.ts";
import { bareSwitch, ecuArgument } from "../../cli/common-settings.ts";
import { ecuSettings } from "../../config/ecu-settings.ts";
import { setting, type Values } from "../../config/setting.ts";
import { duration } from "../../config/values.ts";

const { timezone, timeout, commandPause, retries } = ecuSettings;

const settings = {
  ecu: setting({ ...ecuArgument, requiredMessage: "name the ECU, as in: read 192.168.1.50" }),
  json: setting({
    ...bareSwitch,
    flag: "json",
    help: "Print JSON instead of tables; docs/read.schema.json is its schema.",
  }),
  watch: setting({ ...bareSwitch, flag: "watch", help: "Read once a minute until stopped." }),
  every: setting({
    flag: "every",
    value: "DURATION",
    help: "Read at this interval until stopped, at least 30s; an ECU has new values every 5 minutes.",
    defaultText: "one read only",
    noEnv: true,
    parse: duration({ min: "30s", max: "24h" }),
  }),
  timezone,
  timeout,
  commandPause,
  retries,
};

/** Configuration of the command. */
export type ReadConfig = Values<typeof settings>;

/** Reads an ECU once, or at an interval, and prints the result. */
export const read = defineCommand({
  name: "read",
  summary: "Read an ECU once and print every value.",
  examples: ["read 192.168.1.50", "read 192.168.1.50 --json", "read 192.168.1.50 --watch"],
  exitCodes: {
    "0": "every query succeeded",
    "1": "some queries succeeded",
    "2": "no query succeeded, or the command line is wrong",
  },
  settings,
  run: async (config) => (await import("./read.ts")).read(config),
});
