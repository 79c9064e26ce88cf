/** `decode`: prints the meaning of every byte of a capture. */
import { type RecordedQuery, receivedBytes } from "../../captures/format.ts";
import { readInput } from "../../captures/input.ts";
import { standardOutput, styled, type Terminal } from "../../cli/terminal.ts";
import { errorReasons } from "../../ecu/errors.ts";
import type { DecodeConfig } from "./command.ts";
import { escapeText, formatReply } from "./table.ts";

/** Prints each reply as a table. @returns the exit code: 1 if a reply is invalid */
export const decode = (
  { input }: DecodeConfig,
  screen: Terminal = standardOutput(),
): Promise<number> => {
  const parsed = readInput(input);
  if ("bytes" in parsed) {
    const { text, error } = formatReply(parsed.bytes, undefined, screen);
    screen.write(text);
    return Promise.resolve(error === undefined ? 0 : 1);
  }
  const { capture } = parsed;
  const { ecu, taken_at: takenAt, exporter, questions: queries } = capture;
  const product = escapeText(`${ecu.model}, ${ecu.firmware}`, 100);
  screen.write(`ECU: ${product}. Taken ${takenAt} by version ${escapeText(exporter)}.\n`);
  let allValid = true;
  for (const query of queries) {
    screen.write(`\n${styled("strong", formatTitle(query), screen)}\n`);
    const bytes = receivedBytes(query);
    if (bytes.length === 0) continue;
    const { text, error } = formatReply(bytes, query.name, screen);
    screen.write(text);
    allValid &&= error === undefined;
  }
  return Promise.resolve(allValid ? 0 : 1);
};

const formatTitle = ({ code, name, parameter = "", reply, failed }: RecordedQuery): string => {
  const digits = reply ?? failed?.received ?? "";
  const reason = failed?.reason as keyof typeof errorReasons | undefined;
  const failure = reason === undefined ? "" : `; ${errorReasons[reason].happened} (${reason})`;
  return `${code} ${name}${parameter && ` ${parameter}`}: ${digits.length / 2} bytes${failure}`;
};
