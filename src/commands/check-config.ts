import type { Config } from "../cli/settings.ts";

/** Says that the configuration is right: where it is not, the command line was refused before. */
export const checkConfig = ({ ecus }: Config<"check-config">): void => {
  const panels = ecus.flatMap((ecu) => ecu.panels ?? []);
  process.stdout.write(
    `The configuration is right: ${ecus.length} ECUs, ${panels.length} panels.\n`,
  );
};
