/** Describes the value of a field in words (docs/protocol.md#commands). */
import { findEcuFamily, findInverterModel, isEcuId } from "../ecu/models.ts";
import { toKilowattHours } from "../ecu/units.ts";
import { findLayout, recordLayouts } from "../protocol/layouts.ts";
import { findCommand } from "../protocol/requests.ts";
import type { TraceEntry } from "../protocol/trace.ts";

type Value = TraceEntry["value"];

/** The meaning of a value; empty if the value explains itself. */
export const describeMeaning = ({ field, value }: TraceEntry): string => {
  const name = field.split(".").findLast((part) => !/^\d+$/.test(part)) ?? "";
  const describe = Object.hasOwn(meanings, name) ? meanings[name] : undefined;
  if (describe !== undefined) return describe(value);
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
  "01": "the request had the id of another ECU",
  "02": "no data yet",
};
const kinds: Readonly<Record<string, string>> = {
  "01": "micro-inverters",
  "02": "ECU-RS",
};
const periods: Readonly<Record<string, string>> = {
  "00": "last 7 days",
  "01": "month by day",
  "02": "year by month",
};
const lookUp =
  (names: Readonly<Record<string, string>>) =>
  (value: Value): string =>
    (Object.hasOwn(names, String(value)) ? names[String(value)] : undefined) ?? "unknown";

const meanings: Readonly<Record<string, (value: Value) => string>> = {
  signature: () => "start of every reply",
  version: () => "version of the layout",
  length: (value) => `${Number(value)} bytes`,
  command: (value) => findCommand(String(value)) ?? "unknown command",
  status: lookUp(statuses),
  terminator: () => "end marker of longer replies",
  lineFeed: () => "end of the reply",
  ecuId: (value) => findEcuFamily(String(value), undefined).model,
  uid: (value) =>
    isEcuId(String(value))
      ? "id of an ECU, registered by mistake"
      : findInverterModel(String(value)),
  layout: lookUp(kinds),
  kind: lookUp(kinds),
  typeCode: (value) => {
    const layout = findLayout(String(value));
    return layout === undefined ? "unknown" : recordLayouts[layout].label;
  },
  period: lookUp(periods),
  online: (value) => (value === true ? "replied in the last round" : "did not reply"),
  takenAt: formatTime,
  now: formatTime,
  lastCloudContact: formatTime,
  date: formatDate,
  time: (value) => String(value).replace(/^(\d\d)(\d\d)$/, "$1:$2"),
  level: (value) =>
    value === 0 ? "no contact" : `${((100 * Number(value)) / 255).toFixed(0)} % signal`,
  zigbeeChannel: (value) => {
    const channel = Number.parseInt(String(value), 16);
    return Number.isNaN(channel) ? "" : `channel ${channel}`;
  },
  count: () => "registered inverters",
  ethernetMac: formatMac,
  wirelessMac: formatMac,
  extension: () => "meaning unknown",
  raw: () => "record of unknown type",
  unknown: () => "meaning unknown",
  undecoded: () => "could not be decoded",
  trailing: () => "after the end of the reply",
};

function formatTime(value: Value): string {
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(String(value));
  if (match === null || /^0*$/.test(String(value))) return "unknown";
  const [, year, month, day, hour, minute, second] = match;
  return `${year}-${month}-${day} ${hour}:${minute}:${second}`;
}

function formatDate(value: Value): string {
  return String(value).replace(/^(\d{4})(\d\d)(\d\d)$/, "$1-$2-$3");
}

function formatMac(value: Value): string {
  return /^0*$/.test(String(value)) ? "none" : (String(value).match(/../g)?.join(":") ?? "");
}
