/** Replaces every serial number and MAC address of a capture, so that it can be published. Nothing else is changed. */
import { assertOnlySerialsReplaced } from "./check.ts";
import { type CaptureFile, receivedBytes, replaceBytes } from "./format.ts";
import { drawReplacements, type RandomInteger, replaceAll, replaceInText } from "./replace.ts";
import { findSerials, hasUndecodedBytes, type RecordedReply, type Serial } from "./serials.ts";

export interface Anonymised {
  readonly capture: CaptureFile;
  /** Number of devices that got another number. */
  readonly replaced: Readonly<Record<Serial["kind"], number>>;
  /** Codes of the requests with undecoded bytes in their replies. A number may remain in these bytes. */
  readonly undecodedCodes: readonly string[];
}

/**
 * @param replace tests pass a broken one
 * @throws AnonymiseError if the check finds a difference
 */
export const anonymise = (
  capture: CaptureFile,
  randomInteger: RandomInteger,
  replace: typeof replaceAll = replaceAll,
): Anonymised => {
  const replies = capture.questions.map(
    (query): RecordedReply => ({ command: query.name, bytes: receivedBytes(query) }),
  );
  const serials = findSerials(replies);
  const replacements = drawReplacements(serials, randomInteger);
  const changes = replies.map((before) => {
    const { bytes, ranges } = replace(before, replacements);
    return { before, after: { command: before.command, bytes }, ranges };
  });
  assertOnlySerialsReplaced(changes, replacements);
  const questions = capture.questions.map((query, i) =>
    replaceBytes(query, changes[i]?.after.bytes ?? Buffer.of()),
  );
  const count = (kind: Serial["kind"]): number =>
    new Set(
      serials
        .filter((serial) => serial.kind === kind && serial.truncatedTo === undefined)
        .map(({ text }) => text),
    ).size;
  return {
    capture: {
      ...capture,
      ecu: { ...capture.ecu, firmware: replaceInText(capture.ecu.firmware, replacements) },
      questions,
    },
    replaced: { ecu: count("ecu"), inverter: count("inverter"), mac: count("mac") },
    undecodedCodes: capture.questions
      .filter((_, i) => hasUndecodedBytes(replies[i] ?? { command: "info", bytes: Buffer.of() }))
      .map(({ code }) => code),
  };
};
