/** Asks an ECU all that belongs in a capture, and keeps the bytes of each answer, good or bad. */
import type { Exchange } from "../ecu/ask.ts";
import type { Conversation } from "../ecu/conversation.ts";
import { QueryError } from "../ecu/errors.ts";
import { ecuModel } from "../ecu/models.ts";
import { ecuIdIn } from "../protocol/explain.ts";
import { type Command, commands } from "../protocol/requests.ts";
import { dateAt, daysLater, isDate } from "../time/calendar.ts";
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
  const ecuId = info.ok
    ? info.value.ecuId
    : ecuIdIn(Buffer.from(questions[0]?.failed?.received ?? "", "hex"));
  const refusal = info.ok ? undefined : info.error;
  const ecu = info.ok
    ? { model: ecuModel(info.value), firmware: info.value.firmware }
    : { model: ecuModel({ layout: "01", ecuId: ecuId ?? "" }), firmware: "unknown" };
  if (ecuId === undefined) return { ecu, questions, refusal };

  const realtime = await ask("realtime", ecuId);
  await ask("signal", ecuId);
  if (!all) return { ecu, questions, refusal };
  const clock = await ask("clock", ecuId);
  for (const period of ["00", "01", "02"]) await ask("energy", ecuId, period);
  const table = realtime.ok && realtime.value.kind !== "none" ? realtime.value.takenAt : "";
  const today = dateIn(clock.ok ? clock.value.now : table) ?? dateAt(now, "UTC");
  for (const date of [today, daysLater(today, -1)]) await ask("dayPower", ecuId, date);
  return { ecu, questions, refusal };
};

/** The date in yyyymmdd…, where it is one. */
const dateIn = (digits: string): string | undefined => {
  const date = digits.slice(0, 8);
  return date.startsWith("20") && isDate(date) ? date : undefined;
};
