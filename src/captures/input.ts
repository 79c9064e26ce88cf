/** What a user hands over: a capture, the bytes of a reply as digits, or as they are. */
import { existsSync } from "node:fs";
import { UsageError } from "../config/usage-error.ts";
import { readRegularFile } from "../files.ts";
import { type CaptureFile, parseCapture } from "./format.ts";

/** A capture, or one reply of which nothing else is known. */
export type Input = { readonly capture: CaptureFile } | { readonly bytes: Buffer };

/** @throws UsageError that says in one line what is wrong with the file */
export const readCapture = (path: string): CaptureFile => {
  const input = parseInputFile(path, readFile(path));
  if ("capture" in input) return input.capture;
  throw new UsageError([`${path} is no capture: it holds the bytes of one reply`]);
};

/** A file where there is one of that name, else hexadecimal digits. @throws UsageError */
export const readInput = (given: string): Input => {
  if (given.trim() === "") throw new UsageError(["the hexadecimal text is empty"]);
  if (existsSync(given)) return parseInputFile(given, readFile(given));
  const digits = extractDigits(given);
  if (digits === undefined) {
    throw new UsageError([
      `${shorten(given)}: there is no such file, and these are no hexadecimal digits`,
    ]);
  }
  return { bytes: parseDigits(digits, "the hexadecimal text") };
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
    `${path} is neither a capture, nor hexadecimal digits, nor the bytes of a reply, which begin with APS`,
  ]);
};

const isBlank = (byte: number): boolean => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);

const readFile = (path: string): Buffer => withPath(path, () => readRegularFile(path));

/** Puts the file's name before what is wrong with it. @throws UsageError */
const withPath = <T>(path: string, make: () => T): T => {
  try {
    return make();
  } catch (cause) {
    throw new UsageError([`${path} ${(cause as Error).message}`], { cause });
  }
};

/** The digits alone; `undefined` where there are other characters. */
const extractDigits = (text: string): string | undefined => {
  const digits = text.replace(/0x|\\x|[\s:,]/gi, "");
  return /^[0-9a-f]+$/i.test(digits) ? digits : undefined;
};

const parseDigits = (digits: string, where: string): Buffer => {
  if (digits.length % 2 === 0) return Buffer.from(digits, "hex");
  throw new UsageError([
    `${where} has ${digits.length} hexadecimal digits, an odd number: one is missing or too many`,
  ]);
};

const LONGEST_SHOWN = 60;
const shorten = (text: string): string =>
  text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text;
