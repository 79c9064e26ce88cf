/** Settings that several commands have. */
import { setting } from "../config/setting.ts";
import {
  ecuAddress,
  externalUrl,
  filePath,
  integer,
  listenAddress,
  oneOf,
  onOff,
  routePrefix,
  urlPath,
} from "../config/values.ts";

const logFormat = {
  flag: "log.format",
  value: "FORMAT",
  help: "Format of the log lines: json or text.",
  parse: oneOf(["json", "text"]),
} as const;

/** The log of the exporter. */
export const logSettings = {
  logLevel: setting({
    flag: "log.level",
    value: "LEVEL",
    help: "Minimum level of log lines: debug, info, warn or error.",
    fallback: "info",
    parse: oneOf(["debug", "info", "warn", "error"]),
  }),
  logFormat: setting({ ...logFormat, fallback: "json" }),
};

/** The log of a program that is mostly started by hand. */
export const toolLogSettings = {
  logLevel: logSettings.logLevel,
  logFormat: setting({ ...logFormat, defaultText: "text on a terminal, otherwise json" }),
};

/** YAML file with the TLS and access settings of the web server. */
export const webConfigFile = setting({
  flag: "web.config.file",
  value: "PATH",
  help: "YAML file with TLS, passwords and headers of the web server; see docs/web-configuration.md.",
  defaultText: "plain HTTP without a password",
  parse: filePath,
});

/** The exporter's web server. */
export const webSettings = {
  listenAddresses: setting({
    flag: "web.listen-address",
    value: "[HOST]:PORT",
    help: "Address of the exporter's web server; repeatable.",
    fallback: ":10899",
    repeatable: true,
    parse: listenAddress,
  }),
  telemetryPath: setting({
    flag: "web.telemetry-path",
    value: "PATH",
    help: "Path of the metrics.",
    fallback: "/metrics",
    parse: urlPath,
  }),
  externalUrl: setting({
    flag: "web.external-url",
    value: "URL",
    help: "URL of the exporter behind a reverse proxy, such as https://home.example/ecu/.",
    defaultText: "no reverse proxy with a path of its own",
    parse: externalUrl,
  }),
  routePrefix: setting({
    flag: "web.route-prefix",
    value: "PATH",
    help: "Path before all paths of the web server.",
    defaultText: "the path of --web.external-url",
    parse: routePrefix,
  }),
  maxRequests: setting({
    flag: "web.max-requests",
    value: "NUMBER",
    help: "Maximum number of concurrent requests; further requests get status 503.",
    fallback: "40",
    parse: integer({ min: 1, max: 100_000 }),
  }),
  webConfigFile,
};

/** YAML file that lists ECUs. */
export const configFile = setting({
  flag: "config.file",
  value: "PATH",
  help: "YAML file that lists ECUs and their settings; see docs/configuration.md.",
  defaultText: "no file",
  parse: filePath,
});

/** Listen address of a simulated or replayed ECU. */
export const ecuListenAddress = setting({
  flag: "listen",
  value: "[HOST]:PORT",
  help: "Address on which the ECU listens.",
  fallback: "127.0.0.1:8899",
  parse: listenAddress,
});

/** A flag without a value. It is true if it is set. */
export const bareSwitch = {
  value: "true|false",
  fallback: "false",
  isSwitch: true,
  noEnv: true,
  parse: onOff,
} as const;

/** Whether a file with the result may be replaced. */
export const forceSwitch = setting({
  ...bareSwitch,
  flag: "force",
  help: "Replace the output file if it exists.",
});

/** The ECU that a tool reads. */
export const ecuArgument = {
  flag: "host",
  value: "HOST[:PORT]",
  help: "Address of the ECU.",
  positional: true,
  parse: ecuAddress,
} as const;
