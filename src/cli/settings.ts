/** Every setting: flag, environment variable, meaning, default. The tables of README and docs/cli.md are made from this one. */

import * as parse from "../config/values.ts";
import { parseFault } from "../simulator/fault-syntax.ts";
import { faults } from "../simulator/faults.ts";
import { MOST_INVERTERS, models } from "../simulator/models.ts";

/** One row: how a value is given, what it means, and how its text becomes a value. */
export interface Setting<T> {
  /** Without the dashes. The environment variable is the same in capitals with underscores. */
  readonly flag: string;
  /** What stands after the flag in the help. */
  readonly value: string;
  readonly help: string;
  /** Text that stands in where none is given; without one the value may be `undefined`. */
  readonly fallback?: string;
  /** What happens without a value, in words. */
  readonly otherwise?: string;
  readonly repeatable?: boolean;
  /** The flag alone, without a value, is on. */
  readonly isSwitch?: boolean;
  /** A word by itself, without a flag; a command has one at most. `flag` is then no more than its name. */
  readonly isOperand?: boolean;
  /** Only the command line sets it: its variable would mean something else on many machines. */
  readonly hasNoVariable?: boolean;
  /** What the user is told where there is no value; without it, none is needed. */
  readonly missing?: string;
  /** @throws Error whose message completes «"text" …». */
  readonly parse: (text: string) => T;
}

const setting = <S extends Setting<unknown>>(row: S): S => row;

const listenAddress = setting({
  flag: "web.listen-address",
  value: "[HOST]:PORT",
  help: "Address of the exporter's own web server.",
  fallback: ":10899",
  parse: parse.listenAddress,
});
const telemetryPath = setting({
  flag: "web.telemetry-path",
  value: "PATH",
  help: "Path of the metrics.",
  fallback: "/metrics",
  parse: parse.urlPath,
});
const maxRequests = setting({
  flag: "web.max-requests",
  value: "NUMBER",
  help: "Requests that are answered at one time; further ones get 503.",
  fallback: "40",
  parse: parse.integer(1, 100_000),
});
const logLevel = setting({
  flag: "log.level",
  value: "LEVEL",
  help: "Least level that is logged: debug, info, warn or error.",
  fallback: "info",
  parse: parse.oneOf(["debug", "info", "warn", "error"]),
});
const logFormat = setting({
  flag: "log.format",
  value: "FORMAT",
  help: "Form of the log lines: json or text.",
  fallback: "json",
  parse: parse.oneOf(["json", "text"]),
});
const minInterval = setting({
  flag: "ecu.min-interval",
  value: "DURATION",
  help: "Least time between two reads of one ECU; scrapes in between get the last read.",
  fallback: "30s",
  parse: parse.duration({ least: "0s", most: "24h" }),
});
const inverters = setting({
  flag: "inverters",
  value: "MODEL=COUNT,…",
  help: `Inverters of the plant, of the models ${Object.keys(models).join(", ")}.`,
  fallback: "QS1=3,DS3=4",
  parse: parse.counts(Object.keys(models) as (keyof typeof models)[], MOST_INVERTERS),
});
const family = setting({
  flag: "family",
  value: "R|L",
  help: "Family of the ECU: R (ECU-R, ECU-B) or L (ECU-R-Pro, ECU-C).",
  fallback: "L",
  parse: parse.oneOf(["R", "L"]),
});
const seed = setting({
  flag: "seed",
  value: "NUMBER",
  help: "Seed of all chance: serial numbers, clouds, noise.",
  fallback: "1",
  parse: parse.integer(0, 2 ** 31 - 1),
});
const timeScale = setting({
  flag: "time-scale",
  value: "FACTOR",
  help: "Simulated seconds in a second.",
  fallback: "1",
  parse: parse.number(0, 10_000),
});
const fault = setting({
  flag: "fault",
  value: "NAME[@QUESTION][:LIMIT]",
  help: `What is wrong with the ECU, as docs/faults.md tells, such as silent, silent@signal, silent:once, silent:3times, silent:30s or silent:0.2; repeatable: ${Object.keys(faults).join(", ")}.`,
  repeatable: true,
  otherwise: "nothing is wrong",
  parse: parseFault,
});
const control = setting({
  flag: "control",
  value: "HOST:PORT",
  help: "Address of this machine at which faults are switched while the ECU runs, as docs/faults.md tells.",
  otherwise: "off",
  parse: parse.loopbackAddress,
});
const configFile = setting({
  flag: "config.file",
  value: "PATH",
  help: "YAML file that names ECUs, with what is set for each; docs/configuration.md tells of it.",
  otherwise: "no file",
  parse: parse.filePath,
});
const webConfigFile = setting({
  flag: "web.config.file",
  value: "PATH",
  help: "YAML file with TLS, passwords and headers of the web server; docs/web-configuration.md tells of it.",
  otherwise: "plain HTTP for anybody",
  parse: parse.filePath,
});
const web = { listenAddress, telemetryPath, maxRequests, webConfigFile };
const log = { logLevel, logFormat };

const ecuTimezone = setting({
  flag: "ecu.timezone",
  value: "ZONE",
  help: "Time zone of ECUs that do not tell theirs (ECU-R, ECU-B), such as Europe/Amsterdam.",
  otherwise: "this machine's zone",
  parse: parse.timezone,
});
const timeout = setting({
  flag: "ecu.timeout",
  value: "DURATION",
  help: "Longest time for one read of an ECU, and for a scrape that names no limit of its own.",
  fallback: "9.5s",
  parse: parse.duration({ least: "100ms", most: "10m" }),
});
const commandPause = setting({
  flag: "ecu.command-pause",
  value: "DURATION",
  help: "Pause between two connections to one ECU.",
  fallback: "250ms",
  parse: parse.duration({ least: "0s", most: "1m" }),
});
const retries = setting({
  flag: "ecu.retries",
  value: "NUMBER",
  help: "Further attempts at a query that failed, within the time of the read.",
  fallback: "2",
  parse: parse.integer(0, 10),
});
const listen = setting({
  flag: "listen",
  value: "[HOST]:PORT",
  help: "Address at which the ECU answers.",
  fallback: "127.0.0.1:8899",
  parse: parse.listenAddress,
});
/** A flag that stands alone, and is off without. */
const bareSwitch = {
  value: "true|false",
  fallback: "false",
  isSwitch: true,
  hasNoVariable: true,
  parse: parse.onOff,
} as const;
/** Shells whose command lines can be completed. */
export const shells = ["bash", "zsh", "fish"] as const;
/** The ECU that a tool is to ask. */
const host = {
  flag: "host",
  value: "HOST[:PORT]",
  help: "Address of the ECU.",
  isOperand: true,
  parse: parse.ecuAddress,
} as const;

/** The settings of each command, in the order of its help. */
export const settings = {
  serve: {
    configFile,
    ecus: setting({
      flag: "ecu.address",
      value: "HOST[:PORT]",
      help: "ECU to read; repeatable.",
      otherwise: "required, unless a file names ECUs",
      repeatable: true,
      parse: parse.ecuAddress,
    }),
    timezone: ecuTimezone,
    site: setting({
      flag: "ecu.site",
      value: "LATITUDE,LONGITUDE",
      help: "Where the plant stands, in degrees north and east, such as 52.09,5.12; shows the sun's elevation.",
      otherwise: "not shown",
      parse: parse.site,
    }),
    panels: setting({
      flag: "ecu.panel",
      value: "UID/CHANNEL=PANEL[/ARRAY[/ROW/COLUMN]]",
      help: "Name of the panel at an inverter's channel, and where it is; repeatable.",
      otherwise: "no names",
      repeatable: true,
      parse: parse.panel,
    }),
    minInterval,
    timeout,
    commandPause,
    retries,
    probeAllow: setting({
      flag: "probe.allow",
      value: "RANGE",
      help: "Addresses that /probe may read beside the ECUs that are named, such as 192.168.1.0/24; repeatable.",
      otherwise: "none",
      repeatable: true,
      parse: parse.addressRange,
    }),
    enableLifecycle: setting({
      flag: "web.enable-lifecycle",
      value: "true|false",
      help: "Whether POST /-/reload reads the configuration file again, as SIGHUP does.",
      fallback: "false",
      isSwitch: true,
      parse: parse.onOff,
    }),
    stateFile: setting({
      flag: "state.file",
      value: "PATH",
      help: "File that keeps across restarts what is needed to tell a glitch of a counter from a reset.",
      otherwise: "nothing is kept",
      parse: parse.filePath,
    }),
    ...web,
    ...log,
  },
  demo: { ...web, minInterval, inverters, family, seed, timeScale, fault, control, ...log },
  simulate: {
    listen,
    family,
    inverters,
    seed,
    start: setting({
      flag: "start",
      value: "ISO-TIME",
      help: "Simulated time at the beginning, such as 2026-06-21T10:00:00Z.",
      otherwise: "now",
      parse: parse.isoTime,
    }),
    timeScale,
    site: setting({
      flag: "site",
      value: "LATITUDE,LONGITUDE",
      help: "Where the plant stands, in degrees north and east.",
      fallback: "52.09,5.12",
      parse: parse.site,
    }),
    timezone: setting({
      flag: "timezone",
      value: "ZONE",
      help: "Time zone of the ECU's clock.",
      fallback: "Europe/Amsterdam",
      parse: parse.timezone,
    }),
    past: setting({
      flag: "past",
      value: "DAYS",
      help: "Days before today through which the ECU has lived; it remembers them as ECUs do.",
      fallback: "0",
      parse: parse.integer(0, 400),
    }),
    history: setting({
      flag: "history",
      value: "none|11|12",
      help: "Whether the ECU tells of its past, and the version of its answers.",
      otherwise: "11 for family R, none for L",
      parse: parse.oneOf(["none", "11", "12"]),
    }),
    fault,
    control,
    ...log,
  },
  "check-config": { configFile, webConfigFile },
  read: {
    ecu: setting({ ...host, missing: "name the ECU, as in read 192.168.1.50" }),
    json: setting({
      ...bareSwitch,
      flag: "json",
      help: "Print JSON, as docs/read.schema.json has it, in place of tables.",
    }),
    watch: setting({
      ...bareSwitch,
      flag: "watch",
      help: "Read again and again, until it is told to stop.",
    }),
    every: setting({
      flag: "every",
      value: "DURATION",
      help: "Time from one read to the next, 30s at least; an ECU has new values every 5 minutes.",
      fallback: "60s",
      hasNoVariable: true,
      parse: parse.duration({ least: "30s", most: "24h" }),
    }),
    timezone: ecuTimezone,
    timeout,
    commandPause,
    retries,
  },
  doctor: {
    ecu: setting({ ...host, otherwise: "needed, unless --find names a network" }),
    find: setting({
      flag: "find",
      value: "RANGE",
      help: "Look for ECUs at every address of this network, such as 192.168.1.0/24.",
      otherwise: "no search",
      hasNoVariable: true,
      parse: parse.searchRange,
    }),
    timezone: ecuTimezone,
  },
  capture: {
    ecu: setting({ ...host, missing: "name the ECU, as in capture 192.168.1.50" }),
    output: setting({
      flag: "output",
      value: "FILE|-",
      help: "File to write; - is standard output.",
      fallback: "-",
      hasNoVariable: true,
      parse: parse.outputFile,
    }),
    all: setting({
      ...bareSwitch,
      flag: "all",
      help: "Ask for the clock and the tables of past energy too, which not every ECU knows.",
    }),
    commandPause,
  },
  decode: {
    input: setting({
      flag: "capture",
      value: "FILE|HEX",
      help: "A capture's file, or the bytes of one reply as hexadecimal digits.",
      isOperand: true,
      missing: "name a capture's file, or give the bytes of a reply as hexadecimal digits",
      parse: parse.text,
    }),
  },
  replay: {
    input: setting({
      flag: "capture",
      value: "FILE",
      help: "A capture's file.",
      isOperand: true,
      missing: "name a capture's file, as in replay capture.json",
      parse: parse.filePath,
    }),
    listen,
    ...log,
  },
  backfill: {
    ecu: setting({
      flag: "ecu.address",
      value: "HOST[:PORT]",
      help: "ECU to read.",
      missing: "name the ECU: --ecu.address=192.168.1.50",
      parse: parse.ecuAddress,
    }),
    name: setting({
      flag: "name",
      value: "NAME",
      help: "Label ecu of the samples: the name by which the exporter knows the ECU.",
      otherwise: "the address as given",
      hasNoVariable: true,
      parse: parse.ecuName,
    }),
    from: setting({
      flag: "from",
      value: "DATE",
      help: "First day, such as 2026-09-25, by the ECU's clock; up to 400 days ago.",
      otherwise: "61 days before the last one",
      hasNoVariable: true,
      parse: parse.date,
    }),
    to: setting({
      flag: "to",
      value: "DATE",
      help: "Last day.",
      otherwise: "today",
      hasNoVariable: true,
      parse: parse.date,
    }),
    end: setting({
      flag: "end",
      value: "ISO-TIME",
      help: "Moment of the first sample that Prometheus has of this ECU; the history ends before it.",
      otherwise: "now",
      hasNoVariable: true,
      parse: parse.isoTime,
    }),
    endJoules: setting({
      flag: "end-joules",
      value: "JOULES",
      help: "Value of ecu_lifetime_energy_joules_total at that moment, as Prometheus has it.",
      otherwise: "worked out, and set so low that the counter cannot fall",
      hasNoVariable: true,
      parse: parse.number(0, Number.MAX_SAFE_INTEGER),
    }),
    output: setting({
      flag: "output",
      value: "FILE|-",
      help: "File to write; - is standard output.",
      missing: "name the file to write: --output=history.om, or - for standard output",
      hasNoVariable: true,
      parse: parse.outputFile,
    }),
    labels: setting({
      flag: "labels",
      value: "NAME=VALUE,…",
      help: "Labels that Prometheus adds to what it scrapes, such as job=apsystems,instance=localhost:10899.",
      otherwise: "none",
      hasNoVariable: true,
      parse: parse.labels,
    }),
    pace: setting({
      flag: "pace",
      value: "DURATION",
      help: "Pause between two questions, 250ms at least.",
      fallback: "2s",
      hasNoVariable: true,
      parse: parse.duration({ least: "250ms", most: "10m" }),
    }),
    cache: setting({
      flag: "cache",
      value: "FILE",
      help: "File that keeps the days that were read, so that none is asked for twice.",
      otherwise: "one for each ECU in the user's cache folder",
      hasNoVariable: true,
      parse: parse.filePath,
    }),
    dryRun: setting({
      ...bareSwitch,
      flag: "dry-run",
      help: "Say what would be asked and how long it would take, and ask nothing.",
    }),
    timezone: ecuTimezone,
  },
  completion: {
    shell: setting({
      flag: "shell",
      value: "SHELL",
      help: "bash, zsh or fish.",
      isOperand: true,
      missing: "name the shell: bash, zsh or fish",
      parse: parse.oneOf(shells),
    }),
  },
} satisfies Record<string, Record<string, Setting<unknown>>>;

export type CommandName = keyof typeof settings;

type Value<S> = S extends { parse: (text: string) => infer T }
  ? S extends { repeatable: true }
    ? readonly T[]
    : S extends { fallback: string } | { missing: string }
      ? T
      : T | undefined
  : never;

/** The complete configuration of a command. */
export type Config<C extends CommandName> = {
  readonly [K in keyof (typeof settings)[C]]: Value<(typeof settings)[C][K]>;
} & ("configFile" extends keyof (typeof settings)[C]
  ? { readonly ecus: readonly parse.EcuConfig[] } // those of the file too
  : unknown);

/** The environment variable of a flag: `ecu.min-interval` is `ECU_MIN_INTERVAL`. */
export const variableOf = (flag: string): string => flag.toUpperCase().replace(/[.-]/g, "_");
