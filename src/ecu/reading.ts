/** A reading: the replies of one read joined by inverter, in plain units, with what was not measured left out. */
import { recordLayouts } from "../protocol/layouts.ts";
import type { InverterRecord, Messages } from "../protocol/replies.ts";
import { isTimeZone, parseLocalTime } from "../time/zone.ts";
import { ecuModel, inverterModel, isEcuId, tellsZone, threePhases } from "./models.ts";
import type { Outcome } from "./query.ts";
import type { Replies } from "./read.ts";

/** Who the ECU is. */
export interface Identity {
  readonly ecuId: string;
  /** Product name of the ECU's family, or `unknown`. */
  readonly model: string;
  readonly firmware: string;
  /** IANA name of the zone that the ECU's local times are read in: as reported where that can be believed. */
  readonly timezone: string;
}

/** What one inverter said in the ECU's last round. Everything but the uid may be missing. */
export interface InverterReading {
  readonly uid: string;
  readonly model: string;
  readonly typeCode?: string;
  readonly online?: boolean;
  /** Power of each channel, from channel 1 on. */
  readonly channelWatts: readonly (number | undefined)[];
  readonly temperatureCelsius?: number | undefined;
  readonly frequencyHertz?: number | undefined;
  readonly gridVolts: readonly { readonly phase: string; readonly volts: number | undefined }[];
  /** 0 to 1. */
  readonly signalRatio?: number;
}

/** Everything one read of an ECU measured. A field is absent where it was not measured. */
export interface Reading {
  readonly identity?: Identity;
  readonly lifetimeEnergyJoules?: number;
  readonly todayEnergyJoules?: number;
  readonly powerWatts?: number;
  /** Inverters registered: the count of 0001, or that of 0002 where it is 0 or missing. */
  readonly registered?: number;
  /** The count of 0001 as it stands: wrongly 0 for one reply now and then (docs/protocol.md#lifetime-energy). */
  readonly registeredByInfo?: number;
  readonly invertersOnline?: number;
  /** Unix time in seconds of the start of the last completed round. */
  readonly lastReportAt?: number;
  /** The same, as the ECU says it: yyyymmddhhmmss, its local time. */
  readonly lastReportLocal?: string;
  /** Unix time in seconds. */
  readonly lastCloudContactAt?: number;
  readonly inverters: readonly InverterReading[];
  /** Registered inverters whose record is of unknown layout, or could not be found; absent without a 0002 reply. */
  readonly unknownRecords?: number;
  /** Oddities that a log should tell. */
  readonly notes: readonly string[];
}

export interface JoinOptions {
  /** Zone to use where the ECU does not tell a believable one. */
  readonly zone: string;
  /** Zone that was in effect before, for when 0001 gave nothing. */
  readonly knownZone?: string | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
}

const SIGNAL_FULL_SCALE = 255;

/** Joins replies into a reading. Values are not judged yet, except that an offline inverter has none (docs/protocol.md#offline-records). */
export const joinReplies = (replies: Replies, options: JoinOptions): Reading => {
  const info = answered(replies.info);
  const realtime = answered(replies.realtime);
  const zone =
    info === undefined ? (options.knownZone ?? options.zone) : zoneOf(info, options.zone);
  const table = realtime === undefined || realtime.kind === "none" ? undefined : realtime;
  const { inverters, notes } = joinInverters(realtime, answered(replies.signal) ?? [], info?.ecuId);
  const lastReportAt = table && parseLocalTime(table.takenAt, zone, options.now);
  const lastCloudContactAt =
    info?.layout === "01" ? parseLocalTime(info.lastCloudContact, zone, options.now) : undefined;
  const registered = registeredOf(info, table?.count);
  return {
    ...(info && {
      identity: identityOf(info, zone),
      lifetimeEnergyJoules: info.lifetimeEnergyJoules,
      todayEnergyJoules: info.todayEnergyJoules,
      powerWatts: info.powerWatts,
      registeredByInfo: info.inverters,
      invertersOnline: info.invertersOnline,
    }),
    ...(registered !== undefined && { registered }),
    ...(table && { lastReportLocal: table.takenAt }),
    ...(lastReportAt !== undefined && { lastReportAt }),
    ...(lastCloudContactAt !== undefined && { lastCloudContactAt }),
    ...(realtime && { unknownRecords: unknownRecords(realtime) }),
    inverters,
    notes,
  };
};

/** The count of 0001, unless it glitches to 0: then that of 0002, and without one none (docs/protocol.md#energy-of-today, #counts). */
const registeredOf = (
  info: Messages["info"] | undefined,
  count: number | undefined,
): number | undefined => {
  if (info === undefined || info.inverters > 0) return info?.inverters ?? count;
  return count ?? (info.invertersOnline > 0 ? undefined : 0);
};

const answered = <T>(outcome: Outcome<T> | undefined): T | undefined =>
  outcome?.ok ? outcome.value : undefined;

const identityOf = (info: Messages["info"], timezone: string): Identity => ({
  ecuId: info.ecuId,
  model: ecuModel(info),
  firmware: info.firmware,
  timezone,
});

const zoneOf = (info: Messages["info"], otherwise: string): string =>
  info.layout === "01" && tellsZone(info) && isTimeZone(info.timezone) ? info.timezone : otherwise;

const unknownRecords = (realtime: Messages["realtime"]): number =>
  realtime.kind === "01"
    ? realtime.lost + realtime.records.filter(({ guessed }) => guessed).length
    : 0;

type Draft = { -readonly [K in keyof InverterReading]: InverterReading[K] };

/** Joins by uid: the lists of 0002 and 0030 need not be in the same order (docs/protocol.md#signal-levels). The first record of a uid counts. */
const joinInverters = (
  realtime: Messages["realtime"] | undefined,
  signals: Messages["signal"],
  ecuId: string | undefined,
): { inverters: InverterReading[]; notes: string[] } => {
  const inverters = new Map<string, Draft>();
  const notes = realtime?.kind === "01" ? notesOn(realtime) : [];
  const isInverter = (uid: string) => uid !== ecuId && !isEcuId(uid);
  for (const inverter of realtime === undefined ? [] : readingsOf(realtime)) {
    if (!isInverter(inverter.uid)) continue;
    if (inverters.has(inverter.uid)) notes.push(`inverter ${inverter.uid} is listed twice`);
    else inverters.set(inverter.uid, { ...inverter });
  }
  for (const { uid, level } of signals) {
    // Level 0 is "no contact", and an offline inverter's level is an old one (docs/protocol.md#signal, #values-that-mean-unknown).
    if (level === 0 || !isInverter(uid) || inverters.get(uid)?.online === false) continue;
    const inverter = inverters.get(uid) ?? bare(uid);
    inverter.signalRatio ??= level / SIGNAL_FULL_SCALE;
    inverters.set(uid, inverter);
  }
  return { inverters: [...inverters.values()], notes };
};

const bare = (uid: string): Draft => ({
  uid,
  model: inverterModel(uid),
  channelWatts: [],
  gridVolts: [],
});

const readingsOf = (realtime: Messages["realtime"]): InverterReading[] => {
  switch (realtime.kind) {
    case "none":
      return [];
    case "01":
      return realtime.records.map(inverterReading);
    case "02":
      // The units of an ECU-RS device are not certain, so nothing but its contact is shown (docs/protocol.md#devices-of-an-ecu-rs, #uncertain).
      return realtime.records.map(({ uid, state }) => ({
        ...bare(uid),
        typeCode: "rsd",
        online: (state & 1) === 1,
      }));
  }
};

/** An offline record holds zeros of one kind or another, or yesterday's values: nothing of it is a measurement (docs/protocol.md#offline-records). */
const inverterReading = (record: InverterRecord): InverterReading => {
  const { uid, typeCode, online } = record;
  const inverter = { ...bare(uid), typeCode, online };
  if (!online || record.frequencyHertz === undefined) return inverter;
  return {
    ...inverter,
    channelWatts: record.powerWatts,
    temperatureCelsius: record.temperatureCelsius,
    frequencyHertz: record.frequencyHertz,
    gridVolts: phasesOf(record),
  };
};

const phasesOf = ({ uid, layout, gridVolts }: InverterRecord): InverterReading["gridVolts"] =>
  layout !== undefined && recordLayouts[layout].phases > 1
    ? gridVolts.map((volts, i) => ({ phase: threePhases(uid)[i] ?? "", volts }))
    : gridVolts.slice(0, 1).map((volts) => ({ phase: "L1", volts })); // the second is the same measurement (docs/protocol.md#records-with-two-channels)

const notesOn = (table: Extract<Messages["realtime"], { kind: "01" }>): string[] => {
  const unknown = table.records.filter(({ guessed }) => guessed);
  return [
    ...unknown.map(
      ({ uid, typeCode }) =>
        `inverter ${uid} is of record type ${typeCode}, which is not known; please send a capture`,
    ),
    ...(table.lost > 0 ? [`${table.lost} of ${table.count} records could not be found`] : []),
    ...(table.surplus > 0 ? [`${table.surplus} bytes follow the last record`] : []),
    ...(table.ambiguous ? ["the records can be read in more than one way"] : []),
  ];
};
