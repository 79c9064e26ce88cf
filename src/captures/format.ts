/** The file format of captures: requests to an ECU and the bytes of its replies. docs/captures.md describes it. */
import { z } from "zod";
import { reasons } from "../ecu/errors.ts";
import { MAX_REPLY_BYTES } from "../protocol/frame.ts";
import { type Command, commands, findCommand } from "../protocol/requests.ts";

const FORMAT = "apsystems-ecu-capture";
const VERSION = 1;
const MAX_QUERIES = 100;
/** Maximum number of hexadecimal digits: the longest reply and some bytes after it. */
const MAX_DIGITS = 2 * (MAX_REPLY_BYTES + 100);

const bytes = z
  .string()
  .max(MAX_DIGITS, "is longer than any reply")
  .regex(/^([0-9a-f]{2})*$/i, "must be an even number of hexadecimal digits");

const recordedQuery = z
  .strictObject({
    name: z.enum(Object.keys(commands) as [Command, ...Command[]], "is not a known command"),
    code: z.string().regex(/^\d{4}$/, "is not a command code"),
    parameter: z
      .string()
      .regex(/^\d{2,8}$/, "is not a parameter")
      .optional(),
    /** The reply as received, in hexadecimal. */
    reply: bytes.min(32, "is too short for a reply").optional(),
    failed: z
      .strictObject({
        reason: z.enum(reasons as [string, ...string[]], "is not a known reason"),
        received: bytes,
      })
      .optional(),
  })
  .refine(({ name, code }) => findCommand(code) === name, "has a name and a code that do not match")
  .refine(
    ({ reply, failed }) => (reply === undefined) !== (failed === undefined),
    "must have either reply or failed",
  )
  .refine(
    ({ name, parameter = "" }) => parameter.length === commands[name].parameter,
    "has a parameter of the wrong length",
  );

const schema = z.strictObject({
  format: z.literal(FORMAT),
  version: z.literal(VERSION),
  /** UTC, to the minute. */
  taken_at: z
    .string()
    .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\dZ$/, "is not a time such as 2026-06-21T11:03Z"),
  /** Version of the exporter that took the capture. */
  exporter: z.string().max(100),
  ecu: z.strictObject({ model: z.string().max(100), firmware: z.string().max(1000) }),
  questions: z
    .array(recordedQuery)
    .min(1, "is empty")
    .max(MAX_QUERIES, `has more than ${MAX_QUERIES} entries`),
});

export type CaptureFile = z.infer<typeof schema>;
export type RecordedQuery = CaptureFile["questions"][number];

/** The received bytes, whether the reply was valid or not; empty if nothing was received. */
export const receivedBytes = ({ reply, failed }: RecordedQuery): Buffer =>
  Buffer.from(reply ?? failed?.received ?? "", "hex");

/** The same query with other received bytes. */
export const replaceBytes = (query: RecordedQuery, bytes: Uint8Array): RecordedQuery => {
  const hex = Buffer.from(bytes).toString("hex");
  const { reply, failed } = query;
  if (reply !== undefined) return { ...query, reply: hex };
  return failed === undefined ? query : { ...query, failed: { ...failed, received: hex } };
};

/** Creates a capture without queries, taken now. */
export const createEmptyCapture = (now: number, exporter: string): CaptureFile => ({
  format: FORMAT,
  version: VERSION,
  taken_at: `${new Date(now).toISOString().slice(0, 16)}Z`,
  exporter,
  ecu: { model: "unknown", firmware: "unknown" },
  questions: [],
});

export const formatCapture = (capture: CaptureFile): string =>
  `${JSON.stringify(capture, undefined, 2)}\n`;

/** Parses a capture. @throws Error with a message that continues `FILE …` */
export const parseCapture = (text: string): CaptureFile => {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new Error("is incomplete or damaged: it is not valid JSON", { cause });
  }
  const { format, version } = (json ?? {}) as Partial<Record<string, unknown>>;
  if (format !== FORMAT) throw new Error("is JSON, but not a capture of this program");
  if (typeof version === "number" && version > VERSION) {
    throw new Error(
      `has version ${version}, but this program supports only version ${VERSION}; update the program`,
    );
  }
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const path = issue?.path.join(".") ?? "";
  throw new Error(
    `is not a valid capture: ${[...(path === "" ? [] : [path]), describeIssue(issue)].join(": ")}`,
  );
};

const describeIssue = (issue: z.core.$ZodIssue | undefined): string => {
  if (issue?.code === "unrecognized_keys") return `unknown key ${issue.keys.join(", ")}`;
  return issue?.message ?? "is invalid";
};
