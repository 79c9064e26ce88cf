/** A reading: the replies of one read, joined by inverter, in base units. A value that was not measured is absent. */
import { findLayout, recordLayouts } from "../protocol/layouts.ts";
import type { InverterRecord, Messages } from "../protocol/replies.ts";
import { parseLocalTime } from "../time/zone.ts";
import { isTimeZone } from "../time/zone-name.ts";
import {
  findEcuModel,
  findInverterModel,
  findReportedZone,
  isEcuId,
  nameThreePhases,
} from "./models.ts";
import type { Outcome } from "./query.ts";
import type { Replies } from "./read.ts";

/** The identity of an ECU. */
export interface Identity {
  readonly ecuId: string;
  /** Product name of the ECU's family, or `unknown`. */
  readonly model: string;
  readonly firmware: string;
  /** IANA name of the zone of the ECU's local times: the reported one if it is reliable, else the configured one. */
  readonly timezone: string;
}

/** The values of one inverter in the ECU's last round. */
export interface InverterReading {
  /** Serial number, 12 digits. */
  readonly uid: string;
  /** Product name, or `unknown`. */
  readonly model: string;
  /** Type code of its record, or `rsd` for a device of an ECU-RS; absent if the code is damaged and unprintable. */
  readonly typeCode?: string;
  /** Whether it replied to the ECU in that round. */
  readonly online?: boolean;
  /** Power of each channel, from channel 1. */
  readonly channelWatts: readonly (number | undefined)[];
  readonly temperatureCelsius?: number | undefined;
  readonly frequencyHertz?: number | undefined;
  readonly gridVolts: readonly { readonly phase: string; readonly volts: number | undefined }[];
  /** Radio signal at the ECU, 0 to 1. */
  readonly signalRatio?: number;
}

/** The result of one read of an ECU. */
export interface Reading {
  readonly identity?: Identity;
  /** Present if the ECU reported no usable time zone, so that the configured one is used. */
  readonly isZoneAssumed?: true;
  readonly lifetimeEnergyJoules?: number;
  readonly todayEnergyJoules?: number;
  readonly powerWatts?: number;
  /** Number of registered inverters: from 0001, or from 0002 if 0001 reports 0 or failed. */
  readonly registered?: number;
  /** Number of registered inverters as reported by 0001: sometimes wrongly 0 (docs/protocol.md#lifetime-energy). */
  readonly registeredByInfo?: number;
  /** Number of inverters that 0002 lists; absent without a table. */
  readonly listed?: number;
  readonly invertersOnline?: number;
  /** Start of the last completed round as Unix time in seconds. */
  readonly lastReportAt?: number;
  /** The same in the ECU's local time, as reported: yyyymmddhhmmss. */
  readonly lastReportLocal?: string;
  /** Unix time in seconds. */
  readonly lastCloudContactAt?: number;
  readonly inverters: readonly InverterReading[];
  /** Number of inverters whose record has an unknown layout, is damaged or could not be found; absent without a reply to 0002. */
  readonly unknownRecords?: number;
  /** What is unexpected in the replies, in words. */
  readonly notes: readonly string[];
}

export interface JoinOptions {
  /** IANA time zone for an ECU that does not report a reliable one. */
  readonly zone: string;
  /** Whether `zone` was configured for the ECU. If not, a reported zone that is unknown is noted. */
  readonly isZoneSet?: boolean | undefined;
  /** Time zone of the read before, for a read in which 0001 failed. */
  readonly knownZone?: string | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
}

const SIGNAL_FULL_SCALE = 255;

/** Joins replies into a reading. Values are not validated, but an offline inverter has none (docs/protocol.md#offline-records). */
export const joinReplies = (replies: Replies, options: JoinOptions): Reading => {
  const info = replyIn(replies.info);
  const realtime = replyIn(replies.realtime);
  const reportedZone = info && findReportedZone(info);
  const isZoneUsable = reportedZone !== undefined && isTimeZone(reportedZone);
  const otherZone = info === undefined ? (options.knownZone ?? options.zone) : options.zone;
  const zone = isZoneUsable ? reportedZone : otherZone;
  const table = realtime === undefined || realtime.kind === "none" ? undefined : realtime;
  const { inverters, notes } = joinInverters(realtime, replyIn(replies.signal) ?? [], info?.ecuId);
  const lastReportAt = table && parseLocalTime(table.takenAt, zone, options.now);
  const lastCloudContactAt =
    info?.layout === "01" ? parseLocalTime(info.lastCloudContact, zone, options.now) : undefined;
  const registered = countRegistered(info, table?.count);
  if (table?.count === 0 && info !== undefined && info.inverters > 0) {
    notes.push(
      `the base information counts ${info.inverters === 1 ? "1 inverter" : `${info.inverters} inverters`}, the table lists none; restart the ECU, or wait for an update of its firmware`,
    );
  }
  return {
    ...(info && {
      identity: createIdentity(info, zone),
      ...(!isZoneUsable && { isZoneAssumed: true }),
      lifetimeEnergyJoules: info.lifetimeEnergyJoules,
      todayEnergyJoules: info.todayEnergyJoules,
      powerWatts: info.powerWatts,
      registeredByInfo: info.inverters,
      invertersOnline: info.invertersOnline,
    }),
    ...(registered !== undefined && { registered }),
    ...(table && { lastReportLocal: table.takenAt, listed: table.count }),
    ...(lastReportAt !== undefined && { lastReportAt }),
    ...(lastCloudContactAt !== undefined && { lastCloudContactAt }),
    ...(realtime && { unknownRecords: countUnknownRecords(realtime) }),
    inverters,
    notes: [
      ...describeCleaned(info),
      ...(reportedZone === undefined || isZoneUsable || options.isZoneSet === true
        ? []
        : [describeUnknownZone(reportedZone, zone)]),
      ...notes,
    ],
  };
};

/** The count of 0001 unless it is wrongly 0, else that of 0002 (docs/protocol.md#energy-of-today, #counts). */
const countRegistered = (
  info: Messages["info"] | undefined,
  count: number | undefined,
): number | undefined => {
  if (info === undefined || info.inverters > 0) return info?.inverters ?? count;
  return count ?? (info.invertersOnline > 0 ? undefined : 0);
};

const replyIn = <T>(outcome: Outcome<T> | undefined): T | undefined =>
  outcome?.ok ? outcome.value : undefined;

const createIdentity = (info: Messages["info"], timezone: string): Identity => ({
  ecuId: info.ecuId,
  model: findEcuModel(info),
  firmware: info.firmware,
  timezone,
});

/** The fields of 0001 that may have unprintable bytes. */
const textNames: Readonly<Record<string, string>> = {
  zigbeeChannel: "ZigBee channel",
  deviceClass: "device class",
  firmware: "firmware",
  timezone: "time zone",
};

const describeCleaned = (info: Messages["info"] | undefined): string[] => {
  const names = info?.cleaned?.map((field) => textNames[field] ?? field) ?? [];
  return names.length === 0
    ? []
    : [`the base information has unprintable bytes, which are left out: ${names.join(", ")}`];
};

const describeUnknownZone = (reported: string, used: string): string => {
  const problem =
    reported === ""
      ? "the ECU reports no time zone"
      : `the ECU reports the time zone ${reported}, which this machine does not know`;
  return `${problem}; its times are taken as those of ${used}: set the ECU's zone, such as --ecu.timezone=Europe/Amsterdam`;
};

const countUnknownRecords = (realtime: Messages["realtime"]): number =>
  realtime.kind === "01"
    ? realtime.lost + realtime.records.filter(({ guessed }) => guessed).length
    : 0;

type Draft = { -readonly [K in keyof InverterReading]: InverterReading[K] };

/** Joins by uid: 0002 and 0030 may list inverters in different orders (docs/protocol.md#signal-levels). Of the records of one uid, the most alive is used. */
const joinInverters = (
  realtime: Messages["realtime"] | undefined,
  signals: Messages["signal"],
  ecuId: string | undefined,
): { inverters: InverterReading[]; notes: string[] } => {
  const inverters = new Map<string, Draft>();
  const notes = realtime?.kind === "01" ? describeAnomalies(realtime) : [];
  const isInverter = (uid: string) => uid !== ecuId && !isEcuId(uid) && isSerialNumber(uid);
  for (const inverter of realtime === undefined ? [] : readInverters(realtime)) {
    if (!isInverter(inverter.uid)) continue;
    const other = inverters.get(inverter.uid);
    if (other !== undefined) notes.push(`inverter ${inverter.uid} is listed twice`);
    if (other === undefined || rankContact(inverter) > rankContact(other))
      inverters.set(inverter.uid, { ...inverter });
  }
  for (const { uid, level } of signals) {
    // Level 0 is "no contact", and the level of an offline inverter is old (docs/protocol.md#signal, #values-that-mean-unknown).
    if (level === 0 || !isInverter(uid) || inverters.get(uid)?.online === false) continue;
    const inverter = inverters.get(uid) ?? createInverter(uid);
    inverter.signalRatio ??= level / SIGNAL_FULL_SCALE;
    inverters.set(uid, inverter);
  }
  return { inverters: [...inverters.values()], notes };
};

/** In contact, in contact earlier, never in contact (docs/protocol.md#inverters-never-contacted). */
const rankContact = ({ online, typeCode }: InverterReading): number => {
  if (online === true) return 2;
  return typeCode === NEVER_CONTACTED ? 0 : 1;
};
const [NEVER_CONTACTED] = recordLayouts.none.typeCodes;

const createInverter = (uid: string): Draft => ({
  uid,
  model: findInverterModel(uid),
  channelWatts: [],
  gridVolts: [],
});

const readInverters = (realtime: Messages["realtime"]): InverterReading[] => {
  switch (realtime.kind) {
    case "none":
      return [];
    case "01":
      return realtime.records.map(readInverter);
    case "02":
      // The units of an ECU-RS device are uncertain, so only its contact is used (docs/protocol.md#devices-of-an-ecu-rs, #uncertain).
      return realtime.records.map(({ uid, state }) => ({
        ...createInverter(uid),
        typeCode: "rsd",
        online: (state & 1) === 1,
      }));
  }
};

/** The record of an offline inverter has zeros or old values: none of them is a measurement (docs/protocol.md#offline-records). */
const readInverter = (record: InverterRecord): InverterReading => {
  const { uid, typeCode, online } = record;
  const inverter = {
    ...createInverter(uid),
    ...(PRINTABLE.test(typeCode) && { typeCode }),
    online,
  };
  if (!online || record.frequencyHertz === undefined) return inverter;
  return {
    ...inverter,
    channelWatts: record.powerWatts,
    temperatureCelsius: record.temperatureCelsius,
    frequencyHertz: record.frequencyHertz,
    gridVolts: readGridVolts(record),
  };
};

const readGridVolts = ({ uid, layout, gridVolts }: InverterRecord): InverterReading["gridVolts"] =>
  layout !== undefined && recordLayouts[layout].phases > 1
    ? gridVolts.map((volts, i) => ({ phase: nameThreePhases(uid)[i] ?? "", volts }))
    : gridVolts.slice(0, 1).map((volts) => ({ phase: "L1", volts })); // the second repeats the first (docs/protocol.md#records-with-two-channels)

const describeAnomalies = (table: Extract<Messages["realtime"], { kind: "01" }>): string[] => {
  return [
    ...table.records.filter(({ guessed }) => guessed).map(describeUnknownRecord),
    ...(table.lost > 0 ? [`${table.lost} of ${table.count} records could not be found`] : []),
    ...(table.surplus > 0 ? [`${table.surplus} bytes follow the last record`] : []),
    ...(table.ambiguous
      ? ["the records are ambiguous: they can be decoded in more than one way"]
      : []),
  ];
};

const describeUnknownRecord = ({ uid, typeCode }: InverterRecord): string => {
  if (!isSerialNumber(uid)) return `a record is damaged: its serial number is ${uid}`;
  if (!TYPE_CODE.test(typeCode)) {
    const bytes = `0x${Buffer.from(typeCode, "latin1").toString("hex")}`;
    const code = PRINTABLE.test(typeCode) ? typeCode : bytes;
    return `the record of inverter ${uid} is damaged: its type code is ${code}`;
  }
  return findLayout(typeCode) === undefined
    ? `inverter ${uid} has the unknown record type ${typeCode}; please send a capture`
    : `the record of inverter ${uid} is damaged`;
};

/** A serial number has decimal digits that are not all 0; other uids are those of damaged records. */
const isSerialNumber = (uid: string): boolean => /^\d*[1-9]\d*$/.test(uid);
const TYPE_CODE = /^\d\d$/;
const PRINTABLE = /^[\x21-\x7e]*$/;
