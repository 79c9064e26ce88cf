/** The log of reads. A condition that lasts is logged once, not once per read. */
import type { Logger } from "pino";
import { describeError } from "./errors.ts";
import { queries, type Replies } from "./read.ts";
import type { Reading } from "./reading.ts";

const FUTURE_SECONDS = 5 * 60;
const PAST_SECONDS = 24 * 60 * 60;
const WORKING_PAST_SECONDS = 30 * 60;
/** A note that comes and goes is logged again if it was absent for this time. */
const NOTE_IS_NEW_AFTER_MS = 60 * 60 * 1000;
/** More different notes than a real ECU causes. A damaged one may send other ids in each reply. */
const MAX_NOTES = 1_000;

/** The energy in a note: another one does not make it a new note. */
const CHANGING_VALUE = /[\d.]+ kWh/g;

/** Logs what is wrong with reads: a new condition as a warning, one that lasts at debug. */
export interface ReadLog {
  /** Logs one finished read. @param now milliseconds since 1970 */
  record(replies: Replies, reading: Reading, now: number): void;
}

/** Creates the log of one ECU. A night without replies is one warning; its end is one line more. */
export const createReadLog = (ecu: string, log: Logger): ReadLog => {
  let failing = "";
  /** When each note was last in a reading, in milliseconds since 1970. */
  const noted = new Map<string, number>();
  const isRecent = (at: number, now: number) => Math.abs(now - at) < NOTE_IS_NEW_AFTER_MS;
  return {
    record: (replies, reading, now) => {
      const hasNoData = replies.realtime?.ok && replies.realtime.value.kind === "none";
      const failed = queries.flatMap((query) => {
        const outcome = replies[query];
        // An ECU that has just started has no signal levels either.
        if (hasNoData && query === "signal") return [];
        return outcome?.ok === false ? [{ query, error: outcome.error }] : [];
      });
      const [first] = failed;
      const reasons = failed.map(({ query, error }) => `${query} ${error.reason}`).join(", ");
      if (first !== undefined) {
        const { query, error } = first;
        const context = { ecu, query, reason: error.reason, failed: reasons };
        log[reasons === failing ? "debug" : "warn"](
          context,
          `read failed: ${describeError(error)}`,
        );
        failing = reasons;
      } else if (failing !== "" && queries.every((query) => replies[query]?.ok)) {
        log.info({ ecu }, "the ECU replies again");
        failing = "";
      }
      for (const { query, error } of failed) {
        if (error.received.length === 0) continue;
        log.debug(
          { ecu, query, received: Buffer.from(error.received).toString("hex") },
          "bytes received",
        );
      }

      const notes = [...reading.notes, ...clockNotes(reading, now)];
      for (const [key, at] of noted) if (!isRecent(at, now)) noted.delete(key);
      if (noted.size > MAX_NOTES) noted.clear();
      const keys = notes.map((note) => note.replace(CHANGING_VALUE, "kWh"));
      if (notes.length > 0) {
        log[keys.every((key) => noted.has(key)) ? "debug" : "warn"](
          { ecu, notes },
          `unexpected reply: ${notes.join("; ")}`,
        );
      }
      for (const key of keys) noted.set(key, now);
      logUnknownRecords(ecu, replies, log);
    },
  };
};

/** A wrong time of the last report is exported as it is; the log says so (docs/protocol.md#time-and-time-zones). */
const clockNotes = (reading: Reading, now: number): string[] => {
  const { lastReportAt, identity, invertersOnline = 0 } = reading;
  const ahead = lastReportAt === undefined ? 0 : lastReportAt - now / 1000;
  // A working plant reports every few minutes; at night the last report may be old.
  const maxAge = invertersOnline > 0 ? WORKING_PAST_SECONDS : PAST_SECONDS;
  if (ahead <= FUTURE_SECONDS && ahead >= -maxAge) return [];
  const side = ahead > 0 ? "ahead of" : "behind";
  const zone = identity?.timezone ?? "the configured one";
  return [
    `the ECU's last report is far ${side} this machine's clock; check both clocks and the ECU's time zone, ${zone} (--ecu.timezone sets it for an ECU-R or ECU-B)`,
  ];
};

const logUnknownRecords = (ecu: string, replies: Replies, log: Logger): void => {
  const realtime = replies.realtime?.ok ? replies.realtime.value : undefined;
  if (realtime?.kind !== "01") return;
  for (const { uid, typeCode, raw, guessed } of realtime.records) {
    if (guessed) log.debug({ ecu, uid, typeCode, raw }, "record of unknown type");
  }
};
