/** Checks that only serial numbers were changed, and that no real serial number remains. */
import { explainReply } from "../protocol/explain.ts";
import { listSpellings, type ReplacedRange, type Replacement } from "./replace.ts";
import { canContainSerial, countKeptCharacters, type RecordedReply } from "./serials.ts";

/** A reply before and after the replacement, and the replaced ranges. */
export interface ReplyChange {
  readonly before: RecordedReply;
  readonly after: RecordedReply;
  readonly ranges: readonly ReplacedRange[];
}

/**
 * Decodes both versions and compares every field and every byte outside the ranges; searches for real serials.
 * @throws Error with the difference; the replies must then not be published
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
    throw new Error(`nothing was written: the reply to "${command}" ${problem}`);
  }
};

const findSizeChange = ({ before, after }: ReplyChange): string | undefined =>
  before.bytes.length === after.bytes.length ? undefined : "changed its length";

const findByteChange = ({ before, after, ranges }: ReplyChange): string | undefined => {
  for (const [at, byte] of before.bytes.entries()) {
    const isReplaced = ranges.some(({ begin, end }) => begin <= at && at < end);
    if (byte !== after.bytes[at] && !isReplaced) {
      return `changed at byte ${at}, outside any serial number`;
    }
  }
  return undefined;
};

const findFieldChange = ({ before, after }: ReplyChange): string | undefined => {
  const was = explainReply(before.bytes, before.command);
  const is = explainReply(after.bytes, after.command);
  if (was.error?.message !== is.error?.message) return "no longer decodes to the same result";
  if (was.entries.length !== is.entries.length) return "no longer has the same fields";
  for (const [i, old] of was.entries.entries()) {
    const { field, begin, end, value } = is.entries[i] ?? old;
    if (field !== old.field || begin !== old.begin || end !== old.end) {
      return `no longer has ${old.field} at byte ${old.begin}`;
    }
    if (value !== old.value && !canContainSerial(field)) return `changed its field ${field}`;
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
      if (Buffer.from(after.bytes).includes(real)) return "still contains a real serial number";
    }
  }
  return undefined;
};
