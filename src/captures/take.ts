/** Queries an ECU for everything that belongs in a capture, and keeps the bytes of each reply, valid or not. */
import type { ExchangeObserver } from "../ecu/client.ts";
import type { QueryError } from "../ecu/errors.ts";
import { findEcuModel } from "../ecu/models.ts";
import type { Querier } from "../ecu/querier.ts";
import { findEcuId } from "../protocol/explain.ts";
import { MAX_REPLY_BYTES } from "../protocol/frame.ts";
import { type Command, commands } from "../protocol/requests.ts";
import { addDays, isDate, localDate } from "../time/calendar.ts";
import type { CaptureFile, RecordedQuery } from "./format.ts";

/** Records the bytes of exchanges. */
export interface Recorder {
  readonly observer: ExchangeObserver;
  /** Returns the bytes of the last exchange that received any since the previous call. */
  readonly take: () => Buffer;
}

/** @see Recorder */
export const createRecorder = (): Recorder => {
  let current = Buffer.alloc(0);
  let recorded = Buffer.alloc(0);
  return {
    observer: {
      connected: () => {
        current = Buffer.alloc(0);
      },
      received: (bytes) => {
        const room = MAX_REPLY_BYTES + 9 - current.length;
        current = Buffer.concat([current, bytes.subarray(0, Math.max(0, room))]);
        recorded = current;
      },
      // Without bytes after the reply, and without the line feed that the client adds.
      replied: ({ bytes, missingLineFeed }) => {
        recorded = Buffer.from(missingLineFeed ? bytes.subarray(0, -1) : bytes);
      },
    },
    take: () => {
      const taken = recorded;
      recorded = Buffer.alloc(0);
      return taken;
    },
  };
};

export interface TakeOptions {
  readonly querier: Querier;
  /** Returns the bytes of the last query. */
  readonly take: Recorder["take"];
  /** Whether to query the clock and the energy history as well. */
  readonly all: boolean;
  /** Milliseconds since 1970, for an ECU that does not report its date. */
  readonly now: number;
}

/** The content of a capture, and the error of the first query if it failed. */
export interface Taken extends Pick<CaptureFile, "ecu" | "questions"> {
  readonly firstError: QueryError | undefined;
}

/** Sends one query after another. A failed query is recorded and does not throw. */
export const takeCapture = async ({ querier, take, all, now }: TakeOptions): Promise<Taken> => {
  const queries: RecordedQuery[] = [];
  const query = async <C extends Command>(command: C, ecuId: string, parameter?: string) => {
    const params = { ecuId, ...(parameter === undefined ? {} : { parameter }) };
    const outcome = await querier.query(command, params);
    const hex = take().toString("hex");
    queries.push({
      name: command,
      code: commands[command].code,
      ...(parameter === undefined ? {} : { parameter }),
      ...(outcome.ok
        ? { reply: hex }
        : { failed: { reason: outcome.error.reason, received: hex } }),
    });
    return outcome;
  };

  const info = await query("info", "");
  const ecuId = info.ok
    ? info.value.ecuId
    : findEcuId(Buffer.from(queries[0]?.failed?.received ?? "", "hex"));
  const firstError = info.ok ? undefined : info.error;
  const ecu = info.ok
    ? { model: findEcuModel(info.value), firmware: info.value.firmware }
    : { model: findEcuModel({ layout: "01", ecuId: ecuId ?? "" }), firmware: "unknown" };
  if (ecuId === undefined) return { ecu, questions: queries, firstError };

  const realtime = await query("realtime", ecuId);
  await query("signal", ecuId);
  if (!all) return { ecu, questions: queries, firstError };
  const clock = await query("clock", ecuId);
  for (const period of ["00", "01", "02"]) await query("energy", ecuId, period);
  const table = realtime.ok && realtime.value.kind !== "none" ? realtime.value.takenAt : "";
  const today = parseDate(clock.ok ? clock.value.now : table) ?? localDate(now, "UTC");
  for (const date of [today, addDays(today, -1)]) await query("dayPower", ecuId, date);
  return { ecu, questions: queries, firstError };
};

/** The date at the start of the digits, if it is one. */
const parseDate = (digits: string): string | undefined => {
  const date = digits.slice(0, 8);
  return date.startsWith("20") && isDate(date) ? date : undefined;
};
