/** A capture on TCP: each request gets the recorded bytes, in the way of the ECU's family. */
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
  /** Instead of the family's own time. */
  readonly idleMs?: number;
}

/** Serves a capture until it is disposed of. @throws Error of `listen` */
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
    const question = capture.questions.find(
      (candidate) => candidate.code === code && (candidate.parameter ?? "") === parameter,
    );
    return question && { bytes: receivedBytes(question), end: recordedEnd(question) };
  };
};

/** What followed the recorded reply on its connection, where that was not as usual for the family. */
const recordedEnd = (question: RecordedQuery): FakeReply["end"] => {
  const reason = question.failed?.reason;
  if (reason === undefined) return undefined;
  if (reason === "timeout") return "stay";
  return isCompleteReply(receivedBytes(question)) ? undefined : "close";
};

const recordedEcuId = ({ questions }: CaptureFile): string | undefined => {
  const info = questions.find(({ name }) => name === "info");
  return info && findEcuId(receivedBytes(info));
};
