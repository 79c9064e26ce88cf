import { type Logger, pino } from "pino";
import { PinoPretty as pretty } from "pino-pretty";

/**
 * Creates the logger. It writes to standard error; standard output is for the result of a command.
 * @param format by default text on a terminal, otherwise JSON
 */
export const createLog = (
  level: string,
  format: "json" | "text" = process.stderr.isTTY ? "text" : "json",
): Logger => {
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  const destination =
    format === "json"
      ? jsonDestination()
      : pretty({
          destination: 2,
          sync: true,
          colorize: process.stderr.isTTY,
          translateTime: false,
          singleLine: true,
        });
  return pino(options, destination);
};

/** Write errors are ignored: a full disk must not end the program. */
const jsonDestination = () => pino.destination({ dest: 2, sync: true }).on("error", () => {});
