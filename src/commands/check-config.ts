import { defineCommand } from "../cli/command.ts";
import { configFile, webConfigFile } from "../cli/common-settings.ts";
import { checkEcus, parsedOnly, readEcus } from "../config/ecus.ts";
import { formatCount } from "../text.ts";

const EXAMPLE = "check-config --config.file=apsystems.yml";

/** Checks configuration files. It only runs if no problem was reported. */
export const checkConfig = defineCommand({
  name: "check-config",
  summary: "Check configuration files, and report every problem in them.",
  examples: [EXAMPLE],
  settings: { configFile, webConfigFile },
  derive: async ({ configFile, webConfigFile }, { readFile, report, hasProblems, program }) => {
    if (configFile === undefined && webConfigFile === undefined && !hasProblems())
      report(`name the file: ${program} ${EXAMPLE}`);
    if (webConfigFile !== undefined) {
      const { loadWebConfig } = await import("../http/web-config/file.ts");
      const { result } = loadWebConfig(webConfigFile);
      if ("problems" in result) report(...result.problems);
    }
    if (configFile === undefined) return { ecus: [] };
    const ecus = await readEcus(configFile, readFile, report);
    checkEcus(ecus, program, report);
    return { ecus: parsedOnly(ecus) };
  },
  run: ({ ecus }) => {
    if (ecus.length === 0) {
      process.stdout.write("The web configuration is valid.\n");
      return Promise.resolve(0);
    }
    const panels = ecus.flatMap((ecu) => ecu.panels ?? []);
    process.stdout.write(
      `The configuration is valid: ${formatCount(ecus.length, "ECU")}, ${formatCount(panels.length, "panel")}.\n`,
    );
    return Promise.resolve(0);
  },
});
