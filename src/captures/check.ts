/** The proof that nothing but serial numbers was changed, and that none of the real ones is left. */
import { explainReply } from "../protocol/explain.ts";
import { listSpellings, type ReplacedRange, type Replacement } from "./replace.ts";
import { canContainSerial, countKeptCharacters, type RecordedReply } from "./serials.ts";

/** An answer before and after, and where it was changed. */
export interface ReplyChange {
  readonly before: RecordedReply;
  readonly after: RecordedReply;
  readonly ranges: readonly ReplacedRange[];
}

/**
 * Reads both again and compares: every field, every byte outside the ranges, and no real serial anywhere.
 * @throws Error that says what is wrong; nothing may be shown to others then.
 */
export const assertOnlySerialsReplaced = (
  changes: readonly ReplyChange[],
  replacements: readonly Replacement[],
): void => {
  for (const change of changes) {
    const problem =
      findSizeChange(change) ??
      findByteChange(change) ??
      findFieldChange(change) ??
      findRemainingSerial(change, replacements);
    if (problem === undefined) continue;
    const { command } = change.before;
    throw new Error(`nothing was written, for the reply to "${command}" ${problem}`);
  }
};

const findSizeChange = ({ before, after }: ReplyChange): string | undefined =>
  before.bytes.length === after.bytes.length ? undefined : "has another length than before";

const findByteChange = ({ before, after, ranges }: ReplyChange): string | undefined => {
  for (const [at, byte] of before.bytes.entries()) {
    const isReplaced = ranges.some(({ begin, end }) => begin <= at && at < end);
    if (byte !== after.bytes[at] && !isReplaced) {
      return `was changed at byte ${at}, where no serial number stands`;
    }
  }
  return undefined;
};

const findFieldChange = ({ before, after }: ReplyChange): string | undefined => {
  const was = explainReply(before.bytes, before.command);
  const is = explainReply(after.bytes, after.command);
  if (was.error?.message !== is.error?.message) return "can no longer be read as before";
  if (was.entries.length !== is.entries.length) return "no longer has the fields that it had";
  for (const [i, old] of was.entries.entries()) {
    const { field, begin, end, value } = is.entries[i] ?? old;
    if (field !== old.field || begin !== old.begin || end !== old.end) {
      return `no longer has ${old.field} at byte ${old.begin}`;
    }
    if (value !== old.value && !canContainSerial(field)) return `has another ${field} than before`;
  }
  return undefined;
};

const findRemainingSerial = (
  { after }: ReplyChange,
  replacements: readonly Replacement[],
): string | undefined => {
  for (const { serial, newText } of replacements) {
    if ((serial.truncatedTo ?? 12) <= countKeptCharacters(serial)) continue;
    for (const [real] of serial.truncatedTo === undefined ? listSpellings(serial, newText) : []) {
      if (Buffer.from(after.bytes).includes(real)) return "still has a real serial number in it";
    }
  }
  return undefined;
};
