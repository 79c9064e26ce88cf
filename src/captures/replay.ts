/** Serves a capture over TCP: each request gets the recorded bytes, with the connection behaviour of the ECU's family. */
import type { Logger } from "pino";
import { findEcuKind } from "../ecu/models.ts";
import { findEcuId } from "../protocol/explain.ts";
import { isCompleteReply } from "../protocol/frame.ts";
import { encodeStatus } from "../protocol/replies.ts";
import { type DecodedRequest, findCommand } from "../protocol/requests.ts";
import { behaviours } from "../simulator/behaviours.ts";
import { type FakeEcu, type FakeReply, startFakeEcu } from "../simulator/fake-ecu.ts";
import { type CaptureFile, type RecordedQuery, receivedBytes } from "./format.ts";

export interface ReplayOptions {
  readonly capture: CaptureFile;
  readonly host?: string;
  readonly port?: number;
  readonly log: Pick<Logger, "debug" | "warn">;
  /** Overrides the idle time of the family. */
  readonly idleMs?: number;
}

/** Starts the server. @throws Error of `listen` */
export const startReplay = ({
  capture,
  log,
  idleMs,
  ...address
}: ReplayOptions): Promise<FakeEcu> => {
  const behaviour = behaviours[findEcuKind(capture.ecu.model) ?? "R"];
  return startFakeEcu({
    ...address,
    behaviour: { ...behaviour, ...(idleMs !== undefined && { idleMs }) },
    onRequest: ({ code, parameter }) => {
      if (findCommand(code) === undefined)
        log.warn({ code: JSON.stringify(code) }, "request with an unknown command; ignored");
      else log.debug({ code, parameter }, "request");
    },
    reply: createRecordedReplies(capture),
  });
};

const createRecordedReplies = (
  capture: CaptureFile,
): ((request: DecodedRequest) => FakeReply | undefined) => {
  const ecuId = recordedEcuId(capture);
  return ({ code, ecuId: requestedId, parameter }) => {
    const command = findCommand(code);
    if (command === undefined) return undefined;
    if (command !== "info" && ecuId !== undefined && requestedId !== ecuId) {
      return { bytes: encodeStatus(command, "01") };
    }
    const query = capture.questions.find(
      (candidate) => candidate.code === code && (candidate.parameter ?? "") === parameter,
    );
    return query && { bytes: receivedBytes(query), end: recordedEnd(query) };
  };
};

/** What happened to the connection after the reply, if it differs from the behaviour of the family. */
const recordedEnd = (query: RecordedQuery): FakeReply["end"] => {
  const reason = query.failed?.reason;
  if (reason === undefined) return undefined;
  if (reason === "timeout") return "stay";
  return isCompleteReply(receivedBytes(query)) ? undefined : "close";
};

const recordedEcuId = ({ questions }: CaptureFile): string | undefined => {
  const info = questions.find(({ name }) => name === "info");
  return info && findEcuId(receivedBytes(info));
};
