/** `capture`: the raw replies of an ECU in a file that can be shown to anyone. */
import { randomInt } from "node:crypto";
import { type Anonymised, anonymise } from "../../captures/anonymise.ts";
import { captureText, emptyCapture } from "../../captures/format.ts";
import type { Chance } from "../../captures/replace.ts";
import { createListener, takeCapture } from "../../captures/take.ts";
import { type ConversationOptions, createConversation } from "../../ecu/conversation.ts";
import { tell, troubles } from "../../ecu/errors.ts";
import { assertWritable, writeOutputFile } from "../../files.ts";
import { formatCount, printable } from "../../text.ts";
import { type Clock, systemClock } from "../../time/clock.ts";
import { version } from "../../version.ts";
import type { CaptureConfig } from "./command.ts";

/** What a command has around it. */
interface Surroundings {
  readonly write: (text: string) => void;
  /** For people: what is in the file. */
  readonly tell: (text: string) => void;
  readonly chance: Chance;
  readonly clock: Clock;
  readonly now: () => number;
  readonly retryPauseMs: number;
}

const STANDARD_OUTPUT = "-";
const RETRIES = 1;

/** Asks, replaces, checks, and then writes. @returns the exit code */
export const capture = async (
  { ecu, output, all, commandPause }: CaptureConfig,
  surroundings: Partial<Surroundings> = {},
): Promise<number> => {
  const {
    write = (text) => void process.stdout.write(text),
    tell: say = (text) => void process.stderr.write(text),
    chance = (limit) => randomInt(limit),
    clock = systemClock,
    now = Date.now,
    retryPauseMs,
  } = surroundings;
  if (output !== STANDARD_OUTPUT) await assertWritable(output);
  const { through, take } = createListener();
  const options: ConversationOptions = {
    ecu,
    pauseMs: commandPause,
    retries: RETRIES,
    signal: new AbortController().signal, // every exchange ends by itself
    clock,
    through,
    ...(retryPauseMs === undefined ? {} : { retryPauseMs }),
  };
  const taken = await takeCapture({
    conversation: createConversation(options),
    take,
    all,
    now: now(),
  });
  const { refusal, ...content } = taken;
  if (refusal !== undefined) say(`${printable(tell(refusal))}\n`);
  const isEmpty = content.questions.every(({ failed }) => failed?.received === "");
  if (isEmpty) {
    say("Nothing was written, for not a byte came.\n");
    return 1;
  }
  const anonymised = anonymise({ ...emptyCapture(now(), version), ...content }, chance);
  const text = captureText(anonymised.capture);
  if (output === STANDARD_OUTPUT) write(text);
  else await writeOutputFile(output, text);
  say(`${summary(anonymised, output).join("\n")}\n`);
  return content.questions.every(({ reply }) => reply !== undefined) ? 0 : 1;
};

/** What is in the capture, what was replaced, and whether it may be shown. */
const summary = ({ capture: made, replaced, doubtful }: Anonymised, output: string): string[] => {
  const answered = made.questions.filter(({ reply }) => reply !== undefined);
  const failed = made.questions.flatMap(({ name, code, parameter, failed: why }) =>
    why === undefined
      ? []
      : [
          `  not answered: ${code} ${name}${parameter === undefined ? "" : ` ${parameter}`}: ` +
            `${troubles[why.reason as keyof typeof troubles].happened} ` +
            `(${formatCount(why.received.length / 2, "byte")} came)`,
        ],
  );
  const where = output === STANDARD_OUTPUT ? "The capture" : output;
  const { model, firmware } = made.ecu;
  const fit =
    doubtful.length === 0
      ? "It was checked that nothing else was changed. It may be attached to a public report."
      : `Look at it with the command decode before you show it: in the answer to ${doubtful.join(", ")} ` +
        "are bytes that cannot be read, and a serial number in them may have stayed.";
  return [
    `${where} holds the answers of an ECU (${printable(`${model}, ${firmware}`)}) ` +
      `to ${answered.length} of ${formatCount(made.questions.length, "question")}.`,
    ...failed,
    `Replaced: ${formatCount(replaced.ecu, "ECU id")}, ${formatCount(replaced.inverter, "inverter serial number")}, ` +
      `${formatCount(replaced.mac, "MAC address", "es")}; their first digits, which tell the product, were kept.`,
    "Kept: the values, the times, the firmware and the time zone.",
    fit,
  ];
};
