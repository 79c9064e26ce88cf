/** Input of the tools: a capture, or the bytes of one reply, binary or as hexadecimal digits. */
import { existsSync } from "node:fs";
import { UsageError } from "../config/usage-error.ts";
import { readRegularFile } from "../files.ts";
import { type CaptureFile, parseCapture } from "./format.ts";

/** A capture, or the bytes of one reply without its command. */
export type Input = { readonly capture: CaptureFile } | { readonly bytes: Buffer };

/** Reads a file that must be a capture. @throws UsageError with one line */
export const readCapture = (path: string): CaptureFile => {
  const input = parseInputFile(path, readFile(path));
  if ("capture" in input) return input.capture;
  throw new UsageError([`${path} is not a capture: it contains the bytes of one reply`]);
};

/** Reads the file of this name if it exists; otherwise parses the text as hexadecimal digits. @throws UsageError */
export const readInput = (text: string): Input => {
  if (text.trim() === "") throw new UsageError(["the hexadecimal text is empty"]);
  if (existsSync(text)) return parseInputFile(text, readFile(text));
  const digits = extractDigits(text);
  if (digits === undefined) {
    throw new UsageError([`${shorten(text)} is neither the name of a file nor hexadecimal digits`]);
  }
  return { bytes: parseDigits(digits, `"${shorten(text)}"`) };
};

const parseInputFile = (path: string, content: Buffer): Input => {
  if (content.every(isBlank)) throw new UsageError([`${path} is empty`]);
  if (content.subarray(0, 3).toString("latin1") === "APS") return { bytes: content };
  const text = content
    .toString("utf8")
    .replace(/^\u{feff}/u, "")
    .trim();
  if (/^[{[]/.test(text)) return { capture: withPath(path, () => parseCapture(text)) };
  const digits = extractDigits(text);
  if (digits !== undefined) return { bytes: parseDigits(digits, path) };
  throw new UsageError([
    `${path} is not a capture, not hexadecimal digits, and not a reply, which would begin with APS`,
  ]);
};

const isBlank = (byte: number): boolean => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);

const readFile = (path: string): Buffer => withPath(path, () => readRegularFile(path));

/** Prefixes an error message with the path. @throws UsageError */
const withPath = <T>(path: string, parse: () => T): T => {
  try {
    return parse();
  } catch (cause) {
    throw new UsageError([`${path} ${(cause as Error).message}`], { cause });
  }
};

/** The digits without separators; `undefined` if there are other characters. */
const extractDigits = (text: string): string | undefined => {
  const digits = text.replace(/0x|\\x|[\s:,]/gi, "");
  return /^[0-9a-f]+$/i.test(digits) ? digits : undefined;
};

const parseDigits = (digits: string, source: string): Buffer => {
  if (digits.length % 2 === 0) return Buffer.from(digits, "hex");
  throw new UsageError([`${source} has an odd number of hexadecimal digits (${digits.length})`]);
};

const MAX_SHOWN = 60;
const shorten = (text: string): string =>
  text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
