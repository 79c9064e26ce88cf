import { defineCommand } from "../cli/command.ts";
import { ecuListenAddress, toolLogSettings } from "../cli/common-settings.ts";
import { waitForSignal } from "../cli/shutdown.ts";
import { setting } from "../config/setting.ts";
import {
  counts,
  integer,
  isoTime,
  loopbackAddress,
  number,
  oneOf,
  site,
  timezone,
} from "../config/values.ts";
import { parseFault } from "../simulator/fault-syntax.ts";
import { faults } from "../simulator/faults.ts";
import { MAX_INVERTERS, models } from "../simulator/models.ts";

const modelNames = Object.keys(models) as (keyof typeof models)[];

/** Settings of every simulated ECU. */
export const simulationSettings = {
  inverters: setting({
    flag: "inverters",
    value: "MODEL=COUNT,…",
    help: `Inverters of the plant. Models: ${modelNames.join(", ")}.`,
    fallback: "QS1=3,DS3=4",
    parse: counts(modelNames, MAX_INVERTERS),
  }),
  family: setting({
    flag: "family",
    value: "R|L",
    help: "Family of the ECU: R (ECU-R, ECU-B) or L (ECU-R-Pro, ECU-C).",
    fallback: "L",
    parse: oneOf(["R", "L"]),
  }),
  seed: setting({
    flag: "seed",
    value: "NUMBER",
    help: "Seed of the random numbers for serial numbers, clouds and noise.",
    fallback: "1",
    parse: integer({ min: 0, max: 2 ** 31 - 1 }),
  }),
  timeScale: setting({
    flag: "time-scale",
    value: "FACTOR",
    help: "Simulated seconds per second.",
    fallback: "1",
    parse: number({ above: 0, max: 10_000 }),
  }),
  fault: setting({
    flag: "fault",
    value: "NAME[@QUERY][:LIMIT]",
    help: `Fault of the ECU (see docs/simulator.md), such as silent, silent@signal, silent:once, silent:3times, silent:30s or silent:0.2; repeatable. Faults: ${Object.keys(faults).join(", ")}.`,
    repeatable: true,
    defaultText: "no fault",
    parse: parseFault,
  }),
  control: setting({
    flag: "control",
    value: "HOST:PORT",
    help: "Loopback address of the control interface, which changes faults while the ECU runs; see docs/simulator.md.",
    defaultText: "off",
    parse: loopbackAddress,
  }),
};
const { inverters, family, seed, timeScale, fault, control } = simulationSettings;

/** Runs a simulated ECU until it is stopped. */
export const simulate = defineCommand({
  name: "simulate",
  summary: "Run a simulated ECU that other programs can read.",
  examples: [
    "simulate --family=R --inverters=QS1=5,DS3=3",
    "simulate --start=2026-06-21T22:30:00Z --fault=zeroGlitch",
  ],
  settings: {
    listen: ecuListenAddress,
    family,
    inverters,
    seed,
    start: setting({
      flag: "start",
      value: "ISO-TIME",
      help: "Simulated time at the start, such as 2026-06-21T10:00:00Z.",
      defaultText: "now",
      parse: isoTime,
    }),
    timeScale,
    site: setting({
      flag: "site",
      value: "LATITUDE,LONGITUDE",
      help: "Location of the plant in degrees north and east.",
      fallback: "52.09,5.12",
      parse: site,
    }),
    timezone: setting({
      flag: "timezone",
      value: "ZONE",
      help: "Time zone of the ECU's clock.",
      fallback: "Europe/Amsterdam",
      parse: timezone,
    }),
    past: setting({
      flag: "past",
      value: "DAYS",
      help: "Days of history that the ECU has at the start.",
      fallback: "0",
      parse: integer({ min: 0, max: 400 }),
    }),
    history: setting({
      flag: "history",
      value: "none|11|12",
      help: "Whether the ECU replies to requests for its history, and the version of these replies.",
      defaultText: "11 for family R, none for L",
      parse: oneOf(["none", "11", "12"]),
    }),
    fault,
    control,
    ...toolLogSettings,
  },
  run: async (config) => {
    const [{ createLog }, { createDayBar }, { startControl }, { simulateEcu }] = await Promise.all([
      import("../cli/log.ts"),
      import("../history/progress.ts"),
      import("../simulator/control.ts"),
      import("../simulator/ecu.ts"),
    ]);
    const log = await createLog(config.logLevel, config.logFormat);
    const bar = config.past > 0 ? createDayBar(process.stderr) : undefined;
    if (config.past > 0) log.info({ days: config.past }, "simulating the history of the ECU");
    bar?.start(config.past, 0);
    await using ecu = await simulateEcu({
      ...config,
      zone: config.timezone,
      start: config.start ?? Date.now(),
      elapsed: () => performance.now(),
      host: config.listen.host ?? "0.0.0.0",
      port: config.listen.port,
      faults: config.fault,
      log,
      onPastDay: (days) => bar?.update(days),
    }).finally(() => bar?.stop());
    log.info(
      { host: ecu.host, port: ecu.port },
      `a simulated ECU of family ${config.family} listens on port ${ecu.port}`,
    );
    await using _control = await startControl(config.control, { faults: ecu.faults, log });
    await waitForSignal();
    return 0;
  },
});
