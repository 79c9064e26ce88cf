/** What the ECU's answers tell of it and of its inverters. */
import { type EcuKind, findEcuKind, isEcuId } from "../ecu/models.ts";
import type { InverterReading, Reading } from "../ecu/reading.ts";
import type { Validated } from "../ecu/validate.ts";
import type { Info, Realtime, Signals } from "../protocol/replies.ts";
import { type Finding, listSome, odd, ok, wrong } from "./findings.ts";

/** Of a quarter of full scale, 64 of 255: working inverters are at 80 and more (docs/protocol.md#signal). */
const WEAK = 0.25;
/** Below this, a morning's energy may still be less than the counter's step. */
const SURELY_COUNTED_WATTS = 500;
/** It is day from here to there, in every season and where most people live. */
const DAY_HOURS = { from: 10, to: 15 };

/** Who the ECU is, and at which of its addresses it answers (docs/protocol.md#ecu-families, #transport). */
export const identityFindings = ({ identity }: Reading, info: Info): readonly Finding[] => {
  if (identity === undefined) return [];
  const { ecuId, model, firmware } = identity;
  return [
    ok("id", `${ecuId}, ${model === "unknown" ? "an unknown model" : model}, firmware ${firmware}`),
    ok("interface", interfaces[findEcuKind(model) ?? "unknown"]),
    ...(info.layout === "02"
      ? [odd("model", "an ECU-RS: only the contact with its devices can be shown")]
      : []),
  ];
};

const interfaces: Readonly<Record<EcuKind | "unknown", string>> = {
  R: "this model accepts connections at its Wi-Fi address only, not at that of its Ethernet port",
  L: "this model accepts connections by Ethernet and by Wi-Fi",
  unknown: "not known for this model: Ethernet, Wi-Fi or both",
};

/** Whether the ECU hangs up after its reply, and whether its model does so (docs/protocol.md#connections). */
export const closeFinding = (hungUp: boolean, model: string): Finding => {
  const text = hungUp
    ? "it closes the connection after each reply"
    : "it leaves the connection open";
  const kind = findEcuKind(model);
  if (kind === undefined) return ok("close", text);
  return (kind === "L") === hungUp
    ? ok("close", `${text}, as ${model}s do`)
    : odd("close", `${text}, which is unusual for an ${model} but harmless`);
};

/** Counters that cannot be (docs/protocol.md#energy-of-today, #lifetime-energy). @param earlier an earlier reply */
export const counterFindings = (
  info: Info,
  realtime: Realtime | undefined,
  earlier: Info | undefined,
): readonly Finding[] => {
  const records = realtime === undefined || realtime.kind === "none" ? 0 : realtime.records.length;
  if (info.inverters === 0 && (info.invertersOnline > 0 || records > 0)) {
    return [
      wrong("counters", "no registered inverters, but some in contact; energy 0", "counters zero"),
    ];
  }
  if (
    earlier?.ecuId === info.ecuId &&
    isGone(earlier.lifetimeEnergyJoules, info.lifetimeEnergyJoules)
  ) {
    return [wrong("counters", "lifetime energy is 0 in one of two replies", "counters zero")];
  }
  if (earlier?.ecuId === info.ecuId && isGone(earlier.todayEnergyJoules, info.todayEnergyJoules)) {
    return [wrong("counters", "today's energy is 0 in one of two replies", "counters zero")];
  }
  const isMorning =
    realtime?.kind !== "01" || Number(realtime.takenAt.slice(8, 10)) < DAY_HOURS.from; // may not be booked yet
  if (info.todayEnergyJoules === 0 && info.powerWatts >= SURELY_COUNTED_WATTS && !isMorning) {
    return [wrong("counters", `${info.powerWatts} W, but 0 kWh today`, "counters stuck")];
  }
  return [];
};

/** One of two energies is 0, and the other is not. */
const isGone = (one: number, other: number): boolean => one !== other && Math.min(one, other) === 0;

/** What is registered, who answers, and whose values cannot be. */
export const inverterFindings = (
  { reading, rejected }: Validated,
  realtime: Realtime,
): readonly Finding[] => {
  const { inverters, registered } = reading;
  if (realtime.kind === "none") return [noData(registered ?? 0)];
  if (realtime.count === 0) return [noData(0)];
  return [
    attendance(reading),
    ...neverReached(inverters),
    ...(reading.unknownRecords ? [unknownRecords(reading.unknownRecords)] : []),
    ...reading.notes.map((note) => odd("table", note)),
    ...(realtime.records.some(({ uid }) => isEcuId(uid))
      ? [odd("table", "the ECU lists its own id as an inverter; it is left out")]
      : []),
    ...withoutGrid(inverters, rejected),
  ];
};

const noData = (registered: number): Finding =>
  registered === 0
    ? wrong("inverters", "none registered (status 02 or an empty table)", "no inverters")
    : wrong("inverters", `no data yet from ${registered} inverters (status 02)`, "no data yet");

const unknownRecords = (count: number): Finding =>
  wrong("table", `${count} of its records are of unknown type or layout`, "records unknown");

const attendance = (reading: Reading): Finding => {
  const { inverters, lastReportLocal = "" } = reading;
  const online = inverters.filter((one) => one.online);
  const text = `${online.length} of ${inverters.length} in contact with the ECU`;
  if (online.length === inverters.length) return ok("inverters", text);
  if (online.length > 0) {
    const missing = inverters.filter((one) => one.online === false && one.typeCode !== "00");
    if (missing.length === 0) return ok("inverters", text);
    return odd(
      "inverters",
      `${text}; not ${listSome(missing.map(({ uid }) => uid))}`,
      "not reached",
    );
  }
  if (inverters.every(({ typeCode }) => typeCode === "00")) return ok("inverters", text); // told by itself
  const hour = Number(lastReportLocal.slice(8, 10));
  return hour >= DAY_HOURS.from && hour < DAY_HOURS.to
    ? wrong("inverters", `${text}, at ${hour}:00 by the ECU's clock`, "all off by day")
    : ok("inverters", `${text}: off for the night`, "night");
};

/** A record without values is that of an inverter that never answered (docs/protocol.md#inverters-never-contacted). */
const neverReached = (inverters: readonly InverterReading[]): readonly Finding[] => {
  const never = inverters.filter(({ typeCode }) => typeCode === "00");
  return never.length === 0
    ? []
    : [
        wrong(
          "inverters",
          `never in contact: ${listSome(never.map(({ uid }) => uid))}`,
          "never reached",
        ),
      ];
};

/** No volts, or a few, are what an inverter says that has light and no grid (docs/protocol.md#offline-records). */
const withoutGrid = (
  inverters: readonly InverterReading[],
  rejected: Validated["rejected"],
): readonly Finding[] => {
  const others = [...new Set(rejected)].filter(
    (field) => field === "temperature" || field === "channel_power",
  );
  const lost = inverters.filter(
    ({ gridVolts }) => gridVolts.length > 0 && gridVolts.every(({ volts }) => volts === undefined),
  );
  return [
    ...others.map((field) => odd("values", `${field.replace("_", " ")} out of range`)),
    ...(lost.length === 0
      ? []
      : [wrong("grid", `no voltage at ${listSome(lost.map(({ uid }) => uid))}`, "no grid")]),
  ];
};

/** How well the ECU hears the inverters that are at work. */
export const signalFindings = (
  { inverters }: Reading,
  signals: Signals | undefined,
): readonly Finding[] => {
  if (signals === undefined) return [];
  const listed = new Set(signals.map(({ uid }) => uid));
  const unlisted = inverters.filter(({ uid }) => !listed.has(uid)).length;
  const heard = inverters.flatMap(({ uid, signalRatio }) =>
    signalRatio === undefined ? [] : [{ uid, percent: Math.round(signalRatio * 100) }],
  );
  heard.sort((a, b) => a.percent - b.percent);
  const [weakest] = heard;
  const strongest = heard.at(-1);
  const weak = heard.filter(({ percent }) => percent < WEAK * 100);
  return [
    ...(unlisted > 0
      ? [odd("signal", `the ECU lists no signal for ${unlisted} of ${inverters.length} inverters`)]
      : []),
    ...(weakest !== undefined && strongest !== undefined
      ? [ok("signal", `${weakest.percent} to ${strongest.percent} %, weakest ${weakest.uid}`)]
      : []),
    ...(weak.length > 0
      ? [
          odd(
            "signal",
            `weak: ${listSome(weak.map(({ uid, percent }) => `${uid} ${percent} %`))}`,
            "weak signal",
          ),
        ]
      : []),
  ];
};
