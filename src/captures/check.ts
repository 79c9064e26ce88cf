/** Checks that only serial numbers were changed, and that no real serial number remains. */
import type { ProtocolError } from "../protocol/errors.ts";
import { explainReply } from "../protocol/explain.ts";
import { AnonymiseError, packSerial, type ReplacedRange, type Replacement } from "./replace.ts";
import type { RecordedReply } from "./serials.ts";

/** A reply before and after the replacement, and the replaced ranges. */
export interface ReplyChange {
  readonly before: RecordedReply;
  readonly after: RecordedReply;
  readonly ranges: readonly ReplacedRange[];
}

/**
 * Decodes both versions and compares every field and every byte outside the ranges; searches for real serials.
 * @throws AnonymiseError with the difference
 */
export const assertOnlySerialsReplaced = (
  changes: readonly ReplyChange[],
  replacements: readonly Replacement[],
): void => {
  for (const change of changes) {
    const problem =
      findSizeChange(change) ??
      findByteChange(change) ??
      findFieldChange(change, replacements) ??
      findRemainingSerial(change, replacements);
    if (problem === undefined) continue;
    const { command } = change.before;
    throw new AnonymiseError(`the reply to "${command}" ${problem}`);
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

const findFieldChange = (
  { before, after, ranges }: ReplyChange,
  replacements: readonly Replacement[],
): string | undefined => {
  const was = explainReply(before.bytes, before.command);
  const is = explainReply(after.bytes, after.command);
  if (!isSameError(was.error, is.error)) return "no longer decodes to the same result";
  if (was.entries.length !== is.entries.length) return "no longer has the same fields";
  const verified = ranges.filter((range) => isReplacement(range, before, after, replacements));
  for (const [i, old] of was.entries.entries()) {
    const { field, begin, end, value } = is.entries[i] ?? old;
    if (field !== old.field || begin !== old.begin || end !== old.end) {
      return `no longer has ${old.field} at byte ${old.begin}`;
    }
    const mayChange = verified.some((range) => range.begin < end && begin < range.end);
    if (value !== old.value && !mayChange) return `changed its field ${field}`;
  }
  return undefined;
};

const isSameError = (a: ProtocolError | undefined, b: ProtocolError | undefined): boolean =>
  a?.reason === b?.reason &&
  a?.position.field === b?.position.field &&
  a?.position.offset === b?.position.offset;

/** Whether a range has a serial before and its replacement after. */
const isReplacement = (
  { begin, end }: ReplacedRange,
  before: RecordedReply,
  after: RecordedReply,
  replacements: readonly Replacement[],
): boolean =>
  replacements.some(
    ({ serial: { text, truncatedTo }, newText }) =>
      isSpelling(before.bytes.subarray(begin, end), text.slice(0, truncatedTo)) &&
      isSpelling(after.bytes.subarray(begin, end), newText.slice(0, truncatedTo)),
  );

/** Whether bytes are a serial: four bits per digit, or text with any separators. */
const isSpelling = (bytes: Uint8Array, text: string): boolean =>
  Buffer.from(bytes).toString("hex") === text || stripSeparators(bytes) === text;

const stripSeparators = (bytes: Uint8Array): string =>
  Buffer.from(bytes)
    .toString("latin1")
    .toLowerCase()
    .replaceAll(/[^0-9a-z]/g, "");

const findRemainingSerial = (
  { after }: ReplyChange,
  replacements: readonly Replacement[],
): string | undefined => {
  const bytes = Buffer.from(after.bytes);
  // Without separators, whichever they are.
  const text = bytes
    .toString("latin1")
    .toLowerCase()
    .replaceAll(/[^0-9a-z]/g, "");
  const remains = replacements.some(
    ({ serial }) =>
      serial.truncatedTo === undefined &&
      (bytes.includes(packSerial(serial)) || text.includes(serial.text)),
  );
  return remains ? "still contains a real serial number" : undefined;
};
