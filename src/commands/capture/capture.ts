/** `capture`: saves the raw replies of an ECU in a file that can be published. */
import { randomInt } from "node:crypto";
import { type Anonymised, anonymise } from "../../captures/anonymise.ts";
import { type CaptureFile, createEmptyCapture, formatCapture } from "../../captures/format.ts";
import { AnonymiseError, type RandomInteger } from "../../captures/replace.ts";
import { createRecorder, takeCapture } from "../../captures/take.ts";
import { showStatus } from "../../cli/terminal.ts";
import { describeError, errorReasons } from "../../ecu/errors.ts";
import { createQuerier, type QuerierOptions } from "../../ecu/querier.ts";
import { assertWritable, writeOutputFile } from "../../files.ts";
import { formatCount, printable } from "../../text.ts";
import { type Clock, systemClock } from "../../time/clock.ts";
import { version } from "../../version.ts";
import type { CaptureConfig } from "./command.ts";

/** The environment of the command; tests replace it. */
interface Environment {
  readonly write: (text: string) => void;
  /** Prints the summary for the user. */
  readonly report: (text: string) => void;
  readonly randomInteger: RandomInteger;
  readonly clock: Clock;
  readonly now: () => number;
  readonly retryPauseMs: number;
}

const STANDARD_OUTPUT = "-";
const RETRIES = 1;

/** Queries the ECU, replaces serial numbers, checks the result, and writes it. @returns the exit code */
export const capture = async (
  { ecu, output, force, all, commandPause }: CaptureConfig,
  environment: Partial<Environment> = {},
): Promise<number> => {
  const {
    write = (text) => void process.stdout.write(text),
    report = (text) => void process.stderr.write(text),
    randomInteger = (limit) => randomInt(limit),
    clock = systemClock,
    now = Date.now,
    retryPauseMs,
  } = environment;
  if (output !== STANDARD_OUTPUT) await assertWritable(output, force);
  const { observer, take } = createRecorder();
  const options: QuerierOptions = {
    ecu,
    pauseMs: commandPause,
    retries: RETRIES,
    signal: new AbortController().signal, // every exchange has its own limits
    clock,
    observer,
    retryPauseMs,
  };
  const removeStatus = showStatus(`Reading ${ecu.name}`);
  const taken = await takeCapture({
    querier: createQuerier(options),
    take,
    all,
    now: now(),
  }).finally(removeStatus);
  const { firstError, ...content } = taken;
  if (firstError !== undefined) report(`${printable(describeError(firstError))}\n`);
  const isEmpty = content.questions.every(({ failed }) => failed?.received === "");
  if (isEmpty) {
    report("No data received; nothing was written.\n");
    return 1;
  }
  const recorded = { ...createEmptyCapture(now(), version), ...content };
  const anonymised = tryAnonymise(recorded, randomInteger);
  if (typeof anonymised === "string") {
    report(`Nothing was written: ${anonymised}. Please report this.\n`);
    return 1;
  }
  const text = formatCapture(anonymised.capture);
  if (output === STANDARD_OUTPUT) write(text);
  else await writeOutputFile(output, text);
  report(`${summarize(anonymised, output).join("\n")}\n`);
  return content.questions.every(({ reply }) => reply !== undefined) ? 0 : 1;
};

/** @returns why the serial numbers cannot be replaced, if so */
const tryAnonymise = (recorded: CaptureFile, randomInteger: RandomInteger): Anonymised | string => {
  try {
    return anonymise(recorded, randomInteger);
  } catch (error) {
    if (error instanceof AnonymiseError) return error.message;
    throw error;
  }
};

/** Describes what the capture contains, what was replaced, and whether it can be published. */
const summarize = (
  { capture: file, replaced, undecodedCodes }: Anonymised,
  output: string,
): string[] => {
  const succeeded = file.questions.filter(({ reply }) => reply !== undefined);
  const failed = file.questions.flatMap(({ name, code, parameter, failed: failure }) =>
    failure === undefined
      ? []
      : [
          `  no valid reply: ${code} ${name}${parameter === undefined ? "" : ` ${parameter}`}: ` +
            `${errorReasons[failure.reason as keyof typeof errorReasons].happened} ` +
            `(${formatCount(failure.received.length / 2, "byte")} received)`,
        ],
  );
  const name = output === STANDARD_OUTPUT ? "The capture" : output;
  const { model, firmware } = file.ecu;
  const advice =
    undecodedCodes.length === 0
      ? "A check confirmed that nothing else was changed. You can attach the file to a public report."
      : `Check it with the command decode before you publish it: the replies to ${undecodedCodes.join(", ")} ` +
        "contain bytes that could not be decoded, and a serial number may remain in them.";
  return [
    `${name} contains the replies of ${model === "unknown" ? "an unknown device" : `an ECU (${printable(`${model}, ${firmware}`)})`} ` +
      `to ${succeeded.length} of ${formatCount(file.questions.length, "request")}.`,
    ...failed,
    `Replaced: ${formatCount(replaced.ecu, "ECU id")}, ${formatCount(replaced.inverter, "inverter serial number")}, ` +
      `${formatCount(replaced.mac, "MAC address", "es")}; their first digits, which identify the product, were kept.`,
    "Kept: values, times, firmware and time zone.",
    advice,
  ];
};
