import { defineCommand } from "../../cli/command.ts";
import { ecuArgument } from "../../cli/common-settings.ts";
import { ecuSettings } from "../../config/ecu-settings.ts";
import { setting, type Values } from "../../config/setting.ts";
import { searchRange } from "../../config/values.ts";

const settings = {
  ecu: setting({ ...ecuArgument, defaultText: "required, unless --find names a network" }),
  find: setting({
    flag: "find",
    value: "RANGE",
    help: "Try every address of this network, such as 192.168.1.0/24, and list the ECUs.",
    defaultText: "no search",
    noEnv: true,
    parse: searchRange,
  }),
  timezone: ecuSettings.timezone,
};

/** Configuration of the command. */
export type DoctorConfig = Values<typeof settings>;

/** Diagnoses an ECU, or finds the ECUs of a network. */
export const doctor = defineCommand({
  name: "doctor",
  summary: "Find out why an ECU does not reply, or find the ECUs of a network.",
  examples: ["doctor 192.168.1.50", "doctor --find=192.168.1.0/24"],
  exitCodes: {
    "0": "the ECU works, or an ECU was found",
    "1": "a problem was found, or no ECU was found",
  },
  settings,
  run: async (config) => (await import("./doctor.ts")).doctor(config),
});
