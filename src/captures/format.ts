/** The file of a capture: what an ECU was asked, and the bytes that it answered. Described in docs/captures.md. */
import { z } from "zod";
import { reasons } from "../ecu/errors.ts";
import { MAX_REPLY_BYTES } from "../protocol/frame.ts";
import { type Command, commands, findCommand } from "../protocol/requests.ts";

const FORMAT = "apsystems-ecu-capture";
const VERSION = 1;
const MOST_QUESTIONS = 100;
/** What is kept of what an ECU sends: the longest reply and a little. */
const MOST_DIGITS = 2 * (MAX_REPLY_BYTES + 100);

const bytes = z
  .string()
  .max(MOST_DIGITS, "are more bytes than a reply can have")
  .regex(/^([0-9a-f]{2})*$/i, "is no even number of hexadecimal digits");

const question = z
  .strictObject({
    name: z.enum(Object.keys(commands) as [Command, ...Command[]], "is no question of ours"),
    code: z.string().regex(/^\d{4}$/, "is no command code"),
    parameter: z
      .string()
      .regex(/^\d{2,8}$/, "is no parameter")
      .optional(),
    /** The reply, as it came. */
    reply: bytes.min(32, "is too short for a reply").optional(),
    failed: z
      .strictObject({
        reason: z.enum(reasons as [string, ...string[]], "is no reason of ours"),
        received: bytes,
      })
      .optional(),
  })
  .refine(({ name, code }) => findCommand(code) === name, "has a name and a code that do not agree")
  .refine(
    ({ reply, failed }) => (reply === undefined) !== (failed === undefined),
    "needs either a reply or the reason why there is none",
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
    .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\dZ$/, "is no time such as 2026-06-21T11:03Z"),
  /** Version of the exporter that took it. */
  exporter: z.string().max(100),
  ecu: z.strictObject({ model: z.string().max(100), firmware: z.string().max(1000) }),
  questions: z.array(question).min(1, "is empty").max(MOST_QUESTIONS, "has too many questions"),
});

export type CaptureFile = z.infer<typeof schema>;
export type RecordedQuery = CaptureFile["questions"][number];

/** What came in answer to a question, good or not; no bytes where nothing came. */
export const receivedBytes = ({ reply, failed }: RecordedQuery): Buffer =>
  Buffer.from(reply ?? failed?.received ?? "", "hex");

/** The same question with other bytes. */
export const replaceBytes = (question: RecordedQuery, bytes: Uint8Array): RecordedQuery => {
  const hex = Buffer.from(bytes).toString("hex");
  const { reply, failed } = question;
  if (reply !== undefined) return { ...question, reply: hex };
  return failed === undefined ? question : { ...question, failed: { ...failed, received: hex } };
};

/** An empty capture, taken now. */
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

/** @throws Error whose message completes «FILE …» */
export const parseCapture = (text: string): CaptureFile => {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new Error("is not whole: its JSON breaks off or is damaged", { cause });
  }
  const { format, version } = (json ?? {}) as Partial<Record<string, unknown>>;
  if (format !== FORMAT) throw new Error("is JSON, and no capture of this program");
  if (typeof version === "number" && version > VERSION) {
    throw new Error(`is of version ${version}; this program reads version ${VERSION}: update it`);
  }
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const path = issue?.path.join(".") ?? "";
  throw new Error(`is a damaged capture: ${path === "" ? "it" : path}: ${describeIssue(issue)}`);
};

const describeIssue = (issue: z.core.$ZodIssue | undefined): string => {
  if (issue?.code === "unrecognized_keys") return `${issue.keys.join(", ")} is not known there`;
  return issue?.message ?? "is not right";
};
