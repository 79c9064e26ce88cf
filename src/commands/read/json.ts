/** The output of `read --json`: its schema, from which docs/read.schema.json is generated, and its formatter. */
import { z } from "zod";
import { type Reason, reasons } from "../../ecu/errors.ts";
import type { Observation } from "../../ecu/observe.ts";
import { type Query, queries } from "../../ecu/read.ts";
import type { InverterReading } from "../../ecu/reading.ts";
import { classifyResult, type ReadResult } from "../../ecu/result.ts";

const time = z.iso.datetime();
const count = z.int().nonnegative();
const ifMeasured = z.number().optional();

const query = z
  .strictObject({
    success: z.boolean(),
    durationSeconds: z
      .number()
      .nonnegative()
      .optional()
      .describe("Retries included. Absent if the query has no result."),
    reason: z
      .enum(reasons as [Reason, ...Reason[]])
      .optional()
      .describe("Why it failed, as in the label `reason` of the metrics."),
    problem: z.string().optional().describe("Why it failed, and what to do."),
  })
  .describe("The result of one query.");

const inverter = z.strictObject({
  uid: z.string().describe("Serial number, 12 digits."),
  model: z.string().describe("Product name, or unknown."),
  typeCode: z.string().optional().describe("Type code of its record."),
  online: z.boolean().optional().describe("Whether it replied to the ECU in the last round."),
  channels: z.array(
    z.strictObject({
      channel: z.int().positive().describe("Input of the inverter, from 1."),
      powerWatts: ifMeasured,
    }),
  ),
  phases: z.array(z.strictObject({ phase: z.string(), voltageVolts: ifMeasured })),
  frequencyHertz: ifMeasured,
  temperatureCelsius: ifMeasured,
  signalRatio: ifMeasured.describe("Radio signal at the ECU, 0 to 1."),
});

/** One read of an ECU. A value that was not measured is absent, never null or 0. */
export const readSchema = z
  .strictObject({
    ecu: z.string().describe("The address as given on the command line."),
    readAt: time.describe("End of the read."),
    result: z
      .enum(["complete", "partial", "nothing"])
      .describe("Whether all, some or none of the queries succeeded: exit code 0, 1 or 2."),
    ecuId: z.string().optional().describe("Serial number of the ECU, 12 digits."),
    model: z.string().optional(),
    firmware: z.string().optional(),
    timezone: z.string().optional().describe("Time zone of the ECU's local times."),
    powerWatts: ifMeasured.describe("Power of the plant in the last completed round."),
    todayEnergyJoules: ifMeasured,
    lifetimeEnergyJoules: ifMeasured,
    registered: count.optional().describe("Number of registered inverters."),
    invertersOnline: count.optional(),
    lastReportAt: time.optional().describe("Start of the last completed round."),
    lastReportLocal: z
      .string()
      .optional()
      .describe("The same in the ECU's local time, as reported: yyyymmddhhmmss."),
    lastCloudContactAt: time.optional(),
    unknownRecords: count
      .optional()
      .describe("Number of inverters with a record of unknown layout or without a record."),
    inverters: z.array(inverter),
    queries: z.strictObject({ info: query, realtime: query, signal: query }),
    notes: z.array(z.string()).describe("Unexpected replies, and values that were left out."),
  })
  .describe("One read of an ECU. A value that was not measured is absent.");

type ReadObject = z.infer<typeof readSchema>;

/** Converts a read to an object of the schema. `JSON.stringify` omits fields that are `undefined`. */
const createReadObject = (observation: Observation, result: ReadResult, notes: readonly string[]) =>
  ({
    ecu: observation.ecu,
    readAt: isoTime(observation.readAt),
    result,
    ...observation.reading.identity,
    ...readValues(observation),
    inverters: observation.reading.inverters.map(createInverterObject),
    queries: Object.fromEntries(
      queries.map((name) => [name, createQueryObject(observation, name)]),
    ) as ReadObject["queries"],
    notes: [...notes],
  }) satisfies ReadObject;

const readValues = ({ reading }: Observation) => ({
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

const createInverterObject = (inverter: InverterReading): ReadObject["inverters"][number] => ({
  uid: inverter.uid,
  model: inverter.model,
  typeCode: inverter.typeCode,
  online: inverter.online,
  channels: inverter.channelWatts.map((powerWatts, i) => ({ channel: i + 1, powerWatts })),
  phases: inverter.gridVolts.map(({ phase, volts }) => ({ phase, voltageVolts: volts })),
  frequencyHertz: inverter.frequencyHertz,
  temperatureCelsius: inverter.temperatureCelsius,
  signalRatio: inverter.signalRatio,
});

const createQueryObject = ({ queries }: Observation, name: Query): ReadObject["queries"][Query] => {
  const { success, durationSeconds, problem, error } = queries[name];
  return { success, durationSeconds, reason: error?.reason, problem };
};

const isoTime = (seconds: number): string => new Date(seconds * 1000).toISOString();

/** Formats a read as JSON, on one line or indented. @param notes what was unexpected in the read */
export const formatJson = (
  observation: Observation,
  notes: readonly string[],
  form: "line" | "pretty",
): string => {
  const object = createReadObject(observation, classifyResult(observation), notes);
  const text = JSON.stringify(object, undefined, form === "pretty" ? 2 : undefined);
  // JSON allows these characters unescaped, but some of them control a terminal.
  const safe = text.replace(
    /[\u007f-\u009f\p{Bidi_Control}\u2028\u2029]/gu,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return `${safe}\n`;
};
