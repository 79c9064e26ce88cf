/** The expected outcome of each fault, written by hand from the exporter's promises and never copied from a run. */
import type { Family } from "../../../src/simulator/behaviours.ts";
import type { FaultName } from "../../../src/simulator/faults.ts";
import type { Cell, FaultQuery, Outcome } from "./cells.ts";

/** The first inverter of the simulated ECU, a DS3. Some faults change its record only. */
const FIRST = "703000249529";
const at = (iso: string): number => Date.parse(iso) / 1000;

/** A read in which nothing is missing. */
const whole: Outcome = {
  up: 1,
  valid: "info realtime signal",
  counted: "",
  shown: "ecu energy count report inverters readings signal",
  rejected: "",
  differing: {},
};
/** The ECU cannot be reached: no further query is sent, and nothing is exported. */
const unreached = (reason: string): Outcome => ({
  ...whole,
  up: 0,
  valid: "",
  counted: `info ${reason}`,
  shown: "",
});
/** The ECU replied, but not validly: the other queries are sent with its earlier id, and valid values are exported. */
const noInfo = (reason: string): Outcome => ({
  ...whole,
  up: 0,
  valid: "realtime signal",
  counted: `info ${reason}`,
  shown: "count report inverters readings signal",
});
const noRealtime = (reason: string): Outcome => ({
  ...whole,
  up: 0,
  valid: "info signal",
  counted: `realtime ${reason}`,
  shown: "ecu energy count signal",
});
const noSignal = (reason: string): Outcome => ({
  ...whole,
  valid: "info realtime",
  counted: `signal ${reason}`,
  shown: "ecu energy count report inverters readings",
});
/** Only the base information arrived before the time limit, or before the port was closed. */
const onlyInfo = (counted: string): Outcome => ({
  ...whole,
  up: 0,
  valid: "info",
  counted,
  shown: "ecu energy count",
});

/** The same outcome at each query. */
const everywhere = (outcome: Outcome): Row => ({
  info: outcome,
  realtime: outcome,
  signal: outcome,
});
/** One reply is lost, each for the same reason. */
const lost = (reason: string): Row => ({
  info: noInfo(reason),
  realtime: noRealtime(reason),
  signal: noSignal(reason),
});
/** The exporter waits for one reply until its time limit. */
const mute: Row = {
  info: unreached("timeout"),
  realtime: onlyInfo("realtime timeout"),
  signal: noSignal("timeout"),
};
/** The first inverter's readings and signal are left out: 5 of 17 and 1 of 3. */
const firstIsOffline: Outcome = {
  ...whole,
  shown: "ecu energy count report inverters readings 12/17 signal 2/3",
  differing: { [`inverter_online ${FIRST}`]: 0 },
};
const noEnergy: Outcome = {
  ...whole,
  shown: "ecu count report inverters readings signal",
  rejected: "lifetime_energy today_energy",
};

/** By query; by family if the outcomes differ. */
type Row = { readonly [Q in FaultQuery]?: Outcome | Readonly<Record<Family, Outcome>> };

/** Without the power, the ECU's own values are two of three; family L also reports its contact with the cloud. */
const noEnergyAndPower = {
  R: {
    ...noEnergy,
    shown: "ecu 2/3 count report inverters readings signal",
    rejected: "lifetime_energy today_energy power",
  },
  L: {
    ...noEnergy,
    shown: "ecu 3/4 count report inverters readings signal",
    rejected: "lifetime_energy today_energy power",
  },
};

const table: Readonly<Record<FaultName, Row>> = {
  refuse: {
    info: unreached("refused"),
    realtime: onlyInfo("realtime refused, signal refused"),
    signal: noSignal("refused"),
  },
  blackhole: mute,
  emptyClose: lost("closed"),
  silent: mute,
  split: everywhere(whole),
  drip: everywhere(whole),
  truncate: lost("truncated"),
  reset: lost("truncated"),
  endless: mute,
  // NULs extend the base information, and are surplus bytes of the table. In the signal reply they are entries without
  // an inverter; its 9,981 bytes are no multiple of the 7 bytes of an entry.
  longest: { info: whole, realtime: whole, signal: noSignal("malformed") },
  noEnd: lost("malformed"),
  noLf: everywhere(whole),
  extraBytes: everywhere(whole),
  status02: {
    // A valid reply: the ECU has no table yet.
    realtime: { ...whole, shown: "ecu energy count signal" },
    signal: noSignal("status"),
  },
  status01: { realtime: noRealtime("id_mismatch"), signal: noSignal("id_mismatch") },
  badLength: lost("malformed"),
  type00: {
    realtime: {
      ...firstIsOffline,
      differing: { [`inverter_online ${FIRST}`]: 0, [`inverter_info ${FIRST},DS3,00`]: 1 },
    },
  },
  ecuAsInverter: { realtime: whole },
  type05: { realtime: { ...whole, differing: { [`inverter_info ${FIRST},DS3,05`]: 1 } } },
  staleOffline: { realtime: firstIsOffline },
  linuxOffline: { realtime: firstIsOffline },
  zeroGlitch: { info: noEnergy },
  // Switched on during the day, both counters fall; a fall needs confirmation.
  frozenCounters: { info: noEnergy },
  emptyList: { realtime: { ...whole, shown: "ecu energy count report signal" } },
  lostTail: {
    info: {
      ...whole,
      shown: "ecu energy 1/2 count report inverters readings signal",
      rejected: "lifetime_energy",
    },
  },
  spike: { info: noEnergyAndPower },
  idChange: {
    info: {
      R: {
        ...noEnergyAndPower.R,
        differing: { "ecu_info 216000123457,ECU-R,ECU_R_1.3.14,Europe/Amsterdam": 1 },
      },
      L: {
        ...noEnergyAndPower.L,
        differing: { "ecu_info 216200123457,ECU-R-Pro,ECU_R_PRO_2.1.27,Europe/Amsterdam": 1 },
      },
    },
  },
  clockOffset: {
    realtime: {
      ...whole,
      differing: { ecu_last_report_timestamp_seconds: at("2026-06-21T17:15:00+02:00") },
    },
  },
  wrongCommand: lost("wrong_command"),
  surplusBytes: { realtime: whole },
  staleTimestamp: {
    realtime: {
      ...whole,
      differing: { ecu_last_report_timestamp_seconds: at("2024-06-01T12:00:00+02:00") },
    },
  },
  aps12: { info: whole },
  shortSignal: {
    signal: { ...whole, shown: "ecu energy count report inverters readings signal 1/3" },
  },
  acDisconnected: {
    realtime: {
      ...whole,
      shown: "ecu energy count report inverters readings 15/17 signal",
      rejected: "frequency voltage",
      differing: {
        [`inverter_channel_power_watts ${FIRST},1`]: 0,
        [`inverter_channel_power_watts ${FIRST},2`]: 0,
        [`inverter_temperature_celsius ${FIRST}`]: 15,
      },
    },
  },
  shuffleSignal: { signal: whole },
  oddText: { info: whole },
  oddType: { realtime: { ...whole, differing: { [`inverter_info ${FIRST},DS3,0A`]: 1 } } },
};

/** @throws Error for a cell without an expected outcome */
export const getExpectedOutcome = ({ fault, query, family }: Cell): Outcome => {
  const row = table[fault][query];
  const outcome = row !== undefined && "R" in row ? row[family] : row;
  if (outcome === undefined) throw new Error(`no expected outcome for ${fault}@${query}`);
  return outcome;
};
