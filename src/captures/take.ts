/** Asks an ECU all that belongs in a capture, and keeps the bytes of each answer, good or bad. */
import type { Exchange } from "../ecu/ask.ts";
import type { Conversation } from "../ecu/conversation.ts";
import { QueryError } from "../ecu/errors.ts";
import { ecuFamily, RAPID_SHUTDOWN_MODEL } from "../ecu/models.ts";
import { explainReply } from "../protocol/explain.ts";
import type { Info } from "../protocol/replies.ts";
import { type Command, commands } from "../protocol/requests.ts";
import type { CaptureFile, Question } from "./format.ts";

/** Listens in on the exchanges of a conversation. */
export interface Listener {
  readonly through: (exchange: Exchange) => Exchange;
  /** The most that came since it was last asked, as it came. */
  readonly take: () => Buffer;
}

/** @see Listener */
export const createListener = (): Listener => {
  let heard = Buffer.alloc(0);
  return {
    through: (exchange) => async (request, signal) => {
      try {
        const raw = await exchange(request, signal);
        // The line feed that the exchange adds is none that came.
        heard = Buffer.from(raw.missingLineFeed ? raw.bytes.subarray(0, -1) : raw.bytes);
        return raw;
      } catch (error) {
        if (error instanceof QueryError && error.received.length > 0) {
          heard = Buffer.from(error.received);
        }
        throw error;
      }
    },
    take: () => {
      const taken = heard;
      heard = Buffer.alloc(0);
      return taken;
    },
  };
};

export interface TakeOptions {
  readonly conversation: Pick<Conversation, "ask">;
  readonly take: Listener["take"];
  /** The clock and the tables of the past as well. */
  readonly all: boolean;
  /** Milliseconds since 1970, for an ECU that does not tell its day. */
  readonly now: number;
}

/** What came, and the error of the first question where it has one. */
export interface Taken extends Pick<CaptureFile, "ecu" | "questions"> {
  readonly refusal: QueryError | undefined;
}

/** Asks one question after another. Never throws for what the ECU does. */
export const takeCapture = async ({
  conversation,
  take,
  all,
  now,
}: TakeOptions): Promise<Taken> => {
  const questions: Question[] = [];
  const ask = async <C extends Command>(command: C, ecuId: string, parameter?: string) => {
    const asked = { ecuId, ...(parameter === undefined ? {} : { parameter }) };
    const outcome = await conversation.ask(command, asked);
    const hex = take().toString("hex");
    questions.push({
      name: command,
      code: commands[command].code,
      ...(parameter === undefined ? {} : { parameter }),
      ...(outcome.ok
        ? { reply: hex }
        : { failed: { reason: outcome.error.reason, received: hex } }),
    });
    return outcome;
  };

  const info = await ask("info", "");
  const ecuId = info.ok ? info.value.ecuId : idIn(questions[0]);
  const refusal = info.ok ? undefined : info.error;
  const ecu = info.ok ? productOf(info.value) : { model: modelOf(ecuId), firmware: "unknown" };
  if (ecuId === undefined) return { ecu, questions, refusal };

  const realtime = await ask("realtime", ecuId);
  await ask("signal", ecuId);
  if (!all) return { ecu, questions, refusal };
  const clock = await ask("clock", ecuId);
  for (const period of ["00", "01", "02"]) await ask("energy", ecuId, period);
  const table = realtime.ok && realtime.value.kind !== "none" ? realtime.value.takenAt : "";
  const today = dayOf(clock.ok ? clock.value.now : table) ?? new Date(now);
  for (const daysAgo of [0, 1]) await ask("dayPower", ecuId, dayBefore(today, daysAgo));
  return { ecu, questions, refusal };
};

/** The id in a reply that is of no other use. */
const idIn = (question: Question | undefined): string | undefined => {
  const bytes = Buffer.from(question?.failed?.received ?? "", "hex");
  const id = explainReply(bytes, "info").entries.find(({ field }) => field === "ecuId");
  return id === undefined ? undefined : String(id.value);
};

const modelOf = (ecuId: string | undefined): string => ecuFamily(ecuId ?? "", undefined).model;

const productOf = (info: Info): CaptureFile["ecu"] => ({
  model: info.layout === "02" ? RAPID_SHUTDOWN_MODEL : modelOf(info.ecuId),
  firmware: info.firmware,
});

/** The day in yyyymmdd…, where it is one. */
const dayOf = (digits: string): Date | undefined => {
  const [, year, month, day] = /^(20\d\d)(\d\d)(\d\d)/.exec(digits) ?? [];
  const date = new Date(`${year}-${month}-${day}T00:00:00Z`);
  return Number.isNaN(date.getTime()) ? undefined : date;
};

const dayBefore = (day: Date, days: number): string => {
  const date = new Date(day);
  date.setUTCDate(date.getUTCDate() - days);
  return date.toISOString().slice(0, 10).replaceAll("-", "");
};
