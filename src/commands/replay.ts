import { defineCommand } from "../cli/command.ts";
import { ecuListenAddress, toolLogSettings } from "../cli/common-settings.ts";
import { waitForSignal } from "../cli/shutdown.ts";
import { setting } from "../config/setting.ts";
import { filePath } from "../config/values.ts";

/** Serves a capture until it is stopped. */
export const replay = defineCommand({
  name: "replay",
  summary: "Serve a capture as its ECU would, to reproduce a bug report.",
  examples: ["replay capture.json", "replay capture.json --listen=127.0.0.1:8900"],
  settings: {
    input: setting({
      flag: "capture",
      value: "FILE",
      help: "File of a capture.",
      positional: true,
      requiredMessage: "name the file of a capture, as in: replay capture.json",
      parse: filePath,
    }),
    listen: ecuListenAddress,
    ...toolLogSettings,
  },
  run: async ({ input, listen, logLevel, logFormat }) => {
    const [{ readCapture }, { startReplay }, { createLog }] = await Promise.all([
      import("../captures/input.ts"),
      import("../captures/replay.ts"),
      import("../cli/log.ts"),
    ]);
    const capture = readCapture(input);
    const log = await createLog(logLevel, logFormat);
    await using server = await startReplay({
      capture,
      host: listen.host ?? "0.0.0.0",
      port: listen.port,
      log,
    });
    const { host, port } = server;
    const { model, firmware } = capture.ecu;
    log.info({ host, port, model, firmware }, `the ECU of the capture listens on port ${port}`);
    await waitForSignal();
    return 0;
  },
});
