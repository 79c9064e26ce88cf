/** What the value of a field means, in words (docs/protocol.md#commands). */
import { findEcuFamily, findInverterModel, isEcuId } from "../ecu/models.ts";
import { toKilowattHours } from "../ecu/units.ts";
import { findLayout, recordLayouts } from "../protocol/layouts.ts";
import { findCommand } from "../protocol/requests.ts";
import type { TraceEntry } from "../protocol/trace.ts";

type Value = TraceEntry["value"];

/** In words what the value does not say by itself; empty where it does. */
export const meaningOf = ({ field, value }: TraceEntry): string => {
  const name = field.split(".").findLast((part) => !/^\d+$/.test(part)) ?? "";
  const say = Object.hasOwn(meanings, name) ? meanings[name] : undefined;
  if (say !== undefined) return say(value);
  const unit = Object.entries(units).find(([ending]) => name.endsWith(ending));
  return unit?.[1](value) ?? "";
};

const units: Readonly<Record<string, (value: Value) => string>> = {
  Joules: (value) => `J, ${toKilowattHours(Number(value)).toFixed(2)} kWh`,
  Watts: () => "W",
  Volts: () => "V",
  Hertz: () => "Hz",
  Celsius: () => "°C",
};

const statuses: Readonly<Record<string, string>> = {
  "00": "ok",
  "01": "the ECU has another id than was asked for",
  "02": "no data yet",
};
const kinds: Readonly<Record<string, string>> = {
  "01": "of micro-inverters",
  "02": "of an ECU-RS",
};
const periods: Readonly<Record<string, string>> = {
  "00": "the last 7 days",
  "01": "a month by day",
  "02": "a year by month",
};
const named =
  (names: Readonly<Record<string, string>>, otherwise = "not known") =>
  (value: Value): string =>
    Object.hasOwn(names, String(value)) ? (names[String(value)] ?? otherwise) : otherwise;

const meanings: Readonly<Record<string, (value: Value) => string>> = {
  signature: () => "every reply begins so",
  version: () => "of the layout",
  length: (value) => `${Number(value)} bytes`,
  command: (value) => findCommand(String(value)) ?? "no question of ours",
  status: named(statuses),
  terminator: () => "every longer reply ends so",
  lineFeed: () => "end of the reply",
  ecuId: (value) => findEcuFamily(String(value), undefined).model,
  uid: (value) =>
    isEcuId(String(value)) ? "an ECU's own id, by mistake" : findInverterModel(String(value)),
  layout: named(kinds),
  kind: named(kinds),
  typeCode: (value) => {
    const layout = findLayout(String(value));
    return layout === undefined ? "not known" : recordLayouts[layout].label;
  },
  period: named(periods),
  online: (value) => (value === true ? "answered in the last round" : "did not answer"),
  takenAt: timeOf,
  now: timeOf,
  lastCloudContact: timeOf,
  date: dateOf,
  time: (value) => String(value).replace(/^(\d\d)(\d\d)$/, "$1:$2"),
  level: (value) =>
    value === 0 ? "no contact" : `${((100 * Number(value)) / 255).toFixed(0)} % signal`,
  zigbeeChannel: (value) => {
    const channel = Number.parseInt(String(value), 16);
    return Number.isNaN(channel) ? "" : `channel ${channel}`;
  },
  count: () => "registered, online or not",
  ethernetMac: macOf,
  wirelessMac: macOf,
  extension: () => "of unknown meaning",
  raw: () => "of a record of unknown type",
  unknown: () => "of no known meaning",
  undecoded: () => "cannot be read",
  trailing: () => "behind the end of the reply",
};

function timeOf(value: Value): string {
  const found = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(String(value));
  if (found === null || /^0*$/.test(String(value))) return "not known";
  const [, year, month, day, hour, minute, second] = found;
  return `${year}-${month}-${day} ${hour}:${minute}:${second}`;
}

function dateOf(value: Value): string {
  return String(value).replace(/^(\d{4})(\d\d)(\d\d)$/, "$1-$2-$3");
}

function macOf(value: Value): string {
  return /^0*$/.test(String(value)) ? "none" : (String(value).match(/../g)?.join(":") ?? "");
}
