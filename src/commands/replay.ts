/** `replay`: a capture, served as its ECU would. */

import { startReplayServer } from "../captures/replay-server.ts";
import type { Config } from "../config/settings.ts";
import { readCapture } from "./capture-input.ts";
import { createLog } from "./log.ts";
import { untilStopped } from "./run.ts";

/** Serves a capture until the program is told to stop. */
export const replay = async ({
  input,
  listen,
  logLevel,
  logFormat,
}: Config<"replay">): Promise<void> => {
  const capture = readCapture(input);
  const log = createLog(logLevel, logFormat);
  await using server = await startReplayServer({
    capture,
    host: listen.host ?? "0.0.0.0",
    port: listen.port,
    log,
  });
  const { host, port } = server;
  const { model, firmware } = capture.ecu;
  log.info({ host, port, model, firmware }, `a captured ECU answers on port ${port}`);
  await untilStopped();
};
