/** What `read --json` prints: the schema, which docs/read.schema.json is made from, and a read in that form. */
import { z } from "zod";
import { type Reason, reasons } from "../../ecu/errors.ts";
import type { Observation } from "../../ecu/observe.ts";
import { type Query, queries } from "../../ecu/read.ts";
import type { InverterReading } from "../../ecu/reading.ts";
import { type ReadResult, resultOf } from "./result.ts";

const time = z.iso.datetime();
const count = z.int().nonnegative();
const ifMeasured = z.number().optional();

const query = z
  .strictObject({
    success: z.boolean(),
    durationSeconds: z.number().nonnegative().optional().describe("Absent where it was not asked."),
    reason: z
      .enum(reasons as [Reason, ...Reason[]])
      .optional()
      .describe("Why it failed: the word that the metrics use."),
    problem: z.string().optional().describe("Why it failed and what to do, in words."),
  })
  .describe("How one question to the ECU went.");

const inverter = z.strictObject({
  uid: z.string().describe("Serial number, 12 digits."),
  model: z.string().describe("Product name, or unknown."),
  typeCode: z.string().optional(),
  online: z.boolean().optional().describe("Whether it answered the ECU in the last round."),
  channels: z.array(
    z.strictObject({
      channel: z.int().positive().describe("Input of the inverter, from 1."),
      powerWatts: ifMeasured,
    }),
  ),
  phases: z.array(z.strictObject({ phase: z.string(), voltageVolts: ifMeasured })),
  frequencyHertz: ifMeasured,
  temperatureCelsius: ifMeasured,
  signalRatio: ifMeasured.describe("0 to 1."),
});

/** One read of an ECU. A field that was not measured is absent: it is never null, and never 0 in its place. */
export const readSchema = z
  .strictObject({
    ecu: z.string().describe("The address as it was given."),
    readAt: time.describe("When the read ended."),
    result: z
      .enum(["complete", "partial", "nothing"])
      .describe("Whether all, some or none of the questions were answered: exit code 0, 1 or 2."),
    ecuId: z.string().optional().describe("Serial number of the ECU, 12 digits."),
    model: z.string().optional(),
    firmware: z.string().optional(),
    timezone: z.string().optional().describe("Zone in which the ECU's local times are read."),
    powerWatts: ifMeasured.describe("Of the last completed round."),
    todayEnergyJoules: ifMeasured,
    lifetimeEnergyJoules: ifMeasured,
    registered: count.optional().describe("Inverters that the ECU knows."),
    invertersOnline: count.optional(),
    lastReportAt: time.optional().describe("Start of the last completed round."),
    lastReportLocal: z
      .string()
      .optional()
      .describe("The same as the ECU says it: yyyymmddhhmmss, its local time."),
    lastCloudContactAt: time.optional(),
    unknownRecords: count
      .optional()
      .describe("Registered inverters whose record is of unknown layout, or could not be found."),
    inverters: z.array(inverter),
    queries: z.strictObject({ info: query, realtime: query, signal: query }),
    notes: z.array(z.string()).describe("Oddities of the replies."),
  })
  .describe("One read of an ECU. A field that was not measured is absent.");

type ReadObject = z.infer<typeof readSchema>;

/** A read as an object of the schema; fields that are `undefined` are left out when it is written. */
const readObject = (observation: Observation, result: ReadResult, notes: readonly string[]) =>
  ({
    ecu: observation.ecu,
    readAt: isoTime(observation.readAt),
    result,
    ...observation.reading.identity,
    ...numbersOf(observation),
    inverters: observation.reading.inverters.map(inverterObject),
    queries: Object.fromEntries(
      queries.map((name) => [name, queryObject(observation, name)]),
    ) as ReadObject["queries"],
    notes: [...notes],
  }) satisfies ReadObject;

const numbersOf = ({ reading }: Observation) => ({
  powerWatts: reading.powerWatts,
  todayEnergyJoules: reading.todayEnergyJoules,
  lifetimeEnergyJoules: reading.lifetimeEnergyJoules,
  registered: reading.registered,
  invertersOnline: reading.invertersOnline,
  lastReportAt: reading.lastReportAt === undefined ? undefined : isoTime(reading.lastReportAt),
  lastReportLocal: reading.lastReportLocal,
  lastCloudContactAt:
    reading.lastCloudContactAt === undefined ? undefined : isoTime(reading.lastCloudContactAt),
  unknownRecords: reading.unknownRecords,
});

const inverterObject = (one: InverterReading): ReadObject["inverters"][number] => ({
  uid: one.uid,
  model: one.model,
  typeCode: one.typeCode,
  online: one.online,
  channels: one.channelWatts.map((powerWatts, i) => ({ channel: i + 1, powerWatts })),
  phases: one.gridVolts.map(({ phase, volts }) => ({ phase, voltageVolts: volts })),
  frequencyHertz: one.frequencyHertz,
  temperatureCelsius: one.temperatureCelsius,
  signalRatio: one.signalRatio,
});

const queryObject = ({ queries }: Observation, name: Query): ReadObject["queries"][Query] => {
  const { success, durationSeconds, problem, error } = queries[name];
  return { success, durationSeconds, reason: error?.reason, problem };
};

const isoTime = (seconds: number): string => new Date(seconds * 1000).toISOString();

/** A read as JSON: on one line, or on many for people. @param notes oddities */
export const readJson = (
  observation: Observation,
  notes: readonly string[],
  form: "line" | "pretty",
): string => {
  const object = readObject(observation, resultOf(observation), notes);
  const text = JSON.stringify(object, undefined, form === "pretty" ? 2 : undefined);
  // JSON lets these stand as they are; a terminal would obey some of them.
  const safe = text.replace(
    /[\u007f-\u009f\p{Bidi_Control}\u2028\u2029]/gu,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return `${safe}\n`;
};
