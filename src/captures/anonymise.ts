/** A capture that can be shown to anyone: every serial number and MAC address is another, nothing else is. */
import { assertOnlySerialsReplaced } from "./check.ts";
import { type CaptureFile, receivedBytes, replaceBytes } from "./format.ts";
import { drawReplacements, type RandomInteger, replaceAll } from "./replace.ts";
import { findSerials, hasUndecodedBytes, type RecordedReply, type Serial } from "./serials.ts";

export interface Anonymised {
  readonly capture: CaptureFile;
  /** How many devices were given another number. */
  readonly replaced: Readonly<Record<Serial["kind"], number>>;
  /** Codes of the questions whose answers have bytes that could not be read, and so may hide a number. */
  readonly undecodedCodes: readonly string[];
}

/**
 * @param replace how to replace; tests break it
 * @throws Error where the check finds a difference
 */
export const anonymise = (
  capture: CaptureFile,
  chance: RandomInteger,
  replace: typeof replaceAll = replaceAll,
): Anonymised => {
  const answers = capture.questions.map(
    (question): RecordedReply => ({ command: question.name, bytes: receivedBytes(question) }),
  );
  const serials = findSerials(answers);
  const replacements = drawReplacements(serials, chance);
  const changes = answers.map((before) => {
    const { bytes, ranges } = replace(before, replacements);
    return { before, after: { command: before.command, bytes }, ranges };
  });
  assertOnlySerialsReplaced(changes, replacements);
  const questions = capture.questions.map((question, i) =>
    replaceBytes(question, changes[i]?.after.bytes ?? Buffer.of()),
  );
  const count = (kind: Serial["kind"]): number =>
    new Set(
      serials
        .filter((one) => one.kind === kind && one.truncatedTo === undefined)
        .map(({ text }) => text),
    ).size;
  return {
    capture: { ...capture, questions },
    replaced: { ecu: count("ecu"), inverter: count("inverter"), mac: count("mac") },
    undecodedCodes: capture.questions
      .filter((_, i) => hasUndecodedBytes(answers[i] ?? { command: "info", bytes: Buffer.of() }))
      .map(({ code }) => code),
  };
};
