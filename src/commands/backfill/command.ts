import { defineCommand } from "../../cli/command.ts";
import { bareSwitch, forceSwitch } from "../../cli/common-settings.ts";
import { ecuSettings } from "../../config/ecu-settings.ts";
import { setting, type Values } from "../../config/setting.ts";
import {
  date,
  duration,
  ecuAddress,
  ecuName,
  filePath,
  isoTime,
  labelSet,
  number,
  outputFile,
} from "../../config/values.ts";

const settings = {
  ecu: setting({
    flag: "ecu.address",
    value: "HOST[:PORT]",
    help: "ECU to read.",
    requiredMessage: "name the ECU: --ecu.address=192.168.1.50",
    parse: ecuAddress,
  }),
  name: setting({
    flag: "name",
    value: "NAME",
    help: "Value of the label ecu: the name of the ECU in the exporter.",
    defaultText: "the address as given",
    noEnv: true,
    parse: ecuName,
  }),
  from: setting({
    flag: "from",
    value: "DATE",
    help: "First day by the ECU's clock, such as 2026-09-25; at most 400 days ago.",
    defaultText: "61 days before the last day",
    noEnv: true,
    parse: date,
  }),
  to: setting({
    flag: "to",
    value: "DATE",
    help: "Last day.",
    defaultText: "today",
    noEnv: true,
    parse: date,
  }),
  end: setting({
    flag: "end",
    value: "ISO-TIME",
    help: "Time of the first sample that Prometheus has of this ECU; the history ends before it.",
    defaultText: "now",
    noEnv: true,
    parse: isoTime,
  }),
  endJoules: setting({
    flag: "end-joules",
    value: "JOULES",
    help: "Value of ecu_lifetime_energy_joules_total in Prometheus at that time.",
    defaultText: "computed, low enough that the counter cannot fall",
    noEnv: true,
    parse: number({ above: 0, max: Number.MAX_SAFE_INTEGER }),
  }),
  output: setting({
    flag: "output",
    value: "FILE|-",
    help: "File to write; - is standard output.",
    requiredMessage: "name the file to write: --output=history.om, or - for standard output",
    noEnv: true,
    parse: outputFile,
  }),
  force: forceSwitch,
  labels: setting({
    flag: "labels",
    value: "NAME=VALUE,…",
    help: "Labels that Prometheus adds when it scrapes, such as job=apsystems,instance=localhost:10899.",
    defaultText: "none",
    noEnv: true,
    parse: labelSet,
  }),
  pace: setting({
    flag: "pace",
    value: "DURATION",
    help: "Pause between two requests, at least 250ms.",
    fallback: "2s",
    noEnv: true,
    parse: duration({ min: "250ms", max: "10m" }),
  }),
  cache: setting({
    flag: "cache",
    value: "FILE",
    help: "File that keeps the days already read, so that no day is requested twice.",
    defaultText: "one per ECU in the user's cache folder",
    noEnv: true,
    parse: filePath,
  }),
  dryRun: setting({
    ...bareSwitch,
    flag: "dry-run",
    help: "Print what would be requested and how long it would take; send nothing.",
  }),
  timezone: ecuSettings.timezone,
};

/** Configuration of the command. */
export type BackfillConfig = Values<typeof settings>;

/** Writes the history that an ECU keeps as a file that Prometheus imports. */
export const backfill = defineCommand({
  name: "backfill",
  summary: "Write the history that an ECU keeps as OpenMetrics, for Prometheus to import.",
  examples: [
    "backfill --ecu.address=192.168.1.50 --dry-run --output=history.om",
    "backfill --ecu.address=192.168.1.50 --output=history.om --labels=job=apsystems,instance=localhost:10899",
  ],
  exitCodes: {
    "1": "the ECU did not send its history, or the command was stopped; nothing was written",
  },
  settings,
  run: async (config) => (await import("./backfill.ts")).backfill(config),
});
