/** What the exporter is to make of each fault: written down by hand from its promises, never copied from a run. */
import type { FaultName } from "../../../src/simulator/faults.ts";
import type { Cell, Outcome, Question } from "./cells.ts";

/** The first inverter of the simulated ECU, a DS3, which some faults are about. */
const FIRST = "703000249529";
const at = (iso: string): number => Date.parse(iso) / 1000;

/** A read in which nothing is missing. */
const whole: Outcome = {
  up: 1,
  valid: "info realtime signal",
  counted: "",
  shown: "ecu energy count report inverters readings signal",
  withheld: "",
  otherwise: {},
};
/** The ECU is not reached at all: nothing more is asked, and nothing is shown. */
const unreached = (reason: string): Outcome => ({
  ...whole,
  up: 0,
  valid: "",
  counted: `info ${reason}`,
  shown: "",
});
/** The ECU did answer: it is asked on with the id that it had, and what is valid is shown. */
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
/** Only base information came before the time was over, or before the port was closed. */
const onlyInfo = (counted: string): Outcome => ({
  ...whole,
  up: 0,
  valid: "info",
  counted,
  shown: "ecu energy count",
});

/** The same at every query. */
const everywhere = (outcome: Outcome): Row => ({
  info: outcome,
  realtime: outcome,
  signal: outcome,
});
/** The one answer is lost, for the same reason whichever it is. */
const lost = (reason: string): Row => ({
  info: noInfo(reason),
  realtime: noRealtime(reason),
  signal: noSignal(reason),
});
/** The exporter waits for the one answer until its time is over. */
const mute: Row = {
  info: unreached("timeout"),
  realtime: onlyInfo("realtime timeout"),
  signal: noSignal("timeout"),
};
/** The first inverter's readings and signal are left out: 5 of 17 and 1 of 3. */
const firstIsOffline: Outcome = {
  ...whole,
  shown: "ecu energy count report inverters readings 12/17 signal 2/3",
  otherwise: { [`inverter_online ${FIRST}`]: 0 },
};
const noEnergy: Outcome = {
  ...whole,
  shown: "ecu count report inverters readings signal",
  withheld: "lifetime_energy today_energy",
};

/** By query; both families fare alike, which is a promise too. */
type Row = { readonly [Q in Question]?: Outcome };

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
  // NULs are an extension of the base information and surplus bytes of the table, and signals of no inverter, of
  // which 9,981 bytes do not hold a whole number of 7.
  longest: { info: whole, realtime: whole, signal: noSignal("malformed") },
  noEnd: lost("malformed"),
  noLf: everywhere(whole),
  extraBytes: everywhere(whole),
  status02: {
    // A valid answer: the ECU has no table yet.
    realtime: { ...whole, shown: "ecu energy count signal" },
    signal: noSignal("status"),
  },
  status01: { realtime: noRealtime("id_mismatch"), signal: noSignal("id_mismatch") },
  badLength: lost("malformed"),
  type00: {
    realtime: {
      ...firstIsOffline,
      otherwise: { [`inverter_online ${FIRST}`]: 0, [`inverter_info ${FIRST},DS3,00`]: 1 },
    },
  },
  ecuAsInverter: { realtime: whole },
  type05: { realtime: { ...whole, otherwise: { [`inverter_info ${FIRST},DS3,05`]: 1 } } },
  staleOffline: { realtime: firstIsOffline },
  linuxOffline: { realtime: firstIsOffline },
  zeroGlitch: { info: noEnergy },
  // Switched on amid a day it is a fall of both counters, not yet believed.
  frozenCounters: { info: noEnergy },
  clockOffset: {
    realtime: {
      ...whole,
      otherwise: { ecu_last_report_timestamp_seconds: at("2026-06-21T17:15:00+02:00") },
    },
  },
  wrongCommand: lost("wrong_command"),
  surplusBytes: { realtime: whole },
  staleTimestamp: {
    realtime: {
      ...whole,
      otherwise: { ecu_last_report_timestamp_seconds: at("2024-06-01T12:00:00+02:00") },
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
      withheld: "frequency voltage",
      otherwise: {
        [`inverter_channel_power_watts ${FIRST},1`]: 0,
        [`inverter_channel_power_watts ${FIRST},2`]: 0,
        [`inverter_temperature_celsius ${FIRST}`]: 15,
      },
    },
  },
  shuffleSignal: { signal: whole },
};

/** @throws Error for a cell that nobody has thought about */
export const expectedOf = ({ fault, query }: Cell): Outcome => {
  const outcome = table[fault][query];
  if (outcome === undefined) throw new Error(`nothing is written down for ${fault}@${query}`);
  return outcome;
};
