import { defineCommand } from "../../cli/command.ts";
import { bareSwitch, ecuArgument, forceSwitch } from "../../cli/common-settings.ts";
import { ecuSettings } from "../../config/ecu-settings.ts";
import { setting, type Values } from "../../config/setting.ts";
import { outputFile } from "../../config/values.ts";

const settings = {
  ecu: setting({ ...ecuArgument, requiredMessage: "name the ECU, as in: capture 192.168.1.50" }),
  output: setting({
    flag: "output",
    value: "FILE|-",
    help: "File to write; - is standard output.",
    fallback: "-",
    noEnv: true,
    parse: outputFile,
  }),
  force: forceSwitch,
  all: setting({
    ...bareSwitch,
    flag: "all",
    help: "Also request the clock and the energy history, which not every ECU supports.",
  }),
  commandPause: ecuSettings.commandPause,
};

/** Configuration of the command. */
export type CaptureConfig = Values<typeof settings>;

/** Writes the raw replies of an ECU to a file, with serial numbers replaced. */
export const capture = defineCommand({
  name: "capture",
  summary: "Save the raw replies of an ECU for a bug report, with serial numbers replaced.",
  examples: ["capture 192.168.1.50 --output=capture.json", "capture 192.168.1.50 --all"],
  exitCodes: {
    "1": "a request got no valid reply, and the file says which; or nothing was received or written",
  },
  settings,
  run: async (config) => (await import("./capture.ts")).capture(config),
});
