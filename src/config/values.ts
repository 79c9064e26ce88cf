/** Texts of the command line → values. Each refuses with the rest of a sentence that begins with the text itself. */
import { isIP } from "node:net";
import { isZone } from "../time/zone.ts";

/** Turns a text into a value. @throws Error whose message completes «"text" …» */
export type Parse<T> = (text: string) => T;

/** @throws Error with the problem */
export const refuse = (problem: string): never => {
  throw new Error(problem);
};

/** An ECU's address, the name it goes by in the metrics, and the port that all ECUs use. */
export interface EcuAddress {
  /** As it was given. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

/** What may be set for each ECU; times in milliseconds. What is absent is as for all ECUs. */
export interface EcuSettings {
  /** IANA name. */
  readonly timezone?: string | undefined;
  readonly minInterval?: number | undefined;
  readonly timeout?: number | undefined;
  readonly commandPause?: number | undefined;
  readonly retries?: number | undefined;
  /** Where it stands, in degrees north and east. */
  readonly site?: { readonly latitude: number; readonly longitude: number } | undefined;
  readonly panels?: readonly Panel[] | undefined;
}

/** An ECU to read, with what is set for it alone. */
export type EcuConfig = EcuAddress & EcuSettings;

/** The port of every ECU (protocol document, 1.1). */
export const ECU_PORT = 8899;
const HOST = String.raw`(\[[0-9a-fA-F:.]+\]|[\p{L}\p{N}._-]+)`;
const HOST_AND_PORT = new RegExp(String.raw`^${HOST}(?::(\d{1,5}))?$`, "u");
const ANY_HOST_AND_PORT = new RegExp(String.raw`^${HOST}?:(\d{1,5})$`, "u");

/** Refuses 192.168.1.500 and [1::2::3] too: no name server need be asked about them. */
const isHost = (host: string): boolean => URL.canParse(`http://${host}`);
const unbracketed = (host: string): string => host.replace(/^\[|\]$/g, "");

/** `HOST`, `HOST:PORT` or `[IPv6]:PORT`. */
export const ecuAddress: Parse<EcuConfig> = (text) => {
  const [, host, port] = HOST_AND_PORT.exec(text) ?? [];
  if (host === undefined || !isHost(host)) {
    return refuse("is not an address; write it as 192.168.1.50, ecu.lan:8899 or [fd00::50]:8899");
  }
  return {
    name: text,
    host: unbracketed(host),
    port: port === undefined ? ECU_PORT : portNumber(port, 1),
  };
};

const LONGEST_NAME = 100;

/** What an ECU is called: no spaces, so that it can stand in an address as it is. */
export const ecuName: Parse<string> = (text) =>
  /^[\p{L}\p{N}._-]+$/u.test(text) && text.length <= LONGEST_NAME
    ? text
    : refuse(
        `is not a name; use up to ${LONGEST_NAME} letters, digits, dots, dashes and underscores`,
      );

/** An address to listen at; without a host it is every interface. */
export interface ListenAddress {
  readonly host?: string;
  readonly port: number;
}

/** `:PORT`, `HOST:PORT` or `[IPv6]:PORT`; port 0 is any free one. */
export const listenAddress: Parse<ListenAddress> = (text) => {
  const [, host, port] = ANY_HOST_AND_PORT.exec(text) ?? [];
  if (port === undefined || (host !== undefined && !isHost(host)))
    return refuse("is not an address to listen at; write it as :10899 or 127.0.0.1:10899");
  return { ...(host !== undefined && { host: unbracketed(host) }), port: portNumber(port, 0) };
};

const portNumber = (text: string, least: number): number => {
  const port = Number(text);
  return port >= least && port <= 65_535 ? port : refuse(`has no port between ${least} and 65535`);
};

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** A duration of any length such as `250ms`, in milliseconds. */
export const milliseconds: Parse<number> = (text) => {
  const [, count, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? [];
  const scale = UNITS[unit ?? ""];
  return scale === undefined
    ? refuse("is not a duration; write it as 250ms, 9.5s or 10m")
    : Number(count) * scale;
};

/** A duration such as `250ms`, `9.5s`, `10m`, in milliseconds. */
export const duration = ({ least, most }: { least: string; most: string }): Parse<number> => {
  const [from, to] = [milliseconds(least), milliseconds(most)];
  return (text) => {
    const ms = milliseconds(text);
    return ms >= from && ms <= to ? ms : refuse(`is not between ${least} and ${most}`);
  };
};

export const integer =
  (least: number, most: number): Parse<number> =>
  (text) => {
    const value = Number(text);
    return /^\d+$/.test(text) && value >= least && value <= most
      ? value
      : refuse(`is not a whole number from ${least} to ${most}`);
  };

/** A number above `above` and up to `most`. */
export const number =
  (above: number, most: number): Parse<number> =>
  (text) => {
    const value = Number(text);
    return /^\d+(\.\d+)?$/.test(text) && value > above && value <= most
      ? value
      : refuse(`is not a number above ${above} and up to ${most}`);
  };

export const oneOf =
  <const T extends string>(choices: readonly T[]): Parse<T> =>
  (text) =>
    choices.find((choice) => choice === text) ?? refuse(`is none of ${choices.join(", ")}`);

/** `NAME=COUNT,…` */
export const counts =
  <const T extends string>(
    names: readonly T[],
    most: number,
  ): Parse<readonly (readonly [T, number])[]> =>
  (text) => {
    const pairs = text.split(",").map((part): [T, number] => {
      const [, word, count] = /^([^=]+)=(\d+)$/.exec(part.trim()) ?? [];
      const name = names.find((one) => one === word);
      if (word === undefined) return refuse("is not a list such as QS1=5,DS3=3");
      if (name === undefined) return refuse(`names ${word}, which is none of ${names.join(", ")}`);
      return [name, Number(count)];
    });
    const total = pairs.reduce((sum, [, count]) => sum + count, 0);
    return total >= 1 && total <= most
      ? pairs
      : refuse(`are ${total} in all, and not 1 to ${most}`);
  };

/** A path of letters, digits and -_./ that is none of the exporter's own. */
export const urlPath: Parse<string> = (text) => {
  if (!/^(\/[\w.-]+)+$/.test(text)) return refuse("is not a path such as /metrics");
  return /^\/(-\/|(probe|self|sd)$)/i.test(text)
    ? refuse("is taken: /probe, /self, /sd and paths below /-/ are the exporter's own")
    : text;
};

/** A path of a file, such as every system allows one. */
export const filePath: Parse<string> = (text) =>
  /^[^*?"<>|\p{Cc}]*[^*?"<>|\p{Cc}/\\.]$/u.test(text)
    ? text
    : refuse("is not the path of a file such as /var/lib/apsystems/state.json");

/** A file to write, or `-` for standard output. */
export const outputFile: Parse<string> = (text) => (text === "-" ? text : filePath(text));

/** Any text but none. */
export const text: Parse<string> = (given) => (given === "" ? refuse("is empty") : given);

/** yyyymmdd of a day that is written as 2026-06-21. */
export const date: Parse<string> = (text) =>
  /^20\d\d-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)) && isDay(text)
    ? text.replaceAll("-", "")
    : refuse("is not a day; write it as 2026-06-21");

const LABELS_OF_OURS: readonly string[] = ["ecu"];

/** `NAME=VALUE,…`: labels beside those that the samples have (Prometheus' data model). */
export const labels: Parse<Readonly<Record<string, string>>> = (text) => {
  const found: Record<string, string> = {};
  for (const part of text.split(",")) {
    const [, name, value] = /^([a-zA-Z_][a-zA-Z0-9_]*)=(\P{Cc}+)$/u.exec(part.trim()) ?? [];
    if (name === undefined || value === undefined)
      return refuse("is not a list of labels such as job=apsystems,instance=localhost:10899");
    if (name.startsWith("__") || LABELS_OF_OURS.includes(name))
      return refuse(`names the label ${name}, which is not to be set`);
    if (Object.hasOwn(found, name)) return refuse(`names the label ${name} twice`);
    found[name] = value;
  }
  return found;
};

export const timezone: Parse<string> = (text) =>
  isZone(text)
    ? text
    : refuse("is not a time zone; write it as Europe/Amsterdam or America/New_York");

/** An ISO 8601 time with its offset, in milliseconds since 1970. */
export const isoTime: Parse<number> = (text) => {
  const at = Date.parse(text);
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(text) &&
    !Number.isNaN(at) &&
    isDay(text.slice(0, 10))
    ? at
    : refuse("is not a time; write it as 2026-06-21T10:00:00Z");
};

/** 30 February is March for `Date`. */
const isDay = (day: string): boolean => new Date(day).toISOString().startsWith(day);

/** `LATITUDE,LONGITUDE` in degrees. */
export const site: Parse<{ latitude: number; longitude: number }> = (text) => {
  const [, north, east] = /^(-?\d+(?:\.\d+)?),(-?\d+(?:\.\d+)?)$/.exec(text) ?? [];
  const [latitude, longitude] = [Number(north), Number(east)];
  return Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180
    ? { latitude, longitude }
    : refuse("is not a place; write it as 52.09,5.12");
};

const PANEL_FORM =
  "is not a panel; write it as 703000000001/1=A1 or, with its array, row and column, 703000000001/1=A1/south/1/3";

/** What is said of one panel; what is left out is empty. */
export interface Panel {
  readonly uid: string;
  /** Input of the inverter, from 1. */
  readonly channel: number;
  readonly panel: string;
  readonly array: string;
  readonly row: string;
  readonly column: string;
}

/** `UID/CHANNEL=PANEL[/ARRAY[/ROW/COLUMN]]` */
export const panel: Parse<Panel> = (text) => {
  const [, uid, channel, where] = /^(\d{12})\/([1-4])=(.*)$/s.exec(text) ?? [];
  if (uid === undefined || where === undefined || /\p{Cc}/u.test(where)) return refuse(PANEL_FORM);
  const words = where.split("/").map((word) => word.trim());
  const [name = "", array = "", row = "", column = ""] = words;
  if (![1, 2, 4].includes(words.length) || words.includes("")) return refuse(PANEL_FORM);
  return { uid, channel: Number(channel), panel: name, array, row, column };
};

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|::1)$/;

/** An address to listen at that only this machine can reach. */
export const loopbackAddress: Parse<ListenAddress> = (text) => {
  const address = listenAddress(text);
  return LOOPBACK.test(address.host ?? "")
    ? address
    : refuse("is not on this machine alone; write it as 127.0.0.1:8898");
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

/** Most addresses that one search may try. */
const MOST_SEARCHED_BITS = 12;

/** A range of IPv4 addresses that is small enough to be searched: up to 4,096. */
export const searchRange: Parse<{ network: string; prefix: number }> = (text) => {
  const range = addressRange(text);
  if (isIP(range.network) !== 4) return refuse("is not a network of IPv4 addresses");
  return range.prefix >= 32 - MOST_SEARCHED_BITS
    ? range
    : refuse(
        `has more than ${2 ** MOST_SEARCHED_BITS} addresses; name a part of it, such as ${range.network}/24`,
      );
};

/** On, where the flag stands alone. */
export const onOff: Parse<boolean> = (text) =>
  text === "true" || text === "false" ? text === "true" : refuse("is neither true nor false");
