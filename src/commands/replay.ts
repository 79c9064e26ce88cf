/** `replay`: a capture, served as its ECU would. */

import { readCapture } from "../captures/input.ts";
import { startReplayServer } from "../captures/replay-server.ts";
import { createLog } from "../cli/log.ts";
import type { Config } from "../cli/settings.ts";
import { untilStopped } from "../cli/shutdown.ts";

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
