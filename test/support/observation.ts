import { createQueryCounters } from "../../src/ecu/counters.ts";
import type { Observation } from "../../src/ecu/observe.ts";
import type { InverterReading } from "../../src/ecu/reading.ts";
import type { ScrapeData } from "../../src/metrics/catalogue.ts";

/** An inverter with four channels and three phases, all values measured. */
export const inverter = (change: Partial<InverterReading> = {}): InverterReading => ({
  uid: "901000000001",
  model: "QT2",
  typeCode: "02",
  online: true,
  channelWatts: [26, 0, 27, 25],
  temperatureCelsius: -3,
  frequencyHertz: 49.9,
  gridVolts: [
    { phase: "L12", volts: 390 },
    { phase: "L23", volts: 391 },
    { phase: "L31", volts: 383 },
  ],
  signalRatio: 0.6,
  ...change,
});

/** An ECU that replied to each query. */
export const observation = (change: Partial<Observation> = {}): Observation => ({
  ecu: "roof",
  up: true,
  reading: {
    identity: {
      ecuId: "216000000001",
      model: "ECU-R",
      firmware: "ECU_R_1.3.6C",
      timezone: "Europe/Amsterdam",
    },
    lifetimeEnergyJoules: 15_689_160_000,
    todayEnergyJoules: 612_000,
    powerWatts: 78,
    registered: 2,
    invertersOnline: 1,
    lastReportAt: 1_700_489_974,
    lastCloudContactAt: 1_700_489_000,
    inverters: [
      inverter(),
      {
        uid: "801000000002",
        model: "QS1",
        typeCode: "03",
        online: false,
        channelWatts: [],
        gridVolts: [],
      },
    ],
    unknownRecords: 0,
    notes: [],
  },
  queries: {
    info: { success: true, durationSeconds: 0.021 },
    realtime: { success: true, durationSeconds: 0.034 },
    signal: { success: true, durationSeconds: 0.013 },
  },
  readAt: 1_700_490_000.5,
  counters: createQueryCounters(),
  ...change,
});

/** The locations of the panels of `roof`, and of one panel without an inverter. */
export const rooftop = {
  sunElevationDegrees: -3.25,
  snowPossible: true,
  panels: [
    { uid: "901000000001", channel: 2, panel: "A2", array: "south", row: "1", column: "2" },
    { uid: "999999999999", channel: 1, panel: "elsewhere", array: "", row: "", column: "" },
  ],
};

/** The data of one scrape of these ECUs. */
export const createScrape = (...observations: readonly Observation[]): ScrapeData => ({
  observations,
  build: { version: "1.2.3", revision: "0123abc", nodeVersion: "v24.0.0" },
  durationSeconds: 0.07,
  locations: new Map([["roof", rooftop]]),
  droppedLogLines: 12,
});
