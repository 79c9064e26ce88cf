/** Checks of an ECU's replies: its identity, its counters, its inverters and their signal. */
import { type EcuKind, findEcuKind, isEcuId } from "../ecu/models.ts";
import type { InverterReading, Reading } from "../ecu/reading.ts";
import type { Validated } from "../ecu/validate.ts";
import type { Info, Realtime, Signals } from "../protocol/replies.ts";
import { type Finding, fail, listSome, ok, warn } from "./findings.ts";

/** A weak signal: a quarter of full scale, 64 of 255. Inverters in operation have 80 and more (docs/protocol.md#signal). */
const WEAK_RATIO = 0.25;
/** With less power than this, the energy of a morning may be below the counter's step. */
const MIN_COUNTED_WATTS = 500;
/** Hours at which it is day in every season, where most people live. */
const DAY_HOURS = { from: 10, to: 15 };

/** The identity of the ECU, and where it accepts connections (docs/protocol.md#ecu-families, #transport). */
export const identityFindings = ({ identity }: Reading, info: Info): readonly Finding[] => {
  if (identity === undefined) return [];
  const { ecuId, model, firmware } = identity;
  return [
    ok("id", `${ecuId}, ${model === "unknown" ? "an unknown model" : model}, firmware ${firmware}`),
    ok("interface", interfaces[findEcuKind(model) ?? "unknown"]),
    ...(info.layout === "02"
      ? [warn("model", "an ECU-RS: only the contact with its devices can be shown")]
      : []),
  ];
};

const interfaces: Readonly<Record<EcuKind | "unknown", string>> = {
  R: "this model accepts connections at its Wi-Fi address only, not at that of its Ethernet port",
  L: "this model accepts connections by Ethernet and by Wi-Fi",
  unknown: "not known for this model: Ethernet, Wi-Fi or both",
};

/** Whether the ECU closes the connection after its reply, and whether its model does (docs/protocol.md#connections). */
export const closeFinding = (closedByEcu: boolean, model: string): Finding => {
  const text = closedByEcu
    ? "it closes the connection after each reply"
    : "it leaves the connection open";
  const kind = findEcuKind(model);
  if (kind === undefined) return ok("close", text);
  return (kind === "L") === closedByEcu
    ? ok("close", `${text}, as ${model}s do`)
    : warn("close", `${text}, which is unusual for an ${model} but harmless`);
};

/**
 * Impossible counters (docs/protocol.md#energy-of-today, #lifetime-energy).
 * @param earlier a reply to 0001 from just before
 */
export const counterFindings = (
  info: Info,
  realtime: Realtime | undefined,
  earlier: Info | undefined,
): readonly Finding[] => {
  const records = realtime === undefined || realtime.kind === "none" ? 0 : realtime.records.length;
  if (info.inverters === 0 && (info.invertersOnline > 0 || records > 0)) {
    return [
      fail("counters", "no registered inverters, but some in contact; energy 0", "counters zero"),
    ];
  }
  if (earlier?.ecuId === info.ecuId) {
    if (isOneZero(earlier.lifetimeEnergyJoules, info.lifetimeEnergyJoules)) {
      return [fail("counters", "lifetime energy is 0 in one of two replies", "counters zero")];
    }
    if (isOneZero(earlier.todayEnergyJoules, info.todayEnergyJoules)) {
      return [fail("counters", "today's energy is 0 in one of two replies", "counters zero")];
    }
  }
  // In the morning, the first energy of the day may not be counted yet.
  const isMorning =
    realtime?.kind !== "01" || Number(realtime.takenAt.slice(8, 10)) < DAY_HOURS.from;
  if (info.todayEnergyJoules === 0 && info.powerWatts >= MIN_COUNTED_WATTS && !isMorning) {
    return [fail("counters", `${info.powerWatts} W, but 0 kWh today`, "counters stuck")];
  }
  return [];
};

const isOneZero = (a: number, b: number): boolean => a !== b && Math.min(a, b) === 0;

/** Which inverters are registered and in contact, and which of their values are impossible. */
export const inverterFindings = (
  { reading, rejected }: Validated,
  realtime: Realtime,
): readonly Finding[] => {
  const { inverters, registered } = reading;
  if (realtime.kind === "none") return [noDataFinding(registered ?? 0)];
  if (realtime.count === 0) return [emptyListFinding(registered ?? 0)];
  return [
    contactFinding(reading),
    ...neverReachedFindings(inverters),
    ...(reading.unknownRecords ? [unknownRecordsFinding(reading.unknownRecords)] : []),
    ...reading.notes.map((note) => warn("reply", note)),
    ...(realtime.records.some(({ uid }) => isEcuId(uid))
      ? [warn("table", "the ECU lists its own id as an inverter; it is left out")]
      : []),
    ...valueFindings(rejected),
    ...gridFindings(inverters),
  ];
};

const noDataFinding = (registered: number): Finding =>
  registered === 0
    ? fail("inverters", "none registered (status 02 or an empty table)", "no inverters")
    : fail("inverters", `no data yet from ${registered} inverters (status 02)`, "no data yet");

const emptyListFinding = (registered: number): Finding =>
  registered === 0
    ? noDataFinding(0)
    : fail("inverters", `${registered} are registered, but the list is empty`, "empty list");

const unknownRecordsFinding = (count: number): Finding =>
  fail(
    "table",
    `${count === 1 ? "1 record" : `${count} records`} of unknown type or layout`,
    "records unknown",
  );

/** A record without values is that of an inverter that was never in contact (docs/protocol.md#inverters-never-contacted). */
const wasReached = ({ typeCode }: InverterReading): boolean => typeCode !== "00";

const contactFinding = ({ inverters, lastReportLocal = "" }: Reading): Finding => {
  const online = inverters.filter((inverter) => inverter.online);
  // Inverters that were never in contact have a finding of their own.
  const missing = inverters.filter((inverter) => inverter.online === false && wasReached(inverter));
  const text = `${online.length} of ${inverters.length} in contact with the ECU`;
  if (missing.length === 0) return ok("inverters", text);
  if (online.length > 0) {
    const uids = missing.map(({ uid }) => uid);
    return warn("inverters", `${text}; not ${listSome(uids)}`, "not reached");
  }
  const hour = Number(lastReportLocal.slice(8, 10));
  return hour >= DAY_HOURS.from && hour < DAY_HOURS.to
    ? fail("inverters", `${text}, at ${hour}:00 by the ECU's clock`, "all off by day")
    : ok("inverters", `${text}: off for the night`, "night");
};

const neverReachedFindings = (inverters: readonly InverterReading[]): readonly Finding[] => {
  const uids = inverters.filter((inverter) => !wasReached(inverter)).map(({ uid }) => uid);
  return uids.length === 0
    ? []
    : [fail("inverters", `never in contact: ${listSome(uids)}`, "never reached")];
};

const valueFindings = (rejected: Validated["rejected"]): readonly Finding[] =>
  [...new Set(rejected)]
    .filter((field) => field === "temperature" || field === "channel_power")
    .map((field) => warn("values", `${field.replace("_", " ")} out of range`));

/** An inverter that has light but no grid reports a few volts or none, which validation drops (docs/protocol.md#offline-records). */
const gridFindings = (inverters: readonly InverterReading[]): readonly Finding[] => {
  const uids = inverters
    .filter(
      ({ gridVolts }) =>
        gridVolts.length > 0 && gridVolts.every(({ volts }) => volts === undefined),
    )
    .map(({ uid }) => uid);
  return uids.length === 0 ? [] : [fail("grid", `no voltage at ${listSome(uids)}`, "no grid")];
};

/** The radio signal of the inverters that are in contact. */
export const signalFindings = (
  { inverters }: Reading,
  signals: Signals | undefined,
): readonly Finding[] => {
  if (signals === undefined) return [];
  const listed = new Set(signals.map(({ uid }) => uid));
  const unlisted = inverters.filter(({ uid }) => !listed.has(uid)).length;
  const levels = inverters.flatMap(({ uid, signalRatio }) =>
    signalRatio === undefined ? [] : [{ uid, percent: Math.round(signalRatio * 100) }],
  );
  levels.sort((a, b) => a.percent - b.percent);
  const [weakest] = levels;
  const strongest = levels.at(-1);
  const weak = levels
    .filter(({ percent }) => percent < WEAK_RATIO * 100)
    .map(({ uid, percent }) => `${uid} ${percent} %`);
  return [
    ...(unlisted > 0
      ? [warn("signal", `the ECU lists no signal for ${unlisted} of ${inverters.length} inverters`)]
      : []),
    ...(weakest !== undefined && strongest !== undefined
      ? [ok("signal", `${weakest.percent} to ${strongest.percent} %, weakest ${weakest.uid}`)]
      : []),
    ...(weak.length > 0 ? [warn("signal", `weak: ${listSome(weak)}`, "weak signal")] : []),
  ];
};
