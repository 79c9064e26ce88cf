/** Parsers of single values. An error message completes a sentence that starts with the text. */
import { isIP } from "node:net";
import { ECU_PORT } from "../ecu/address.ts";
import type { Panel } from "../ecu/panel.ts";
import { isTimeZone } from "../time/zone-name.ts";

/** Parses a text. @throws Error with a message that continues `"text" …` */
export type Parse<T> = (text: string) => T;

/** Rejects a text. @throws Error with the problem */
export const refuse = (problem: string): never => {
  throw new Error(problem);
};

/** Where an ECU listens, and its name in the metrics. */
export interface EcuAddress {
  /** The text that was parsed, unless the ECU has a configured name. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

// A zone that starts with 25 and a letter is one whose % was encoded, as in fe80::1%25eth0.
const ZONE = String.raw`%(?!25\p{L})[\p{L}\p{N}._-]+`;
const HOST = String.raw`(\[[0-9a-fA-F:.]+(?:${ZONE})?\]|[\p{L}\p{N}._-]+)`;
const HOST_AND_PORT = new RegExp(String.raw`^${HOST}(?::(\d{1,5}))?$`, "u");
const ANY_HOST_AND_PORT = new RegExp(String.raw`^${HOST}?:(\d{1,5})$`, "u");

/** Also rejects 192.168.1.500 and [1::2::3], which would otherwise be resolved as host names. */
const isHost = (host: string): boolean => URL.canParse(`http://${host.replace(/%.*\]$/, "]")}`);
const removeBrackets = (host: string): string => host.replace(/^\[|\]$/g, "");

/** `HOST`, `HOST:PORT` or `[IPv6]:PORT`. */
export const ecuAddress: Parse<EcuAddress> = (text) => {
  const [, host, port] = HOST_AND_PORT.exec(text) ?? [];
  if (host === undefined || !isHost(host)) {
    return refuse("is not an address; write it as 192.168.1.50, ecu.lan:8899 or [fd00::50]:8899");
  }
  return {
    name: text,
    host: removeBrackets(host),
    port: port === undefined ? ECU_PORT : parsePort(port, 1),
  };
};

const MAX_NAME_LENGTH = 100;

/** Name of an ECU. It has no spaces, so that it needs no encoding in a URL. */
export const ecuName: Parse<string> = (text) =>
  /^[\p{L}\p{N}._-]+$/u.test(text) && text.length <= MAX_NAME_LENGTH
    ? text
    : refuse(
        `is not a name; use up to ${MAX_NAME_LENGTH} letters, digits, dots, hyphens and underscores`,
      );

/** An address to listen on; without a host, all interfaces. */
export interface ListenAddress {
  readonly host?: string;
  readonly port: number;
}

/** `:PORT`, `HOST:PORT` or `[IPv6]:PORT`; port 0 means any free port. */
export const listenAddress: Parse<ListenAddress> = (text) => {
  const [, host, port] = ANY_HOST_AND_PORT.exec(text) ?? [];
  if (port === undefined || (host !== undefined && !isHost(host)))
    return refuse("is not an address to listen on; write it as :10899 or 127.0.0.1:10899");
  return { ...(host !== undefined && { host: removeBrackets(host) }), port: parsePort(port, 0) };
};

const parsePort = (text: string, min: number): number => {
  const port = Number(text);
  return port >= min && port <= 65_535 ? port : refuse(`needs a port from ${min} to 65535`);
};

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** A duration such as `250ms`, without limits, in milliseconds. */
export const milliseconds: Parse<number> = (text) => {
  const [, count, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? [];
  const scale = UNITS[unit ?? ""];
  return scale === undefined
    ? refuse("is not a duration; write it as 250ms, 9.5s or 10m")
    : Number(count) * scale;
};

/** A duration such as `250ms`, `9.5s` or `10m` within limits, in milliseconds. */
export const duration = ({ min, max }: { min: string; max: string }): Parse<number> => {
  const [minMs, maxMs] = [milliseconds(min), milliseconds(max)];
  return (text) => {
    const ms = milliseconds(text);
    return ms >= minMs && ms <= maxMs ? ms : refuse(`is not between ${min} and ${max}`);
  };
};

/** A whole number from `min` to `max`. */
export const integer =
  ({ min, max }: { min: number; max: number }): Parse<number> =>
  (text) => {
    const value = Number(text);
    return /^\d+$/.test(text) && value >= min && value <= max
      ? value
      : refuse(`is not a whole number from ${min} to ${max}`);
  };

/** A number greater than `above` and at most `max`. */
export const number =
  ({ above, max }: { above: number; max: number }): Parse<number> =>
  (text) => {
    const value = Number(text);
    return /^\d+(\.\d+)?$/.test(text) && value > above && value <= max
      ? value
      : refuse(`is not a number greater than ${above} and at most ${max}`);
  };

/** One of a few words. */
export const oneOf =
  <const T extends string>(choices: readonly T[]): Parse<T> =>
  (text) =>
    choices.find((choice) => choice === text) ?? refuse(`is not one of ${choices.join(", ")}`);

/** `NAME=COUNT,…`; the total is from 1 to `max`. */
export const counts =
  <const T extends string>(
    names: readonly T[],
    max: number,
  ): Parse<readonly (readonly [T, number])[]> =>
  (text) => {
    const pairs = text.split(",").map((part): [T, number] => {
      const [, word, count] = /^([^=]+)=(\d+)$/.exec(part.trim()) ?? [];
      const name = names.find((candidate) => candidate === word);
      if (word === undefined) return refuse("is not a list such as QS1=5,DS3=3");
      if (name === undefined)
        return refuse(`contains ${word}, which is not one of ${names.join(", ")}`);
      return [name, Number(count)];
    });
    const total = pairs.reduce((sum, [, count]) => sum + count, 0);
    return total >= 1 && total <= max
      ? pairs
      : refuse(`has a total of ${total}; the total must be from 1 to ${max}`);
  };

/** A segment of letters, digits and `-_.`, other than `.` and `..`, which clients resolve. */
const SEGMENT = String.raw`/(?!\.{1,2}(?:/|$))[\w.-]+`;
const URL_PATH = new RegExp(`^(?:${SEGMENT})+$`);
const EXTERNAL_URL = new RegExp(String.raw`^(https?://[^/?#@\s]+)?((?:${SEGMENT})*)/*$`, "i");

/** A path of letters, digits and `-_./`, other than the exporter's own paths. */
export const urlPath: Parse<string> = (text) => {
  if (!URL_PATH.test(text)) return refuse("is not a path such as /metrics");
  return /^\/(-\/|(probe|self|sd)$)/i.test(text)
    ? refuse("is reserved: the exporter serves /probe, /self, /sd and paths below /-/")
    : text;
};

/** A path before all others, such as `/ecu`, without a slash at its end; `/` is the empty text. */
export const routePrefix: Parse<string> = (text) => {
  const words = text.replace(/^\/+|\/+$/g, "");
  const path = words === "" ? "" : `/${words}`;
  return text !== "" && (path === "" || URL_PATH.test(path))
    ? path
    : refuse("is not a path such as / or /ecu");
};

/** The URL of the exporter for users behind a reverse proxy. */
export interface ExternalUrl {
  /** The URL, or only its path; ends with a slash. */
  readonly href: string;
  /** Its path without the slash at the end. */
  readonly path: string;
}

/** A URL, or only its path. */
export const externalUrl: Parse<ExternalUrl> = (text) => {
  const [, origin = "", path] = EXTERNAL_URL.exec(text) ?? [];
  return path === undefined || text === "" || !URL.canParse(origin || "http://localhost")
    ? refuse("is not a URL such as https://home.example/ecu/")
    : { href: `${origin}${path}/`, path };
};

/** Path of a file, without characters that some operating systems do not allow. */
export const filePath: Parse<string> = (text) =>
  /^[^*?"<>|\p{Cc}]*[^*?"<>|\p{Cc}/\\.]$/u.test(text)
    ? text
    : refuse("is not a file path such as /var/lib/apsystems/state.json");

/** A file to write, or `-` for standard output. */
export const outputFile: Parse<string> = (text) => (text === "-" ? text : filePath(text));

/** Any text that is not empty. */
export const nonEmptyText: Parse<string> = (text) => (text === "" ? refuse("is empty") : text);

/** A date such as `2026-06-21`, as yyyymmdd. */
export const date: Parse<string> = (text) =>
  /^20\d\d-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)) && isCalendarDate(text)
    ? text.replaceAll("-", "")
    : refuse("is not a date; write it as 2026-06-21");

const RESERVED_LABELS: readonly string[] = ["ecu"];

/** `NAME=VALUE,…`: labels in addition to those of the samples (Prometheus' data model). */
export const labelSet: Parse<Readonly<Record<string, string>>> = (text) => {
  const labels: Record<string, string> = {};
  for (const part of text.split(",")) {
    const [, name, value] = /^([a-zA-Z_][a-zA-Z0-9_]*)=(\P{Cc}+)$/u.exec(part.trim()) ?? [];
    if (name === undefined || value === undefined)
      return refuse("is not a list of labels such as job=apsystems,instance=localhost:10899");
    if (name.startsWith("__") || RESERVED_LABELS.includes(name))
      return refuse(`sets the label ${name}, which is reserved`);
    if (Object.hasOwn(labels, name)) return refuse(`sets the label ${name} twice`);
    labels[name] = value;
  }
  return labels;
};

/** An IANA time zone such as `Europe/Amsterdam`. */
export const timezone: Parse<string> = (text) =>
  isTimeZone(text)
    ? text
    : refuse("is not a time zone; write it as Europe/Amsterdam or America/New_York");

/** An ISO 8601 time with its offset, in milliseconds since 1970. */
export const isoTime: Parse<number> = (text) => {
  const at = Date.parse(text);
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(text) &&
    !Number.isNaN(at) &&
    isCalendarDate(text.slice(0, 10))
    ? at
    : refuse("is not a time; write it as 2026-06-21T10:00:00Z");
};

/** Whether the date exists: `Date` converts 30 February to a day in March. */
const isCalendarDate = (day: string): boolean => new Date(day).toISOString().startsWith(day);

/** `LATITUDE,LONGITUDE` in degrees. */
export const site: Parse<{ latitude: number; longitude: number }> = (text) => {
  const [, north, east] = /^(-?\d+(?:\.\d+)?),(-?\d+(?:\.\d+)?)$/.exec(text) ?? [];
  const [latitude, longitude] = [Number(north), Number(east)];
  return Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180
    ? { latitude, longitude }
    : refuse("is not a pair of coordinates; write it as 52.09,5.12");
};

const PANEL_FORMAT =
  "is not a panel; write it as 703000000001/1=A1 or, with its array, row and column, 703000000001/1=A1/south/1/3";

/** `UID/CHANNEL=PANEL[/ARRAY[/ROW/COLUMN]]` */
export const panel: Parse<Panel> = (text) => {
  const [, uid, channel, position] = /^(\d{12})\/([1-4])=(.*)$/s.exec(text) ?? [];
  if (uid === undefined || position === undefined || /\p{Cc}/u.test(position))
    return refuse(PANEL_FORMAT);
  const words = position.split("/").map((word) => word.trim());
  const [name = "", array = "", row = "", column = ""] = words;
  if (![1, 2, 4].includes(words.length) || words.includes("")) return refuse(PANEL_FORMAT);
  return { uid, channel: Number(channel), panel: name, array, row, column };
};

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|::1)$/;

/** A loopback address to listen on, which only this machine can reach. */
export const loopbackAddress: Parse<ListenAddress> = (text) => {
  const address = listenAddress(text);
  return LOOPBACK.test(address.host ?? "")
    ? address
    : refuse("is not a loopback address; write it as 127.0.0.1:8898");
};

/** A range of addresses: `10.0.0.0/8`, `fd00::/8`, or one address. */
export const addressRange: Parse<{ network: string; prefix: number }> = (text) => {
  const [, network = "", length] = /^([0-9a-fA-F:.]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const bits = { 0: 0, 4: 32, 6: 128 }[isIP(network)] ?? 0;
  const prefix = length === undefined ? bits : Number(length);
  return bits > 0 && prefix <= bits
    ? { network, prefix }
    : refuse("is not a range of addresses; write it as 192.168.1.0/24 or fd00::/8");
};

/** Host bits of the largest network that can be searched. */
const MAX_SEARCH_BITS = 12;

/** A range of at most 4,096 IPv4 addresses. */
export const searchRange: Parse<{ network: string; prefix: number }> = (text) => {
  const range = addressRange(text);
  if (isIP(range.network) !== 4) return refuse("is not an IPv4 network");
  return range.prefix >= 32 - MAX_SEARCH_BITS
    ? range
    : refuse(
        `has more than ${2 ** MAX_SEARCH_BITS} addresses; search a part of it, such as ${range.network}/24`,
      );
};

/** `true` or `false`. */
export const onOff: Parse<boolean> = (text) =>
  text === "true" || text === "false" ? text === "true" : refuse("is not true or false");
