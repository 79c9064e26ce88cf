import { defineCommand } from "../cli/command.ts";
import { configFile, logSettings, webSettings } from "../cli/common-settings.ts";
import { onHangup } from "../cli/hangup.ts";
import { formatUrls } from "../cli/listening.ts";
import { waitForSignal } from "../cli/shutdown.ts";
import { type EcuConfig, ecuSettings } from "../config/ecu-settings.ts";
import { checkEcus, checkPanels, parsedOnly, readEcus } from "../config/ecus.ts";
import { setting } from "../config/setting.ts";
import { addressRange, ecuAddress, filePath, onOff } from "../config/values.ts";
import { findSystemdSockets } from "../exporter/systemd-sockets.ts";
import { version } from "../version.ts";

/** Serves the metrics of ECUs until it is stopped. SIGHUP reads the configuration again. */
export const serve = defineCommand({
  name: "serve",
  summary: "Read ECUs when Prometheus scrapes. The default command.",
  examples: [
    "--ecu.address=192.168.1.50",
    "--ecu.address=192.168.1.50 --ecu.timezone=Europe/Amsterdam --log.format=text",
    "--ecu.address=house.lan --ecu.address=barn.lan --web.listen-address=127.0.0.1:10899",
  ],
  settings: {
    configFile,
    ecus: setting({
      flag: "ecu.address",
      value: "HOST[:PORT]",
      help: "ECU to read; repeatable.",
      defaultText: "required, unless a file lists ECUs",
      repeatable: true,
      parse: ecuAddress,
    }),
    ...ecuSettings,
    probeAllow: setting({
      flag: "probe.allow",
      value: "RANGE",
      help: "Addresses that /probe may read in addition to the configured ECUs, such as 192.168.1.0/24; repeatable.",
      defaultText: "none",
      repeatable: true,
      parse: addressRange,
    }),
    enableLifecycle: setting({
      flag: "web.enable-lifecycle",
      value: "true|false",
      help: "Whether POST /-/reload reads the configuration file again, as SIGHUP does.",
      fallback: "false",
      isSwitch: true,
      parse: onOff,
    }),
    systemdSocket: setting({
      flag: "web.systemd-socket",
      value: "true|false",
      help: "Whether the web server uses the sockets that systemd opened, instead of --web.listen-address.",
      fallback: "false",
      isSwitch: true,
      parse: onOff,
    }),
    stateFile: setting({
      flag: "state.file",
      value: "PATH",
      help: "File that keeps the last counters across restarts, to distinguish a glitch from a reset.",
      defaultText: "no file",
      parse: filePath,
    }),
    ...webSettings,
    ...logSettings,
  },
  derive: async ({ configFile, ecus, panels }, { readFile, report, program }) => {
    const listed = configFile === undefined ? [] : await readEcus(configFile, readFile, report);
    const all: readonly (EcuConfig | undefined)[] = [...ecus, ...listed];
    checkEcus(all, program, report);
    checkPanels(panels, report);
    return { ecus: parsedOnly(all) };
  },
  run: async (config, { reparse }) => {
    const [{ createLog, countDroppedLines }, { startExporter }] = await Promise.all([
      import("../cli/log.ts"),
      import("../exporter/exporter.ts"),
    ]);
    const log = await createLog(config.logLevel, config.logFormat);
    const listenAt = config.systemdSocket
      ? findSystemdSockets(process.env, process.pid)
      : config.listenAddresses;
    const loadEcus = async () => (await reparse()).ecus;
    const exporter = await startExporter({
      ...config,
      listenAt,
      loadEcus,
      log,
      countDroppedLines,
    });
    const { addresses, routePrefix, scheme } = exporter;
    const fields = {
      port: addresses[0]?.port,
      ecus: config.ecus.map(({ name }) => name),
      version,
      externalUrl: config.externalUrl?.href,
    };
    const path = `${routePrefix}${config.telemetryPath}`;
    const urls = formatUrls({ scheme, path, requested: listenAt, addresses });
    log.info(fields, `serving metrics at ${urls}`);
    onHangup(() => void exporter.reload());
    await waitForSignal();
    log.info("stopping");
    await exporter.stop();
    return 0;
  },
});
