import type { Logger } from "pino";
import { describeError } from "./errors.ts";
import { queries, type Replies } from "./read.ts";
import type { Reading } from "./reading.ts";

const FUTURE_SECONDS = 5 * 60;
const PAST_SECONDS = 24 * 60 * 60;
const WORKING_PAST_SECONDS = 30 * 60;

/** Tells the log about reads: what is new as a warning, what is still so at debug. */
export interface ReadLog {
  /** @param now milliseconds since 1970 */
  record(replies: Replies, reading: Reading, now: number): void;
}

/** The journal of one ECU. A night of silence is one line, and so is its end. */
export const createReadLog = (ecu: string, log: Logger): ReadLog => {
  let failing = "";
  let noted = "";
  return {
    record: (replies, reading, now) => {
      const hasNoData = replies.realtime?.ok && replies.realtime.value.kind === "none";
      const failed = queries.flatMap((query) => {
        const outcome = replies[query];
        // An ECU that was just started has no signals to tell of, either.
        if (hasNoData && query === "signal") return [];
        return outcome?.ok === false ? [{ query, error: outcome.error }] : [];
      });
      const [first] = failed;
      const reasons = failed.map(({ query, error }) => `${query} ${error.reason}`).join(", ");
      if (first !== undefined) {
        const { query, error } = first;
        const about = { ecu, query, reason: error.reason, failed: reasons };
        log[reasons === failing ? "debug" : "warn"](about, `read failed: ${describeError(error)}`);
        failing = reasons;
      } else if (failing !== "" && queries.every((query) => replies[query]?.ok)) {
        log.info({ ecu }, "the ECU answers again");
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
      if (notes.length > 0) {
        log[notes.join() === noted ? "debug" : "warn"](
          { ecu, notes },
          `odd reply: ${notes.join("; ")}`,
        );
      }
      noted = notes.join();
      logUnknownRecords(ecu, replies, log);
    },
  };
};

/** A stamp far from now is used all the same; its owner should know (docs/protocol.md#time-and-time-zones). */
const clockNotes = (reading: Reading, now: number): string[] => {
  const { lastReportAt, identity, invertersOnline = 0 } = reading;
  const ahead = lastReportAt === undefined ? 0 : lastReportAt - now / 1000;
  // A plant at work reports every few minutes; by night an ECU may be slow.
  const patience = invertersOnline > 0 ? WORKING_PAST_SECONDS : PAST_SECONDS;
  if (ahead <= FUTURE_SECONDS && ahead >= -patience) return [];
  const side = ahead > 0 ? "ahead of" : "behind";
  const zone = identity?.timezone ?? "as configured";
  return [
    `the ECU's last report is far ${side} this machine's clock; its time zone is taken to be ${zone}: is that right, and both clocks? (--ecu.timezone sets the zone of an ECU-R or ECU-B)`,
  ];
};

const logUnknownRecords = (ecu: string, replies: Replies, log: Logger): void => {
  const realtime = replies.realtime?.ok ? replies.realtime.value : undefined;
  if (realtime?.kind !== "01") return;
  for (const { uid, typeCode, raw, guessed } of realtime.records) {
    if (guessed) log.debug({ ecu, uid, typeCode, raw }, "record of unknown type");
  }
};
