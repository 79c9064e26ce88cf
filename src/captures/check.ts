/** The proof that nothing but serial numbers was changed, and that none of the real ones is left. */
import { explainReply } from "../protocol/explain.ts";
import { type Replaced, type Replacement, spellings } from "./replace.ts";
import { type Answer, keptOf, mayHoldSerial } from "./serials.ts";

/** An answer before and after, and where it was changed. */
export interface Change {
  readonly before: Answer;
  readonly after: Answer;
  readonly places: readonly Replaced[];
}

/**
 * Reads both again and compares: every field, every byte outside the places, and no real serial anywhere.
 * @throws Error that says what is wrong; nothing may be shown to others then.
 */
export const check = (changes: readonly Change[], replacements: readonly Replacement[]): void => {
  for (const change of changes) {
    const problem =
      sizeChanged(change) ??
      byteChanged(change) ??
      fieldChanged(change) ??
      left(change, replacements);
    if (problem === undefined) continue;
    const { command } = change.before;
    throw new Error(`nothing was written, for the reply to "${command}" ${problem}`);
  }
};

const sizeChanged = ({ before, after }: Change): string | undefined =>
  before.bytes.length === after.bytes.length ? undefined : "has another length than before";

const byteChanged = ({ before, after, places }: Change): string | undefined => {
  for (const [at, byte] of before.bytes.entries()) {
    const isReplaced = places.some(({ begin, end }) => begin <= at && at < end);
    if (byte !== after.bytes[at] && !isReplaced) {
      return `was changed at byte ${at}, where no serial number stands`;
    }
  }
  return undefined;
};

const fieldChanged = ({ before, after }: Change): string | undefined => {
  const was = explainReply(before.bytes, before.command);
  const is = explainReply(after.bytes, after.command);
  if (was.error?.message !== is.error?.message) return "can no longer be read as before";
  if (was.entries.length !== is.entries.length) return "no longer has the fields that it had";
  for (const [i, old] of was.entries.entries()) {
    const { field, begin, end, value } = is.entries[i] ?? old;
    if (field !== old.field || begin !== old.begin || end !== old.end) {
      return `no longer has ${old.field} at byte ${old.begin}`;
    }
    if (value !== old.value && !mayHoldSerial(field)) return `has another ${field} than before`;
  }
  return undefined;
};

const left = ({ after }: Change, replacements: readonly Replacement[]): string | undefined => {
  for (const { serial, by } of replacements) {
    if ((serial.cutTo ?? 12) <= keptOf(serial)) continue;
    for (const [real] of serial.cutTo === undefined ? spellings(serial, by) : []) {
      if (Buffer.from(after.bytes).includes(real)) return "still has a real serial number in it";
    }
  }
  return undefined;
};
