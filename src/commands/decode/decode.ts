/** `decode`: what every byte of a capture means. */
import { type RecordedQuery, receivedBytes } from "../../captures/format.ts";
import { readInput } from "../../captures/input.ts";
import { standardOutput, styled, type Terminal } from "../../cli/terminal.ts";
import { errorReasons } from "../../ecu/errors.ts";
import type { DecodeConfig } from "./command.ts";
import { escapeText, formatReply } from "./table.ts";

/** Shows each reply as a table. @returns the exit code: 1 where a reply cannot be read */
export const decode = (
  { input }: DecodeConfig,
  screen: Terminal = standardOutput(),
): Promise<number> => {
  const given = readInput(input);
  if ("bytes" in given) {
    const { text, error } = formatReply(given.bytes, undefined, screen);
    screen.write(text);
    return Promise.resolve(error === undefined ? 0 : 1);
  }
  const { capture } = given;
  const { ecu, taken_at: takenAt, exporter, questions } = capture;
  const product = escapeText(`${ecu.model}, ${ecu.firmware}`, 100);
  screen.write(`ECU: ${product}. Taken ${takenAt} by version ${escapeText(exporter)}.\n`);
  let isGood = true;
  for (const question of questions) {
    screen.write(`\n${styled("strong", formatTitle(question), screen)}\n`);
    const bytes = receivedBytes(question);
    if (bytes.length === 0) continue;
    const { text, error } = formatReply(bytes, question.name, screen);
    screen.write(text);
    isGood &&= error === undefined;
  }
  return Promise.resolve(isGood ? 0 : 1);
};

const formatTitle = ({ code, name, parameter = "", reply, failed }: RecordedQuery): string => {
  const digits = reply ?? failed?.received ?? "";
  const reason = failed?.reason as keyof typeof errorReasons | undefined;
  const why = reason === undefined ? "" : `; ${errorReasons[reason].happened} (${reason})`;
  return `${code} ${name}${parameter && ` ${parameter}`}: ${digits.length / 2} bytes${why}`;
};
