import { type Logger, pino } from "pino";
import { createLineWriter } from "./line-writer.ts";
import { toSourceLines } from "./source-lines.ts";

/** The lines of the log on their way to standard error; standard output is for the result of a command. */
const stderrLines = createLineWriter({ fd: 2 });

/** The number of log lines that were dropped, because their reader was too slow or because writing failed. */
export const countDroppedLines = stderrLines.countDropped;

/**
 * Creates the logger. It never waits for the reader of standard error.
 * @param format by default text on a terminal, otherwise JSON
 */
export const createLog = async (
  level: string,
  format: "json" | "text" = process.stderr.isTTY ? "text" : "json",
): Promise<Logger> => {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: serializeError },
  };
  const destination = format === "json" ? stderrLines : await createTextWriter();
  const log = pino(options, destination);
  stderrLines.onRecovery((lines) =>
    log.warn(
      { lines },
      "log lines were dropped: their reader was too slow, or they could not be written",
    ),
  );
  return log;
};

const serializeError = (error: Error): object => {
  const fields = pino.stdSerializers.err(error);
  return { ...fields, stack: toSourceLines(fields.stack) };
};

const createTextWriter = async () => {
  const { default: pretty } = await import("pino-pretty"); // a CommonJS module, which the bundle has as default
  const toText = pretty.prettyFactory({
    colorize: process.stderr.isTTY,
    translateTime: false,
    singleLine: true,
    ignore: "notes", // the message has them too
  });
  return { write: (line: string): void => stderrLines.write(toText(line)) };
};
