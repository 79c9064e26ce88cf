/** A capture that can be shown to anyone: every serial number and MAC address is another, nothing else is. */
import { check } from "./check.ts";
import { bytesOfQuestion, type CaptureFile, withBytes } from "./format.ts";
import { type Chance, drawReplacements, replaceAll } from "./replace.ts";
import { type Answer, hidesBytes, type Serial, serialsIn } from "./serials.ts";

export interface Anonymised {
  readonly capture: CaptureFile;
  /** How many devices were given another number. */
  readonly replaced: Readonly<Record<Serial["kind"], number>>;
  /** Codes of the questions whose answers have bytes that could not be read, and so may hide a number. */
  readonly doubtful: readonly string[];
}

/**
 * @param replace how to replace; tests break it
 * @throws Error where the check finds a difference
 */
export const anonymise = (
  capture: CaptureFile,
  chance: Chance,
  replace: typeof replaceAll = replaceAll,
): Anonymised => {
  const answers = capture.questions.map(
    (question): Answer => ({ command: question.name, bytes: bytesOfQuestion(question) }),
  );
  const serials = serialsIn(answers);
  const replacements = drawReplacements(serials, chance);
  const changes = answers.map((before) => {
    const { bytes, places } = replace(before, replacements);
    return { before, after: { command: before.command, bytes }, places };
  });
  check(changes, replacements);
  const questions = capture.questions.map((question, i) =>
    withBytes(question, changes[i]?.after.bytes ?? Buffer.of()),
  );
  const count = (kind: Serial["kind"]): number =>
    new Set(
      serials.filter((one) => one.kind === kind && one.cutTo === undefined).map(({ text }) => text),
    ).size;
  return {
    capture: { ...capture, questions },
    replaced: { ecu: count("ecu"), inverter: count("inverter"), mac: count("mac") },
    doubtful: capture.questions
      .filter((_, i) => hidesBytes(answers[i] ?? { command: "info", bytes: Buffer.of() }))
      .map(({ code }) => code),
  };
};
