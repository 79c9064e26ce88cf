/** The ECUs of the command line and of the configuration file, and checks across them. */
import { canonicalHost } from "../ecu/address.ts";
import type { Panel } from "../ecu/panel.ts";
import type { EcuConfig } from "./ecu-settings.ts";
import { limitProblems } from "./usage-error.ts";

/** A value that could not be parsed is `undefined`; its problem has been reported. */
type Draft<T> = readonly (T | undefined)[];

type Report = (...problems: readonly string[]) => void;

/** Reads the ECUs of a configuration file. @param readFile throws an Error with a message that continues `FILE: …` */
export const readEcus = async (
  path: string,
  readFile: (path: string) => Uint8Array,
  report: Report,
): Promise<Draft<EcuConfig>> => {
  let bytes: Uint8Array;
  try {
    bytes = readFile(path);
  } catch (error) {
    report(`${path}: ${(error as Error).message}`);
    return [undefined];
  }
  const { readConfigFile } = await import("./file.ts"); // with the YAML and schema libraries
  const read = readConfigFile(bytes, path);
  if ("value" in read) return read.value.ecus;
  report(...read.problems);
  return [undefined];
};

/** Reports ECUs that share an address or a name, and a list without ECUs. */
export const checkEcus = (ecus: Draft<EcuConfig>, program: string, report: Report): void => {
  if (ecus.length === 0) {
    report(
      `no ECU is configured; set --ecu.address=192.168.1.50 (or the environment variable ECU_ADDRESS), or try the exporter without an ECU: ${program} demo`,
    );
  }
  const { first, others } = limitProblems(findDuplicates(ecus));
  report(...first, ...(others > 0 ? [`and ${others} more ECUs are listed twice`] : []));
};

const findDuplicates = (ecus: Draft<EcuConfig>): readonly string[] => {
  const problems: string[] = [];
  const namesByAddress = new Map<string, string>();
  const addressesByName = new Map<string, string>();
  for (const ecu of ecus) {
    if (ecu === undefined) continue;
    const { name } = ecu;
    const host = canonicalHost(ecu.host);
    const address = `${host.includes(":") ? `[${host}]` : host}:${ecu.port}`;
    const sameAddress = namesByAddress.get(address);
    const sameName = addressesByName.get(name);
    if (sameAddress === name)
      problems.push(`the ECU "${name}" is listed twice, with the same address, ${address}`);
    else if (sameAddress !== undefined)
      problems.push(`the ECUs "${sameAddress}" and "${name}" have the same address, ${address}`);
    else if (sameName !== undefined)
      problems.push(
        `the ECUs at ${sameName} and ${address} have the same name, "${name}"; give each ECU its own name`,
      );
    namesByAddress.set(address, name);
    addressesByName.set(name, address);
  }
  return problems;
};

/** Reports channels with two panels. */
export const checkPanels = (panels: Draft<Panel>, report: Report): void => {
  const channels = new Set<string>();
  for (const panel of panels) {
    if (panel === undefined) continue;
    const channel = `${panel.uid}/${panel.channel}`;
    if (channels.has(channel)) report(`the panel at ${channel} is set twice`);
    channels.add(channel);
  }
};

/** The values that could be parsed. */
export const parsedOnly = <T>(values: Draft<T>): readonly T[] =>
  values.filter((value) => value !== undefined);
