import { type Logger, pino } from "pino";
import { PinoPretty as pretty } from "pino-pretty";

/** The program's logger. It writes to standard error: standard output is for what a command was asked for. */
export const createLog = (level: string, format: "json" | "text"): Logger => {
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  const destination =
    format === "json"
      ? plainDestination()
      : pretty({
          destination: 2,
          sync: true,
          colorize: process.stderr.isTTY,
          translateTime: false,
          singleLine: true,
        });
  return pino(options, destination);
};

/** A full disk under the log must not end the program. */
const plainDestination = () => pino.destination({ dest: 2, sync: true }).on("error", () => {});
